//! Completeness of a cell, for front ends that insert a new line on Enter.

use super::brackets::{Balance, balance};
use super::cell::parse_cell;
use super::known::Known;
use super::nesting::check_depth;
use super::top::{TopLine, top_lines};
use serde_json::{Value, json};

/// Answers `is_complete_request`: `complete`, `incomplete` with the next line's indent, or
/// `invalid`. Names that cells can use tell Rust from shell lines, as `!flag` from `!ls`.
pub(crate) fn is_complete(code: &str, known: Known) -> Value {
    // Running the cell gives the reason in words.
    if check_depth(code).is_err() {
        return json!({ "status": "invalid" });
    }
    let (top, start) = top_lines(code, known);
    if code[start..].trim().is_empty() && !top.is_empty() {
        return match top.last() {
            Some((_, TopLine::Shell(line))) if shell_continues(line) => incomplete(0),
            _ => json!({ "status": "complete" }),
        };
    }
    let code = &code[start..];
    match balance(code) {
        Balance::Open(depth) => return incomplete(depth),
        Balance::Mismatched => return json!({ "status": "invalid" }),
        Balance::Balanced => {}
    }
    if code.trim_end().ends_with("\n\n") || code.trim_start().starts_with('?') {
        return json!({ "status": "complete" });
    }
    let cell = parse_cell(code);
    match cell.syntax.errors().first() {
        None => json!({ "status": "complete" }),
        // The parser expects more at the end of the cell: `let x =`, `a +`, `x.`
        Some(error)
            if cell.bytes(error.range()).end >= code.trim_end().len() && expects_more(code) =>
        {
            incomplete(0)
        }
        Some(_) => json!({ "status": "invalid" }),
    }
}

/// True if a shell line needs another line, as after a pipe. It may be the beginning of Rust.
fn shell_continues(line: &str) -> bool {
    let is_open = matches!(balance(line), Balance::Open(_));
    is_open || ["\\", "|", "&&"].iter().any(|end| line.ends_with(end))
}

fn incomplete(depth: usize) -> Value {
    json!({ "status": "incomplete", "indent": "    ".repeat(depth) })
}

/// Keywords that cannot end a statement.
const OPEN_KEYWORDS: [&str; 12] = [
    "let", "mut", "fn", "in", "for", "if", "else", "match", "while", "use", "as", "return",
];

/// True if the last token cannot end a statement.
fn expects_more(code: &str) -> bool {
    let text = code.trim_end();
    let last = text.chars().next_back();
    let word = text.split_whitespace().next_back();
    last.is_some_and(|c| "=+-*/%&|^<>.,:(".contains(c))
        || word.is_some_and(|word| OPEN_KEYWORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: &str) -> String {
        is_complete(code, &|name| name == "flag")["status"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn cells_are_complete_incomplete_or_invalid() {
        for code in [
            "1 + 1",
            "let x = 5;",
            "fn f() -> i32 { 3 }\nf()",
            ":dep rand = \"0.9\"",
            "?show",
            "",
            "// note",
            "struct A;",
            "!ls -l",
            "!ls /",
            "!flag",
            "// note\n!pip install x\n1",
        ] {
            assert_eq!(status(code), "complete", "{code:?}");
        }
        for code in [
            "fn f() {",
            "let x =",
            "println!(\"a",
            "show(",
            "vec![1, 2,",
            "/* note",
            "a.",
            "1 +",
            "!flag &&",
            "!(flag",
            "!ls |",
            ":dep rand = \"0.9\"\nlet x =",
        ] {
            assert_eq!(status(code), "incomplete", "{code:?}");
        }
        for code in ["let = = 3;", ")", "fn 5() {}", "}{"] {
            assert_eq!(status(code), "invalid", "{code:?}");
        }
        assert_eq!(
            is_complete("fn f() {\n    if x {", &|_| false)["indent"],
            "        "
        );
    }
}
