//! Checks for Stop in the loops of a cell.

use super::edits::Edits;
use super::generated::is_cell;
use ra_ap_syntax::ast::{self, HasLoopBody};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode};

/// The call that leaves the cell if Stop was pressed and the cell goes on.
const CHECK: &str = "::candlebook::leave_if_interrupted();";

/// Methods that a loop may call for each number. A check would keep the compiler from vectorizing it,
/// and the loop is short without one.
const CHEAP_METHODS: [&str; 40] = [
    "abs",
    "sqrt",
    "exp",
    "exp2",
    "ln",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "tanh",
    "powi",
    "powf",
    "mul_add",
    "max",
    "min",
    "clamp",
    "floor",
    "ceil",
    "round",
    "trunc",
    "fract",
    "signum",
    "recip",
    "len",
    "iter",
    "iter_mut",
    "get",
    "clone",
    "copied",
    "to_owned",
    "push",
    "is_empty",
    "as_ref",
    "wrapping_add",
    "wrapping_mul",
    "wrapping_sub",
    "rotate_left",
    "total_cmp",
    "unwrap",
];

/// Adds a check at the head of each loop.
///
/// A loop that never looks for Stop could otherwise be ended only with its process, and all
/// variables. The check unwinds to the cell's end, which keeps those of earlier cells.
pub(super) fn add_stop_checks(source: &SyntaxNode, edits: &mut Edits) {
    let loops = source
        .descendants()
        .filter(|node| needs_check(node) && !is_without_checks(node));
    for node in loops {
        if let Some(brace) = body(&node).and_then(|body| body.stmt_list()?.l_curly_token()) {
            edits.insert(brace.text_range().end().into(), CHECK);
        }
    }
}

fn body(node: &SyntaxNode) -> Option<ast::BlockExpr> {
    match node.kind() {
        SyntaxKind::LOOP_EXPR => ast::LoopExpr::cast(node.clone())?.loop_body(),
        SyntaxKind::WHILE_EXPR => ast::WhileExpr::cast(node.clone())?.loop_body(),
        SyntaxKind::FOR_EXPR => ast::ForExpr::cast(node.clone())?.loop_body(),
        _ => None,
    }
}

/// True for a loop that may run for long: every loop but a `for` whose body only computes.
fn needs_check(node: &SyntaxNode) -> bool {
    match node.kind() {
        SyntaxKind::LOOP_EXPR | SyntaxKind::WHILE_EXPR => true,
        SyntaxKind::FOR_EXPR => body(node).is_some_and(|body| {
            let mut inner = body.syntax().descendants();
            inner.any(|node| takes_time(&node))
        }),
        _ => false,
    }
}

fn takes_time(node: &SyntaxNode) -> bool {
    match node.kind() {
        SyntaxKind::LOOP_EXPR
        | SyntaxKind::WHILE_EXPR
        | SyntaxKind::FOR_EXPR
        | SyntaxKind::CALL_EXPR
        | SyntaxKind::MACRO_CALL
        | SyntaxKind::TRY_EXPR
        | SyntaxKind::AWAIT_EXPR => true,
        SyntaxKind::METHOD_CALL_EXPR => ast::MethodCallExpr::cast(node.clone())
            .and_then(|call| call.name_ref())
            .is_none_or(|name| !CHEAP_METHODS.contains(&name.text())),
        _ => false,
    }
}

/// True for a loop that the compiler evaluates, or that unwinding must not leave.
fn is_without_checks(node: &SyntaxNode) -> bool {
    node.ancestors().any(|outer| match outer.kind() {
        SyntaxKind::CONST | SyntaxKind::STATIC | SyntaxKind::CONST_ARG => true,
        SyntaxKind::FN => ast::Fn::cast(outer).is_some_and(|function| {
            // The cell's own function is foreign, but catches panics.
            let is_foreign = function.abi().is_some() && !is_cell(&function);
            function.const_token().is_some() || is_foreign
        }),
        SyntaxKind::BLOCK_EXPR => {
            ast::BlockExpr::cast(outer).is_some_and(|block| block.const_token().is_some())
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ra_ap_syntax::{Edition, SourceFile};

    fn checked(code: &str) -> String {
        let source = format!("fn cell() {{\n{code}\n}}");
        let mut edits = Edits::default();
        let file = SourceFile::parse(&source, Edition::Edition2024).tree();
        add_stop_checks(file.syntax(), &mut edits);
        let text = edits.apply(&source).replace(CHECK, "!");
        text["fn cell() {\n".len()..text.len() - 2].to_owned()
    }

    #[test]
    fn loops_that_may_run_for_long_get_a_check_on_their_line() {
        for (code, expected) in [
            ("loop {}", "loop {!}"),
            (
                "while x < 3 {\n    x += 1\n}",
                "while x < 3 {!\n    x += 1\n}",
            ),
            (
                "for b in d {\n  fit(b)?;\n}",
                "for b in d {!\n  fit(b)?;\n}",
            ),
            ("for b in d { m.fit(b); }", "for b in d {! m.fit(b); }"),
            (
                "for i in 0..n { for j in 0..m { s += a[i][j]; } }",
                "for i in 0..n {! for j in 0..m { s += a[i][j]; } }",
            ),
            ("fn f() { loop { g() } }", "fn f() { loop {! g() } }"),
            ("let é = 1; loop { break }", "let é = 1; loop {! break }"),
            (
                "pub extern \"C\" fn run_user_code_1() { loop {} }",
                "pub extern \"C\" fn run_user_code_1() { loop {!} }",
            ),
        ] {
            assert_eq!(checked(code), expected);
        }
    }

    #[test]
    fn loops_that_only_compute_and_constants_stay_as_they_are() {
        for code in [
            "for i in 0..n { s += a[i] * b[i].abs(); }",
            "const fn f() -> u8 { loop { return 1; } }",
            "const A: u8 = { let mut n = 0; while n < 3 { n += 1; } n };",
            "extern \"C\" fn f() { loop {} }",
            "let a = 1;",
        ] {
            assert_eq!(checked(code), code);
        }
    }
}
