//! The packages of the added crates, as cargo describes them.

use super::seed_units::version;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A package of the added crates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Root of its library.
    pub(super) source: PathBuf,
    pub(super) is_macro: bool,
    /// Its features in each of its builds: one for cells and one for build scripts may differ.
    pub(super) features: Builds,
    /// Ids of the packages that it needs.
    pub(super) needs: Vec<String>,
}

/// Sets of features.
pub(super) type Builds = BTreeSet<BTreeSet<String>>;

/// The features of each build, by name and version, from lines `name v1.0.0 (..)|feature,feature (*)`.
pub(super) fn features_in(tree: &str) -> BTreeMap<(String, String), Builds> {
    let mut found: BTreeMap<(String, String), Builds> = BTreeMap::new();
    for line in tree.lines() {
        let Some((package, features)) = line.split_once('|') else {
            continue;
        };
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        let features = features.split(' ').next().unwrap_or_default().split(',');
        let features = features
            .filter(|feature| !feature.is_empty())
            .map(str::to_owned);
        let version = version.trim_start_matches('v').to_owned();
        found
            .entry((name.to_owned(), version))
            .or_default()
            .insert(features.collect());
    }
    found
}

/// The packages that a build of the root needs.
pub(super) fn reachable(
    json: &Value,
    features: &BTreeMap<(String, String), Builds>,
    root: &str,
) -> Option<BTreeMap<String, Package>> {
    let nodes: BTreeMap<&str, &Value> = json["resolve"]["nodes"]
        .as_array()?
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let described: BTreeMap<&str, &Value> = json["packages"]
        .as_array()?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(id) = open.pop() {
        if found.contains_key(&id) {
            continue;
        }
        let mut package = package(described.get(id.as_str())?, nodes.get(id.as_str())?)?;
        let key = (package.name.clone(), package.version.clone());
        // A package without features is not built on this platform.
        if let Some(builds) = features.get(&key) {
            package.features = builds.clone();
            open.extend(package.needs.iter().cloned());
            found.insert(id, package);
        }
    }
    Some(found)
}

fn package(described: &Value, node: &Value) -> Option<Package> {
    let targets = described["targets"].as_array()?;
    let is_kind = |target: &&Value, kinds: &[&str]| {
        let found = target["kind"].as_array().into_iter().flatten();
        let mut found = found.filter_map(Value::as_str);
        found.any(|kind| kinds.contains(&kind))
    };
    let libraries = ["lib", "rlib", "dylib", "cdylib", "proc-macro"];
    let library = targets.iter().find(|target| is_kind(target, &libraries));
    // The engine answers a package without a library.
    let library = library.or(targets.first())?;
    let is_needed = |dep: &&Value| {
        let kinds = dep["dep_kinds"].as_array().into_iter().flatten();
        let mut kinds = kinds.map(|kind| kind["kind"].as_str());
        kinds.any(|kind| kind != Some("dev"))
    };
    let needed = node["deps"].as_array()?.iter().filter(is_needed);
    Some(Package {
        name: described["name"].as_str()?.to_owned(),
        version: version(described["id"].as_str()?).to_owned(),
        source: library["src_path"].as_str()?.into(),
        is_macro: is_kind(&library, &["proc-macro"]),
        features: Builds::new(),
        needs: needed
            .filter_map(|dep| Some(dep["pkg"].as_str()?.to_owned()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_may_be_built_with_more_than_one_set_of_features() {
        let tree = "a v1.0.0 (/p)|std,x (*)\na v1.0.0|\nb v2.0.0|std\n\nno package\n";
        let found = features_in(tree);
        let builds = &found[&("a".to_owned(), "1.0.0".to_owned())];
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(*builds, Builds::from([set(&["std", "x"]), set(&[])]));
        assert_eq!(found.len(), 2);
    }
}
