//! The failure of a cell that compiled, as the cell's own process reports it.

use super::kept::Kept;
use crate::build::{ERROR, PANIC};

/// Start of the report that the panic hook writes to standard error.
pub(super) const REPORT: &[u8] = b"\nthread '";
/// The words between the name of a thread and the position of its panic.
const PANICKED: &str = " panicked at ";
/// Start of the advice at the end of a report.
const ADVICE: &[u8] = b"note: run with `RUST_BACKTRACE=";
/// Start of the calls in a report.
const BACKTRACE: &[u8] = b"stack backtrace:\n";
const BACKTRACE_ADVICE: &[u8] = b"note: Some details are omitted";
/// Start of the names of the functions of cells.
const CELL_CRATE: &str = "ctx::";
/// The file of a cell's compiled source.
const CELL_SOURCE: &str = "src/lib.rs:";

/// A failure of a cell that compiled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// True for a panic, false for an error returned by `?`.
    pub(super) panic: bool,
    /// The panic's or the error's own text.
    pub(super) message: String,
    /// Its line in the compiled source. Unknown for a panic outside cells, or one whose report was
    /// changed or sent before.
    pub(super) line: Option<usize>,
    /// The user's functions that were running, the innermost first, if backtraces are enabled.
    pub(super) functions: Vec<String>,
    /// The cell's variables that are kept or lost.
    pub(super) kept: Kept,
}

impl Failure {
    /// Parses a trusted line; `None` for one of another kind.
    pub(super) fn parse(line: &str) -> Option<Failure> {
        if let Some(text) = line.strip_prefix(PANIC) {
            return Some(Failure {
                panic: true,
                message: unescaped(text.strip_prefix(' ').unwrap_or_default()),
                line: None,
                functions: Vec::new(),
                kept: Kept::default(),
            });
        }
        let (line, text) = line.strip_prefix(ERROR)?.trim_start().split_once(' ')?;
        Some(Failure {
            panic: false,
            message: unescaped(text),
            line: line.parse().ok(),
            functions: Vec::new(),
            kept: Kept::default(),
        })
    }

    /// The engine's line for this failure.
    pub(super) fn engine_line(&self) -> &'static str {
        if self.panic { PANIC } else { ERROR }
    }

    /// The length of the report of this panic at the start of a text; remembers its line.
    pub(super) fn find_report(&mut self, text: &[u8]) -> Option<usize> {
        let header_end = 1 + line_end(text.strip_prefix(b"\n")?);
        let header = std::str::from_utf8(&text[1..header_end]).ok()?;
        let (_, position) = header.split_once(PANICKED)?;
        let message = [self.message.as_bytes(), b"\n"].concat();
        let rest = text[header_end..].strip_prefix(message.as_slice())?;
        let place = position.strip_prefix(CELL_SOURCE);
        self.line = place.and_then(|place| place.split(':').next()?.parse().ok());
        let length = appendix_length(rest);
        self.functions = user_functions(&String::from_utf8_lossy(&rest[..length]));
        Some(header_end + message.len() + length)
    }
}

/// The length of a report's part after the message: advice, and calls with their positions.
fn appendix_length(text: &[u8]) -> usize {
    if text.starts_with(ADVICE) {
        return line_end(text);
    }
    if !text.starts_with(BACKTRACE) {
        return 0;
    }
    let mut at = BACKTRACE.len();
    while text[at..].starts_with(b"  ") || text[at..].starts_with(BACKTRACE_ADVICE) {
        at += line_end(&text[at..]);
    }
    at
}

/// The functions of cells among the calls of a backtrace, such as `   7: ctx::area`.
fn user_functions(backtrace: &str) -> Vec<String> {
    let calls = backtrace
        .lines()
        .filter_map(|line| line.trim_start().split_once(": "));
    let of_cells = calls.filter_map(|(_, name)| name.strip_prefix(CELL_CRATE));
    let mut functions: Vec<String> = of_cells
        .map(|name| name.split("::{").next().unwrap_or(name).to_owned())
        .filter(|name| !name.starts_with("run_user_code_"))
        .collect();
    functions.dedup();
    functions
}

/// The length of the first line with its newline.
fn line_end(text: &[u8]) -> usize {
    let newline = text.iter().position(|byte| *byte == b'\n');
    newline.map_or(text.len(), |at| at + 1)
}

/// The text as one line.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// Undoes [`escaped`].
pub(super) fn unescaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.as_str().starts_with('n') => {
                characters.next();
                text.push('\n');
            }
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panic(message: &str) -> Failure {
        Failure::parse(&format!("EVCXR_PANIC_NOTIFICATION {}", escaped(message))).unwrap()
    }

    #[test]
    fn failures_have_their_own_text_and_line() {
        let failure = Failure::parse("EVCXR_ERROR_OCCURRED 12 two\\nlines, \\\\n").unwrap();
        assert_eq!(
            (failure.panic, failure.message.as_str()),
            (false, "two\nlines, \\n")
        );
        assert_eq!(failure.line, Some(12));
        assert_eq!(panic("a\nb").message, "a\nb");
        assert_eq!(panic("").message, "");
        assert_eq!(Failure::parse("EVCXR_EXECUTION_COMPLETE"), None);
    }

    #[test]
    fn the_report_of_a_panic_is_found_by_its_text() {
        let report = "\nthread 'main' (7) panicked at src/lib.rs:12:7:\ntwo\nlines\n";
        let mut failure = panic("two\nlines");
        for appendix in [
            "",
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
            "stack backtrace:\n   0: f\n   1: ctx::g::{{closure}}\n   2: ctx::g\n   3: ctx::run_user_code_3::{{closure}}\n             at src/lib.rs:1:1\nnote: Some details are omitted, run ..\n",
        ] {
            let text = format!("{report}{appendix}dropped\n");
            let length = failure.find_report(text.as_bytes()).unwrap();
            assert_eq!(&text[length..], "dropped\n");
            assert_eq!(failure.line, Some(12));
        }
        assert_eq!(failure.functions, ["g"]);
        assert_eq!(panic("one").find_report(report.as_bytes()), None);
        assert_eq!(panic("").find_report(b"\nthread 'main'"), None);
        let mut elsewhere = panic("x");
        let report = b"\nthread 'a' (7) panicked at /rustc/0/core.rs:1:2:\nx\n";
        assert_eq!(
            (elsewhere.find_report(report), elsewhere.line),
            (Some(report.len()), None)
        );
    }
}
