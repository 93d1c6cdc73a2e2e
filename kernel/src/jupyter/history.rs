//! What was executed before, in this session and in earlier ones: one JSON line a cell, appended.

use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// The file keeps at most so many cells; the oldest go first.
const MOST: usize = 10_000;

/// The history, as Jupyter asks for it: sessions are numbered, cells within them too.
pub(crate) struct History {
    file: Option<PathBuf>,
    session: u64,
    /// Session, number in the session, source.
    cells: Vec<(u64, u64, String)>,
}

impl History {
    /// Reads the file, if it is there; what cannot be read in it is left out.
    pub(crate) fn open(file: Option<PathBuf>) -> History {
        let text = file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok())
            .unwrap_or_default();
        let mut cells: Vec<(u64, u64, String)> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let session = cells.iter().map(|cell| cell.0).max().unwrap_or(0) + 1;
        if cells.len() > MOST {
            cells.drain(..cells.len() - MOST);
            if let Some(file) = &file {
                let lines: String = cells
                    .iter()
                    .map(|cell| format!("{}\n", json!(cell)))
                    .collect();
                // A history that cannot be shortened is still a history.
                let _ = crate::home::write_atomically(file, lines.as_bytes());
            }
        }
        History {
            file,
            session,
            cells,
        }
    }

    /// Keeps a cell.
    pub(crate) fn push(&mut self, number: u64, source: &str) {
        let cell = (self.session, number, source.to_owned());
        if let Some(path) = &self.file {
            let line = format!("{}\n", json!(cell));
            // Where the file cannot be written the history lasts as long as the kernel.
            let _ = std::fs::File::options()
                .create(true)
                .append(true)
                .open(path)
                .and_then(|mut file| file.write_all(line.as_bytes()));
        }
        self.cells.push(cell);
    }

    /// Answers `history_request`: `tail`, `range` or `search`.
    pub(crate) fn answer(&self, request: &Value) -> Value {
        let number = |field: &str| request[field].as_i64();
        let most = number("n")
            .filter(|&n| n > 0)
            .map_or(usize::MAX, |n| n as usize);
        let mut found: Vec<&(u64, u64, String)> = match request["hist_access_type"].as_str() {
            Some("range") => {
                // 0 is this session, -1 the one before.
                let session = match number("session").unwrap_or(0) {
                    n if n > 0 => n as u64,
                    back => self.session.saturating_add_signed(back),
                };
                let (start, stop) = (
                    number("start").unwrap_or(0),
                    number("stop").unwrap_or(i64::MAX),
                );
                let inside = |n: u64| i64::try_from(n).is_ok_and(|n| n >= start && n < stop);
                self.cells
                    .iter()
                    .filter(|cell| cell.0 == session && inside(cell.1))
                    .collect()
            }
            Some("search") => {
                let pattern = request["pattern"].as_str().unwrap_or("*");
                self.cells
                    .iter()
                    .filter(|cell| matches(pattern, &cell.2))
                    .collect()
            }
            _ => self.cells.iter().collect(),
        };
        if request["unique"].as_bool() == Some(true) {
            let mut seen = std::collections::HashSet::new();
            found.reverse();
            found.retain(|cell| seen.insert(&cell.2));
            found.reverse();
        }
        let rows: Vec<Value> = found[found.len().saturating_sub(most)..]
            .iter()
            .map(
                |(session, number, source)| match request["output"].as_bool() {
                    Some(true) => json!([session, number, [source, null]]),
                    _ => json!([session, number, source]),
                },
            )
            .collect();
        json!({ "status": "ok", "history": rows })
    }
}

/// Whether a text fits a pattern of `*` (anything) and `?` (one character).
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it has taken.
    let mut star = None;
    while t < text.len() {
        if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*' {
            (p, t) = (p + 1, t + 1);
        } else if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, t) = (at + 1, taken + 1);
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
    fn cells_are_found_by_tail_range_and_search_across_sessions() {
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
    fn patterns_have_stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("b", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
