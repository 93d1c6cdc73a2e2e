//! The shim's programs: `cargo`, `rustup` and the compiler's wrapper.

use super::added::{self, AddedFolder, compile_or_reuse, depends_on_helper, replay};
use super::analysis::is_hidden;
use super::answers::{Answer, AnswerFile};
use super::metadata::reduce;
use super::process::{bin_folder, cargo, finish, rustc, rustup, with_user_environment};
use super::recorder::{build, record};
use super::variables::{ADDED_COMPILER, BUILD_RESULT, CARGO, LOCK, RECORDER, SESSION};
use crate::build::environment::SHIM_FOLDER;
use crate::timings;
use crate::working_folder::enter_notebook_folder;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};

/// Runs the shim if this program was called by one of the shim's names.
pub(crate) fn run_shim_if_called() -> Option<ExitCode> {
    std::env::var_os(CARGO)?;
    let name = std::env::args_os().next()?;
    let arguments = || -> Vec<String> { std::env::args().skip(1).collect() };
    match Path::new(&name).file_name()?.to_str()? {
        "cargo" => Some(run_cargo(&arguments())),
        "rustup" => Some(run_rustup(&arguments())),
        "sh" => Some(run_shell()),
        RECORDER => Some(record()),
        ADDED_COMPILER => Some(compile_or_reuse()),
        BUILD_RESULT => Some(replay()),
        _ => None,
    }
}

/// Answers `rustup which cargo` with the shim and `rustup which rustc` with the chosen toolchain's
/// compiler, whether rustup is installed or not, and passes other calls on.
fn run_rustup(arguments: &[String]) -> ExitCode {
    timings::begin_in_parent("rustup");
    let arguments_as_text: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let program = match arguments_as_text[..] {
        ["which", "cargo"] => bin_folder().map(|bin| bin.join("cargo")),
        ["which", "rustc"] => rustc(),
        _ => None,
    };
    let Some(program) = program else {
        return finish(rustup(arguments));
    };
    println!("{}", program.display());
    ExitCode::SUCCESS
}

/// Runs the system's shell. A shell line of a cell, which the engine starts in the session, runs as a
/// cell does: in the notebook's folder, with the user's path.
fn run_shell() -> ExitCode {
    let mut shell = Command::new("/bin/sh");
    shell.args(std::env::args_os().skip(1));
    let session = std::env::var_os(SESSION).map(PathBuf::from);
    if std::env::current_dir().ok() == session {
        enter_notebook_folder();
        with_user_environment(&mut shell);
    }
    finish(shell)
}

fn run_cargo(arguments: &[String]) -> ExitCode {
    if let Some(lock) = std::env::var_os(LOCK) {
        restore_lock_file(Path::new(&lock));
        return finish(cargo(arguments));
    }
    let command = arguments.first().map(String::as_str);
    if let Some("build" | "check") = command {
        let code = build(arguments);
        timings::begin_in_parent("run");
        return code;
    }
    timings::begin_in_parent("describe the project");
    if is_hidden(arguments) {
        return ExitCode::FAILURE;
    }
    let file = AnswerFile::new(arguments);
    let recorded = file.as_ref().and_then(AnswerFile::find);
    let recorded = recorded.or_else(|| added::answer(arguments));
    let answer = match recorded.map_or_else(|| ask_cargo(arguments), Ok) {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("candlebook: cannot run cargo: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(file) = &file {
        file.record(&answer);
    }
    let written = std::io::stdout().write_all(&answer.text);
    ExitCode::from(if written.is_ok() { answer.code } else { 1 })
}

/// Calls cargo, and reduces its metadata. Output in another format passes through unchanged.
fn ask_cargo(arguments: &[String]) -> std::io::Result<Answer> {
    let lock = endangered_lock_file();
    let out = ask_cache_first(arguments)?;
    if let Some(lock) = lock {
        std::fs::write(lock.path, lock.text)?;
    }
    let is_metadata = arguments.iter().any(|argument| argument == "metadata");
    let reduced = is_metadata.then(|| reduce(&out.stdout)).flatten();
    Ok(Answer {
        text: reduced.unwrap_or(out.stdout),
        code: out.status.code().unwrap_or(1) as u8,
    })
}

/// Calls cargo. If the notebook has added crates, everything that the engine asks about has been
/// downloaded, and cargo need not look for new versions.
fn ask_cache_first(arguments: &[String]) -> std::io::Result<Output> {
    let ask = |offline: bool| {
        let mut cargo = cargo(arguments);
        if offline {
            cargo.arg("--offline").stderr(Stdio::null());
        }
        cargo.stdout(Stdio::piped()).spawn()?.wait_with_output()
    };
    let is_metadata = arguments.iter().any(|argument| argument == "metadata");
    if is_metadata && AddedFolder::of_this_process().is_some_and(|place| place.is_in_use()) {
        let out = ask(true)?;
        if out.status.success() {
            return Ok(out);
        }
    }
    ask(false)
}

struct LockFile {
    path: PathBuf,
    text: String,
}

/// The session's lock file, if cargo is about to empty it.
///
/// Before the engine adds a crate, it asks cargo about a package that depends on that crate alone.
/// With an emptied lock file, cargo would then resolve and compile everything again.
fn endangered_lock_file() -> Option<LockFile> {
    let session = PathBuf::from(std::env::var_os(SESSION)?);
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).ok()?;
    let path = session.join("Cargo.lock");
    let text = std::fs::read_to_string(&path).ok()?;
    let endangered = !depends_on_helper(&manifest) && text.contains("name = \"candlebook\"");
    endangered.then_some(LockFile { path, text })
}

/// Restores the lock file of a stock session, once, as soon as the session depends on the helper.
/// If that fails, cargo selects versions itself.
fn restore_lock_file(lock: &Path) {
    let Some(session) = std::env::var_os(SESSION).map(PathBuf::from) else {
        return;
    };
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).unwrap_or_default();
    let done = session.join(SHIM_FOLDER).join("locked");
    if depends_on_helper(&manifest)
        && !done.exists()
        && std::fs::copy(lock, session.join("Cargo.lock")).is_ok()
    {
        let _ = std::fs::write(done, "");
    }
}
