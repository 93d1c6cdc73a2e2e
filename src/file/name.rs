//! Names of files and folders, for titles and messages.

use std::collections::BTreeSet;
use std::path::Path;

const MAX_LISTED_NAMES: usize = 10;

/// Last component of a path, or `default` for a path without one (`/`, `..`).
pub(crate) fn name_or(path: &Path, default: &str) -> String {
    path.file_name().map_or_else(
        || default.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Extension in lower case, without the dot; empty if there is none.
pub(crate) fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// The contents of a folder, for an error: the first names, and the number of the others.
pub(crate) fn folder_contents(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else {
        let found = if folder.exists() {
            "a file"
        } else {
            "no such folder"
        };
        return found.into();
    };
    // Only the first are kept: a folder may hold millions.
    let (mut names, mut n) = (BTreeSet::new(), 0);
    for entry in entries.flatten() {
        n += 1;
        names.insert(entry.file_name().to_string_lossy().into_owned());
        if names.len() > MAX_LISTED_NAMES {
            names.pop_last();
        }
    }
    let others = n - names.len();
    let names = Vec::from_iter(names).join(", ");
    match (n, others) {
        (0, _) => "an empty folder".into(),
        (_, 0) => names,
        _ => format!("{names} and {others} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_name_takes_the_default() {
        for (path, expected) in [("photos/cats/", "cats"), ("/", "images"), ("..", "images")] {
            assert_eq!(name_or(Path::new(path), "images"), expected, "{path}");
        }
    }

    #[test]
    fn extensions_are_in_lower_case() {
        for (path, expected) in [("a/B.JPEG", "jpeg"), ("noise", ""), (".png", "")] {
            assert_eq!(extension(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn the_first_names_of_a_folder_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(folder_contents(path), "an empty folder");
        for i in 0..10 {
            std::fs::write(path.join(format!("{i}")), b"").unwrap();
        }
        assert_eq!(folder_contents(path), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
        for name in ["90", "91", "0a"] {
            std::fs::write(path.join(name), b"").unwrap();
        }
        assert_eq!(
            folder_contents(path),
            "0, 0a, 1, 2, 3, 4, 5, 6, 7, 8 and 3 more"
        );
        assert_eq!(folder_contents(&path.join("0")), "a file");
        assert_eq!(folder_contents(&path.join("none")), "no such folder");
    }
}
