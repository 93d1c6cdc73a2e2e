//! What an added crate will compile, and how long it may take.

use super::packages::{Builds, Package, features_in, reachable};
use super::seed_units::{SHOWN, SeedUnits, has_features};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Source that one core compiles in a second, in bytes: measured over common crates.
const BYTES_PER_SECOND: u64 = 50_000;

/// Packages by id, as `cargo metadata` lists them, with the features that `cargo tree` lists: only it
/// tells what is built from what other platforms need.
#[derive(Debug)]
pub(super) struct Plan {
    packages: BTreeMap<String, Package>,
    /// Ids of the packages that will be compiled.
    compile: BTreeSet<String>,
    /// Ids of the added crates themselves.
    direct: Vec<String>,
}

/// A package, with its features, that has been compiled in this session.
pub(super) type Done = BTreeSet<(String, Builds)>;

impl Plan {
    /// The plan for the output of `cargo metadata` and `cargo tree`; `None` if it is not in cargo's
    /// format.
    pub(super) fn new(
        metadata: &str,
        tree: &str,
        compiled: &SeedUnits,
        done: &Done,
    ) -> Option<Plan> {
        let json: Value = serde_json::from_str(metadata).ok()?;
        let root = json["resolve"]["root"].as_str()?.to_owned();
        let mut packages = reachable(&json, &features_in(tree), &root)?;
        let direct = packages.remove(&root).map(|root| root.needs)?;
        let reused = reused(&packages, compiled);
        let mut compile: BTreeSet<String> = packages.keys().cloned().collect();
        compile.retain(|id| !reused.contains(id));
        compile.extend(deferred(&packages, &compile, compiled));
        compile.retain(|id| !done.contains(&(id.clone(), packages[id].features.clone())));
        Some(Plan {
            packages,
            compile,
            direct,
        })
    }

    /// Number of packages to compile.
    pub(super) fn count(&self) -> usize {
        self.compile.len()
    }

    /// True if a package is one of those to compile.
    pub(super) fn compiles(&self, name: &str) -> bool {
        let mut packages = self.compile.iter().map(|id| &self.packages[id]);
        packages.any(|package| package.name == name)
    }

    /// The packages that are now compiled.
    pub(super) fn done(&self) -> Done {
        let package = |id: &String| (id.clone(), self.packages[id].features.clone());
        self.compile.iter().map(package).collect()
    }

    /// Seconds that the compilation may take on some cores.
    pub(super) fn seconds(&self, cores: u64) -> u64 {
        let packages = self.compile.iter().map(|id| &self.packages[id]);
        let bytes: u64 = packages
            .filter_map(|package| package.source.parent())
            .map(source_bytes)
            .sum();
        bytes / BYTES_PER_SECOND / cores.max(1)
    }

    /// Name and version of an added crate.
    pub(super) fn title(&self, name: &str) -> String {
        let ids = self.direct.iter().filter_map(|id| self.packages.get(id));
        let mut named = ids.filter(|package| package.name == name);
        match named.next() {
            Some(package) => format!("{name} {}", package.version),
            None => name.to_owned(),
        }
    }

    /// An added crate that the seed has compiled with fewer features: its name, and those it lacks.
    pub(super) fn lacking(&self, compiled: &SeedUnits) -> Option<(String, Vec<String>)> {
        let direct = self.direct.iter().filter(|id| self.compile.contains(*id));
        let mut packages = direct.filter_map(|id| self.packages.get(id));
        packages.find_map(|package| {
            let mut units = compiled.0.iter();
            let unit = units.find(|unit| !unit.is_for_host && unit.has_source(&package.source))?;
            let wanted = package.features.iter().flatten();
            let lacks =
                |feature: &&String| *feature != "default" && !unit.features.contains(*feature);
            let lacking: Vec<String> = wanted.filter(lacks).cloned().collect();
            (!lacking.is_empty()).then(|| (package.name.clone(), lacking))
        })
    }

    /// A crate that the helper shows to cells, in another version than the helper's or with features
    /// that the helper's lacks.
    pub(super) fn second_copy(&self, compiled: &SeedUnits) -> Option<SecondCopy> {
        SHOWN.iter().find_map(|shown| {
            let helpers = compiled.library(shown)?;
            let is_other = |(_, package): &(&String, &Package)| {
                let has_all = |set| has_features(helpers, set);
                package.name.replace('-', "_") == *shown
                    && (!helpers.has_source(&package.source)
                        || !package.features.iter().all(has_all))
            };
            let (id, other) = self.packages.iter().find(is_other)?;
            Some(SecondCopy {
                name: other.name.clone(),
                version: other.version.clone(),
                helpers: helpers.version.clone(),
                is_direct: self.direct.contains(id),
            })
        })
    }
}

/// A crate that the helper shows to cells, but another copy of it.
#[derive(Debug, PartialEq)]
pub(super) struct SecondCopy {
    pub(super) name: String,
    pub(super) version: String,
    /// Version of the helper's copy.
    pub(super) helpers: String,
    /// True if the notebook itself asks for it.
    pub(super) is_direct: bool,
}

/// Ids of the packages that the seed has compiled, with all that they need.
fn reused(packages: &BTreeMap<String, Package>, compiled: &SeedUnits) -> BTreeSet<String> {
    let is_compiled = |package: &Package| {
        package.features.iter().all(|features| {
            let mut units = compiled.0.iter();
            units.any(|unit| has_features(unit, features) && unit.has_source(&package.source))
        })
    };
    let known = packages.iter().filter(|(_, package)| is_compiled(package));
    let mut reused: BTreeSet<String> = known.map(|(id, _)| id.clone()).collect();
    loop {
        let keeps = |id: &String| {
            let package = &packages[id];
            let shown = SHOWN.contains(&package.name.replace('-', "_").as_str());
            shown
                || package.is_macro
                || package
                    .needs
                    .iter()
                    .all(|need| reused.contains(need) || !packages.contains_key(need))
        };
        let kept: BTreeSet<String> = reused.iter().filter(|id| keeps(id)).cloned().collect();
        if kept.len() == reused.len() {
            return kept;
        }
        reused = kept;
    }
}

/// Ids of the seed's packages that are compiled on this machine because a package that is compiled needs
/// them: libraries of build scripts and procedural macros, whose files a shipped seed lacks.
fn deferred(
    packages: &BTreeMap<String, Package>,
    compile: &BTreeSet<String>,
    compiled: &SeedUnits,
) -> BTreeSet<String> {
    let is_absent = |package: &Package| {
        let mut units = compiled.0.iter().filter(|unit| unit.kind != "custom-build");
        !package.is_macro
            && !units.any(|unit| unit.is_present() && unit.has_source(&package.source))
    };
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = compile.iter().collect();
    while let Some(id) = open.pop() {
        let needs = packages[id].needs.iter();
        let absent = needs.filter(|id| packages.get(*id).is_some_and(is_absent));
        open.extend(absent.filter(|id| !compile.contains(*id) && found.insert((*id).clone())));
    }
    found
}

/// Size of the Rust files in a folder.
fn source_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => source_bytes(&entry.path()),
        Ok(_) if entry.path().extension().is_some_and(|kind| kind == "rs") => {
            entry.metadata().map_or(0, |file| file.len())
        }
        _ => 0,
    };
    entries.map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::super::seed_units::tests::message;
    use super::*;
    use serde_json::json;

    type Described<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

    fn line((name, features, _): &Described<'_>) -> String {
        format!("{name} v1.2.3 (/p)|{} (*)\n", features.join(","))
    }

    fn plan(packages: &[Described<'_>], done: &Done) -> Plan {
        let tree: String = packages.iter().map(line).collect();
        Plan::new(&metadata(packages), &tree, &seed(), done).unwrap()
    }

    fn metadata(packages: &[Described<'_>]) -> String {
        let id = |name: &str| format!("registry+https://index#{name}@1.2.3");
        let listed = packages.iter().map(|(name, _, _)| {
            json!({ "id": id(name), "name": name, "targets": [
                { "kind": ["lib"], "src_path": format!("/h/registry/src/i/{name}-1.2.3/src/lib.rs") } ] })
        });
        let nodes = packages.iter().map(|(name, _, needs)| {
            let dep = |need: &&str| json!({ "pkg": id(need), "dep_kinds": [{ "kind": null }] });
            let mut deps: Vec<Value> = needs.iter().map(dep).collect();
            deps.push(json!({ "pkg": "tests", "dep_kinds": [{ "kind": "dev" }] }));
            json!({ "id": id(name), "deps": deps })
        });
        let resolve = json!({ "root": id("added"), "nodes": nodes.collect::<Vec<_>>() });
        json!({ "packages": listed.collect::<Vec<_>>(), "resolve": resolve }).to_string()
    }

    fn seed() -> SeedUnits {
        let units = [("memchr", "std"), ("serde", "std"), ("candle_core", "std")];
        let units = units.map(|(name, feature)| message(name, &[feature], "/s/target/x86/debug"));
        let mut seed = SeedUnits::from_messages(&units.join("\n"), Path::new("/s"));
        for unit in &mut seed.0 {
            unit.present = unit.files.clone();
        }
        seed
    }

    #[test]
    fn only_what_the_seed_lacks_is_compiled_and_only_once() {
        let packages: [Described<'_>; 4] = [
            ("added", &[], &["csv"]),
            ("csv", &[], &["memchr", "serde"]),
            ("memchr", &["std"], &[]),
            ("serde", &["rc"], &["memchr"]),
        ];
        let first = plan(&packages, &Done::new());
        assert_eq!(first.count(), 2);
        assert!(first.compiles("csv") && first.compiles("serde") && !first.compiles("memchr"));
        assert_eq!(first.title("csv"), "csv 1.2.3");
        assert_eq!(plan(&packages, &first.done()).count(), 0);
        assert!(Plan::new("{}", "", &seed(), &Done::new()).is_none());
    }

    #[test]
    fn a_crate_whose_dependency_is_compiled_anew_is_compiled_too() {
        let packages: [Described<'_>; 3] = [
            ("added", &[], &["serde"]),
            ("serde", &["std"], &["memchr"]),
            ("memchr", &["logging"], &[]),
        ];
        let found = plan(&packages, &Done::new());
        assert_eq!(found.count(), 2);
        assert_eq!(found.lacking(&seed()), None);
    }

    #[test]
    fn a_host_library_is_compiled_only_for_a_crate_that_is_compiled() {
        let message = |name| message(name, &["std"], "/s/target/debug");
        let units = ["quote", "syn"].map(message).join("\n");
        let seed = SeedUnits::from_messages(&units, Path::new("/s"));
        let packages: [Described<'_>; 4] = [
            ("added", &[], &["syn", "own"]),
            ("own", &[], &["quote"]),
            ("quote", &["std"], &[]),
            ("syn", &["std"], &["quote"]),
        ];
        let count = |packages: &[Described<'_>]| {
            let tree: String = packages.iter().map(line).collect();
            let text = metadata(packages);
            Plan::new(&text, &tree, &seed, &Done::new())
                .unwrap()
                .count()
        };
        // `own`, and `quote` for it.
        assert_eq!(count(&packages), 2);
        assert_eq!(
            count(&[("added", &[], &["syn"]), packages[2], packages[3]]),
            0
        );
    }

    #[test]
    fn features_that_the_seeds_copy_lacks_are_named() {
        let packages: [Described<'_>; 2] = [
            ("added", &[], &["memchr"]),
            ("memchr", &["default", "logging", "std"], &[]),
        ];
        let lacking = plan(&packages, &Done::new()).lacking(&seed());
        assert_eq!(lacking, Some(("memchr".into(), vec!["logging".into()])));
    }

    #[test]
    fn a_second_copy_of_candle_is_found() {
        let found = |feature| {
            let packages: [Described<'_>; 2] = [
                ("added", &[], &["candle_core"]),
                ("candle_core", &[feature], &[]),
            ];
            plan(&packages, &Done::new()).second_copy(&seed())
        };
        assert_eq!(found("std"), None);
        let copy = found("cuda").unwrap();
        assert_eq!(
            (&*copy.version, &*copy.helpers, copy.is_direct),
            ("1.2.3", "1.2.3", true)
        );
    }

    #[test]
    fn the_time_grows_with_the_source() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        std::fs::write(folder.path().join("lib.rs"), [b' '; 300]).unwrap();
        std::fs::write(folder.path().join("inner/a.rs"), [b' '; 40]).unwrap();
        std::fs::write(folder.path().join("data.bin"), [b' '; 40]).unwrap();
        assert_eq!(source_bytes(folder.path()), 340);
    }
}
