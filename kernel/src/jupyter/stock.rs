//! The stock server: evcxr_jupyter's own, in a session of this kernel, as a reference to compare
//! with.
//!
//! It reads the whole environment and command line, so this program turns into it by `exec`.

use crate::build::{self, Extent, Session};
use crate::working_folder::notebook_variable;
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// First argument that makes this program the stock server, which expects the same argument.
const STOCK_ARGUMENT: &str = "--control_file";

/// Serves a connection file by the stock server, in the same process, so that signals reach it.
/// Returns only on failure.
///
/// The session's folder outlives the server; the next kernel removes it.
///
/// # Errors
/// If the session cannot be prepared, or the program cannot be executed again.
pub(crate) fn serve_stock_kernel(connection_file: &Path) -> Result<()> {
    let mut session = Session::reserve()?;
    session.fill(Extent::All)?;
    session
        .hold_through_exec()
        .context("cannot keep the session's lock")?;
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    let (name, path) = crate::toolchain::library_path(&session.folder)?;
    let (folder, notebook) = notebook_variable(&session.folder);
    let mut server = Command::new(program);
    session.seed.features().apply(&mut server);
    let error = server
        .arg(STOCK_ARGUMENT)
        .arg(connection_file)
        .env("EVCXR_TMPDIR", &session.folder)
        .env("EVCXR_CONFIG_DIR", build::write_start(&session)?)
        .env(name, path)
        // As for our own engine: the notebook's files configure nothing, and cells run beside them.
        .current_dir(&session.folder)
        .env(folder, notebook)
        // The seed's build environment: any other would rebuild it.
        .envs(crate::build::BUILD_ENVIRONMENT)
        .envs(crate::build::stock_environment(&session)?)
        // The stock server would overwrite a user's kernel named "rust" that it finds on this path.
        .env("JUPYTER_PATH", &session.folder)
        .exec();
    Err(error).context("cannot execute the stock server")
}

/// Runs the stock server and exits if this program was started as such.
pub(crate) fn become_stock_server_if_asked() {
    if std::env::args().nth(1).as_deref() == Some(STOCK_ARGUMENT) {
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
