//! Compilation of crates that the engine itself has added, as for a cell with `.await`.

use super::calls::{build, metadata};
use super::change::Change;
use super::folder::AddedFolder;
use super::list::CrateList;

/// Compiles the crates of a list, unless they are compiled.
///
/// # Errors
/// Cargo's standard error, if it fails.
pub(super) fn prepare(place: &AddedFolder, list: &CrateList) -> Result<(), String> {
    if place.arguments(list).is_file() {
        return Ok(());
    }
    let failed = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(place.folder()).map_err(failed)?;
    let change = Change::begin(place, list).map_err(failed)?;
    metadata(place, false)?;
    build(place, list, |_| ())?;
    change.keep();
    Ok(())
}
