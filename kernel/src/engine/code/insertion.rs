//! Insertions into a cell that leave every token of the user on its line and column.

use super::cell::ParsedCell;
use ra_ap_syntax::SyntaxNode;

/// Text inserted into a cell.
#[derive(Debug, Default)]
pub(crate) struct Insertions {
    /// Lines above the first one.
    lines: Vec<String>,
    /// Text at byte offsets.
    texts: Vec<(usize, String)>,
}

impl Insertions {
    /// Inserts a line above the cell.
    pub(crate) fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    /// Inserts text before a node: after the token that precedes it, or above the cell.
    pub(crate) fn before(&mut self, cell: &ParsedCell, node: &SyntaxNode, text: &str) {
        match end_before(cell, node) {
            Some(at) => self.texts.push((at, text.to_owned())),
            None => self.line(text),
        }
    }

    /// The changed code, and the number of lines above the user's first.
    pub(crate) fn apply(mut self, code: &str) -> (String, usize) {
        self.texts.sort_by_key(|(at, _)| *at);
        let mut changed = String::new();
        for line in &self.lines {
            changed.push_str(line);
            changed.push('\n');
        }
        let mut from = 0;
        for (at, text) in &self.texts {
            changed.push_str(&code[from..*at]);
            changed.push_str(text);
            from = *at;
        }
        changed.push_str(&code[from..]);
        (changed, self.lines.len())
    }
}

/// Items with line breaks after them, so that what follows the call that they replace keeps its line.
pub(in crate::engine) fn on_as_many_lines(items: &str, call: &str) -> String {
    let breaks = |text: &str| text.matches('\n').count();
    let missing = breaks(call).saturating_sub(breaks(items));
    items.to_owned() + &"\n".repeat(missing)
}

/// The end of the token before a node, without blanks and comments; `None` at the cell's start.
fn end_before(cell: &ParsedCell, node: &SyntaxNode) -> Option<usize> {
    let mut token = node.first_token()?.prev_token()?;
    while token.kind().is_trivia() {
        token = token.prev_token()?;
    }
    let end = usize::from(token.text_range().end());
    let is_users = end > super::cell::HEAD.trim_end().len();
    is_users.then(|| cell.bytes(token.text_range()).end)
}

#[cfg(test)]
mod tests {
    use super::super::cell::parse_cell;
    use super::*;

    #[test]
    fn text_goes_to_the_end_of_the_token_before() {
        let code = "// note\nlet a = 1; // one\nlet b = 2;";
        let cell = parse_cell(code);
        let statements: Vec<SyntaxNode> = cell.statements().collect();
        let mut insertions = Insertions::default();
        insertions.before(&cell, &statements[1], " x();");
        insertions.before(&cell, &statements[0], "y();");
        let (changed, lines) = insertions.apply(code);
        assert_eq!(changed, "y();\n// note\nlet a = 1; x(); // one\nlet b = 2;");
        assert_eq!(lines, 1);
        assert_eq!(on_as_many_lines("a;\nb;", "m! {\n\n}"), "a;\nb;\n");
    }
}
