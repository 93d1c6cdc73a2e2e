//! The display of a cell's last expression.

use super::brackets::{Balance, balance};
use super::cell::parse_cell;
use super::top::has_commands;
use ra_ap_syntax::ast::{self, HasAttrs};
use ra_ap_syntax::{AstNode, SyntaxKind};
use std::ops::Range;

/// A cell's code, changed so that its last expression is displayed.
#[derive(Debug, PartialEq)]
pub(crate) struct DisplayedCode {
    /// The code that the engine compiles.
    pub(crate) code: String,
    /// Number of lines inserted above the user's first.
    pub(crate) inserted_lines: usize,
}

impl DisplayedCode {
    /// A cell that is compiled as it is.
    pub(crate) fn unchanged(code: &str) -> DisplayedCode {
        DisplayedCode {
            code: code.to_owned(),
            inserted_lines: 0,
        }
    }
}

/// Replaces the last expression of a cell, `x`, by the statement `(&(x)).evcxr_display();`.
///
/// The engine itself would try `(x).evcxr_display()`, but interprets every error in it as a missing
/// method and falls back to `Debug`, even if `x` moves a variable, as in `plot.title("Loss")`, or
/// contains the first `?`. Compiling the call directly also avoids that attempt. The user's code
/// moves by whole lines only, so that error positions remain valid. `None` if the cell must run
/// unchanged.
pub(crate) fn with_display_call(code: &str) -> Option<DisplayedCode> {
    if has_commands(code) || balance(code) != Balance::Balanced {
        return None;
    }
    let cell = parse_cell(code);
    if !cell.is_valid() {
        return None;
    }
    let body = cell.body()?;
    let tail = body.tail_expr()?;
    if tail.attrs().next().is_some() || never_has_a_value(&tail) {
        return None;
    }
    let range = cell.bytes(tail.syntax().text_range());
    if is_loop_without_value(&tail) {
        return Some(DisplayedCode {
            code: format!("{};{}", &code[..range.end], &code[range.end..]),
            inserted_lines: 0,
        });
    }
    let ends = statement_ends(&body).map(|range| cell.bytes(range).end);
    let previous_end = ends.filter(|end| *end <= range.start).max();
    if previous_end.is_none() && code.trim_start().starts_with("#!") {
        return None;
    }
    Some(insert_call(
        code,
        &range,
        previous_end,
        is_shared_reference(&tail),
    ))
}

/// True for a loop that has no value, or none but `()`.
fn is_loop_without_value(tail: &ast::Expr) -> bool {
    match tail {
        ast::Expr::ForExpr(_) | ast::Expr::WhileExpr(_) => true,
        ast::Expr::LoopExpr(endless) => {
            let mut breaks = endless
                .syntax()
                .descendants()
                .filter_map(ast::BreakExpr::cast);
            !breaks.any(|end| end.expr().is_some())
        }
        _ => false,
    }
}

/// True for an expression that diverges or is a closure, which has no display.
fn never_has_a_value(tail: &ast::Expr) -> bool {
    match tail {
        ast::Expr::ReturnExpr(_)
        | ast::Expr::BreakExpr(_)
        | ast::Expr::ContinueExpr(_)
        | ast::Expr::ClosureExpr(_) => true,
        ast::Expr::MacroExpr(call) => {
            let name = call
                .macro_call()
                .and_then(|call| call.path())
                .map(|path| path.syntax().text().to_string());
            let diverging = ["panic", "todo", "unimplemented", "unreachable"];
            name.is_some_and(|name| diverging.contains(&name.trim_start_matches("std::")))
        }
        _ => false,
    }
}

/// True for `&x`, whose display is that of `x`.
fn is_shared_reference(tail: &ast::Expr) -> bool {
    matches!(tail, ast::Expr::RefExpr(reference) if reference.mut_token().is_none())
}

/// Ranges of the last statement and of the semicolons that belong to no statement, such as one
/// after an item.
fn statement_ends(body: &ast::StmtList) -> impl Iterator<Item = ra_ap_syntax::TextRange> {
    let semicolons = body
        .syntax()
        .children_with_tokens()
        .filter(|part| part.kind() == SyntaxKind::SEMICOLON)
        .map(|part| part.text_range());
    let last = body.statements().last();
    semicolons.chain(last.map(|statement| statement.syntax().text_range()))
}

/// Inserts the call around the last expression: on the line of the previous statement's end, or on
/// a new first line.
fn insert_call(
    code: &str,
    tail: &Range<usize>,
    previous_end: Option<usize>,
    is_reference: bool,
) -> DisplayedCode {
    let (open, close) = if is_reference {
        ("(", ").evcxr_display();")
    } else {
        ("(&(", ")).evcxr_display();")
    };
    let head = match previous_end {
        Some(end) => format!("{}{open}{}", &code[..end], &code[end..tail.start]),
        None => format!("{open}\n{}", &code[..tail.start]),
    };
    DisplayedCode {
        code: format!("{head}{}{close}{}", &code[tail.clone()], &code[tail.end..]),
        inserted_lines: usize::from(previous_end.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_expressions_become_display_calls() {
        let code =
            |text: &str| with_display_call(text).map(|cell| (cell.code, cell.inserted_lines));
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
        assert_eq!(code("loop { f() }"), one("loop { f() };", 0));
        assert_eq!(
            code("loop { break 3 }"),
            one("(&(\nloop { break 3 })).evcxr_display();", 1)
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
            "panic!(\"x\")",
            "|x| x",
            "a b",
            "",
            "// only this",
        ] {
            assert_eq!(code(same), None, "{same}");
        }
    }
}
