//! Sources that completion and type inference read: of the crates that the helper re-exports, and of
//! the standard library.

use super::{at, copy, files_below};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Mark of a package's folder in a recorded answer, before its name.
const SOURCES: &str = "{candlebook-sources-in-json}/";
/// Packages of the standard library that rust-analyzer loads.
const STANDARD: [&str; 5] = ["alloc", "core", "proc_macro", "std", "test"];

/// The packages whose folders an answer names, each with its version.
pub(super) fn used_packages(answer: &str) -> Vec<String> {
    let after = answer.split(SOURCES).skip(1);
    let names = after.filter_map(|text| text.split(['/', '"']).next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// An answer without aliases of commands and variables, which a `.cargo` above the build's home may
/// define.
pub(super) fn strip_config(answer: &str) -> String {
    let is_ours = |line: &&str| !line.starts_with("alias.") && !line.starts_with("env.");
    answer.split_inclusive('\n').filter(is_ours).collect()
}

/// Copies the sources of packages and of the standard library into the stage.
pub(super) fn rust_sources(stage: &Path, packages: &[String]) -> Result<(), String> {
    for package in packages {
        let folder = registry_folder(package)?;
        copy_package(&folder, &stage.join("sources").join(package))?;
    }
    let library = sysroot()?.join("lib/rustlib/src/rust/library");
    for package in STANDARD {
        copy_package(
            &library.join(package),
            &stage.join("rust-src").join(package),
        )?;
    }
    Ok(())
}

fn copy_package(from: &Path, to: &Path) -> Result<(), String> {
    copy(&from.join("Cargo.toml"), &to.join("Cargo.toml"))?;
    for file in files_below(&from.join("src"))? {
        copy(&file, &to.join(file.strip_prefix(from).unwrap_or(&file)))?;
    }
    Ok(())
}

/// The folder of a package in cargo's registry.
fn registry_folder(package: &str) -> Result<PathBuf, String> {
    let registries = cargo_home()?.join("registry/src");
    let entries = std::fs::read_dir(&registries).map_err(|error| at(&registries, error))?;
    let mut folders = entries.flatten().map(|entry| entry.path().join(package));
    let found = folders.find(|folder| folder.is_dir());
    found.ok_or_else(|| {
        at(
            &registries,
            format!("expected the package {package}, got none"),
        )
    })
}

/// Cargo's folder.
pub(super) fn cargo_home() -> Result<PathBuf, String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    home.ok_or_else(|| "expected a home folder, got none: set CARGO_HOME".to_owned())
}

/// The folder of the toolchain.
pub(super) fn sysroot() -> Result<PathBuf, String> {
    Ok(PathBuf::from(rustc(&["--print", "sysroot"])?.trim()))
}

/// Output of the compiler.
pub(super) fn rustc(arguments: &[&str]) -> Result<String, String> {
    let mut rustc = Command::new("rustc");
    // The toolchain that builds, whatever the caller's cargo was.
    let output = crate::command::output(crate::command::cleaned(&mut rustc).args(arguments))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_those_that_an_answer_names() {
        let answer =
            format!("0\n{{\"a\":\"{SOURCES}b-1.0.0/src/lib.rs\",\"c\":\"{SOURCES}b-1.0.0\"}}");
        assert_eq!(used_packages(&answer), ["b-1.0.0"]);
        assert!(used_packages("{candlebook-cargo}/x").is_empty());
    }

    #[test]
    fn aliases_and_variables_are_left_out() {
        let answer = "0\nalias.x = \"y\" # /home/z/.cargo/config.toml\nenv.X = \"off\" # /home/z\nnet.offline = false\n";
        assert_eq!(strip_config(answer), "0\nnet.offline = false\n");
    }
}
