//! The history of executed cells, of this session and earlier ones: a file with one JSON line per
//! cell.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

/// Cells that the file keeps; beyond, the oldest are removed.
const MAX_CELLS: usize = 10_000;

/// The history in Jupyter's terms: sessions are numbered, and so are the cells of each.
pub(super) struct History {
    file: Option<PathBuf>,
    session: u64,
    cells: Vec<HistoryCell>,
}

/// An executed cell. In the file it is the array `[session, number, source]`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "HistoryRow", into = "HistoryRow")]
struct HistoryCell {
    session: u64,
    /// Execution count in the session.
    number: u64,
    source: String,
}

/// A cell's line in the file: session, number, source.
type HistoryRow = (u64, u64, String);

impl From<HistoryRow> for HistoryCell {
    fn from(row: HistoryRow) -> HistoryCell {
        let (session, number, source) = row;
        HistoryCell {
            session,
            number,
            source,
        }
    }
}

impl From<HistoryCell> for HistoryRow {
    fn from(cell: HistoryCell) -> HistoryRow {
        (cell.session, cell.number, cell.source)
    }
}

impl HistoryCell {
    fn line(&self) -> String {
        format!("{}\n", json!(self))
    }
}

impl History {
    /// Reads the file if it exists, and skips damaged lines.
    pub(super) fn open(file: Option<PathBuf>) -> History {
        let text = file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok())
            .unwrap_or_default();
        let mut cells: Vec<HistoryCell> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let session = cells.iter().map(|cell| cell.session).max().unwrap_or(0) + 1;
        if cells.len() > MAX_CELLS {
            cells.drain(..cells.len() - MAX_CELLS);
            if let Some(file) = &file {
                let lines: String = cells.iter().map(HistoryCell::line).collect();
                // Go on with the longer file if it cannot be replaced.
                let _ = crate::home::write_atomically(file, lines.as_bytes());
            }
        }
        History {
            file,
            session,
            cells,
        }
    }

    /// Appends a cell.
    pub(super) fn push(&mut self, number: u64, source: &str) {
        let cell = HistoryCell {
            session: self.session,
            number,
            source: source.to_owned(),
        };
        if let Some(path) = &self.file {
            // If the file cannot be written, the history lasts as long as the kernel.
            let _ = crate::home::append_private(path)
                .and_then(|mut file| file.write_all(cell.line().as_bytes()));
        }
        self.cells.push(cell);
    }

    /// Answers `history_request`: `tail`, `range` or `search`.
    pub(super) fn answer(&self, request: &Value) -> Value {
        let mut cells = self.select(request);
        if request["unique"].as_bool() == Some(true) {
            keep_last_of_each_source(&mut cells);
        }
        let max = request["n"].as_i64().filter(|&n| n > 0);
        let max = max.map_or(usize::MAX, |n| n as usize);
        let with_output = request["output"].as_bool() == Some(true);
        let row = |cell: &&HistoryCell| {
            let (session, number, source) = (cell.session, cell.number, &cell.source);
            if with_output {
                json!([session, number, [source, null]])
            } else {
                json!([session, number, source])
            }
        };
        let last = &cells[cells.len().saturating_sub(max)..];
        let rows: Vec<Value> = last.iter().map(row).collect();
        json!({ "status": "ok", "history": rows })
    }

    /// The cells that a request asks for, oldest first.
    fn select(&self, request: &Value) -> Vec<&HistoryCell> {
        let number = |field: &str| request[field].as_i64();
        match request["hist_access_type"].as_str() {
            Some("range") => {
                // 0 is this session, -1 the one before.
                let session = match number("session").unwrap_or(0) {
                    n if n > 0 => n as u64,
                    relative => self.session.saturating_add_signed(relative),
                };
                let range = number("start").unwrap_or(0)..number("stop").unwrap_or(i64::MAX);
                let in_range = |n: u64| i64::try_from(n).is_ok_and(|n| range.contains(&n));
                let cells = self.cells.iter();
                cells
                    .filter(|cell| cell.session == session && in_range(cell.number))
                    .collect()
            }
            Some("search") => {
                let pattern = request["pattern"].as_str().unwrap_or("*");
                let cells = self.cells.iter();
                cells
                    .filter(|cell| matches_glob(pattern, &cell.source))
                    .collect()
            }
            _ => self.cells.iter().collect(),
        }
    }
}

fn keep_last_of_each_source(cells: &mut Vec<&HistoryCell>) {
    let mut seen = HashSet::new();
    cells.reverse();
    cells.retain(|cell| seen.insert(&cell.source));
    cells.reverse();
}

/// True if the whole text matches a pattern of `*` (any text) and `?` (any character).
fn matches_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Position of the last star, and the end of the text that it matches so far.
    let mut star = None;
    while t < text.len() {
        if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*' {
            (p, t) = (p + 1, t + 1);
        } else if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if let Some((at, matched)) = star {
            star = Some((at, matched + 1));
            (p, t) = (at + 1, matched + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(answer: Value) -> Vec<String> {
        let rows = answer["history"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| row[2].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn tail_range_and_search_span_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.jsonl");
        let mut first = History::open(Some(file.clone()));
        first.push(1, "let a = 1;");
        first.push(2, "show(a);");
        let mut second = History::open(Some(file));
        second.push(1, "let b = 2;");
        second.push(2, "show(a);");
        let ask = |json: Value| sources(second.answer(&json));
        assert_eq!(
            ask(json!({ "hist_access_type": "tail", "n": 2 })),
            ["let b = 2;", "show(a);"]
        );
        assert_eq!(
            ask(json!({ "hist_access_type": "range", "session": 0, "start": 1, "stop": 2 })),
            ["let b = 2;"]
        );
        assert_eq!(
            ask(json!({ "hist_access_type": "range", "session": -1 })),
            ["let a = 1;", "show(a);"]
        );
        assert_eq!(
            ask(json!({ "hist_access_type": "search", "pattern": "let*", "n": 1 })),
            ["let b = 2;"]
        );
        let unique = json!({ "hist_access_type": "search", "pattern": "show*", "unique": true });
        assert_eq!(ask(unique), ["show(a);"]);
    }

    #[test]
    fn globs_support_stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("b", "abc", false),
        ] {
            assert_eq!(matches_glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
