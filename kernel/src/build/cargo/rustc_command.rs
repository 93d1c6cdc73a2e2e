//! The compiler's command for a cell, as cargo has once written it.

use super::answers::{AnswerFile, normalized};
use super::cell::compile_cell;
use super::linker;
use super::outcome::Outcome;
use super::places::Places;
use super::process::{HAS_LLD, extra_flag};
use super::variables::{FULL_PATHS, SESSION};
use crate::build::source::statics_file;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel's level for a cell, which precedes that of Cargo.toml.
pub(super) const LEVEL_VARIABLE: &str = "CARGO_PROFILE_DEV_OPT_LEVEL";
/// Start of the engine's flag for a linker that is installed in the system. Cells are linked by the
/// toolchain's.
pub(super) const LINKER_FLAG: &str = "-Clink-arg=-fuse-ld=";

/// Variable and value of the compiler's stack, in bytes: enough for a cell as deep as the kernel
/// accepts.
pub(super) const STACK: (&str, &str) = ("RUST_MIN_STACK", "134217728");

/// Nobody sees the warnings about a cell that runs, and the engine takes those about a check for
/// errors.
pub(super) const NO_WARNINGS: &str = "-Awarnings";

/// Cargo's compiler command for a cell.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct RustcCommand {
    arguments: Vec<String>,
    /// Variables that cargo sets for the compiler.
    environment: Vec<(String, String)>,
}

impl RustcCommand {
    pub(super) fn read(record: &AnswerFile) -> Option<RustcCommand> {
        serde_json::from_str(&record.read()?).ok()
    }

    /// The folder of the compiled library.
    pub(super) fn out_dir(&self) -> &Path {
        let mut arguments = self.arguments.iter();
        arguments.find(|argument| *argument == "--out-dir");
        Path::new(arguments.next().map_or("", String::as_str))
    }

    /// Writes a command of this process's environment.
    pub(super) fn write(path: PathBuf, places: Places, arguments: &[String]) {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            });
        let command = RustcCommand {
            arguments: arguments.to_vec(),
            environment: environment.collect(),
        };
        if let Ok(text) = serde_json::to_string(&command) {
            AnswerFile { path, places }.write(&text);
        }
    }

    /// Compiles the session's cell, linked to crates that the notebook has added.
    pub(super) fn run(&self, check: bool, added: &[String]) -> Outcome {
        let Some((program, arguments)) = self.arguments.split_first() else {
            return Outcome {
                code: 1,
                messages: String::new(),
            };
        };
        let direct = linker::arguments(!added.is_empty());
        // A command that was recorded on another machine lacks the flag that this folder needs.
        let flag = match std::env::var(SESSION) {
            Ok(session) if direct.is_empty() => extra_flag(&session),
            _ => "",
        };
        let level = current_level();
        let arguments = &needed(arguments, !direct.is_empty());
        let outcome = compile_cell(|| {
            let environment = self.environment.iter();
            let mut rustc = Command::new(program);
            rustc
                .env(STACK.0, STACK.1)
                .args(arguments.iter().map(|argument| of_cell(argument, check)))
                .args(added)
                .args(&level)
                .args(&direct)
                .args(flag.split_whitespace())
                .arg(NO_WARNINGS)
                .args(flags_for_few_mappings(!direct.is_empty()))
                .envs(environment.map(|(name, value)| (name, value)));
            print_full_paths(&mut rustc);
            rustc
        });
        match check {
            true => outcome.into_diagnostics(),
            false => outcome,
        }
    }
}

/// Everything that the compilation of a cell depends on, besides the session's command.
pub(super) fn source_inputs(check: bool, added: &[String]) -> Option<Vec<String>> {
    let session = PathBuf::from(std::env::var_os(SESSION)?);
    let source = std::fs::read_to_string(session.join("src/lib.rs")).ok()?;
    let statics = std::fs::read_to_string(statics_file(&session)).unwrap_or_default();
    let full_paths = std::env::var(FULL_PATHS).unwrap_or_default();
    let mut inputs = vec![source, statics, full_paths, check.to_string()];
    inputs.extend(current_level());
    inputs.extend_from_slice(added);
    Some(inputs)
}

/// Flags by which a cell's library has two memory mappings instead of four. It stays in memory as long
/// as variables may refer to it, and a process may have about 65,000 mappings.
fn flags_for_few_mappings(is_direct: bool) -> Vec<&'static str> {
    let session = std::env::var(SESSION).unwrap_or_default();
    let mut flags = vec!["-Crelro-level=off"];
    if is_direct {
        flags.push("-Clink-arg=--no-rosegment");
    } else if HAS_LLD && extra_flag(&session).is_empty() {
        flags.push("-Clink-arg=-Wl,--no-rosegment");
    }
    flags
}

/// The recorded arguments without a library that the seed does not contain: a shipped one has the
/// helper only as a shared library. The linker's own flags have no C compiler to read them.
fn needed(arguments: &[String], is_direct: bool) -> Vec<String> {
    let is_absent = |library: &String| {
        let path = library.split_once('=').map(|(_, path)| Path::new(path));
        path.is_some_and(|path| !path.exists())
    };
    let mut kept: Vec<String> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        if kept.last().is_some_and(|last| last == "--extern") && is_absent(argument) {
            kept.pop();
        } else if !(is_direct && argument.starts_with(LINKER_FLAG)) {
            kept.push(argument.clone());
        }
    }
    kept
}

/// The arguments of the cell's optimization level. Those of the profile otherwise depend on it.
fn current_level() -> [String; 4] {
    let session = PathBuf::from(std::env::var_os(SESSION).unwrap_or_default());
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).unwrap_or_default();
    let level = std::env::var(LEVEL_VARIABLE).unwrap_or_else(|_| normalized(&manifest).0);
    // A cell that only calls compiled code is too small to be divided.
    let units = if level == "0" { 1 } else { 16 };
    [
        format!("-Copt-level={level}"),
        format!("-Ccodegen-units={units}"),
        "-Cdebug-assertions=on".to_owned(),
        "-Coverflow-checks=on".to_owned(),
    ]
}

/// An argument of a cell's compiler command. A check generates no code. Cargo gives the crate another
/// identity for each optimization level and set of dependencies, which would give the cells' types
/// other type ids, and so lose the variables of these types.
pub(super) fn of_cell(argument: &str, check: bool) -> String {
    if check && argument.starts_with("--emit=") {
        "--emit=metadata".into()
    } else if argument.starts_with("metadata=") {
        "metadata=candlebook".into()
    } else {
        argument.to_owned()
    }
}

/// Lets the compiler print types with their full paths, if the kernel asks for a type. Only an unstable
/// option does so; nothing that it compiles is ever loaded.
pub(super) fn print_full_paths(rustc: &mut Command) {
    if std::env::var(FULL_PATHS).is_ok_and(|value| value == "1") {
        rustc.env("RUSTC_BOOTSTRAP", "1").args([
            "-Ztrim-diagnostic-paths=no",
            "-Zwrite-long-types-to-disk=no",
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_generates_no_code_and_all_cells_are_one_crate() {
        assert_eq!(of_cell("--emit=dep-info,link", true), "--emit=metadata");
        assert_eq!(of_cell("--out-dir", true), "--out-dir");
        assert_eq!(of_cell("--emit=link", false), "--emit=link");
        assert_eq!(of_cell("metadata=2dde", false), "metadata=candlebook");
    }

    #[test]
    fn a_library_that_is_not_there_is_not_linked() {
        let strings = |list: &[&str]| list.iter().map(|it| it.to_string()).collect::<Vec<_>>();
        let given = strings(&[
            "--extern",
            "a=/none/a.rlib",
            "-Clink-arg=-fuse-ld=lld",
            "--extern",
            "b=/",
        ]);
        assert_eq!(needed(&given, true), strings(&["--extern", "b=/"]));
        assert!(needed(&given, false).contains(&"-Clink-arg=-fuse-ld=lld".to_owned()));
    }
}
