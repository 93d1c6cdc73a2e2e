//! Crates that a notebook adds by `:dep`.
//!
//! They are a package of their own, in the session's folder `added`, with a target folder of its
//! own. The helper is not part of it: whatever cargo selects for them, it never compiles the helper
//! or its dependencies again, and a failed or stopped build leaves the helper as it is. The
//! compiler's wrapper takes each crate that the seed has compiled, in the same version and with at
//! least the same features, from the seed. Cells are then linked to the added crates by further
//! arguments of the recorded compiler command.
//!
//! The code of nearly all of the seed's crates is in the helper's shared library, so their metadata is enough. That is
//! all that a seed has which came with the program, besides procedural macros and the results of build
//! scripts. Libraries that only other procedural macros and build scripts need are compiled once on the
//! user's machine.

mod list;
mod lock_file;
mod folder;
mod seed_units;
mod invocation;
mod reuse;
mod results;
mod deferred;
mod compiler;
mod packages;
mod plan;
mod explain;
mod messages;
mod change;
mod calls;
mod prepare;
mod described;
mod crates;

pub(crate) use calls::record_units;
pub(crate) use compiler::compile_or_reuse;
pub(crate) use crates::AddedCrates;
pub(crate) use described::answer;
pub(crate) use folder::AddedFolder;
pub(crate) use list::{CrateList, depends_on_helper, helper_manifest};
pub(crate) use results::replay;

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
    prepare::prepare(&place, &list)?;
    let file = place.arguments(&list);
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
