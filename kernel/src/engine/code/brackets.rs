//! Balance of brackets, strings and comments.

use ra_ap_syntax::{Edition, SyntaxKind};

/// Balance of a cell's brackets.
#[derive(Debug, PartialEq)]
pub(super) enum Balance {
    Balanced,
    /// A bracket, string or comment is not closed; the number of open brackets.
    Open(usize),
    /// A closing bracket matches none that is open.
    Mismatched,
}

/// Checks the brackets, strings and comments of a cell.
pub(super) fn balance(code: &str) -> Balance {
    let lexed = ra_ap_parser::LexedStr::new(Edition::Edition2024, code);
    let Some(open) = open_brackets(&lexed) else {
        return Balance::Mismatched;
    };
    let unterminated = lexed
        .errors()
        .any(|(_, message)| message.contains("terminat"));
    if unterminated || !open.is_empty() {
        Balance::Open(open.len())
    } else {
        Balance::Balanced
    }
}

/// The brackets that close those that are open at the end of a code. Empty if they do not match.
pub(crate) fn closing_brackets(code: &str) -> String {
    let lexed = ra_ap_parser::LexedStr::new(Edition::Edition2024, code);
    let open = open_brackets(&lexed).unwrap_or_default();
    let closing = open.iter().rev().map(|kind| match kind {
        SyntaxKind::R_PAREN => ')',
        SyntaxKind::R_BRACK => ']',
        _ => '}',
    });
    closing.collect()
}

/// The closing brackets that are missing, the outermost first; `None` if brackets do not match.
fn open_brackets(lexed: &ra_ap_parser::LexedStr) -> Option<Vec<SyntaxKind>> {
    let mut open = Vec::new();
    for i in 0..lexed.len() {
        match lexed.kind(i) {
            SyntaxKind::L_PAREN => open.push(SyntaxKind::R_PAREN),
            SyntaxKind::L_BRACK => open.push(SyntaxKind::R_BRACK),
            SyntaxKind::L_CURLY => open.push(SyntaxKind::R_CURLY),
            close @ (SyntaxKind::R_PAREN | SyntaxKind::R_BRACK | SyntaxKind::R_CURLY) => {
                if open.pop() != Some(close) {
                    return None;
                }
            }
            _ => {}
        }
    }
    Some(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert_eq!(balance("f(\")\") // ("), Balance::Balanced);
        assert_eq!(balance("f({ \"}"), Balance::Open(2));
        assert_eq!(balance("f(]"), Balance::Mismatched);
        assert_eq!(closing_brackets("f({ a[\"}\""), "]})");
        assert_eq!(closing_brackets("f(]"), "");
    }
}
