//! The real programs behind the shim.

use super::variables::{CARGO, CARGO_HOME, PATH, SESSION, SYSROOT};
use crate::build::environment::SHIM_FOLDER;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

/// Words before the number of the signal that ended a program, which the engine passes on as its error.
pub(crate) const KILLED: &str = "was ended by signal";

/// `PATH` without the shim's folder.
pub(crate) fn original_path() -> OsString {
    std::env::var_os(PATH)
        .or_else(|| std::env::var_os("PATH"))
        .unwrap_or_default()
}

/// The shim's folder of programs.
pub(super) fn bin_folder() -> Option<PathBuf> {
    std::env::var_os(SESSION).map(|session| Path::new(&session).join(SHIM_FOLDER).join("bin"))
}

/// A command of the real cargo.
pub(super) fn cargo(arguments: &[String]) -> Command {
    user_command(
        std::env::var_os(CARGO).unwrap_or_else(|| "cargo".into()),
        arguments,
    )
}

/// The compiler of the chosen toolchain.
pub(super) fn rustc() -> Option<PathBuf> {
    std::env::var_os(SYSROOT).map(|sysroot| Path::new(&sysroot).join("bin/rustc"))
}

/// A command of the real rustup.
pub(super) fn rustup(arguments: &[String]) -> Command {
    let program = std::env::split_paths(&original_path())
        .map(|folder| folder.join("rustup"))
        .find(|path| path.is_file())
        .unwrap_or_else(|| "/nonexistent/rustup".into());
    user_command(program.into(), arguments)
}

fn user_command(program: OsString, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    with_user_environment(&mut command);
    command
}

/// Sets the user's own search path and cargo folder, without the shim.
pub(super) fn with_user_environment(command: &mut Command) {
    command.env("PATH", original_path());
    if let Some(home) = std::env::var_os(CARGO_HOME) {
        command.env("CARGO_HOME", home);
    }
}

/// The message about a program that a signal has ended; `None` if none has.
pub(super) fn signal_message(command: &Command, status: ExitStatus) -> Option<String> {
    let signal = status.signal()?;
    let program = command.get_program().to_string_lossy();
    Some(format!("error: {program} {KILLED} {signal}\n"))
}

/// Runs a command and returns its exit code.
pub(super) fn finish(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => {
            if let Some(message) = signal_message(&command, status) {
                eprint!("{message}");
            }
            ExitCode::from(status.code().unwrap_or(1) as u8)
        }
        Err(error) => {
            eprintln!(
                "candlebook: cannot run {}: {error}",
                command.get_program().to_string_lossy()
            );
            ExitCode::FAILURE
        }
    }
}

/// True for toolchains whose default linker is LLVM's.
pub(super) const HAS_LLD: bool = cfg!(all(
    target_os = "linux",
    target_arch = "x86_64",
    target_env = "gnu"
));

/// The flag that cells in a folder need besides the engine's.
///
/// The toolchain's linker replaces each `%` in the path of its output by a random digit, and does not
/// find the folder. Only this toolchain has it as its default.
pub(super) fn extra_flag(session: &str) -> &'static str {
    if HAS_LLD && session.contains('%') {
        " -Clinker-features=-lld"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_in_the_path_needs_the_systems_linker() {
        assert_eq!(extra_flag("/a b"), "");
        let expected = if HAS_LLD {
            " -Clinker-features=-lld"
        } else {
            ""
        };
        assert_eq!(extra_flag("/100 %"), expected);
    }
}
