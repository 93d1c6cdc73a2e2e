//! Names of files and folders, for titles and messages.

use std::path::Path;

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
}
