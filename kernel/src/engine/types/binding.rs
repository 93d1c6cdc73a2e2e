//! The variables that a cell binds.

use crate::build::is_constant_name;
use crate::engine::code::{ParsedCell, parse_cell};
use ra_ap_syntax::ast::{self, HasName};
use ra_ap_syntax::{AstNode, SyntaxNode};

/// A variable that a cell binds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(super) mutable: bool,
    /// True if its `let` has its type in full.
    pub(crate) typed: bool,
    /// True if the type in its `let` may borrow without saying so, as `Cow<str>` does.
    pub(crate) may_borrow: bool,
    /// The byte where its `let` can have its type; `None` if the `let` binds more, or has a type that the
    /// compiler completes.
    pub(super) annotation: Option<usize>,
    /// The byte after its last `let`.
    pub(super) end: usize,
    /// Its line in the cell, from 0.
    pub(crate) line: usize,
    /// The expression of a `let` that binds only this variable.
    pub(super) value: Option<String>,
    /// The closure in its value.
    pub(super) closure: Option<String>,
    /// The parameters of that closure, as written.
    pub(super) parameters: Option<String>,
}

/// The variables that a cell binds. A name that it binds twice is the last one.
pub(crate) fn bindings(code: &str) -> Vec<Binding> {
    let cell = parse_cell(code);
    let mut found: Vec<Binding> = Vec::new();
    for statement in cell.statements() {
        for binding in of_statement(&cell, code, &statement) {
            found.retain(|other| other.name != binding.name);
            found.push(binding);
        }
    }
    found
}

fn of_statement(cell: &ParsedCell, code: &str, statement: &SyntaxNode) -> Vec<Binding> {
    let Some(binding) = ast::LetStmt::cast(statement.clone()) else {
        return Vec::new();
    };
    let Some(pattern) = binding.pat() else {
        return Vec::new();
    };
    let names = pattern
        .syntax()
        .descendants()
        .filter_map(ast::IdentPat::cast);
    let is_refutable = binding.let_else().is_some();
    let is_single = matches!(&pattern, ast::Pat::IdentPat(name) if name.pat().is_none());
    let kind = binding.ty();
    let value = binding.initializer().filter(|_| is_single);
    let closure = value.as_ref().and_then(|value| {
        let mut inner = value.syntax().descendants();
        inner.find_map(ast::ClosureExpr::cast)
    });
    names
        .filter_map(|pattern| {
            let name = pattern.name()?;
            let start = cell.bytes(name.syntax().text_range()).start;
            let name = name.text().to_string();
            let is_plain = is_single && kind.is_none() && pattern.ref_token().is_none();
            (!(is_refutable && is_constant_name(&name))).then(|| Binding {
                name,
                typed: is_single && kind.as_ref().is_some_and(is_complete),
                may_borrow: kind.as_ref().is_some_and(may_borrow),
                annotation: is_plain.then(|| cell.bytes(pattern.syntax().text_range()).end),
                mutable: pattern.mut_token().is_some(),
                end: cell.bytes(statement.text_range()).end,
                line: code[..start].matches('\n').count(),
                value: value
                    .as_ref()
                    .map(|value| value.syntax().text().to_string()),
                closure: closure.as_ref().map(text),
                parameters: closure
                    .as_ref()
                    .and_then(ast::ClosureExpr::param_list)
                    .as_ref()
                    .map(text),
            })
        })
        .collect()
}

/// True for a type without `_`.
fn is_complete(kind: &ast::Type) -> bool {
    let mut inner = kind.syntax().descendants();
    !inner.any(|node| ast::InferType::can_cast(node.kind()))
}

/// Types of the standard library and of candle that have no lifetime of their own.
const OWNED: [&str; 34] = [
    "Arc", "BTreeMap", "BTreeSet", "Box", "Device", "DType", "HashMap", "HashSet", "Option",
    "PathBuf", "Rc", "RefCell", "String", "Tensor", "Vec", "VecDeque", "bool", "char", "f32",
    "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32", "u64", "u8",
    "usize", "Duration",
];

/// True unless all names in a type are known to have no lifetime.
fn may_borrow(kind: &ast::Type) -> bool {
    let names = kind.syntax().descendants().filter_map(ast::NameRef::cast);
    let mut names = names.map(|name| name.text().to_string());
    names.any(|name| !OWNED.contains(&name.as_str()))
}

fn text(node: &impl AstNode) -> String {
    node.syntax().text().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_binding_of_a_name_counts() {
        let code = "let a = 1;\nlet (b, mut a) = f();\nlet c = |x: u8| x;\nc(A);";
        let found = bindings(code);
        let names: Vec<(&str, bool, usize)> = found
            .iter()
            .map(|binding| (binding.name.as_str(), binding.mutable, binding.line))
            .collect();
        assert_eq!(names, [("b", false, 1), ("a", true, 1), ("c", false, 2)]);
        assert_eq!(&code[..found[0].end], "let a = 1;\nlet (b, mut a) = f();");
        let names =
            |code: &str| -> Vec<String> { bindings(code).into_iter().map(|it| it.name).collect() };
        assert_eq!(names("let (X_train, y) = f();"), ["X_train", "y"]);
        assert_eq!(names("let (None, y) = f() else { return };"), ["y"]);
        let plain =
            bindings("let mut a = 1; let b: Vec<u8> = c; let d: Vec<_> = e; let ref f = g;");
        let annotations: Vec<_> = plain.iter().map(|it| (it.typed, it.annotation)).collect();
        assert_eq!(
            annotations,
            [(false, Some(9)), (true, None), (false, None), (false, None)]
        );
        assert_eq!(found[0].value, None);
        assert_eq!(found[2].value.as_deref(), Some("|x: u8| x"));
        assert_eq!(found[2].parameters.as_deref(), Some("|x: u8|"));
    }
}
