//! Rule 6: the map has exactly the folders, and every file has a test.

use crate::order::root_order;
use crate::rules::Violation;
use crate::source::{SourceFile, Tree};
use std::collections::BTreeSet;

/// Files that another test than their namesakes covers.
pub struct Covered {
    /// Path of the test below the repository.
    pub by: &'static str,
    /// Paths below the crate's `src/`.
    pub files: &'static [&'static str],
}

/// The folders of a section's table: rows that begin with `name/` in backticks.
fn documented(markdown: &str, section: &str) -> Vec<String> {
    let lines = markdown
        .lines()
        .skip_while(|line| line.trim_end() != format!("## {section}"))
        .skip(1);
    let rows = lines.take_while(|line| !line.starts_with("## "));
    let cells = rows.filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let names = cells.filter_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix("/`"));
    names
        .filter(|name| !name.contains(['/', '`']))
        .map(str::to_owned)
        .collect()
}

/// Compares the table with the folders in their order.
pub fn map_differs(tree: &Tree, markdown: &str, section: &str) -> Vec<Violation> {
    let documented = documented(markdown, section);
    let is_folder = |name: &&str| tree.is_folder(&[(*name).to_owned()]);
    let ordered: Vec<&str> = root_order(tree).into_iter().filter(is_folder).collect();
    let violation = |found: String| Violation {
        file: "ARCHITECTURE.md".into(),
        line: None,
        found,
        rule: format!(
            "The table of \"{section}\" has exactly the folders of {}, in the order of {}",
            tree.prefix, tree.root
        ),
    };
    let has = |name: &str| documented.iter().any(|known| known == name);
    let mut found: Vec<Violation> = ordered
        .iter()
        .filter(|name| !has(name))
        .map(|name| violation(format!("does not list `{name}/`")))
        .collect();
    let gone = documented
        .iter()
        .filter(|name| !ordered.contains(&name.as_str()));
    found.extend(gone.map(|name| violation(format!("lists `{name}/`, which is no folder"))));
    if found.is_empty() && documented != ordered {
        found.push(violation(format!(
            "lists {documented:?}, the order is {ordered:?}"
        )));
    }
    found
}

/// Files with functions that no test is named after, has inside, or is said to cover.
pub fn untested(tree: &Tree, tests: &BTreeSet<String>, covered: &[Covered]) -> Vec<Violation> {
    let is_covered = |file: &str| covered.iter().any(|entry| entry.files.contains(&file));
    let is_open = |source: &&SourceFile| {
        source.has_functions && !own_test(source, tests) && !is_covered(&source.file)
    };
    let describe = |source: &SourceFile| {
        let names = named(&source.file).join(", ");
        no_test(
            tree,
            &source.file,
            format!("has no test: no {names}, no #[test] inside"),
        )
    };
    let mut found: Vec<Violation> = tree
        .sources
        .values()
        .filter(is_open)
        .map(describe)
        .collect();
    for entry in covered {
        found.extend(
            entry
                .files
                .iter()
                .filter_map(|file| stale(tree, tests, file, entry.by)),
        );
    }
    found
}

/// An entry of COVERED_BY that is wrong or needless.
fn stale(tree: &Tree, tests: &BTreeSet<String>, file: &str, by: &str) -> Option<Violation> {
    let source = tree.sources.values().find(|source| source.file == file);
    let problem = match source {
        None => "is in COVERED_BY, but does not exist".into(),
        Some(_) if !tests.contains(by) => format!("is covered by {by}, which does not exist"),
        Some(source) if own_test(source, tests) => "is in COVERED_BY, but has a test".into(),
        Some(source) if !source.has_functions => "is in COVERED_BY, but has no functions".into(),
        Some(_) => return None,
    };
    Some(no_test(tree, file, problem))
}

fn no_test(tree: &Tree, file: &str, found: String) -> Violation {
    Violation {
        file: format!("{}{file}", tree.prefix),
        line: None,
        found,
        rule: "A file has its test in tests/FOLDER/NAME.rs, inside it, or in COVERED_BY".into(),
    }
}

fn own_test(source: &SourceFile, tests: &BTreeSet<String>) -> bool {
    source.has_inline_tests || named(&source.file).iter().any(|name| tests.contains(name))
}

/// The test files that a file may have: `data/photo/lmdb.rs` has `tests/data/photo/lmdb.rs` or `tests/data/lmdb.rs`;
/// the test of `layer/mod.rs` is named after the folder.
fn named(file: &str) -> Vec<String> {
    let module: Vec<&str> = file
        .trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .split('/')
        .collect();
    let is_face = file.ends_with("/mod.rs");
    let name = module.last().copied().unwrap_or_default();
    let below = if is_face {
        format!("{}/{name}", module.join("/"))
    } else {
        module.join("/")
    };
    let mut names = vec![format!("tests/{below}.rs")];
    let short = format!("tests/{}/{name}.rs", module[0]);
    if module.len() > 2 && !is_face {
        names.push(short);
    }
    names
}
