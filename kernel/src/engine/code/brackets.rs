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
    let mut open = Vec::new();
    let lexed = ra_ap_parser::LexedStr::new(Edition::Edition2024, code);
    for i in 0..lexed.len() {
        let expected = match lexed.kind(i) {
            SyntaxKind::L_PAREN => {
                open.push(SyntaxKind::R_PAREN);
                continue;
            }
            SyntaxKind::L_BRACK => {
                open.push(SyntaxKind::R_BRACK);
                continue;
            }
            SyntaxKind::L_CURLY => {
                open.push(SyntaxKind::R_CURLY);
                continue;
            }
            close @ (SyntaxKind::R_PAREN | SyntaxKind::R_BRACK | SyntaxKind::R_CURLY) => close,
            _ => continue,
        };
        if open.pop() != Some(expected) {
            return Balance::Mismatched;
        }
    }
    let unterminated = lexed
        .errors()
        .any(|(_, message)| message.contains("terminat"));
    if unterminated || !open.is_empty() {
        Balance::Open(open.len())
    } else {
        Balance::Balanced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert_eq!(balance("f(\")\") // ("), Balance::Balanced);
        assert_eq!(balance("f({ \"}"), Balance::Open(2));
        assert_eq!(balance("f(]"), Balance::Mismatched);
    }
}
