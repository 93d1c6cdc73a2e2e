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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_compiled_once_and_a_failure_changes_nothing() {
        let session = tempfile::tempdir().unwrap();
        let place = AddedFolder::new(session.path());
        let mut list = CrateList::default();
        let missing = toml::Table::from_iter([("path".to_owned(), "/nonexistent".into())]);
        list.insert("own", missing.into());
        assert!(prepare(&place, &list).is_err() && !place.is_in_use());
        std::fs::write(place.arguments(&list), "[]").unwrap();
        assert_eq!(prepare(&place, &list), Ok(()));
    }
}
