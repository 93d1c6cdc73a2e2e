//! A smaller `cargo metadata` for rust-analyzer, which loads every package listed in it.

use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Dependencies of the helper that its prelude re-exports.
const REEXPORTED: [&str; 3] = ["anyhow", "candle-core", "candle-nn"];

/// Removes the packages that cells cannot name; `None` if the text is not in cargo's format.
pub(crate) fn reduce(metadata: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(metadata).ok()?;
    let names = names_by_id(&json)?;
    let keep = reachable_packages(&json, &names)?;
    retain(&mut json, &keep)?;
    serde_json::to_vec(&json).ok()
}

fn names_by_id(json: &Value) -> Option<HashMap<String, String>> {
    let packages = json["packages"].as_array()?.iter();
    let named = packages.filter_map(|package| {
        let (id, name) = (package["id"].as_str()?, package["name"].as_str()?);
        Some((id.to_owned(), name.to_owned()))
    });
    Some(named.collect())
}

/// Ids of the workspace's packages and of the dependencies that cells can name, breadth first.
fn reachable_packages(json: &Value, names: &HashMap<String, String>) -> Option<HashSet<String>> {
    let nodes = json["resolve"]["nodes"].as_array()?;
    let members = json["workspace_members"].as_array()?.iter();
    let mut found: Vec<String> = members
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    let mut next = 0;
    while next < found.len() {
        let more: Vec<String> = nameable_dependencies(nodes, names, &found[next])
            .into_iter()
            .filter(|id| !found.contains(id))
            .collect();
        found.extend(more);
        next += 1;
    }
    Some(found.into_iter().collect())
}

fn nameable_dependencies(
    nodes: &[Value],
    names: &HashMap<String, String>,
    id: &str,
) -> Vec<String> {
    let name = |id: &str| names.get(id).map(String::as_str).unwrap_or_default();
    let node = nodes.iter().find(|node| node["id"] == id);
    let all = node
        .and_then(|node| node["dependencies"].as_array())
        .into_iter()
        .flatten();
    let all = all.filter_map(|id| id.as_str().map(str::to_owned));
    match name(id) {
        "candlebook" => all.filter(|id| REEXPORTED.contains(&name(id))).collect(),
        reexported if REEXPORTED.contains(&reexported) => Vec::new(),
        // Packages that the user added by `:dep` keep all their dependencies.
        _ => all.collect(),
    }
}

/// Removes all packages except `keep` from every list of the metadata.
fn retain(json: &mut Value, keep: &HashSet<String>) -> Option<()> {
    let kept = |id: &Value| id.as_str().is_some_and(|id| keep.contains(id));
    json["packages"]
        .as_array_mut()?
        .retain(|package| kept(&package["id"]));
    if let Some(nodes) = json["resolve"]["nodes"].as_array_mut() {
        nodes.retain(|node| kept(&node["id"]));
        for node in nodes {
            if let Some(ids) = node["dependencies"].as_array_mut() {
                ids.retain(kept);
            }
            if let Some(deps) = node["deps"].as_array_mut() {
                deps.retain(|dep| kept(&dep["pkg"]));
            }
        }
    }
    for list in ["workspace_members", "workspace_default_members"] {
        if let Some(ids) = json[list].as_array_mut() {
            ids.retain(kept);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(json: &Value) -> Vec<&str> {
        json["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| package["name"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn unreachable_packages_are_removed_and_user_packages_kept() {
        let package = |name: &str| json!({ "id": format!("{name}-id"), "name": name });
        let node = |name: &str, deps: &[&str]| {
            let ids: Vec<String> = deps.iter().map(|dep| format!("{dep}-id")).collect();
            let deps: Vec<Value> = ids.iter().map(|id| json!({ "pkg": id })).collect();
            json!({ "id": format!("{name}-id"), "dependencies": ids, "deps": deps })
        };
        let packages = [
            "ctx",
            "candlebook",
            "candle-core",
            "rayon",
            "image",
            "mine",
            "its",
        ]
        .map(package);
        let nodes = [
            node("ctx", &["candlebook", "mine"]),
            node("candlebook", &["candle-core", "image"]),
            node("candle-core", &["rayon"]),
            node("rayon", &[]),
            node("image", &[]),
            node("mine", &["its"]),
            node("its", &[]),
        ];
        let metadata = json!({ "packages": packages, "resolve": { "nodes": nodes }, "workspace_members": ["ctx-id"] });
        let reduced: Value =
            serde_json::from_slice(&reduce(metadata.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(
            names(&reduced),
            ["ctx", "candlebook", "candle-core", "mine", "its"]
        );
        assert_eq!(
            reduced["resolve"]["nodes"][1]["deps"],
            json!([{ "pkg": "candle-core-id" }])
        );
        assert_eq!(reduced["resolve"]["nodes"][2]["dependencies"], json!([]));
        assert_eq!(reduce(b"not json"), None);
    }
}
