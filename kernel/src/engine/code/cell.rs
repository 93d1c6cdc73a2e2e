//! The syntax tree of a cell.

use ra_ap_syntax::ast::{self, HasModuleItem};
use ra_ap_syntax::{AstNode, Edition, Parse, SourceFile, SyntaxNode, TextRange, TextSize};
use std::ops::Range;

/// A cell is parsed as a function's body, which allows statements, items and a last expression.
pub(super) const HEAD: &str = "fn cell() {\n";

/// A parsed cell.
pub(crate) struct ParsedCell {
    pub(crate) syntax: Parse<SourceFile>,
}

/// Parses a cell's code.
pub(crate) fn parse_cell(code: &str) -> ParsedCell {
    ParsedCell {
        syntax: SourceFile::parse(&format!("{HEAD}{code}\n}}"), Edition::Edition2024),
    }
}

impl ParsedCell {
    /// True if the code has no syntax error.
    pub(crate) fn is_valid(&self) -> bool {
        self.syntax.errors().is_empty()
    }

    /// The statements of the cell, as one list.
    pub(crate) fn body(&self) -> Option<ast::StmtList> {
        self.syntax.tree().items().find_map(|item| match item {
            ast::Item::Fn(function) => function.body()?.stmt_list(),
            _ => None,
        })
    }

    /// Statements and items of the cell, and its last expression.
    pub(crate) fn statements(&self) -> impl Iterator<Item = SyntaxNode> + use<> {
        let body = self.body();
        body.into_iter().flat_map(|body| body.syntax().children())
    }

    /// The position in the tree of a byte of the cell's code.
    pub(super) fn offset(&self, byte: usize) -> TextSize {
        TextSize::new((HEAD.len() + byte) as u32)
    }

    /// The bytes of the cell's code at a range of the tree.
    pub(crate) fn bytes(&self, range: TextRange) -> Range<usize> {
        let byte = |offset| usize::from(offset).saturating_sub(HEAD.len());
        byte(range.start())..byte(range.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_refer_to_the_cells_code() {
        let cell = parse_cell("a + b");
        let tree = cell.syntax.tree();
        let end = ra_ap_syntax::AstNode::syntax(&tree).text_range();
        // The closing line of the function follows the code.
        assert_eq!(cell.bytes(end), 0.."a + b\n}".len());
        assert_eq!(cell.statements().count(), 1);
        assert!(cell.is_valid() && !parse_cell("a b").is_valid());
    }
}
