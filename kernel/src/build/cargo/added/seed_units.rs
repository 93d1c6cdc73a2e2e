//! The crates that the seed has compiled, as cargo lists them.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Crates whose types the helper shows to cells. Cells must never see a second copy of them: each
/// would count its own tensor ids, and gradients would be wrong.
pub(super) const SHOWN: [&str; 2] = ["candle_core", "candle_nn"];

/// A compiled library, procedural macro or build script.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Unit {
    /// Name of the target: `serde_core`, `build-script-build`.
    pub(super) name: String,
    /// Version of its package.
    pub(super) version: String,
    /// The root of its source. It contains the version, and the registry.
    pub(super) source: PathBuf,
    /// Cargo's word for its kind: `lib`, `proc-macro`, `custom-build`.
    pub(super) kind: String,
    pub(super) features: BTreeSet<String>,
    /// True if it was compiled for build scripts and procedural macros, not for cells.
    pub(super) is_for_host: bool,
    /// The compiled files.
    pub(super) files: Vec<PathBuf>,
}

/// The compiled crates that an added crate can use.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct SeedUnits(pub(super) Vec<Unit>);

impl SeedUnits {
    /// Reads the list from cargo's messages, one JSON object per line.
    pub(super) fn from_messages(messages: &str) -> SeedUnits {
        let json = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let artifacts = json.filter(|message| message["reason"] == "compiler-artifact");
        SeedUnits(artifacts.filter_map(|message| unit(&message)).collect())
    }

    /// The unit of the same source that has at least these features.
    pub(super) fn find(
        &self,
        source: &Path,
        features: &BTreeSet<String>,
        is_for_host: bool,
    ) -> Option<&Unit> {
        self.0.iter().find(|unit| {
            unit.source == source && unit.is_for_host == is_for_host && has_features(unit, features)
        })
    }

    /// The library of this name that cells are linked to.
    pub(super) fn library(&self, name: &str) -> Option<&Unit> {
        let mut units = self.0.iter();
        units.find(|unit| unit.name == name && unit.kind == "lib" && !unit.is_for_host)
    }

    /// Reads a list that was stored.
    pub(super) fn read(path: &Path) -> Option<SeedUnits> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// Features are additive, so more of them do no harm. `default` only stands for others.
pub(super) fn has_features(unit: &Unit, features: &BTreeSet<String>) -> bool {
    let mut named = features.iter().filter(|feature| *feature != "default");
    named.all(|feature| unit.features.contains(feature))
}

fn unit(message: &Value) -> Option<Unit> {
    let target = &message["target"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts =
        |value: &Value| -> Option<Vec<String>> { value.as_array()?.iter().map(text).collect() };
    let files: Vec<PathBuf> = texts(&message["filenames"])?
        .into_iter()
        .map(PathBuf::from)
        .collect();
    let kind = text(&target["kind"][0])?;
    let kind = if kind == "rlib" { "lib".into() } else { kind };
    let is_for_host = is_for_host(files.first()?);
    Some(Unit {
        name: text(&target["name"])?,
        version: version(message["package_id"].as_str()?).to_owned(),
        source: text(&target["src_path"])?.into(),
        kind,
        features: texts(&message["features"])?.into_iter().collect(),
        is_for_host,
        files,
    })
}

/// Files for the host are in `target/debug`, those for cells in `target/TRIPLE/debug`.
fn is_for_host(file: &Path) -> bool {
    let mut parents = file.ancestors();
    let debug = parents.find(|path| path.file_name().is_some_and(|name| name == "debug"));
    let above = debug.and_then(Path::parent).and_then(Path::file_name);
    above.is_some_and(|name| name == "target")
}

/// The version in an id such as `registry+https://...#name@1.0.0` or `path+file:///...#1.0.0`.
pub(super) fn version(id: &str) -> &str {
    let tail = id.rsplit('#').next().unwrap_or(id);
    tail.rsplit('@').next().unwrap_or(tail)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in super::super) fn message(name: &str, features: &[&str], folder: &str) -> String {
        json!({
            "reason": "compiler-artifact",
            "package_id": format!("registry+https://index#{name}@1.2.3"),
            "target": { "name": name, "kind": ["lib"], "src_path": format!("/r/{name}-1.2.3/src/lib.rs") },
            "features": features,
            "filenames": [format!("{folder}/deps/lib{name}-1.rlib"), format!("{folder}/deps/lib{name}-1.rmeta")],
        })
        .to_string()
    }

    fn set(features: &[&str]) -> BTreeSet<String> {
        features.iter().map(|&feature| feature.to_owned()).collect()
    }

    #[test]
    fn a_unit_with_more_features_serves_and_one_with_fewer_does_not() {
        let messages = format!(
            "{}\n{}\nno json\n",
            message("serde", &["std", "alloc"], "/s/target/x86/debug"),
            message("serde", &["std"], "/s/target/debug"),
        );
        let compiled = SeedUnits::from_messages(&messages);
        assert_eq!(compiled.0.len(), 2);
        let source = Path::new("/r/serde-1.2.3/src/lib.rs");
        let found = |features: &[&str], host| compiled.find(source, &set(features), host);
        assert_eq!(found(&["default", "std"], false).unwrap().version, "1.2.3");
        assert!(found(&["alloc"], false).is_some() && found(&["alloc"], true).is_none());
        assert!(found(&["rc"], false).is_none());
        let other = Path::new("/r/serde-1.2.4/src/lib.rs");
        assert!(compiled.find(other, &set(&[]), false).is_none());
        assert!(
            compiled
                .library("serde")
                .is_some_and(|unit| !unit.is_for_host)
        );
    }

    #[test]
    fn ids_of_all_forms_end_with_the_version() {
        assert_eq!(version("registry+https://i#csv@1.4.0"), "1.4.0");
        assert_eq!(version("path+file:///a%20b/own#0.1.0"), "0.1.0");
    }
}
