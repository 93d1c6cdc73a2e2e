//! Crates that a notebook adds by `:dep`.
//!
//! They are a package of their own, in the session's folder `added`, with a target folder of its
//! own. The helper is not part of it: whatever cargo selects for them, it never compiles the helper
//! or its dependencies again, and a failed or stopped build leaves the helper as it is. The
//! compiler's wrapper takes each crate that the seed has compiled, in the same version and with at
//! least the same features, from the seed. Cells are then linked to the added crates by further
//! arguments of the recorded compiler command.

mod list;
mod lock_file;
mod folder;
mod seed_units;
mod invocation;
mod reuse;
mod compiler;
mod plan;
mod explain;
mod messages;
mod change;
mod calls;
mod crates;

pub(crate) use compiler::compile_or_reuse;
pub(crate) use crates::AddedCrates;
pub(crate) use folder::AddedFolder;
pub(crate) use list::{CrateList, helper_manifest};

/// The arguments by which the cell in the current session is linked to its added crates. Compiles
/// them if the engine itself has added one, as for a cell with `.await`.
///
/// # Errors
/// Cargo's standard error, if it fails.
pub(crate) fn arguments() -> Result<Vec<String>, String> {
    let Some(place) = AddedFolder::of_this_process() else {
        return Ok(Vec::new());
    };
    let manifest = std::fs::read_to_string(place.session.join("Cargo.toml")).unwrap_or_default();
    let list = CrateList::of_session(&manifest);
    if list.is_empty() {
        return Ok(Vec::new());
    }
    if place.lacks_libraries() {
        return Err(messages::needs_libraries());
    }
    let file = place.arguments(&list);
    if !file.is_file() {
        let failed = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(place.folder()).map_err(failed)?;
        calls::compiled(&place).map_err(failed)?;
        let change = change::Change::begin(&place, &list).map_err(failed)?;
        calls::metadata(&place, false)?;
        calls::build(&place, &list, |_| ())?;
        change.keep();
    }
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
