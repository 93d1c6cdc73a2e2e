//! License texts of every crate in the program and in the helper.

use super::at;
use super::sources::sysroot;
use crate::workspace::Workspace;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Starts of the names of files with a license, in upper case.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// One text: each license once, below the crates that have it.
pub(super) fn text(workspace: &Workspace) -> Result<String, String> {
    let mut cargo = workspace.cargo();
    let arguments = [
        "metadata",
        "--format-version=1",
        "--locked",
        "--filter-platform",
    ];
    let output = crate::command::output(cargo.args(arguments).arg(super::stage::TARGET))?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in shipped(&metadata) {
        add(package, &mut texts)?;
    }
    add_standard_library(&mut texts)?;
    let section = |(text, crates): (&String, &BTreeSet<String>)| {
        let crates: Vec<&str> = crates.iter().map(String::as_str).collect();
        format!(
            "{}\n\n{}\n\n{}\n",
            crates.join(", "),
            text.trim(),
            "-".repeat(80)
        )
    };
    Ok(texts.iter().map(section).collect())
}

/// The packages that program and helper are built from, without those that only tests need.
fn shipped(metadata: &Value) -> Vec<&Value> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let nodes = list(&metadata["resolve"]["nodes"]);
    let packages = metadata["packages"].as_array();
    let packages: Vec<&Value> = packages.into_iter().flatten().collect();
    let is_root = |package: &&&Value| package["source"].is_null() && package["name"] != "xtask";
    let mut open: Vec<String> = packages
        .iter()
        .filter(is_root)
        .map(|it| text_of(&it["id"]))
        .collect();
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        let node = nodes.iter().find(|node| node["id"] == id);
        if let (true, Some(node)) = (found.insert(id), node) {
            let is_built =
                |dep: &Value| list(&dep["dep_kinds"]).iter().any(|it| it["kind"] != "dev");
            let deps = list(&node["deps"]);
            open.extend(
                deps.iter()
                    .filter(|dep| is_built(dep))
                    .map(|dep| text_of(&dep["pkg"])),
            );
        }
    }
    packages
        .into_iter()
        .filter(|package| found.contains(&text_of(&package["id"])))
        .collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Adds the texts of a package. A package without a file is listed with its license expression.
fn add(package: &Value, texts: &mut BTreeMap<String, BTreeSet<String>>) -> Result<(), String> {
    let name = format!(
        "{} {}",
        text_of(&package["name"]),
        text_of(&package["version"])
    );
    let manifest = text_of(&package["manifest_path"]);
    let folder = Path::new(&manifest).parent().unwrap_or(Path::new(""));
    let found = license_files(folder)?;
    for text in &found {
        texts.entry(text.clone()).or_default().insert(name.clone());
    }
    if found.is_empty() {
        let expression = text_of(&package["license"]);
        if expression.is_empty() {
            return Err(format!(
                "{name}: expected a license, got neither file nor expression"
            ));
        }
        let text = format!("Licensed under {expression}, without a file of its own.");
        texts.entry(text).or_default().insert(name);
    }
    Ok(())
}

fn license_files(folder: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| at(folder, error))?;
    let mut texts = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|start| name.starts_with(start)) && entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).map_err(|error| at(&entry.path(), error))?;
            texts.push(String::from_utf8_lossy(&bytes).replace('\r', ""));
        }
    }
    Ok(texts)
}

/// Parts of the standard library are in the helper's library, and its source is in the archive.
fn add_standard_library(texts: &mut BTreeMap<String, BTreeSet<String>>) -> Result<(), String> {
    let folder = sysroot()?.join("share/doc/rust/licenses");
    if folder.is_dir() {
        for file in super::files_below(&folder)? {
            let bytes = std::fs::read(&file).map_err(|error| at(&file, error))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            texts
                .entry(text)
                .or_default()
                .insert("the Rust standard library".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packages_of_tests_are_not_shipped() {
        let package = |name: &str| json!({ "id": name, "name": name, "source": (name != "kernel").then_some("r") });
        let dep = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let deps = [dep("a", Value::Null), dep("t", json!("dev"))];
        let packages = ["kernel", "a", "t"].map(package);
        let metadata = json!({
            "packages": packages,
            "resolve": { "nodes": [{ "id": "kernel", "deps": deps }] },
        });
        let names: Vec<String> = shipped(&metadata)
            .iter()
            .map(|it| text_of(&it["name"]))
            .collect();
        assert_eq!(names, ["kernel", "a"]);
    }

    #[test]
    fn a_package_without_any_license_is_an_error() {
        let manifest = format!("{}/src/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let mut package = json!({ "name": "a", "version": "1.0.0", "manifest_path": manifest });
        let mut texts = BTreeMap::new();
        assert!(
            add(&package, &mut texts)
                .unwrap_err()
                .contains("a 1.0.0: expected a license")
        );
        package["license"] = json!("MIT");
        add(&package, &mut texts).unwrap();
        assert_eq!(texts.len(), 1);
    }
}
