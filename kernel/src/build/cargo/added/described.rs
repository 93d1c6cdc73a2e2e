//! Cargo's descriptions of a session with added crates, without a call of cargo for the helper.
//!
//! The seed has recorded the helper's part. Cargo would need the sources of all that the helper depends
//! on, and download them if the seed came with the program.

use super::calls::metadata;
use super::folder::AddedFolder;
use super::list::{CrateList, helper_manifest};
use super::prepare::prepare;
use crate::build::cargo::answers::{Answer, AnswerFile};
use serde_json::Value;
use std::collections::HashSet;

/// Name of the package by which the engine asks whether a crate exists.
const QUESTION: &str = "name = \"evcxr_dummy_validate_dep\"";

/// Cargo's answer to a call of the engine about the added crates; `None` if only cargo knows it.
pub(crate) fn answer(arguments: &[String]) -> Option<Answer> {
    let is_asked = |word: &str| arguments.iter().any(|argument| argument == word);
    let place = AddedFolder::of_this_process()?;
    let manifest = std::fs::read_to_string(place.session.join("Cargo.toml")).ok()?;
    let list = CrateList::of_session(&manifest);
    if !is_asked("metadata") || list.is_empty() {
        return None;
    }
    if manifest.contains(QUESTION) {
        let added = std::fs::read_to_string(place.manifest()).ok()?;
        let is_known = CrateList::of_session(&added).contains(&list);
        return is_known.then(Answer::empty);
    }
    let helper = AnswerFile::with_manifest(arguments, &helper_manifest(&manifest))?.find()?;
    if is_asked("--no-deps") {
        return Some(helper);
    }
    prepare(&place, &list).ok()?;
    let added = metadata(&place, true).or_else(|_| metadata(&place, false));
    let text = merge(std::str::from_utf8(&helper.text).ok()?, &added.ok()?)?;
    Some(Answer {
        text: text.into_bytes(),
        ..helper
    })
}

/// The metadata of a session: the helper's part, with the dependencies of the package of added crates.
/// `None` if one of the texts is not in cargo's format.
fn merge(helper: &str, added: &str) -> Option<String> {
    let mut merged: Value = serde_json::from_str(helper).ok()?;
    let mut added: Value = serde_json::from_str(added).ok()?;
    let session = merged["resolve"]["root"].as_str()?.to_owned();
    let root = added["resolve"]["root"].as_str()?.to_owned();
    for (list, inner) in [
        ("/packages", &["dependencies"][..]),
        ("/resolve/nodes", &["dependencies", "deps"]),
    ] {
        let more = added.pointer_mut(list)?.as_array_mut()?;
        let at = more.iter().position(|entry| entry["id"] == *root)?;
        let from = more.remove(at);
        let known = merged.pointer_mut(list)?.as_array_mut()?;
        let into = known.iter_mut().find(|entry| entry["id"] == *session)?;
        for name in inner {
            let dependencies = from[name].as_array()?.clone();
            into[name].as_array_mut()?.extend(dependencies);
        }
        extend(known, more);
    }
    serde_json::to_string(&merged).ok()
}

/// Adds the entries whose ids are not in the list.
fn extend(known: &mut Vec<Value>, more: &mut Vec<Value>) {
    let ids: HashSet<String> = known.iter().map(|entry| entry["id"].to_string()).collect();
    more.retain(|entry| !ids.contains(&entry["id"].to_string()));
    known.append(more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Metadata of a package that depends on others, which depend on nothing.
    fn metadata(root: &str, folder: &str, needs: &[&str]) -> String {
        let node = |name: &str, needs: &[&str]| {
            let deps: Vec<Value> = needs.iter().map(|need| json!({ "pkg": need })).collect();
            json!({ "id": name, "dependencies": needs, "deps": deps })
        };
        let package = |name: &str, needs: &[&str]| {
            let named: Vec<Value> = needs.iter().map(|need| json!({ "name": need })).collect();
            json!({ "id": name, "folder": folder, "dependencies": named })
        };
        let others = |make: &dyn Fn(&str, &[&str]) -> Value| {
            let first = std::iter::once(make(root, needs));
            first
                .chain(needs.iter().map(|need| make(need, &[])))
                .collect::<Vec<Value>>()
        };
        json!({
            "packages": others(&package),
            "resolve": { "root": root, "nodes": others(&node) },
        })
        .to_string()
    }

    #[test]
    fn the_session_depends_on_the_added_crates_and_the_helpers_packages_stay() {
        let helper = metadata("ctx", "/seed", &["candlebook", "anyhow"]);
        let added = metadata("candlebook-added", "/registry", &["csv", "anyhow"]);
        let merged: Value = serde_json::from_str(&merge(&helper, &added).unwrap()).unwrap();
        let packages = merged["packages"].as_array().unwrap();
        let found: Vec<(&str, &str)> = packages
            .iter()
            .map(|it| (it["id"].as_str().unwrap(), it["folder"].as_str().unwrap()))
            .collect();
        let expected = [
            ("ctx", "/seed"),
            ("candlebook", "/seed"),
            ("anyhow", "/seed"),
            ("csv", "/registry"),
        ];
        assert_eq!(found, expected);
        let nodes = merged["resolve"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 4);
        let all = json!(["candlebook", "anyhow", "csv", "anyhow"]);
        assert_eq!(nodes[0]["dependencies"], all);
        assert_eq!(nodes[0]["deps"][2], json!({ "pkg": "csv" }));
        assert_eq!(packages[0]["dependencies"][2], json!({ "name": "csv" }));
        assert_eq!(merge("{}", &added), None);
    }
}
