//! Removal of names that a cell cannot use. rust-analyzer takes every crate for the user's own, and
//! offers private items too.

use super::super::reference::{Reference, SLICE};
use super::analyzer::Analyzer;
use super::candidate::Candidate;
use super::place::CursorPlace;
use super::sources::{all, standard};
use std::collections::HashSet;
use std::ops::Range;

/// Limit of the fields whose visibility is looked up one by one.
const MAX_FIELDS: usize = 12;

/// Removes the candidates that cannot be used at a place. `own` are the names of the cells' items.
pub(super) fn retain_usable(
    analyzer: &mut dyn Analyzer,
    code: &str,
    place: &CursorPlace,
    own: &[String],
    candidates: &mut Vec<Candidate>,
) {
    match place {
        CursorPlace::Member(receiver) => retain_members(analyzer, code, receiver, own, candidates),
        CursorPlace::Path(path) => {
            let name = path.rsplit("::").next().unwrap_or(path);
            if name.starts_with(char::is_uppercase) {
                candidates.retain(|candidate| !is_private(&[name], &candidate.text));
            } else {
                retain_exported(analyzer, path, candidates);
            }
        }
        CursorPlace::Record(type_name) if declared(type_name) && !own.contains(type_name) => {
            candidates.retain(|candidate| has_field(&[type_name], &candidate.text));
        }
        CursorPlace::Record(_) | CursorPlace::Rest | CursorPlace::Other => {}
    }
}

/// Keeps what a module exports: in a `use`, rust-analyzer offers only that.
fn retain_exported(analyzer: &mut dyn Analyzer, path: &str, candidates: &mut Vec<Candidate>) {
    let import = format!("use {path}::");
    let Some(found) = analyzer.completions(&import, import.len()) else {
        return;
    };
    let exported: HashSet<String> = found
        .items
        .iter()
        .filter_map(|item| Some(Candidate::new(item)?.text))
        .collect();
    if !exported.is_empty() {
        candidates.retain(|candidate| exported.contains(candidate.text.trim_end_matches('!')));
    }
}

fn retain_members(
    analyzer: &mut dyn Analyzer,
    code: &str,
    receiver: &Range<usize>,
    own: &[String],
    candidates: &mut Vec<Candidate>,
) {
    let Some(type_name) = analyzer.type_of(code, receiver.start, receiver.end) else {
        return;
    };
    let names = type_names(&type_name, own);
    candidates.retain(|candidate| candidate.is_value() || !is_private(&names, &candidate.text));
    let is_tuple = type_name.trim_start_matches(['&', ' ']).starts_with('(');
    if names.iter().any(|name| declared(name)) {
        candidates.retain(|it| !it.is_value() || has_field(&names, &it.text));
    } else if !is_tuple {
        retain_public_fields(analyzer, &code[..receiver.end], candidates);
    }
}

/// The names in a type, because smart pointers give access to the members of their target. The cells'
/// own types hide others of the same name.
fn type_names<'a>(type_name: &'a str, own: &[String]) -> Vec<&'a str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let names = type_name.split(|c| !is_name(c));
    let names = names.filter(|name| !name.is_empty() && !own.iter().any(|own| own == name));
    let mut names: Vec<&str> = names.collect();
    if type_name.contains('[') || names.contains(&"Vec") {
        names.push(SLICE);
    }
    names
}

/// Keeps the fields that are declared `pub`, and those of the cells' own types.
fn retain_public_fields(
    analyzer: &mut dyn Analyzer,
    receiver: &str,
    candidates: &mut Vec<Candidate>,
) {
    let count = candidates
        .iter()
        .filter(|candidate| candidate.is_value())
        .count();
    if count > MAX_FIELDS {
        return;
    }
    candidates.retain(|candidate| {
        let code = format!("{receiver}.{}", candidate.text);
        let is_public = |text: String| {
            text.starts_with("ctx") || text.lines().any(|line| line.starts_with("pub "))
        };
        !candidate.is_value()
            || analyzer
                .hover(&code, code.len())
                .is_none_or(|(text, _)| is_public(text))
    });
}

fn declared(type_name: &str) -> bool {
    all().iter().any(|reference| reference.declares(type_name))
}

fn has_field(type_names: &[&str], field: &str) -> bool {
    let has = |name: &&str| {
        all()
            .iter()
            .any(|reference| reference.has_field(name, field))
    };
    type_names.iter().any(has)
}

/// True if one of the types has a private member of the name, and none a public one.
fn is_private(type_names: &[&str], member: &str) -> bool {
    let references = || all().into_iter().chain([standard()]);
    let any = |is: &dyn Fn(&Reference, &str) -> bool| {
        references().any(|reference| type_names.iter().any(|name| is(reference, name)))
    };
    any(&|reference, name| reference.is_private(name, member))
        && !any(&|reference, name| reference.has_method(name, member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_hidden_if_all_types_in_a_type_hide_it() {
        assert!(is_private(&["Autoencoder"], "run_layers"));
        assert!(is_private(&["Arc", "Autoencoder"], "run_layers"));
        assert!(!is_private(&["Autoencoder"], "fit"));
        assert!(!is_private(&["no such type"], "run_layers"));
        assert!(has_field(&["History"], "epochs") && !has_field(&["Autoencoder"], "plan"));
    }

    #[test]
    fn own_types_hide_others_of_their_name() {
        assert_eq!(type_names("&Arc<Fit>", &["Fit".into()]), ["Arc"]);
        assert_eq!(type_names("Vec<u8>", &[]), ["Vec", "u8", SLICE]);
    }
}
