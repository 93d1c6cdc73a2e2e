//! The syntax tree of a cell.

use ra_ap_syntax::{Edition, Parse, SourceFile, TextRange, TextSize};
use std::ops::Range;

/// A cell is parsed as a function's body, which allows statements, items and a last expression.
const HEAD: &str = "fn cell() {\n";

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

/// True for the engine's commands (`:dep`), help (`?name`) and shell lines (`!ls`).
pub(super) fn is_command(code: &str) -> bool {
    code.trim_start().starts_with([':', '?', '!'])
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
        assert!(is_command("  :dep a") && !is_command("a"));
    }
}
