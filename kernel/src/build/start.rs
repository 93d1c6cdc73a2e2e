//! The engine's start-up commands of a session.

use super::environment::{HELPER_FOLDER, SHIM_FOLDER};
use super::layout::INIT_FILE;
use super::session::Session;
use crate::home;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The folder of the engine's start-up commands in a session.
pub(crate) fn start_folder(session: &Session) -> PathBuf {
    session.folder.join(SHIM_FOLDER).join("config")
}

/// Writes the engine's start-up commands for a session whose seed is ready, and returns their folder.
///
/// # Errors
/// If a file cannot be read or written.
pub(crate) fn write_start(session: &Session) -> Result<PathBuf> {
    let template = session.seed.folder.join(INIT_FILE);
    let commands = std::fs::read_to_string(&template)
        .with_context(|| format!("cannot read {}", template.display()))?;
    let commands = with_helper(&commands, &session.folder.join(HELPER_FOLDER));
    let folder = start_folder(session);
    home::create_folder(&folder)?;
    std::fs::write(folder.join(INIT_FILE), commands)?;
    Ok(folder)
}

/// The commands with the helper's folder in place of `{path}`.
fn with_helper(commands: &str, helper: &Path) -> String {
    let path = toml::Value::String(helper.to_string_lossy().into_owned());
    commands.replacen("{path}", &path.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::layout::INIT;

    #[test]
    fn the_commands_name_the_helper_of_the_session() {
        let commands = with_helper(INIT, Path::new("/a home/7-0/helper"));
        assert!(
            commands.starts_with(r#":dep candlebook = { path = "/a home/7-0/helper", "#),
            "{commands}"
        );
    }
}
