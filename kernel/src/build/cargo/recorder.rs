//! Compilation of cells by a recorded compiler command.

use super::added::{arguments as added_arguments, helper_manifest, record_units};
use super::answers::{AnswerFile, RECORDED_LEVEL, normalized};
use super::cell::compile_cell;
use super::linker;
use super::places::Places;
use super::process::{HAS_LLD, bin_folder, cargo, extra_flag, finish};
use super::variables::{FULL_PATHS, RECORD, RECORDER, SESSION};
use crate::build::environment::SHIM_FOLDER;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Variables that affect the compiler command of a cell, besides the call and Cargo.toml.
const COMMAND_VARIABLES: [&str; 5] = [
    "RUSTC",
    "CARGO_INCREMENTAL",
    "RUSTFLAGS",
    LEVEL_VARIABLE,
    "EVCXR_FORCE_DYLIB",
];
/// The kernel's level for a cell, which precedes that of Cargo.toml.
const LEVEL_VARIABLE: &str = "CARGO_PROFILE_DEV_OPT_LEVEL";
/// Start of the engine's flag for a linker that is installed in the system. Cells are linked by the
/// toolchain's.
const LINKER_FLAG: &str = "-Clink-arg=-fuse-ld=";

/// Variable and value of the compiler's stack, in bytes: enough for a cell as deep as the kernel
/// accepts.
const STACK: (&str, &str) = ("RUST_MIN_STACK", "134217728");

/// Nobody sees the warnings about a cell that runs, and the engine takes those about a check for
/// errors.
const NO_WARNINGS: &str = "-Awarnings";

/// Cargo's compiler command for a cell.
#[derive(serde::Serialize, serde::Deserialize)]
struct RustcCommand {
    arguments: Vec<String>,
    /// Variables that cargo sets for the compiler.
    environment: Vec<(String, String)>,
}

impl RustcCommand {
    fn read(record: &AnswerFile) -> Option<RustcCommand> {
        serde_json::from_str(&record.read()?).ok()
    }
}

/// Compiles a cell by the recorded command, or by cargo, which then records it.
///
/// The record is that of a cell without added crates, to which those of the notebook are linked: cargo
/// would select versions for both, and compile the helper again.
///
/// `cargo check`, by which the engine infers a variable's type, becomes the same command without
/// code generation: cargo would first check every library, for half a minute.
pub(crate) fn build(arguments: &[String]) -> ExitCode {
    let check = arguments.first().is_some_and(|command| command == "check");
    let command: Vec<String> = std::iter::once("build".to_owned())
        .chain(arguments.iter().skip(1).cloned())
        .collect();
    let Some(record) = record_file(&command) else {
        return finish(cargo_command(arguments));
    };
    let added = match added_arguments() {
        Ok(added) => added,
        Err(message) => {
            eprintln!("error: the crates that the notebook has added do not compile: {message}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(command) = RustcCommand::read(&record) {
        // The first attempt, which cargo compiled, may have failed after all crates but the cell.
        return with_crates(compile(&command, check, &added), &record);
    }
    if added.is_empty() {
        let mut cargo = cargo_command(arguments);
        if !check {
            cargo.env(RECORD, &record.path);
        }
        return with_crates(finish(cargo), &record);
    }
    record_without_added(&command, &record);
    match RustcCommand::read(&record) {
        Some(command) => compile(&command, check, &added),
        None => finish(cargo_command(arguments)),
    }
}

/// Records what the seed's build has compiled, after a successful build of a seed.
fn with_crates(code: ExitCode, record: &AnswerFile) -> ExitCode {
    if code != ExitCode::SUCCESS || !record.is_recording() {
        return code;
    }
    match record_units() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot list the crates that were compiled: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Records the command of a cell that is linked to the helper alone. The cell itself may not compile
/// without its crates.
fn record_without_added(command: &[String], record: &AnswerFile) {
    let Some(session) = record.places.folder("session") else {
        return;
    };
    let path = session.join("Cargo.toml");
    let Ok(manifest) = std::fs::read_to_string(&path) else {
        return;
    };
    if std::fs::write(&path, helper_manifest(&manifest)).is_ok() {
        let mut cargo = cargo_command(command);
        cargo.env(RECORD, &record.path);
        // Success or not, the command is recorded before the compiler runs.
        let _ = cargo.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    if let Err(error) = std::fs::write(&path, manifest) {
        eprintln!("candlebook: cannot write {}: {error}", path.display());
    }
}

/// A command of cargo that compiles cells.
fn cargo_command(arguments: &[String]) -> Command {
    let mut cargo = cargo(arguments);
    cargo.env(STACK.0, STACK.1);
    let session = std::env::var(SESSION).unwrap_or_default();
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    cargo.env("RUSTFLAGS", flags + extra_flag(&session));
    if let (None, Some(bin)) = (std::env::var_os("RUSTC_WRAPPER"), bin_folder()) {
        cargo.env("RUSTC_WRAPPER", bin.join(RECORDER));
    }
    cargo
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

/// The value of a variable as it is in all records: with the recorded optimization level, and without a
/// linker that the engine has found in the system.
fn command_variable(name: &str) -> String {
    if name == LEVEL_VARIABLE {
        return RECORDED_LEVEL.to_owned();
    }
    let value = std::env::var(name).unwrap_or_default();
    let words = value
        .split(' ')
        .filter(|word| !word.starts_with(LINKER_FLAG));
    words.collect::<Vec<_>>().join(" ")
}

/// The file that records the command of this build: in the seed while it is being built, later in
/// the session if the seed has none. `None` if the command must not be recorded.
fn record_file(arguments: &[String]) -> Option<AnswerFile> {
    let session = PathBuf::from(std::env::var_os(SESSION)?);
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).ok()?;
    let wrapped = std::env::var_os("RUSTC_WRAPPER").is_some();
    if wrapped || std::env::current_dir().ok()? != session {
        return None;
    }
    let mut call = arguments.to_vec();
    call.extend(
        COMMAND_VARIABLES
            .iter()
            .map(|name| format!("{name}={}", command_variable(name))),
    );
    let mut record = AnswerFile::with_manifest(&call, &helper_manifest(&manifest))?;
    if !record.is_recording() && !record.path.is_file() {
        let name = record.path.file_name()?.to_owned();
        record.path = session.join(SHIM_FOLDER).join(name);
    }
    Some(record)
}

fn compile(command: &RustcCommand, check: bool, added: &[String]) -> ExitCode {
    let Some((program, arguments)) = command.arguments.split_first() else {
        return ExitCode::FAILURE;
    };
    let direct = linker::arguments(!added.is_empty());
    // A command that was recorded on another machine lacks the flag that this folder needs.
    let flag = match std::env::var(SESSION) {
        Ok(session) if direct.is_empty() => extra_flag(&session),
        _ => "",
    };
    let level = current_level();
    let arguments = &needed(arguments, !direct.is_empty());
    let code = compile_cell(|| {
        let environment = command.environment.iter();
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
    let out_dir = arguments
        .iter()
        .skip_while(|argument| *argument != "--out-dir")
        .nth(1);
    if let (ExitCode::SUCCESS, Some(folder)) = (code, out_dir) {
        print_artifact(folder);
    }
    code
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
fn current_level() -> [String; 3] {
    let session = PathBuf::from(std::env::var_os(SESSION).unwrap_or_default());
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).unwrap_or_default();
    let level = std::env::var(LEVEL_VARIABLE).unwrap_or_else(|_| normalized(&manifest).0);
    [
        format!("-Copt-level={level}"),
        "-Cdebug-assertions=on".to_owned(),
        "-Coverflow-checks=on".to_owned(),
    ]
}

/// An argument of a cell's compiler command. A check generates no code. Cargo gives the crate another
/// identity for each optimization level and set of dependencies, which would give the cells' types
/// other type ids, and so lose the variables of these types.
fn of_cell(argument: &str, check: bool) -> String {
    if check && argument.starts_with("--emit=") {
        "--emit=metadata".into()
    } else if argument.starts_with("metadata=") {
        "metadata=candlebook".into()
    } else {
        argument.to_owned()
    }
}

/// Prints cargo's message that names the compiled library.
fn print_artifact(folder: &str) {
    let library = Path::new(folder).join(format!("libctx{}", std::env::consts::DLL_SUFFIX));
    let message = json!({
        "reason": "compiler-artifact",
        "target": { "name": "ctx" },
        "filenames": [library],
    });
    println!("{message}");
}

/// Acts as the compiler's wrapper in a build by cargo: records the command of a cell, then runs it.
pub(crate) fn record() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_cell = arguments
        .windows(2)
        .any(|pair| pair == ["--crate-name", "ctx"]);
    let places = Places::of_this_process();
    if let (true, Some(file), Some(places)) = (is_cell, std::env::var_os(RECORD), places) {
        write_record(file.into(), places, &arguments);
    }
    let Some((program, arguments)) = arguments.split_first() else {
        return ExitCode::FAILURE;
    };
    let rustc = || {
        let mut rustc = Command::new(program);
        rustc.args(is_cell.then_some(NO_WARNINGS));
        rustc.args(arguments.iter().map(|argument| match is_cell {
            true => of_cell(argument, false),
            false => argument.clone(),
        }));
        print_full_paths(&mut rustc);
        rustc
    };
    if is_cell {
        compile_cell(rustc)
    } else {
        finish(rustc())
    }
}

/// Lets the compiler print types with their full paths, if the kernel asks for a type. Only an unstable
/// option does so; nothing that it compiles is ever loaded.
fn print_full_paths(rustc: &mut Command) {
    if std::env::var(FULL_PATHS).is_ok_and(|value| value == "1") {
        rustc
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("-Ztrim-diagnostic-paths=no");
    }
}

fn write_record(path: PathBuf, places: Places, arguments: &[String]) {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    let command = RustcCommand {
        arguments: arguments.to_vec(),
        environment: environment.collect(),
    };
    if let Ok(text) = serde_json::to_string(&command) {
        AnswerFile { path, places }.write(&text);
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
