//! Code as text: whether a cell is whole, and positions as Jupyter counts them.

use ra_ap_syntax::ast::{self, HasAttrs, HasModuleItem};
use ra_ap_syntax::{AstNode, Edition, SourceFile, SyntaxKind, TextSize};
use serde_json::{Value, json};

/// Answers `is_complete_request`: `complete`, `incomplete` with the next line's indent, or `invalid`.
pub(crate) fn is_complete(code: &str) -> Value {
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
        Some(error) if usize::from(error.range().end()) >= end && wants_more(code) => {
            incomplete(depth)
        }
        Some(_) => json!({ "status": "invalid" }),
    }
}

/// A cell whose last expression asks by itself to be shown.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    /// What the engine is to run.
    pub(crate) code: String,
    /// How many lines were put above the user's first.
    pub(crate) lines: usize,
}

/// Turns the last expression of a cell, `x`, into the statement `(&(x)).evcxr_display();`, so that it compiles at once.
///
/// The engine would try `(x).evcxr_display()` itself, but takes every error in it for a missing method and prints the value
/// by `Debug` instead: also where `x` moves a variable, as `plot.title("Loss")` does, or first uses a `?`. No line of the
/// user's code changes its place but by whole lines. None where the cell is to run as it is.
pub(crate) fn shown(code: &str) -> Option<Shown> {
    const HEAD: &str = "fn cell() {\n";
    if code.lines().any(is_command) || matches!(scan(code), Scan::Open(_) | Scan::Wrong) {
        return None;
    }
    let parsed = SourceFile::parse(&format!("{HEAD}{code}\n}}"), Edition::Edition2024);
    if !parsed.errors().is_empty() {
        return None;
    }
    let body = parsed.tree().items().find_map(|item| match item {
        ast::Item::Fn(function) => function.body()?.stmt_list(),
        _ => None,
    })?;
    let tail = body.tail_expr()?;
    if tail.attrs().next().is_some() {
        return None;
    }
    let at = |offset: TextSize| usize::from(offset) - HEAD.len();
    let range = tail.syntax().text_range();
    let (start, end) = (at(range.start()), at(range.end()));
    match &tail {
        // Nothing comes out of these.
        ast::Expr::ForExpr(_) | ast::Expr::WhileExpr(_) => {
            return Some(Shown {
                code: format!("{};{}", &code[..end], &code[end..]),
                lines: 0,
            });
        }
        ast::Expr::LoopExpr(_)
        | ast::Expr::ReturnExpr(_)
        | ast::Expr::BreakExpr(_)
        | ast::Expr::ContinueExpr(_)
        | ast::Expr::ClosureExpr(_) => return None,
        ast::Expr::MacroExpr(call) => {
            let name = call
                .macro_call()
                .and_then(|call| call.path())
                .map(|path| path.syntax().text().to_string());
            let ends = ["panic", "todo", "unimplemented", "unreachable"];
            if name.is_some_and(|name| ends.contains(&name.trim_start_matches("std::"))) {
                return None;
            }
        }
        _ => {}
    }
    // A reference shows what it refers to.
    let refers = matches!(&tail, ast::Expr::RefExpr(reference) if reference.mut_token().is_none());
    let begin = if refers { "(" } else { "(&(" };
    let close = if refers {
        ").evcxr_display();"
    } else {
        ")).evcxr_display();"
    };
    // A semicolon behind an item belongs to no statement.
    let lone = body
        .syntax()
        .children_with_tokens()
        .filter(|part| part.kind() == SyntaxKind::SEMICOLON);
    let lone = lone
        .map(|part| at(part.text_range().end()))
        .filter(|end| *end <= start)
        .max();
    let before = body
        .statements()
        .last()
        .map(|statement| at(statement.syntax().text_range().end()))
        .max(lone);
    if before.is_none() && code.trim_start().starts_with("#!") {
        return None;
    }
    let (head, lines) = match before {
        Some(before) => (
            format!("{}{begin}{}", &code[..before], &code[before..start]),
            0,
        ),
        None => (format!("{begin}\n{}", &code[..start]), 1),
    };
    Some(Shown {
        code: format!("{head}{}{close}{}", &code[start..end], &code[end..]),
        lines,
    })
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
                "let"
                    | "mut"
                    | "fn"
                    | "in"
                    | "for"
                    | "if"
                    | "else"
                    | "match"
                    | "while"
                    | "use"
                    | "as"
                    | "return"
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
    let unterminated = lexed
        .errors()
        .any(|(_, message)| message.contains("terminat"));
    if unterminated || !open.is_empty() {
        Scan::Open(open.len())
    } else {
        Scan::Whole
    }
}

/// The byte at which the character of this number starts. Jupyter counts Unicode characters.
pub(crate) fn byte_at(code: &str, characters: usize) -> usize {
    code.char_indices()
        .nth(characters)
        .map_or(code.len(), |(byte, _)| byte)
}

/// How many characters there are before a byte.
pub(crate) fn characters_before(code: &str, byte: usize) -> usize {
    code[..byte.min(code.len())].chars().count()
}

/// The identifier that a position is in or at the end of: where it starts and ends, in bytes.
pub(crate) fn word_at(code: &str, byte: usize) -> std::ops::Range<usize> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = code[..byte].rfind(|c| !in_word(c)).map_or(0, |i| {
        i + code[i..].chars().next().map_or(1, char::len_utf8)
    });
    let end = code[byte..]
        .find(|c| !in_word(c))
        .map_or(code.len(), |i| byte + i);
    start..end
}

/// The name asked for by `?name` or `name?`, if the cell is such a question.
pub(crate) fn question(code: &str) -> Option<&str> {
    let code = code.trim();
    let name = code
        .strip_prefix('?')
        .or_else(|| code.strip_suffix('?'))?
        .trim_matches('?')
        .trim();
    let is_path = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_:.".contains(c));
    is_path.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: &str) -> String {
        is_complete(code)["status"]
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
        ] {
            assert_eq!(status(code), "incomplete", "{code:?}");
        }
        for code in ["let = = 3;", ")", "fn 5() {}", "}{"] {
            assert_eq!(status(code), "invalid", "{code:?}");
        }
        assert_eq!(is_complete("fn f() {\n    if x {")["indent"], "        ");
    }

    #[test]
    fn last_expressions_ask_to_be_shown() {
        let code = |text: &str| shown(text).map(|shown| (shown.code, shown.lines));
        let one = |text: &str, lines: usize| Some((text.to_owned(), lines));
        assert_eq!(code("a + b"), one("(&(\na + b)).evcxr_display();", 1));
        assert_eq!(
            code("let a = 1; // one\n  a\n    .b() // two"),
            one(
                "let a = 1;(&( // one\n  a\n    .b())).evcxr_display(); // two",
                0
            )
        );
        assert_eq!(code("&plot"), one("(\n&plot).evcxr_display();", 1));
        assert_eq!(
            code("let x = 1;\nfor i in 0..3 { f(i) }"),
            one("let x = 1;\nfor i in 0..3 { f(i) };", 0)
        );
        assert_eq!(
            code("fn f() {}\nif x { 1 } else { 2 }"),
            one("fn f() {}(&(\nif x { 1 } else { 2 })).evcxr_display();", 0)
        );
        assert_eq!(
            code("fn f() {};\nf()"),
            one("fn f() {};(&(\nf())).evcxr_display();", 0)
        );
        assert_eq!(
            code("let a = 1;;\na"),
            one("let a = 1;;(&(\na)).evcxr_display();", 0)
        );
        for same in [
            "#![allow(unused)]\nx",
            "let a = 1;",
            "fn f() {}",
            ":dep a\nb",
            "loop {}",
            "panic!(\"x\")",
            "|x| x",
            "a b",
            "",
            "// only this",
        ] {
            assert_eq!(code(same), None, "{same}");
        }
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
