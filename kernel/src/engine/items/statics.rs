//! Statics, which exist once for all cells: each gets a symbol, by which later cells find it.

use crate::build::STATIC_SYMBOL;
use crate::engine::code::{Insertions, ParsedCell};
use ra_ap_syntax::ast::{self, HasAttrs};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode};

/// Gives each static in the items of a cell a symbol; returns the symbols.
pub(super) fn name_statics(
    cell: &ParsedCell,
    statements: &[SyntaxNode],
    number: u32,
    insertions: &mut Insertions,
) -> Vec<String> {
    let items = statements
        .iter()
        .filter(|node| ast::Item::can_cast(node.kind()));
    let statics = items
        .flat_map(|item| item.descendants())
        .filter_map(ast::Static::cast);
    let mut symbols = Vec::new();
    for item in statics.filter(is_ordinary) {
        let symbol = format!("{STATIC_SYMBOL}{number}_{}", symbols.len());
        let attribute = format!(" #[unsafe(export_name = \"{symbol}\")]");
        insertions.before(cell, item.syntax(), &attribute);
        symbols.push(symbol);
    }
    symbols
}

/// True for a static without a symbol of its own.
fn is_ordinary(item: &ast::Static) -> bool {
    let has_symbol = item.attrs().any(|attribute| {
        let text = attribute.syntax().text().to_string();
        text.contains("no_mangle") || text.contains("export_name") || text.contains("cfg")
    });
    let is_foreign = item
        .syntax()
        .ancestors()
        .any(|node| node.kind() == SyntaxKind::EXTERN_BLOCK);
    !has_symbol && !is_foreign
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::code::parse_cell;

    #[test]
    fn statics_of_items_get_a_symbol() {
        let code = "fn f() {\n    static N: u8 = 1; }\nstatic M: u8 = 2;\n{ static L: u8 = 3; }";
        let cell = parse_cell(code);
        let statements: Vec<SyntaxNode> = cell.statements().collect();
        let mut insertions = Insertions::default();
        let symbols = name_statics(&cell, &statements, 7, &mut insertions);
        assert_eq!(symbols, ["candlebook_static_7_0", "candlebook_static_7_1"]);
        let attribute = |n: u8| format!(" #[unsafe(export_name = \"candlebook_static_7_{n}\")]");
        let expected = code
            .replace("f() {", &format!("f() {{{}", attribute(0)))
            .replace("; }\nstatic", &format!("; }}{}\nstatic", attribute(1)));
        assert_eq!(insertions.apply(code).0, expected);
    }
}
