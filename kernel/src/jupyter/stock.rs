//! The stock form: evcxr_jupyter's own server, inside this program, in a session prepared by us.
//!
//! Kept to compare with. Its server reads the whole environment and command line, so this program becomes it by exec.

use crate::build::Session;
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// What the program is started with to become the stock server; also what it expects to find.
pub(crate) const ARGUMENT: &str = "--control_file";

/// Becomes the stock server for a connection file: the same process, so that signals reach it. Returns only on failure.
///
/// The session's folder outlives it; the next kernel removes it.
pub(crate) fn run(connection_file: &Path) -> Result<()> {
    let mut session = Session::reserve()?;
    session.fill()?;
    session
        .hold_through_exec()
        .context("cannot keep the session's lock")?;
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    let (name, path) = crate::home::library_path(&session.folder)?;
    let mut server = Command::new(program);
    session.seed.features().apply(&mut server);
    let error = server
        .arg(ARGUMENT)
        .arg(connection_file)
        .env("EVCXR_TMPDIR", &session.folder)
        .env("EVCXR_CONFIG_DIR", session.seed.config())
        .env(name, path)
        // As the seed was built: otherwise it would be built again.
        .envs(crate::build::environment::BUILD_ENVIRONMENT)
        .envs(crate::build::front::stock_environment(&session)?)
        // It would rewrite a kernel named "rust" of the user's that it finds under this path.
        .env("JUPYTER_PATH", &session.folder)
        .exec();
    Err(error).context("cannot become the stock server")
}

/// Becomes the stock server, where this program was started so. Then it does not return.
pub(crate) fn become_if_asked() {
    if std::env::args().nth(1).as_deref() == Some(ARGUMENT) {
        let code = match evcxr_jupyter::main() {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("{error:?}");
                1
            }
        };
        std::process::exit(code);
    }
}
