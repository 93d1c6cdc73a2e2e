//! `cargo xtask reproduce`: published results, trained again with the published settings.

mod number;
mod results;
mod table;

use crate::command::{cleaned, output, run};
use crate::workspace::Workspace;
use number::Number;
use results::Results;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const USAGE: &str = "\
cargo xtask reproduce [ROW ...] [--readme]

Trains the networks of posts and papers with their settings, all rows or only these, and prints our numbers beside the
published ones. A number outside its band fails, and so does a row whose full data set is absent: CANDLEBOOK_DATA is a
folder with mnist/ and fashion-mnist/. Rows and bands are in examples/reproduce/rows.rs.

  --readme       write the table of all results so far into README.md, each with its date

Results are written to target/bench/reproduce.json; a row replaces its earlier result.";

/// Trains rows.
///
/// # Errors
/// If the arguments are wrong, the program cannot be built, a row cannot be trained, or one of its
/// numbers is outside its band.
pub(crate) fn reproduce(arguments: &[&str]) -> Result<(), String> {
    if arguments == ["--help"] {
        println!("{USAGE}");
        return Ok(());
    }
    let (names, readme) = parse(arguments)?;
    let workspace = Workspace::new()?;
    run(workspace
        .cargo()
        .args(["build", "--release", "--package", "candlebook"])
        .args(["--example", "reproduce"]))?;
    let program = workspace.target.join("release/examples/reproduce");
    let known = list(&program)?;
    let rows = chosen(&known, &names)?;
    let program = Program {
        path: program,
        bench: workspace.target.join("bench"),
    };
    std::fs::create_dir_all(&program.bench)
        .map_err(|error| format!("{}: {error}", program.bench.display()))?;
    let mut results = Results::read(&program.bench.join("reproduce.json"))?;
    let faults = train(&program, &rows, &mut results)?;
    if readme {
        table::write_readme(&workspace.root.join("README.md"), &results.in_order(&known))?;
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(faults.join("\n"))
}

/// Names of rows, and whether to write the README.
fn parse<'a>(arguments: &[&'a str]) -> Result<(Vec<&'a str>, bool), String> {
    let is_option = |argument: &&&str| argument.starts_with('-');
    let (options, names): (Vec<&str>, Vec<&str>) =
        arguments.iter().partition(|argument| is_option(argument));
    match options.iter().find(|option| **option != "--readme") {
        Some(option) => Err(format!(
            "expected a row or --readme, got {option}\n\n{USAGE}"
        )),
        None => Ok((names, !options.is_empty())),
    }
}

/// The program's rows.
fn list(program: &Path) -> Result<Vec<String>, String> {
    let listed = output(Command::new(program).arg("--list"))?;
    let text = String::from_utf8_lossy(&listed.stdout);
    let names = text.lines().map(serde_json::from_str);
    names
        .collect::<Result<_, _>>()
        .map_err(|error| format!("names of rows: {error}"))
}

/// The rows of these names; all without names.
fn chosen<'a>(known: &'a [String], names: &[&str]) -> Result<Vec<&'a str>, String> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !known.iter().any(|row| row == *name))
    {
        return Err(format!(
            "expected rows of {}, got {unknown}",
            known.join(", ")
        ));
    }
    let rows = known.iter().map(String::as_str);
    Ok(rows
        .filter(|row| names.is_empty() || names.contains(row))
        .collect())
}

/// The program that trains a row, and the folder in which it keeps networks for other rows.
struct Program {
    path: PathBuf,
    bench: PathBuf,
}

/// Trains the rows one after the other and prints a line for each number. Returns what failed.
fn train(program: &Program, rows: &[&str], results: &mut Results) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    println!("{}", table::HEADER);
    for row in rows {
        match train_row(program, row) {
            Ok(numbers) => {
                for number in &numbers {
                    println!("{}", table::line(number));
                    faults.extend(number.fault());
                }
                results.replace(row, numbers)?;
            }
            Err(error) => {
                println!("{row:<12}  FAILED: {error}");
                faults.push(format!("{row}: {error}"));
            }
        }
    }
    Ok(faults)
}

/// Trains a row in a process of its own.
fn train_row(program: &Program, row: &str) -> Result<Vec<Number>, String> {
    let date = today()?;
    let mut command = Command::new(&program.path);
    let mut child = cleaned(&mut command)
        .arg(row)
        .env("CANDLEBOOK_BENCH", &program.bench)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", program.path.display()))?;
    let mut numbers = Vec::new();
    for line in child.stdout.take().into_iter().flat_map(lines) {
        match Number::parse(&line, &date) {
            Some(number) => numbers.push(number),
            None => show_progress(row, &line),
        }
    }
    show_progress("", "");
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() && !numbers.is_empty() {
        Ok(numbers)
    } else {
        Err(format!("the training failed: {status}"))
    }
}

fn lines(stdout: std::process::ChildStdout) -> impl Iterator<Item = String> {
    BufReader::new(stdout).lines().map_while(Result::ok)
}

/// Replaces the last line of a terminal.
fn show_progress(row: &str, line: &str) {
    if std::io::stdout().is_terminal() {
        let line: String = line.chars().take(60).collect();
        print!("\r\x1b[K{row:<12}  {line}\r");
        // A lost line of progress is no error.
        let _ = std::io::stdout().flush();
    }
}

fn today() -> Result<String, String> {
    let date = output(Command::new("date").args(["-u", "+%F"]))?;
    Ok(String::from_utf8_lossy(&date.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_trained_in_the_order_of_the_program() {
        let known = ["dense", "deep", "fashion"].map(str::to_owned);
        assert_eq!(chosen(&known, &[]).unwrap(), ["dense", "deep", "fashion"]);
        let names = ["fashion", "dense"];
        assert_eq!(chosen(&known, &names).unwrap(), ["dense", "fashion"]);
        assert_eq!(
            chosen(&known, &["sparse"]).unwrap_err(),
            "expected rows of dense, deep, fashion, got sparse"
        );
    }

    #[test]
    fn options_are_told_from_rows() {
        assert_eq!(parse(&["deep", "--readme"]), Ok((vec!["deep"], true)));
        assert_eq!(parse(&[]), Ok((vec![], false)));
        let error = parse(&["--force"]).unwrap_err();
        assert!(error.starts_with("expected a row or --readme, got --force"));
    }
}
