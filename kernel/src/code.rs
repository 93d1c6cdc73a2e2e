//! Code as text: whether a cell is whole, and positions as Jupyter counts them.

use ra_ap_syntax::{Edition, SourceFile, SyntaxKind};
use serde_json::{Value, json};

/// Answers `is_complete_request`: `complete`, `incomplete` with the next line's indent, or `invalid`.
pub fn is_complete(code: &str) -> Value {
    let depth = match scan(code) {
        Scan::Open(depth) => return incomplete(depth),
        Scan::Wrong => return json!({ "status": "invalid" }),
        Scan::Whole => 0,
    };
    if code.trim_end().ends_with("\n\n") || is_command(code) {
        return json!({ "status": "complete" });
    }
    // As the body of a function: statements, items and a last expression are all allowed there.
    const HEAD: &str = "fn cell() {\n";
    let source = format!("{HEAD}{code}\n}}");
    let parsed = SourceFile::parse(&source, Edition::Edition2024);
    let end = HEAD.len() + code.trim_end().len();
    match parsed.errors().first() {
        None => json!({ "status": "complete" }),
        // The parser wants more where the cell ends: `let x =`, `a +`, `x.`
        Some(error) if usize::from(error.range().end()) >= end && wants_more(code) => incomplete(depth),
        Some(_) => json!({ "status": "invalid" }),
    }
}

fn incomplete(depth: usize) -> Value {
    json!({ "status": "incomplete", "indent": "    ".repeat(depth) })
}

/// Lines that the engine takes as commands (`:dep`), help (`?name`) or shell lines (`!ls`).
fn is_command(code: &str) -> bool {
    code.trim_start().starts_with([':', '?', '!'])
}

/// Whether the last token cannot end a statement.
fn wants_more(code: &str) -> bool {
    let text = code.trim_end();
    let last = text.chars().next_back();
    last.is_some_and(|c| "=+-*/%&|^<>.,:(".contains(c))
        || text.split_whitespace().next_back().is_some_and(|word| {
            matches!(
                word,
                "let" | "mut" | "fn" | "in" | "for" | "if" | "else" | "match" | "while" | "use" | "as" | "return"
            )
        })
}

enum Scan {
    Whole,
    /// Brackets, a string or a comment are still open; so many brackets.
    Open(usize),
    /// A bracket closes what was not opened.
    Wrong,
}

fn scan(code: &str) -> Scan {
    let mut open = Vec::new();
    let lexed = ra_ap_parser::LexedStr::new(Edition::Edition2024, code);
    for i in 0..lexed.len() {
        let expected = match lexed.kind(i) {
            SyntaxKind::L_PAREN => {
                open.push(SyntaxKind::R_PAREN);
                continue;
            }
            SyntaxKind::L_BRACK => {
                open.push(SyntaxKind::R_BRACK);
                continue;
            }
            SyntaxKind::L_CURLY => {
                open.push(SyntaxKind::R_CURLY);
                continue;
            }
            close @ (SyntaxKind::R_PAREN | SyntaxKind::R_BRACK | SyntaxKind::R_CURLY) => close,
            _ => continue,
        };
        if open.pop() != Some(expected) {
            return Scan::Wrong;
        }
    }
    let unterminated = lexed.errors().any(|(_, message)| message.contains("terminat"));
    if unterminated || !open.is_empty() { Scan::Open(open.len()) } else { Scan::Whole }
}

/// The byte at which the character of this number starts. Jupyter counts Unicode characters.
pub fn byte_at(code: &str, characters: usize) -> usize {
    code.char_indices().nth(characters).map_or(code.len(), |(byte, _)| byte)
}

/// How many characters there are before a byte.
pub fn characters_before(code: &str, byte: usize) -> usize {
    code[..byte.min(code.len())].chars().count()
}

/// The identifier that a position is in or at the end of: where it starts and ends, in bytes.
pub fn word_at(code: &str, byte: usize) -> std::ops::Range<usize> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let start =
        code[..byte].rfind(|c| !in_word(c)).map_or(0, |i| i + code[i..].chars().next().map_or(1, char::len_utf8));
    let end = code[byte..].find(|c| !in_word(c)).map_or(code.len(), |i| byte + i);
    start..end
}

/// The name asked for by `?name` or `name?`, if the cell is such a question.
pub fn question(code: &str) -> Option<&str> {
    let code = code.trim();
    let name = code.strip_prefix('?').or_else(|| code.strip_suffix('?'))?.trim_matches('?').trim();
    let is_path = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_:.".contains(c));
    is_path.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: &str) -> String {
        is_complete(code)["status"].as_str().unwrap_or_default().to_owned()
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
        ] {
            assert_eq!(status(code), "complete", "{code:?}");
        }
        for code in ["fn f() {", "let x =", "println!(\"a", "show(", "vec![1, 2,", "/* note", "a.", "1 +"] {
            assert_eq!(status(code), "incomplete", "{code:?}");
        }
        for code in ["let = = 3;", ")", "fn 5() {}", "}{"] {
            assert_eq!(status(code), "invalid", "{code:?}");
        }
        assert_eq!(is_complete("fn f() {\n    if x {")["indent"], "        ");
    }

    #[test]
    fn positions_count_characters_not_bytes() {
        assert_eq!((byte_at("aé🦀b", 3), characters_before("aé🦀b", 7)), (7, 3));
        assert_eq!(byte_at("ab", 9), 2);
        assert_eq!(word_at("let é_1 = x", 6), 4..8);
        assert_eq!(word_at("a.b", 1), 0..1);
    }

    #[test]
    fn questions_name_what_they_ask_for() {
        assert_eq!(question("?show"), Some("show"));
        assert_eq!(question(" Tensor::zeros? "), Some("Tensor::zeros"));
        assert_eq!(question("f()?"), None);
        assert_eq!(question("?"), None);
    }
}
