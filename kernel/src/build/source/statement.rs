//! The effect of a cell's statement on variables.

use ra_ap_syntax::ast::{self, BinaryOp, HasName};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode};

/// Methods that only borrow their receiver in nearly every type.
const BORROWING: [&str; 17] = [
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "clone",
    "contains",
    "dims",
    "get",
    "is_empty",
    "iter",
    "len",
    "lines",
    "lock",
    "shape",
    "to_owned",
    "to_string",
    "to_vec",
];

/// A variable that a statement binds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) mutable: bool,
}

/// The variables that a `let` binds, in order; `None` for other statements.
pub(super) fn bindings(statement: &SyntaxNode) -> Option<Vec<Binding>> {
    let binding = ast::LetStmt::cast(statement.clone())?;
    let is_refutable = binding.let_else().is_some();
    let pattern = binding.pat()?;
    let names = pattern
        .syntax()
        .descendants()
        .filter_map(ast::IdentPat::cast);
    let binding = |pattern: ast::IdentPat| {
        let name = pattern.name()?.text().to_string();
        let is_constant = is_refutable && is_constant_name(&name);
        (!is_constant && pattern.ref_token().is_none()).then(|| Binding {
            name,
            mutable: pattern.mut_token().is_some(),
        })
    };
    Some(names.filter_map(binding).collect())
}

/// True for a name in a pattern with an `else` that is a constant or a unit variant, which look like
/// bindings. Without an `else`, such a pattern is not valid.
pub(crate) fn is_constant_name(name: &str) -> bool {
    name.trim_start_matches("r#")
        .starts_with(char::is_uppercase)
}

/// True for a `let` without a value.
pub(super) fn is_deferred(statement: &SyntaxNode) -> bool {
    ast::LetStmt::cast(statement.clone()).is_some_and(|binding| binding.initializer().is_none())
}

/// True for a `let` that can neither fail nor take time: its value is a literal or a variable.
pub(super) fn is_trivial(statement: &SyntaxNode) -> bool {
    let Some(statement) = ast::LetStmt::cast(statement.clone()) else {
        return false;
    };
    statement.let_else().is_none()
        && statement.initializer().is_some_and(|value| {
            let mut inner = value.syntax().descendants();
            inner.all(|node| is_trivial_value(node.kind()))
        })
}

fn is_trivial_value(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::LITERAL
            | SyntaxKind::PATH_EXPR
            | SyntaxKind::PATH
            | SyntaxKind::PATH_SEGMENT
            | SyntaxKind::NAME_REF
            | SyntaxKind::TUPLE_EXPR
            | SyntaxKind::PAREN_EXPR
    )
}

/// The variable that a statement `x = value;` assigns.
pub(crate) fn assigned(statement: &SyntaxNode) -> Option<String> {
    let expression = match ast::ExprStmt::cast(statement.clone()) {
        Some(statement) => statement.expr()?,
        None => ast::Expr::cast(statement.clone())?,
    };
    let ast::Expr::BinExpr(binary) = expression else {
        return None;
    };
    let is_assignment = matches!(binary.op_kind()?, BinaryOp::Assignment { op: None });
    is_assignment.then(|| variable(&binary.lhs()?)).flatten()
}

/// True if a statement, or one inside it, assigns a variable.
pub(super) fn assigns(statement: &SyntaxNode, name: &str) -> bool {
    let binaries = statement.descendants().filter_map(ast::BinExpr::cast);
    binaries
        .filter(|binary| matches!(binary.op_kind(), Some(BinaryOp::Assignment { op: None })))
        .any(|binary| binary.lhs().and_then(|left| variable(&left)).as_deref() == Some(name))
}

fn variable(expression: &ast::Expr) -> Option<String> {
    match expression {
        ast::Expr::PathExpr(path) => Some(path.syntax().text().to_string()),
        _ => None,
    }
}

/// True if a text mentions a variable: in code, or in a format string.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    let name = name.trim_start_matches("r#");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// True if a statement may move a variable, as opposed to only borrowing or assigning it.
pub(super) fn may_move(statement: &SyntaxNode, name: &str) -> bool {
    let paths = statement.descendants().filter_map(ast::PathExpr::cast);
    let mut uses = paths.filter(|path| path.syntax().text() == name);
    uses.any(|path| !is_borrowed(path.syntax()) && !is_target(path.syntax()))
        || macros(statement).any(|text| mentions(&text, name))
}

/// Arguments of macros, which may do anything, except for those that format.
fn macros(statement: &SyntaxNode) -> impl Iterator<Item = String> {
    let calls = statement.descendants().filter_map(ast::MacroCall::cast);
    calls
        .filter(|call| {
            let name = call.path().map(|path| path.syntax().text().to_string());
            let name = name.unwrap_or_default();
            ![
                "print",
                "println",
                "eprint",
                "eprintln",
                "format",
                "write",
                "writeln",
                "assert",
                "assert_eq",
            ]
            .contains(&name.as_str())
        })
        .filter_map(|call| Some(call.token_tree()?.syntax().text().to_string()))
}

/// True for `&x`, `x.len()`, `x.field` and `x[0]`.
fn is_borrowed(path: &SyntaxNode) -> bool {
    let Some(parent) = path.parent() else {
        return false;
    };
    match parent.kind() {
        SyntaxKind::REF_EXPR | SyntaxKind::INDEX_EXPR => true,
        SyntaxKind::METHOD_CALL_EXPR => ast::MethodCallExpr::cast(parent)
            .and_then(|call| call.name_ref())
            .is_some_and(|name| BORROWING.iter().any(|known| name.text() == *known)),
        _ => false,
    }
}

/// True for the `x` of `x = value`.
fn is_target(path: &SyntaxNode) -> bool {
    path.parent()
        .and_then(ast::BinExpr::cast)
        .is_some_and(|binary| {
            matches!(binary.op_kind(), Some(BinaryOp::Assignment { .. }))
                && binary.lhs().is_some_and(|left| left.syntax() == path)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ra_ap_syntax::{Edition, SourceFile};

    fn statement(code: &str) -> SyntaxNode {
        let file =
            SourceFile::parse(&format!("fn f() {{\n{code}\n}}"), Edition::Edition2024).tree();
        let list = file.syntax().descendants().find_map(ast::StmtList::cast);
        list.unwrap().syntax().children().next().unwrap()
    }

    #[test]
    fn bindings_are_the_variables_of_a_pattern() {
        let names = |code: &str| -> Option<Vec<String>> {
            let bindings = bindings(&statement(code))?;
            let text = |binding: &Binding| {
                let mutable = if binding.mutable { "mut " } else { "" };
                format!("{mutable}{}", binding.name)
            };
            Some(bindings.iter().map(text).collect())
        };
        assert_eq!(names("let (a, mut b) = f();").unwrap(), ["a", "mut b"]);
        assert_eq!(names("let Some(x) = y else { return };").unwrap(), ["x"]);
        assert_eq!(names("let P { a, b: [c, ..] } = p;").unwrap(), ["a", "c"]);
        assert_eq!(names("f(a);"), None);
        assert!(is_deferred(&statement("let a;")) && !is_deferred(&statement("let a = 1;")));
        for (code, trivial) in [
            ("let a = 1;", true),
            ("let a = (b, \"x\");", true),
            ("let a = b?;", false),
            ("let a = b();", false),
        ] {
            assert_eq!(is_trivial(&statement(code)), trivial, "{code}");
        }
    }

    #[test]
    fn assignments_name_their_variable() {
        assert_eq!(assigned(&statement("a = a.b()?;")).as_deref(), Some("a"));
        assert_eq!(assigned(&statement("a += 1;")), None);
        assert_eq!(assigned(&statement("a.b = 1;")), None);
        assert!(assigns(&statement("for x in y { a = f(a); }"), "a"));
        assert!(!assigns(&statement("for x in y { b = f(a); }"), "a"));
    }

    #[test]
    fn a_variable_moves_where_it_is_not_only_borrowed() {
        for (code, moved) in [
            ("let b = a;", true),
            ("a = a.line(1);", true),
            ("let b = f(&a, a.len(), a[0], &mut a);", false),
            ("a = 1;", false),
            ("let b = vec![a];", true),
            ("println!(\"{a}\");", false),
            ("let ab = 1;", false),
        ] {
            assert_eq!(may_move(&statement(code), "a"), moved, "{code}");
        }
        assert!(mentions("f(\"{a}\")", "a") && !mentions("ab + b_a", "a"));
    }
}
