//! A guard for the project's words: it counts how comments begin, paraphrases, and forbidden names.

mod names;
mod rust;
mod table;
mod text;

use crate::sources::{self, TextFile};
use crate::workspace::Workspace;
use regex_lite::{Regex, RegexBuilder};
use std::path::Path;
use table::{PHRASES, Phrase};
use text::{Passage, python, without_code};

const RUST: [&str; 7] = [
    "src",
    "kernel/src",
    "xtask/src",
    "fuzz/src",
    "tests",
    "examples",
    "benches",
];
/// Folders whose string literals are messages to the user.
const MESSAGES: [&str; 3] = ["src/", "kernel/src/", "xtask/src/"];
const PYTHON: [&str; 4] = ["tests", "benches", "fuzz", "kernel-spec"];
/// The tables hold what they forbid.
const TABLES: &str = "xtask/src/words/table.rs";
const OPENINGS: [&str; 5] = ["what", "where", "how", "whether", "of"];
const MAX_OPENINGS_PERCENT: f64 = 3.0;
const MAX_LINES: usize = 40;

/// The step of `cargo xtask test`: prints the counts, and fails if one is above its limit.
pub(crate) fn check(workspace: &Workspace) -> Result<(), String> {
    let report = report(&workspace.root)?;
    report.print_counts();
    report
        .findings
        .iter()
        .take(MAX_LINES)
        .for_each(|finding| println!("{finding}"));
    if report.findings.len() > MAX_LINES {
        println!(
            "and {} more: cargo xtask words PATH",
            report.findings.len() - MAX_LINES
        );
    }
    if report.passes() {
        Ok(())
    } else {
        Err("a count is above its limit".to_owned())
    }
}

/// Lists every finding in files whose path begins with one of these; without any, in all files.
pub(crate) fn list(root: &Path, paths: &[&str]) -> Result<(), String> {
    let report = report(root)?;
    let wanted =
        |finding: &&String| paths.is_empty() || paths.iter().any(|path| finding.starts_with(path));
    report
        .findings
        .iter()
        .filter(wanted)
        .for_each(|finding| println!("{finding}"));
    report.print_counts();
    Ok(())
}

fn report(root: &Path) -> Result<Report, String> {
    let phrases = Phrases::new()?;
    let mut report = Report::default();
    for file in sources::read(root, &RUST, "rs")? {
        report.rust(&phrases, &file)?;
    }
    for file in sources::read(root, &PYTHON, "py")? {
        report.prose(&phrases, &file.path, &python(&file.text));
    }
    for file in [
        sources::read_flat(root, "", "md")?,
        sources::read(root, &["docs"], "md")?,
    ]
    .concat()
    {
        let passage = Passage {
            line: 1,
            text: without_code(&file.text),
        };
        report.prose(&phrases, &file.path, &[passage]);
    }
    for file in sources::read_flat(root, "notebooks", "ipynb")? {
        let cells =
            text::notebook(&file.text).map_err(|error| format!("{}: {error}", file.path))?;
        report.prose(&phrases, &file.path, &cells);
    }
    Ok(report)
}

#[derive(Default)]
struct Report {
    comments: usize,
    openings: usize,
    phrases: usize,
    names: usize,
    /// One line each, beginning with file and line.
    findings: Vec<String>,
}

impl Report {
    fn rust(&mut self, phrases: &Phrases, file: &TextFile) -> Result<(), String> {
        let comments = rust::comments(&file.text);
        for comment in comments
            .iter()
            .filter(|c| c.text.contains(char::is_alphabetic))
        {
            self.comments += 1;
            if let Some(word) = opening(&comment.text) {
                self.openings += 1;
                self.add(
                    &file.path,
                    comment.line,
                    &format!("begins with `{word}`: say what it is"),
                );
            }
        }
        self.prose(phrases, &file.path, &comments);
        if file.path != TABLES && MESSAGES.iter().any(|folder| file.path.starts_with(folder)) {
            self.prose(phrases, &file.path, &rust::messages(&file.text));
        }
        for found in names::forbidden(&file.path, &file.text)? {
            self.names += 1;
            self.add(
                &file.path,
                found.line,
                &format!("name `{}`: {}", found.name, found.say),
            );
        }
        Ok(())
    }

    fn prose(&mut self, phrases: &Phrases, path: &str, passages: &[Passage]) {
        for passage in passages {
            for (position, words, say) in phrases.find(&passage.text) {
                self.phrases += 1;
                let words: Vec<&str> = words.split_whitespace().collect();
                let problem = format!("`{}`: {say}", words.join(" "));
                self.add(path, passage.line_at(position), &problem);
            }
        }
    }

    fn add(&mut self, path: &str, line: usize, problem: &str) {
        self.findings.push(format!("{path}:{line}: {problem}"));
    }

    fn openings_percent(&self) -> f64 {
        100.0 * self.openings as f64 / self.comments.max(1) as f64
    }

    fn passes(&self) -> bool {
        self.openings_percent() <= MAX_OPENINGS_PERCENT && self.phrases == 0 && self.names == 0
    }

    fn print_counts(&self) {
        let percent = self.openings_percent();
        let (openings, comments) = (self.openings, self.comments);
        println!(
            "comments that begin with What/Where/How/Whether/Of: {openings} of {comments} ({percent:.1} %)"
        );
        println!("periphrases: {}", self.phrases);
        println!("forbidden names: {}", self.names);
    }
}

/// The word that a comment should not begin with, if it does.
fn opening(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let word = &text[..text
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(text.len())];
    OPENINGS
        .contains(&word.to_lowercase().as_str())
        .then_some(word)
}

/// The phrases of the table, ready to search with.
struct Phrases(Vec<(Regex, &'static Phrase)>);

impl Phrases {
    fn new() -> Result<Self, String> {
        let compiled = PHRASES.iter().map(|phrase| {
            let start = if phrase.pattern.starts_with('\'') {
                ""
            } else {
                r"\b"
            };
            let pattern = format!("{start}(?:{})\\b", phrase.pattern.replace(' ', r"\s+"));
            let regex = RegexBuilder::new(&pattern).case_insensitive(true).build();
            Ok((
                regex.map_err(|error| format!("{}: {error}", phrase.pattern))?,
                phrase,
            ))
        });
        compiled.collect::<Result<_, String>>().map(Phrases)
    }

    /// Position, words and replacement of each match. Where two overlap, the first one counts.
    fn find<'a>(&self, text: &'a str) -> Vec<(usize, &'a str, &'static str)> {
        let mut found = Vec::new();
        for (regex, phrase) in &self.0 {
            for matched in regex.find_iter(text) {
                let after = text[matched.end()..].trim_start();
                let next = &after[..after
                    .find(|c: char| !c.is_alphabetic())
                    .unwrap_or(after.len())];
                if !phrase.unless.contains(&next.to_lowercase().as_str()) {
                    found.push((matched.start(), matched.as_str(), phrase.say));
                }
            }
        }
        found.sort_by_key(|(start, ..)| *start);
        let mut end = 0;
        found.retain(|(start, words, _)| {
            let keep = *start >= end;
            if keep {
                end = start + words.len();
            }
            keep
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{Phrases, Report, opening};
    use crate::sources::TextFile;

    fn report(text: &str) -> Report {
        let mut report = Report::default();
        let file = TextFile {
            path: "src/a.rs".to_owned(),
            text: text.to_owned(),
        };
        report.rust(&Phrases::new().unwrap(), &file).unwrap();
        report
    }

    #[test]
    fn openings_are_whole_words() {
        assert_eq!(opening(" What goes on."), Some("What"));
        assert_eq!(opening(" of a batch"), Some("of"));
        assert_eq!(opening(" However, offsets"), None);
        assert_eq!(opening(" Offsets"), None);
    }

    #[test]
    fn a_planted_file_is_counted() {
        let text = "/// How it is.\n/// A value that is\n/// no number.\nfn f() { err(\"so many rows\") }\n\n// Why.\nstruct Room;\n";
        let report = report(text);
        let counts = (
            report.openings,
            report.comments,
            report.phrases,
            report.names,
        );
        assert_eq!(counts, (1, 2, 2, 1));
        let expected = [
            "src/a.rs:1: begins with `How`: say what it is",
            "src/a.rs:2: `is no number`: NaN",
            "src/a.rs:4: `so many`: n, or the count's name",
            "src/a.rs:7: name `Room`: Workspace",
        ];
        assert_eq!(report.findings, expected);
        assert!(!report.passes());
    }

    #[test]
    fn plain_english_passes() {
        let report = report(
            "/// Returns NaN. Another image stands in for it; files that are left out.\nfn f() {}\n",
        );
        assert_eq!(report.findings, [""; 0]);
        assert!(report.passes());
    }

    #[test]
    fn overlapping_phrases_count_once() {
        let found = Phrases::new()
            .unwrap()
            .find("What comes out of a stage, memory that is there");
        let words: Vec<&str> = found.iter().map(|found| found.1).collect();
        assert_eq!(words, ["What comes out", "is there"]);
    }
}
