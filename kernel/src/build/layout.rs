//! Contents of a seed's folder before its build: the helper's source and the engine's start-up
//! commands, which each session gets with its own path.

use super::environment::{CELL_PRODUCTS, HELPER_FOLDER};
use super::features::Features;
use super::helper::write_helper;
use super::link::{Extent, copy_build};
use super::lock::open_lock;
use crate::home;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Rust code that the engine runs before the user's first cell. It is compiled together with
/// [`INIT`], which saves one compilation.
pub(crate) const PRELUDE: &str = include_str!("../../../kernel-spec/prelude.rs");
/// Command that the engine runs at start.
pub(crate) const INIT: &str = ":dep candlebook = { path = {path}, features = [{features}] }\n";
/// The engine's start-up commands: in a seed with `{path}` for the helper's folder.
pub(super) const INIT_FILE: &str = "init.evcxr";
/// Cargo's configuration of seeds and sessions: how much each dependency is optimized.
pub(crate) const CARGO_CONFIG: &str = include_str!("../../../kernel-spec/profile.toml");

/// Writes everything that the build of a seed reads into the seed's folder.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn lay_out(folder: &Path, features: &Features) -> Result<()> {
    write_helper(&folder.join("session").join(HELPER_FOLDER))?;
    let init = INIT.replace("{features}", &features.quoted());
    std::fs::write(folder.join(INIT_FILE), init + PRELUDE)?;
    write_cargo_config()?;
    copy_newest_build(folder)
}

/// Writes the cargo configuration of seeds and sessions into the folder above both.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_cargo_config() -> Result<()> {
    let folder = home::folder()?.join(".cargo");
    home::create_folder(&folder)?;
    home::write_atomically(&folder.join("config.toml"), CARGO_CONFIG.as_bytes())
}

/// Copies the compiled dependencies of the newest other seed, so that a change of the helper alone
/// compiles only the helper. Cargo decides which of them are still valid.
fn copy_newest_build(folder: &Path) -> Result<()> {
    let Some(seeds) = folder.parent() else {
        return Ok(());
    };
    let built_at = |path: &PathBuf| {
        std::fs::metadata(path.join("ready"))
            .and_then(|ready| ready.modified())
            .ok()
    };
    let others = std::fs::read_dir(seeds)?
        .flatten()
        .map(|entry| entry.path());
    let built = others.filter(|path| built_at(path).is_some());
    let Some(newest) = built.max_by_key(built_at) else {
        return Ok(());
    };
    let lock = open_lock(&newest)?;
    if lock.try_lock_shared().is_ok() {
        let of_helper = [HELPER_FOLDER, "candlebook-", "libcandlebook", "Cargo.lock"];
        let skip = [&CELL_PRODUCTS[..], &of_helper].concat();
        copy_build(
            &newest.join("session"),
            &folder.join("session"),
            Extent::All,
            &skip,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::helper::{LOCK_FILE, MANIFEST};

    #[test]
    fn the_profile_names_crates_of_the_lock_file_that_cells_do_not_link() {
        let config: toml::Table = CARGO_CONFIG.parse().unwrap();
        let packages = config["profile"]["dev"]["package"].as_table().unwrap();
        assert_eq!(packages["*"]["opt-level"].as_integer(), Some(3));
        let manifest: toml::Table = MANIFEST.parse().unwrap();
        let for_cells = manifest["dependencies"].as_table().unwrap();
        for name in packages.keys().filter(|name| *name != "*") {
            let line = format!("name = \"{name}\"");
            assert!(LOCK_FILE.lines().any(|found| found == line), "{name}");
            assert!(!for_cells.contains_key(name), "{name}");
        }
    }
}
