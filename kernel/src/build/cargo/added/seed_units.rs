//! The crates that the seed's build has compiled, as cargo lists them.
//!
//! `units.json` in the seed holds the list. It names no folder of the machine that built the seed: files
//! are relative to the session, and sources to the registry. A seed that came with the program lacks
//! most of the files.

use super::folder::AddedFolder;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// Crates whose types the helper shows to cells. Cells must never see a second copy of them: each
/// would count its own tensor ids, and gradients would be wrong.
pub(super) const SHOWN: [&str; 2] = ["candle_core", "candle_nn"];

/// A library, procedural macro or build script of the seed.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Unit {
    /// Name of the target: `serde_core`, `build-script-build`.
    pub(super) name: String,
    /// Version of its package.
    pub(super) version: String,
    /// The root of its source. In a registry: below the registry's folder, and so with the version.
    pub(super) source: PathBuf,
    /// Cargo's word for its kind: `lib`, `proc-macro`, `custom-build`.
    pub(super) kind: String,
    pub(super) features: BTreeSet<String>,
    /// True if it was compiled for build scripts and procedural macros, not for cells.
    pub(super) is_for_host: bool,
    /// True if the helper's shared library contains its code.
    pub(super) is_in_helper: bool,
    /// The files of a complete build, below the session's folder.
    pub(super) files: Vec<PathBuf>,
    /// Those that exist in this session.
    #[serde(skip)]
    pub(super) present: Vec<PathBuf>,
}

impl Unit {
    /// True if the unit was compiled from this source.
    pub(super) fn has_source(&self, source: &Path) -> bool {
        self.source == portable(source)
    }

    /// True if the files exist that other crates need. The metadata of a library is enough where the
    /// helper's shared library contains its code.
    pub(super) fn is_present(&self) -> bool {
        let has = |wanted| self.present.iter().any(|file| has_extension(file, wanted));
        match self.kind == "lib" {
            true => has("rlib") || (self.is_in_helper && has("rmeta")),
            false => !self.present.is_empty(),
        }
    }

    /// Time of its build.
    pub(super) fn time(&self) -> SystemTime {
        let first = self.present.first();
        let time = first.and_then(|file| std::fs::metadata(file).ok()?.modified().ok());
        time.unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// True for a library of build scripts and procedural macros.
    pub(super) fn is_host_library(&self) -> bool {
        self.kind == "lib" && self.is_for_host
    }

    /// The name and version of its package, as a folder of a registry is named.
    pub(super) fn package(&self) -> Option<&str> {
        let first = self.source.components().next()?;
        matches!(first, Component::Normal(_)).then(|| first.as_os_str().to_str())?
    }
}

/// True for the extension of a file.
pub(super) fn has_extension(file: &Path, wanted: &str) -> bool {
    file.extension().is_some_and(|found| found == wanted)
}

/// The compiled crates that an added crate can use.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct SeedUnits(pub(super) Vec<Unit>);

impl SeedUnits {
    /// Reads the list from cargo's messages of a build in a session, one JSON object per line.
    pub(super) fn from_messages(messages: &str, session: &Path) -> SeedUnits {
        let json = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let artifacts = json.filter(|message| message["reason"] == "compiler-artifact");
        SeedUnits(
            artifacts
                .filter_map(|message| unit(&message, session))
                .collect(),
        )
    }

    /// The units of a session's seed, with the files that exist.
    ///
    /// # Errors
    /// If the seed has no list.
    pub(super) fn of(place: &AddedFolder) -> std::io::Result<SeedUnits> {
        let mut units: SeedUnits = serde_json::from_slice(&std::fs::read(place.units()?)?)?;
        for unit in &mut units.0 {
            let files = unit.files.iter();
            unit.present = files.filter_map(|file| place.seed_file(file)).collect();
        }
        Ok(units)
    }

    /// Marks the crates that the compiler lists as contained in the helper's shared library: lines
    /// `1 NAME-HASH hash ...`.
    pub(super) fn mark_contained(&mut self, listed: &str) {
        let names = listed.lines().filter_map(|line| line.split(' ').nth(1));
        let names: BTreeSet<String> = names.map(|name| format!("lib{name}")).collect();
        for unit in self.0.iter_mut().filter(|unit| !unit.is_for_host) {
            let stems = unit
                .files
                .iter()
                .filter_map(|file| file.file_stem()?.to_str());
            unit.is_in_helper = stems.into_iter().any(|stem| names.contains(stem));
        }
    }

    /// The unit of the same source that has at least these features.
    pub(super) fn find(
        &self,
        source: &Path,
        features: &BTreeSet<String>,
        is_for_host: bool,
    ) -> Option<&Unit> {
        self.0.iter().find(|unit| {
            unit.is_for_host == is_for_host
                && has_features(unit, features)
                && unit.has_source(source)
        })
    }

    /// The library of this name that cells are linked to.
    pub(super) fn library(&self, name: &str) -> Option<&Unit> {
        let mut units = self.0.iter();
        units.find(|unit| unit.name == name && unit.kind == "lib" && !unit.is_for_host)
    }
}

/// Features are additive, so more of them do no harm. `default` only stands for others.
pub(super) fn has_features(unit: &Unit, features: &BTreeSet<String>) -> bool {
    let mut named = features.iter().filter(|feature| *feature != "default");
    named.all(|feature| unit.features.contains(feature))
}

/// A source without the folder of the registry that it is in, which differs between machines.
fn portable(source: &Path) -> PathBuf {
    let mut parts = source.components();
    while let Some(part) = parts.next() {
        let mut rest = parts.clone();
        if part.as_os_str() == "registry"
            && rest.next().is_some_and(|part| part.as_os_str() == "src")
            && rest.next().is_some()
        {
            return rest.collect();
        }
    }
    source.to_owned()
}

fn unit(message: &Value, session: &Path) -> Option<Unit> {
    let target = &message["target"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts =
        |value: &Value| -> Option<Vec<String>> { value.as_array()?.iter().map(text).collect() };
    let files: Vec<PathBuf> = texts(&message["filenames"])?
        .iter()
        .filter_map(|file| Path::new(file).strip_prefix(session).ok())
        .map(Path::to_owned)
        .collect();
    let kind = text(&target["kind"][0])?;
    let kind = if kind == "rlib" { "lib".into() } else { kind };
    let source = Path::new(target["src_path"].as_str()?);
    Some(Unit {
        name: text(&target["name"])?,
        version: version(message["package_id"].as_str()?).to_owned(),
        source: source
            .strip_prefix(session)
            .map_or_else(|_| portable(source), Path::to_owned),
        kind,
        features: texts(&message["features"])?.into_iter().collect(),
        // Files for cells are in `target/TRIPLE/debug`.
        is_for_host: files.first()?.starts_with("target/debug"),
        is_in_helper: false,
        files,
        present: Vec::new(),
    })
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
            "target": { "name": name, "kind": ["lib"],
                "src_path": format!("/h/registry/src/index-1/{name}-1.2.3/src/lib.rs") },
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
        let compiled = SeedUnits::from_messages(&messages, Path::new("/s"));
        assert_eq!(compiled.0.len(), 2);
        let source = Path::new("/other/registry/src/mirror/serde-1.2.3/src/lib.rs");
        let found = |features: &[&str], host| compiled.find(source, &set(features), host);
        assert_eq!(found(&["default", "std"], false).unwrap().version, "1.2.3");
        assert!(found(&["alloc"], false).is_some() && found(&["alloc"], true).is_none());
        assert!(found(&["rc"], false).is_none());
        let other = Path::new("/h/registry/src/index-1/serde-1.2.4/src/lib.rs");
        assert!(compiled.find(other, &set(&[]), false).is_none());
        let library = compiled.library("serde").unwrap();
        assert!(!library.is_for_host);
        assert_eq!(library.package(), Some("serde-1.2.3"));
    }

    #[test]
    fn only_sources_in_a_registry_lose_their_folder() {
        let relative = Path::new("a-1.0.0/src/lib.rs");
        assert_eq!(
            portable(&Path::new("/c/registry/src/i").join(relative)),
            relative
        );
        for kept in ["/work/own/src/lib.rs", "/work/registry/a/src/lib.rs"] {
            assert_eq!(portable(Path::new(kept)), Path::new(kept));
        }
        let own = Unit {
            source: "/work/own/lib.rs".into(),
            ..Unit::default()
        };
        assert_eq!(own.package(), None);
    }

    #[test]
    fn metadata_is_enough_for_a_crate_whose_code_the_helper_contains() {
        let listed = "=External Dependencies=\n1 core-12 hash 3\n2 a-1 hash 4 kind Unconditional\n";
        let message = message("a", &[], "/s/target/x86/debug");
        let mut units = SeedUnits::from_messages(&message, Path::new("/s"));
        units.0[0].present = vec!["/s/liba-1.rmeta".into()];
        assert!(!units.0[0].is_present());
        units.mark_contained(listed);
        assert!(units.0[0].is_present());
        units.mark_contained("1 b-1 hash 4");
        assert!(!units.0[0].is_present());
        units.0[0].present = vec!["/s/liba-1.rlib".into()];
        assert!(units.0[0].is_present());
    }

    #[test]
    fn ids_of_all_forms_end_with_the_version() {
        assert_eq!(version("registry+https://i#csv@1.4.0"), "1.4.0");
        assert_eq!(version("path+file:///a%20b/own#0.1.0"), "0.1.0");
    }
}
