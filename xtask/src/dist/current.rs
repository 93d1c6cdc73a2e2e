//! The files that the helper's present build consists of. A seed may also contain those of earlier ones.

use super::at;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Names of the libraries of the build, from the list in the seed; each true if the helper's shared library
/// contains its code.
pub(super) fn libraries(seed: &Path) -> Result<BTreeMap<String, bool>, String> {
    let list = seed.join("units.json");
    let text = std::fs::read(&list).map_err(|error| at(&list, error))?;
    let units: Value = serde_json::from_slice(&text).map_err(|error| at(&list, error))?;
    Ok(names(&units))
}

/// File names in the list.
fn names(units: &Value) -> BTreeMap<String, bool> {
    let mut names = BTreeMap::new();
    for unit in units.as_array().into_iter().flatten() {
        let is_contained = unit["is_in_helper"] == true;
        let files = unit["files"].as_array().into_iter().flatten();
        let files = files.filter_map(|file| Path::new(file.as_str()?).file_name());
        names.extend(files.map(|name| (name.to_string_lossy().into_owned(), is_contained)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_list_names_files() {
        let units = json!([
            { "files": ["target/deps/liba-1.rlib", "target/deps/liba-1.rmeta"], "is_in_helper": true },
            { "files": ["target/deps/libb-1.rlib"], "is_in_helper": false },
            {},
        ]);
        let expected = [
            ("liba-1.rlib", true),
            ("liba-1.rmeta", true),
            ("libb-1.rlib", false),
        ];
        let expected = expected.map(|(name, is_contained)| (name.to_owned(), is_contained));
        assert_eq!(names(&units), BTreeMap::from(expected));
    }
}
