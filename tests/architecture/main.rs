//! The direction test: what the folders of both crates may use, and which words they may hold.
//!
//! `cargo test --test architecture -- --nocapture` prints the counts. The rules work on parsed text, so that the tests
//! in `planted_*` can show each of them text that breaks it.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod documented;
mod graph;
mod order;
mod paths;
mod places;
mod planted_directions;
mod planted_faces;
mod planted_map;
mod planted_words;
mod rules;
mod source;
mod tokens;
mod words;

use documented::Covered;
use rules::{Directions, Violation};
use source::Tree;
use std::collections::BTreeSet;
use std::path::Path;

/// A crate of the repository.
struct Checked {
    prefix: &'static str,
    root: &'static str,
    /// Its section in ARCHITECTURE.md.
    section: &'static str,
    places: words::Places,
    covered: &'static [Covered],
}

#[test]
fn the_helper_crate_keeps_the_rules() {
    check(&Checked {
        prefix: "src/",
        root: "lib.rs",
        section: "Helper crate",
        places: places::HELPER,
        covered: places::HELPER_COVERED_BY,
    });
}

#[test]
fn the_kernel_crate_keeps_the_rules() {
    check(&Checked {
        prefix: "kernel/src/",
        root: "main.rs",
        section: "Kernel",
        places: places::KERNEL,
        covered: places::KERNEL_COVERED_BY,
    });
}

fn check(checked: &Checked) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tree = Tree::walk(repository, checked.prefix, checked.root).unwrap();
    let map = std::fs::read_to_string(repository.join("ARCHITECTURE.md")).unwrap();
    let directions = Directions::of(&tree);
    println!("{}: {}", checked.prefix, directions.summary());
    assert!(
        directions.files > 10 && directions.arrows > 10,
        "too little found in {}",
        checked.prefix
    );
    let mut broken = directions.violations();
    broken.extend(words::misplaced_words(&tree, &checked.places));
    broken.extend(documented::map_differs(&tree, &map, checked.section));
    broken.extend(documented::untested(
        &tree,
        &test_files(repository),
        checked.covered,
    ));
    assert!(
        broken.is_empty(),
        "{} rules broken:\n{}",
        broken.len(),
        listed(&broken)
    );
}

fn listed(broken: &[Violation]) -> String {
    broken
        .iter()
        .map(|violation| format!("{violation}\n"))
        .collect()
}

/// All files below `tests/`, as `tests/FOLDER/NAME`.
fn test_files(repository: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec!["tests".to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(repository.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                open.push(name);
            } else {
                found.insert(name);
            }
        }
    }
    found
}
