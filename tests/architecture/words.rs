//! Rule 5: words that have their place.

use crate::order::root_order;
use crate::rules::Violation;
use crate::source::{SourceFile, Tree};
use crate::tokens::{Kind, Token};

/// The places of words in a crate. A place is a file without `.rs`, or a folder.
pub struct Places {
    /// Files that may hold `unsafe`; each of them must.
    pub unsafe_files: &'static [&'static str],
    /// Places of the markers that begin a line for the kernel.
    pub wire: &'static [&'static str],
    /// The only place that prints; none if the crate is a program.
    pub print: Option<&'static str>,
    /// Places that know slices only.
    pub slices_only: &'static [&'static str],
    /// The first folder that knows whole models, and their type.
    pub model: Option<(&'static str, &'static str)>,
}

const PRINTS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
const WIRE_TEXTS: [&str; 3] = ["EVCXR_BEGIN_CONTENT", "u{1e}CANDLEBOOK ", "x1eCANDLEBOOK "];

pub fn misplaced_words(tree: &Tree, places: &Places) -> Vec<Violation> {
    let mut found = unused_exceptions(tree, places);
    for source in tree.sources.values() {
        for at in 0..source.tokens.len() {
            let rule = wire(source, at, places)
                .or_else(|| print(source, at, places))
                .or_else(|| hidden_unsafe(source, at, places))
                .or_else(|| tensor(source, at, places))
                .or_else(|| model(tree, source, at, places));
            found.extend(rule.map(|rule| Violation {
                file: format!("{}{}", tree.prefix, source.file),
                line: Some(source.tokens[at].line),
                found: format!("has {}", source.tokens[at].text),
                rule,
            }));
        }
    }
    found
}

fn is_in(source: &SourceFile, place: &str) -> bool {
    let rest = source.file.strip_prefix(place);
    rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn word(source: &SourceFile, at: usize, text: &str) -> bool {
    let token = &source.tokens[at];
    token.kind == Kind::Word && token.text == text
}

fn wire(source: &SourceFile, at: usize, places: &Places) -> Option<String> {
    let token = &source.tokens[at];
    let text =
        token.kind == Kind::Literal && WIRE_TEXTS.iter().any(|text| token.text.contains(text));
    let marker = word(source, at, "MARKER") || text;
    let misplaced = marker && !places.wire.iter().any(|place| is_in(source, place));
    misplaced.then(|| format!("The wire markers are only in {}", places.wire.join(", ")))
}

fn print(source: &SourceFile, at: usize, places: &Places) -> Option<String> {
    let place = places.print.filter(|place| !is_in(source, place))?;
    let called = source
        .tokens
        .get(at + 1)
        .is_some_and(|next: &Token| next.is("!"));
    let prints = called && PRINTS.iter().any(|name| word(source, at, name));
    prints.then(|| format!("Only {place}/ prints; other folders call it"))
}

fn hidden_unsafe(source: &SourceFile, at: usize, places: &Places) -> Option<String> {
    let listed = places.unsafe_files.contains(&source.file.as_str());
    let misplaced = word(source, at, "unsafe") && !listed;
    misplaced.then(|| "`unsafe` is only in the files that tests/architecture lists".into())
}

fn tensor(source: &SourceFile, at: usize, places: &Places) -> Option<String> {
    let place = places
        .slices_only
        .iter()
        .find(|place| is_in(source, place))?;
    word(source, at, "Tensor").then(|| format!("{place}/ knows slices only"))
}

fn model(tree: &Tree, source: &SourceFile, at: usize, places: &Places) -> Option<String> {
    let (folder, name) = places.model?;
    let above = root_order(tree)
        .into_iter()
        .take_while(|module| *module != folder);
    let misplaced = word(source, at, name) && above.into_iter().any(|module| is_in(source, module));
    misplaced.then(|| format!("Modules above {folder}/ do not know {name}"))
}

fn unused_exceptions(tree: &Tree, places: &Places) -> Vec<Violation> {
    let has = |file: &str| {
        let mut sources = tree.sources.values().filter(|source| source.file == file);
        sources.any(|source| (0..source.tokens.len()).any(|at| word(source, at, "unsafe")))
    };
    let unused = places.unsafe_files.iter().filter(|file| !has(file));
    unused
        .map(|file| Violation {
            file: format!("{}{file}", tree.prefix),
            line: None,
            found: "has no `unsafe`, or does not exist".into(),
            rule: "The list of files with `unsafe` in tests/architecture has no others".into(),
        })
        .collect()
}
