//! The function that the engine generates for a cell.

use ra_ap_syntax::ast::{self, HasModuleItem, HasName};
use ra_ap_syntax::{AstNode, SourceFile, SyntaxNode};
use std::ops::Range;

/// Name of the runtime of asynchronous cells, whose statements run in one block.
const ASYNCHRONOUS: &str = "evcxr_tokio_runtime";

/// A stored variable that the function takes out of the store, or puts back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) mutable: bool,
    /// The statement's bytes.
    pub(super) range: Range<usize>,
}

/// The parts of the generated function that the rewriting concerns.
#[derive(Debug)]
pub(super) struct CellFunction {
    /// Variables of earlier cells, taken from the store at the function's start.
    pub(super) taken: Vec<Stored>,
    /// Variables of earlier cells, put back at the function's end.
    pub(super) put_back: Vec<Stored>,
    /// The function's statements that run the cell.
    pub(super) run: Option<Run>,
    /// The place before the checks of variables.
    pub(super) checks: Option<usize>,
}

/// The expression that runs the user's statements and catches panics.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) range: Range<usize>,
    /// The user's statements.
    pub(super) statements: Vec<SyntaxNode>,
    /// Variables that the cell binds, put into the store after its last statement.
    pub(super) bound: Vec<Stored>,
    /// True if the cell may use `?`.
    pub(super) question_mark: bool,
}

impl CellFunction {
    /// Finds the function in the generated source.
    pub(super) fn find(file: &SourceFile) -> Option<CellFunction> {
        let functions = file.items().filter_map(|item| match item {
            ast::Item::Fn(function) => Some(function),
            _ => None,
        });
        let function = functions.filter(is_cell).last()?;
        let statements: Vec<SyntaxNode> = children(&function.body()?);
        let is_check = |statement: &&SyntaxNode| {
            let text = statement.text().to_string();
            text.starts_with("{let mut vars_ok")
        };
        let checks = statements.iter().find(is_check);
        Some(CellFunction {
            checks: checks.map(|checks| bytes(checks).start),
            taken: statements.iter().filter_map(taken).collect(),
            put_back: statements.iter().filter_map(put).collect(),
            run: statements.iter().find_map(run),
        })
    }
}

/// True for the function that the engine generates for a cell.
pub(super) fn is_cell(function: &ast::Fn) -> bool {
    let name = function.name();
    name.is_some_and(|name| name.text().starts_with("run_user_code_"))
}

/// The statements of a block and its last expression.
fn children(block: &ast::BlockExpr) -> Vec<SyntaxNode> {
    let statements = block.stmt_list();
    statements
        .map(|list| list.syntax().children().collect())
        .unwrap_or_default()
}

/// The bytes of a node.
pub(super) fn bytes(node: &SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    range.start().into()..range.end().into()
}

/// Reads `let mut a = evcxr_variable_store.take_variable::<T>(stringify!(a));`.
fn taken(statement: &SyntaxNode) -> Option<Stored> {
    let text = statement.text().to_string();
    let (head, call) = text.split_once(" = evcxr_variable_store.take_variable::<")?;
    let name = head.strip_prefix("let ")?;
    Some(Stored {
        name: name.trim_start_matches("mut ").to_owned(),
        kind: call.rsplit_once(">(stringify!(")?.0.to_owned(),
        mutable: name.starts_with("mut "),
        range: bytes(statement),
    })
}

/// Reads `evcxr_variable_store.put_variable::<T>(stringify!(a), a);`.
fn put(statement: &SyntaxNode) -> Option<Stored> {
    let text = statement.text().to_string();
    let call = text.strip_prefix("evcxr_variable_store.put_variable::<")?;
    let (kind, name) = call.rsplit_once(">(stringify!(")?;
    Some(Stored {
        name: name.split_once("), ")?.0.to_owned(),
        kind: kind.to_owned(),
        mutable: false,
        range: bytes(statement),
    })
}

/// Reads `match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| { ... })) { ... }`.
fn run(statement: &SyntaxNode) -> Option<Run> {
    let node = match ast::ExprStmt::cast(statement.clone()) {
        Some(statement) => statement.expr()?.syntax().clone(),
        None => statement.clone(),
    };
    let matched = ast::MatchExpr::cast(node)?.expr()?;
    if !matched
        .syntax()
        .text()
        .to_string()
        .starts_with("std::panic::catch_unwind(")
    {
        return None;
    }
    let outer = closure_body(matched.syntax())?;
    let inner = children(&outer)
        .first()
        .filter(|first| first.text().to_string().contains("EvcxrUserCodeError> {"))
        .and_then(closure_body);
    let question_mark = inner.is_some();
    let mut statements = children(&inner.unwrap_or(outer));
    let end = statements.iter().position(|node| put(node).is_some());
    let rest = statements.split_off(end.unwrap_or(statements.len()));
    if question_mark && end.is_none() {
        // The function ends by `Ok(())`.
        statements.pop();
    }
    let is_asynchronous = |node: &SyntaxNode| node.text().to_string().contains(ASYNCHRONOUS);
    if statements.iter().any(is_asynchronous) {
        return None;
    }
    Some(Run {
        range: bytes(statement),
        statements,
        bound: rest.iter().filter_map(put).collect(),
        question_mark,
    })
}

/// The body of the first closure in a node.
fn closure_body(node: &SyntaxNode) -> Option<ast::BlockExpr> {
    let closure = node.descendants().find_map(ast::ClosureExpr::cast)?;
    match closure.body()? {
        ast::Expr::BlockExpr(block) => Some(block),
        _ => None,
    }
}
