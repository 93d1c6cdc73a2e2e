//! The crates that a notebook has added, as lines of a manifest.

use crate::home;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The name under which the helper is a dependency of every session.
pub(super) const HELPER: &str = "candlebook";

/// The head of a manifest. Its profile is that of cells, so that a crate is compiled as those of the
/// seed are. It is no workspace: cargo would read the manifests in the folders above a local crate.
const HEAD: &str = r#"[package]
name = "candlebook-added"
version = "1.0.0"
edition = "2024"

[lib]
path = "lib.rs"

[profile.dev]
debug = false
strip = "debuginfo"
rpath = true
debug-assertions = true
overflow-checks = true
codegen-units = 16

"#;

/// Names of crates, each with its requirement as in a manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CrateList(BTreeMap<String, toml::Value>);

impl CrateList {
    /// The crates of a session's manifest besides the helper.
    pub(super) fn of_session(manifest: &str) -> CrateList {
        let table: toml::Table = manifest.parse().unwrap_or_default();
        let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
        let entries = dependencies.into_iter().flatten();
        let added = entries.filter(|(name, _)| *name != HELPER);
        CrateList(
            added
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    /// This list with more crates, which replace those of the same name.
    pub(super) fn with(&self, more: &CrateList) -> CrateList {
        let mut all = self.0.clone();
        all.extend(more.0.clone());
        CrateList(all)
    }

    /// True if every crate of the other list is in this one, with the same requirement.
    pub(super) fn contains(&self, other: &CrateList) -> bool {
        let mut entries = other.0.iter();
        entries.all(|(name, value)| self.0.get(name) == Some(value))
    }

    /// Adds a crate.
    pub(crate) fn insert(&mut self, name: &str, requirement: toml::Value) {
        self.0.insert(name.to_owned(), requirement);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// True if a crate's source is in a folder of the user, where it may change.
    pub(super) fn has_local_crate(&self) -> bool {
        self.local_names().next().is_some()
    }

    /// The names of local crates.
    pub(super) fn local_names(&self) -> impl Iterator<Item = &str> {
        let is_local = |value: &toml::Value| value.get("path").is_some();
        let local = self.0.iter().filter(move |(_, value)| is_local(value));
        local.map(|(name, _)| name.as_str())
    }

    /// The manifest of a package that depends on these crates alone.
    pub(super) fn manifest(&self) -> String {
        format!("{HEAD}[dependencies]\n{}", self.lines())
    }

    /// A hash of the list, which names files.
    pub(super) fn key(&self) -> String {
        home::hex(&Sha256::digest(self.lines())[..8])
    }

    fn lines(&self) -> String {
        let line = |(name, value): (&String, &toml::Value)| format!("{name} = {value}\n");
        self.0.iter().map(line).collect()
    }
}

/// True for a session's manifest, once the engine has added the helper.
pub(crate) fn depends_on_helper(manifest: &str) -> bool {
    manifest.contains("\ncandlebook =")
}

/// A session's manifest without the crates that the notebook has added.
pub(crate) fn helper_manifest(manifest: &str) -> String {
    let Some((head, lines)) = manifest.split_once("[dependencies]\n") else {
        return manifest.to_owned();
    };
    let helper = |line: &&str| line.starts_with(HELPER) && line[HELPER.len()..].starts_with(" =");
    let kept: Vec<&str> = lines.lines().filter(helper).collect();
    if kept.is_empty() {
        return manifest.to_owned();
    }
    // The engine ends its list with an empty line.
    format!("{head}[dependencies]\n{}\n\n", kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "[package]\nname = \"ctx\"\n\n[dependencies]\n\
        candlebook = { path = \"/h\" }\ncsv = \"1\"\nown = { path = \"/own\" }\n\n";

    #[test]
    fn the_helper_is_no_added_crate() {
        let list = CrateList::of_session(SESSION);
        assert_eq!(list.names().collect::<Vec<_>>(), ["csv", "own"]);
        assert!(list.has_local_crate());
        assert_eq!(list.local_names().collect::<Vec<_>>(), ["own"]);
        assert!(CrateList::of_session(&helper_manifest(SESSION)).is_empty());
        assert!(
            list.manifest()
                .contains("\ncsv = \"1\"\nown = { path = \"/own\" }\n")
        );
    }

    #[test]
    fn the_key_depends_on_crates_and_not_on_their_order() {
        let reordered = SESSION
            .replace("csv = \"1\"\n", "")
            .replace("\n\n", "\ncsv = \"1\"\n\n");
        let list = CrateList::of_session(SESSION);
        assert_eq!(list.key(), CrateList::of_session(&reordered).key());
        let mut other = CrateList::default();
        other.insert("csv", "2".into());
        assert_ne!(list.key(), list.with(&other).key());
        assert!(list.with(&other).contains(&other) && !list.contains(&other));
        assert_eq!(list.with(&list), list);
    }

    #[test]
    fn the_helpers_manifest_is_that_of_a_session_without_added_crates() {
        let plain =
            "[package]\nname = \"ctx\"\n\n[dependencies]\ncandlebook = { path = \"/h\" }\n\n";
        assert_eq!(helper_manifest(SESSION), plain);
        assert_eq!(helper_manifest(plain), plain);
        assert_eq!(helper_manifest("[dependencies]\n\n"), "[dependencies]\n\n");
        assert!(depends_on_helper(plain) && !depends_on_helper("[dependencies]\n\n"));
    }
}
