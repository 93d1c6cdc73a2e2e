//! Compilation of cells by a recorded compiler command.

use super::added::{arguments as added_arguments, helper_manifest, record_units};
use super::answers::{AnswerFile, RECORDED_LEVEL};
use super::cell::compile_cell;
use super::outcome::OutcomeFile;
use super::places::Places;
use super::process::{bin_folder, cargo, extra_flag, finish};
use super::rustc_command::{
    LEVEL_VARIABLE, LINKER_FLAG, NO_WARNINGS, RustcCommand, STACK, of_cell, print_full_paths,
    source_inputs,
};
use super::variables::{RECORD, RECORDER, SESSION};
use crate::build::environment::SHIM_FOLDER;
use crate::build::link::Extent;
use crate::build::session::fill_from;
use crate::timings;
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
    if let Err(error) = complete_session(&record) {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    if added.is_empty() {
        let mut cargo = cargo_command(arguments);
        if !check {
            cargo.env(RECORD, &record.path);
        }
        let source = EngineSource::read();
        let code = with_crates(finish(cargo), &record);
        if let (Some(command), Some(source)) = (RustcCommand::read(&record), source) {
            source.record_outcome(&command, check);
        }
        return code;
    }
    record_without_added(&command, &record);
    match RustcCommand::read(&record) {
        Some(command) => compile(&command, check, &added),
        None => finish(cargo_command(arguments)),
    }
}

/// Copies cargo's own records from the seed, which are not needed until cargo itself builds.
fn complete_session(record: &AnswerFile) -> anyhow::Result<()> {
    match (
        record.places.folder("seed"),
        record.places.folder("session"),
    ) {
        (Some(seed), Some(session)) if !record.is_recording() => {
            fill_from(&seed.join("session"), &session, Extent::All)
        }
        _ => Ok(()),
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
    let library = library(command.out_dir());
    let source = source_inputs(check, added);
    let file = source.and_then(|inputs| OutcomeFile::new(&inputs));
    let found = file.as_ref().and_then(|file| file.find(&library));
    timings::begin_in_parent(if found.is_some() { "reuse" } else { "compile" });
    let outcome = found.unwrap_or_else(|| {
        let outcome = command.run(check, added);
        if let Some(file) = file {
            file.record(&outcome, &library);
        }
        outcome
    });
    if outcome.is_success() {
        print_artifact(&library);
    }
    outcome.report()
}

/// The source of a cell that cargo compiles.
struct EngineSource {
    path: PathBuf,
    text: String,
}

impl EngineSource {
    fn read() -> Option<EngineSource> {
        let path = PathBuf::from(std::env::var_os(SESSION)?).join("src/lib.rs");
        let text = std::fs::read_to_string(&path).ok()?;
        Some(EngineSource { path, text })
    }

    /// Compiles the source once more, by the recorded command, to record the outcome of a start.
    fn record_outcome(&self, command: &RustcCommand, check: bool) {
        let written = std::fs::write(&self.path, &self.text);
        let file = source_inputs(check, &[]).and_then(|inputs| OutcomeFile::new(&inputs));
        if let (Ok(()), Some(file)) = (written, file.filter(OutcomeFile::is_recording)) {
            let outcome = command.run(check, &[]);
            file.record(&outcome, &library(command.out_dir()));
        }
    }
}

/// The library of a cell.
fn library(out_dir: &Path) -> PathBuf {
    out_dir.join(format!("libctx{}", std::env::consts::DLL_SUFFIX))
}

/// Prints cargo's message that names the compiled library.
fn print_artifact(library: &Path) {
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
        RustcCommand::write(file.into(), places, &arguments);
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
        compile_cell(rustc).report()
    } else {
        finish(rustc())
    }
}
