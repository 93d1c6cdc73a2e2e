//! `cargo xtask compare`: mutated files, read by the crate and by Pillow, NumPy and safetensors.

use crate::command::run;
use crate::workspace::Workspace;
use std::process::Command;

const USAGE: &str = "\
cargo xtask compare [READER ...] [--files N]

Reads mutated files with the crate's readers and with Pillow, NumPy and safetensors, and prints a row for each reader.
A reader fails on a file if it panics, dies, takes more than 5 s of processor time or 1 GB, or if both programs read the
file and the values differ. Images may differ by 3 of 255; JPEGs by 5, and by 16 at the border, where their decoders
interpolate colors differently. JPEGs in which libjpeg-turbo finds damage are not compared.

  --files N      mutated files for each reader; defaults to 1000. A larger number begins with the same files

The files on which a reader failed, and those that only one of two programs reads, are in target/compare/READER.";

const DEFAULT_FILES: &str = "1000";

/// Compares readers.
///
/// # Errors
/// If the arguments are wrong, something cannot be built or installed, or a reader fails on a file.
pub(crate) fn compare(arguments: &[&str]) -> Result<(), String> {
    if arguments == ["--help"] {
        println!("{USAGE}");
        return Ok(());
    }
    let (readers, files) = parse(arguments)?;
    run_script(&Workspace::new()?, &readers, files)
}

/// The step of the tests: all readers.
///
/// # Errors
/// As [`compare`].
pub(crate) fn step(workspace: &Workspace) -> Result<(), String> {
    run_script(workspace, &[], DEFAULT_FILES)
}

/// Names of readers, which the script checks, and the number of files.
fn parse<'a>(arguments: &[&'a str]) -> Result<(Vec<&'a str>, &'a str), String> {
    let (mut readers, mut files) = (Vec::new(), DEFAULT_FILES);
    let mut arguments = arguments.iter();
    while let Some(&argument) = arguments.next() {
        match argument {
            "--files" => {
                let value = arguments.next().copied().unwrap_or("none");
                if value.parse::<u32>().is_err() {
                    return Err(format!("--files: expected a number, got {value}"));
                }
                files = value;
            }
            option if option.starts_with('-') => {
                return Err(format!(
                    "expected a reader or --files, got {option}\n\n{USAGE}"
                ));
            }
            name => readers.push(name),
        }
    }
    Ok((readers, files))
}

fn run_script(workspace: &Workspace, readers: &[&str], files: &str) -> Result<(), String> {
    run(workspace.cargo().args(["build", "--example", "read"]))?;
    let mut python = Command::new(workspace.python()?);
    // No compiled modules in the repository.
    python
        .current_dir(&workspace.root)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    python
        .arg("tests/compare/compare.py")
        .arg(workspace.target.join("debug/examples/read"))
        .arg(workspace.target.join("compare"))
        .arg(files)
        .args(readers);
    run(workspace.isolate(&mut python))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_and_a_number_are_parsed() {
        assert_eq!(parse(&[]), Ok((vec![], "1000")));
        let both = parse(&["png", "--files", "5000", "gif"]);
        assert_eq!(both, Ok((vec!["png", "gif"], "5000")));
    }

    #[test]
    fn wrong_arguments_are_named() {
        let error = |arguments| parse(arguments).unwrap_err();
        assert_eq!(error(&["--files"]), "--files: expected a number, got none");
        assert!(error(&["--files", "many"]).ends_with("got many"));
        assert!(error(&["--runs"]).starts_with("expected a reader or --files, got --runs"));
    }
}
