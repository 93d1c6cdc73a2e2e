//! The place of the cursor in a cell: after a dot, after a path, in a struct, or elsewhere.

use super::super::code::{parse_cell, word_at};
use ra_ap_syntax::{AstNode, SyntaxNode, ast};
use std::ops::Range;

/// The place of a name that is being completed.
#[derive(Debug, PartialEq)]
pub(super) enum CursorPlace {
    /// After a dot; the bytes of the expression before it.
    Member(Range<usize>),
    /// After `::`, with the path before it.
    Path(String),
    /// A field in a struct literal of this type.
    Record(String),
    /// After `..` in a struct literal.
    Rest,
    Other,
}

/// The place of the name at a byte offset.
pub(super) fn place(code: &str, byte: usize) -> CursorPlace {
    let before = code[..word_at(code, byte).start].trim_end();
    if before.ends_with('.') && !before.ends_with("..") {
        return receiver(before).map_or(CursorPlace::Other, CursorPlace::Member);
    }
    if let Some(path) = before.strip_suffix("::") {
        let start = path.rfind(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
        let start = start.map_or(0, |at| {
            at + path[at..].chars().next().map_or(1, char::len_utf8)
        });
        return CursorPlace::Path(path[start..].to_owned());
    }
    match before.strip_suffix("..") {
        Some(fields) if record(fields.trim_end()).is_some() => CursorPlace::Rest,
        Some(_) => CursorPlace::Other,
        None => record(before).map_or(CursorPlace::Other, CursorPlace::Record),
    }
}

/// A name that stands for the one that is being typed.
const NAME: &str = "candlebook_name";

/// The bytes of the expression before the dot that ends the code.
fn receiver(before: &str) -> Option<Range<usize>> {
    let cell = parse_cell(&format!("{before}{NAME}"));
    let name = node_of_name(&cell.syntax.syntax_node());
    let field = name.and_then(|name| name.ancestors().find_map(ast::FieldExpr::cast));
    let expression = field.and_then(|field| field.expr());
    match expression {
        Some(expression) => Some(cell.bytes(expression.syntax().text_range())),
        // Arguments of macros have no syntax tree.
        None => {
            let end = before.len() - 1;
            let simple = |c: char| c.is_alphanumeric() || "_.".contains(c);
            let start = before[..end].rfind(|c| !simple(c)).map_or(0, |at| {
                at + before[at..].chars().next().map_or(1, char::len_utf8)
            });
            (start < end).then_some(start..end)
        }
    }
}

/// The type of the struct literal in which a field's name would follow the code.
fn record(before: &str) -> Option<String> {
    if !before.ends_with(['{', ',']) {
        return None;
    }
    let cell = parse_cell(&format!("{before} {NAME}"));
    let name = node_of_name(&cell.syntax.syntax_node())?;
    let field = name.ancestors().find_map(ast::RecordExprField::cast)?;
    let literal = field.syntax().ancestors().find_map(ast::RecordExpr::cast)?;
    let segment = literal.path()?.segment()?;
    Some(segment.name_ref()?.text().to_string())
}

/// The node of the name that is being typed.
fn node_of_name(root: &SyntaxNode) -> Option<SyntaxNode> {
    let mut names = root.descendants().filter_map(ast::NameRef::cast);
    let name = names.find(|name| name.text() == NAME)?;
    Some(name.syntax().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_before_a_name_tells_its_place() {
        let at_end = |code: &str| place(code, code.len());
        assert_eq!(at_end("let a = 1;\nae.enc"), CursorPlace::Member(11..13));
        assert_eq!(
            at_end("f(&ae.encode(&x)?\n    .fi"),
            CursorPlace::Member(3..17)
        );
        assert_eq!(
            at_end("println!(\"{}\", ae.le"),
            CursorPlace::Member(15..17)
        );
        assert_eq!(
            at_end("let t = Tensor::ze"),
            CursorPlace::Path("Tensor".into())
        );
        assert_eq!(at_end("x(std::fs::"), CursorPlace::Path("std::fs".into()));
        assert_eq!(at_end("Fit { ep"), CursorPlace::Record("Fit".into()));
        assert_eq!(
            at_end("ae.fit(&d, &train::Fit { epochs: 2, "),
            CursorPlace::Record("Fit".into())
        );
        assert_eq!(at_end("Fit { ..De"), CursorPlace::Rest);
        assert_eq!(at_end("Fit { epochs: 2, ..De"), CursorPlace::Rest);
        for other in ["Fit { epochs: a", "0..De", "let x = a", "", "if a { b"] {
            assert_eq!(at_end(other), CursorPlace::Other, "{other}");
        }
    }
}
