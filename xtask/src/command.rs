//! Child processes.

use std::process::{Command, Output};

/// Removes the variables that cargo sets for this program. They would make a cargo that it starts
/// compile everything again.
pub(crate) fn cleaned(command: &mut Command) -> &mut Command {
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
        "LD_LIBRARY_PATH",
        "RUSTUP_TOOLCHAIN",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs a command.
///
/// # Errors
/// If the command cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    cleaned(command);
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{program} failed: {status}"))
    }
}

/// Runs a command and captures its output.
///
/// # Errors
/// If the command cannot be started or fails.
pub(crate) fn output(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!(
        "{program} failed: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}
