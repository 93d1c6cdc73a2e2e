//! One lock file out of two, so that added crates get the versions that the helper has.

use std::collections::BTreeMap;
use toml::{Table, Value};

/// The packages of two lock files. Where both have a package, the first one counts.
///
/// Cargo keeps a locked version wherever a requirement allows it, and drops packages that nothing
/// needs. `None` if one of the texts is no lock file.
pub(super) fn merge(first: &str, second: &str) -> Option<String> {
    let mut merged: Table = first.parse().ok()?;
    let other: Table = second.parse().ok()?;
    let mut packages = BTreeMap::new();
    for lock in [&other, &merged] {
        for package in with_versions(lock)? {
            packages.insert(identity(&package)?, Value::Table(package));
        }
    }
    merged.insert(
        "package".into(),
        Value::Array(packages.into_values().collect()),
    );
    Some(merged.to_string())
}

/// Name, version and source.
fn identity(package: &Table) -> Option<(String, String, Option<String>)> {
    let field = |name| Some(package.get(name)?.as_str()?.to_owned());
    Some((field("name")?, field("version")?, field("source")))
}

/// A lock file's packages, without the root package. Dependencies are written with their versions,
/// because a name that is unique in one file may be ambiguous in two.
fn with_versions(lock: &Table) -> Option<Vec<Table>> {
    let packages = lock.get("package")?.as_array()?;
    let packages: Vec<&Table> = packages.iter().filter_map(Value::as_table).collect();
    let version = |name: &str| {
        let named = packages.iter().find(|package| {
            let found = package.get("name").and_then(Value::as_str);
            found == Some(name)
        });
        named.and_then(|package| package.get("version")?.as_str())
    };
    let full = |dependency: &Value| match dependency.as_str() {
        Some(name) if !name.contains(' ') => match version(name) {
            Some(version) => Value::String(format!("{name} {version}")),
            None => dependency.clone(),
        },
        _ => dependency.clone(),
    };
    let mut all = Vec::new();
    for package in &packages {
        let mut package = (*package).clone();
        if let Some(Value::Array(dependencies)) = package.get_mut("dependencies") {
            *dependencies = dependencies.iter().map(full).collect();
        }
        all.push(package);
    }
    all.retain(|package| !is_root(package));
    Some(all)
}

/// True for the package that a lock file was written for.
fn is_root(package: &Table) -> bool {
    let name = package.get("name").and_then(Value::as_str);
    matches!(name, Some("candlebook-added" | "ctx")) && !package.contains_key("source")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &str) -> String {
        format!("version = 4\n{packages}")
    }

    fn package(name: &str, version: &str, dependencies: &str) -> String {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry\"\ndependencies = [{dependencies}]\n"
        )
    }

    #[test]
    fn the_packages_of_both_files_are_kept_and_dependencies_stay_clear() {
        let helper = lock(&(package("a", "1.0.0", "\"rand\"") + &package("rand", "0.9.1", "")));
        let added = lock(&(package("b", "2.0.0", "\"rand\"") + &package("rand", "0.8.5", "")));
        let merged: Table = merge(&added, &helper).unwrap().parse().unwrap();
        let packages = merged["package"].as_array().unwrap();
        let found: Vec<(&str, &str)> = packages
            .iter()
            .map(|p| (p["name"].as_str().unwrap(), p["version"].as_str().unwrap()))
            .collect();
        let expected = [
            ("a", "1.0.0"),
            ("b", "2.0.0"),
            ("rand", "0.8.5"),
            ("rand", "0.9.1"),
        ];
        assert_eq!(found, expected);
        assert_eq!(packages[0]["dependencies"][0].as_str(), Some("rand 0.9.1"));
        assert_eq!(packages[1]["dependencies"][0].as_str(), Some("rand 0.8.5"));
        assert_eq!(merge("no lock", &helper), None);
    }

    #[test]
    fn the_root_package_is_left_to_cargo() {
        let root = lock("[[package]]\nname = \"ctx\"\nversion = \"1.0.0\"\ndependencies = []\n");
        let merged = merge(&root, &lock(&package("a", "1.0.0", ""))).unwrap();
        assert!(!merged.contains("ctx") && merged.contains("\"a\""));
    }
}
