//! The depth of a cell's syntax, which parsers and the compiler need stack for.

use ra_ap_syntax::{Edition, SyntaxKind};

/// Limit of a cell's depth. The compiler's stack ends at about twice this depth.
const MAX_DEPTH: usize = 1000;

/// Checks that no expression of a cell is nested too deeply, before anything parses it.
///
/// # Errors
/// A message that says where.
pub(crate) fn check_depth(code: &str) -> Result<(), String> {
    let lexed = ra_ap_parser::LexedStr::new(Edition::Edition2024, code);
    let mut depth = Depth::default();
    for i in 0..lexed.len() {
        depth.add(lexed.kind(i));
        if depth.total() > MAX_DEPTH {
            let line = code[..lexed.text_start(i)].lines().count().max(1);
            return Err(format!(
                "expected a cell nested at most {MAX_DEPTH} levels deep, got more at line {line}. \
                 Use a loop, or split the expression by `let`; numbers can come from an array or a \
                 file"
            ));
        }
    }
    Ok(())
}

/// An upper bound of the depth of the syntax tree: each open bracket, and each operator since the
/// last separator, may be a level.
#[derive(Default)]
struct Depth {
    /// Operators before each open bracket, and their sum.
    outer: Vec<usize>,
    sum: usize,
    operators: usize,
    after_brace: bool,
}

impl Depth {
    fn total(&self) -> usize {
        self.outer.len() + self.sum + self.operators
    }

    fn add(&mut self, kind: SyntaxKind) {
        let after_brace = std::mem::take(&mut self.after_brace);
        match kind {
            SyntaxKind::WHITESPACE | SyntaxKind::COMMENT => self.after_brace = after_brace,
            SyntaxKind::L_PAREN | SyntaxKind::L_BRACK | SyntaxKind::L_CURLY => {
                self.outer.push(self.operators);
                self.sum += self.operators;
                self.operators = 0;
            }
            SyntaxKind::R_PAREN | SyntaxKind::R_BRACK | SyntaxKind::R_CURLY => {
                self.operators = self.outer.pop().unwrap_or(0);
                self.sum -= self.operators;
                self.after_brace = kind == SyntaxKind::R_CURLY;
            }
            SyntaxKind::SEMICOLON | SyntaxKind::COMMA => self.operators = 0,
            // `} else {` and `}.method()` go on with the expression; a name starts another one.
            SyntaxKind::ELSE_KW => self.operators += 1,
            kind if kind.is_punct() => self.operators += 1,
            _ if after_brace => self.operators = 0,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_nesting_is_measured_before_it_is_parsed() {
        let n = 3000;
        for code in [
            "(".repeat(n),
            format!("{}1{}", "(".repeat(n), ")".repeat(n)),
            format!("{}{}", "{".repeat(n), "}".repeat(n)),
            format!("{}1", "& ".repeat(n)),
            format!("{}true", "!".repeat(n)),
            format!("{}1", "1+".repeat(n)),
            format!("if a {{}}{}", " else if a {}".repeat(n)),
            format!("a{}", ".b()".repeat(n)),
            format!("let a: {}u8{};", "Vec<".repeat(n), ">".repeat(n)),
        ] {
            let error = check_depth(&code).unwrap_err();
            assert!(error.contains("at most 1000 levels"), "{error}");
        }
    }

    #[test]
    fn long_cells_are_not_deep() {
        for code in [
            format!("vec![{}]", "1.5, -2, ".repeat(50_000)),
            "let a = -1 + 2 * 3;\n".repeat(10_000),
            "fn f(a: &u8) -> u8 { *a + 1 }\n".repeat(10_000),
            "if a { b() }\n".repeat(10_000),
            format!("// {}\n1", "(".repeat(5000)),
            format!("\"{}\"", "(".repeat(5000)),
        ] {
            assert_eq!(check_depth(&code), Ok(()));
        }
    }

    #[test]
    fn the_line_is_named() {
        let code = format!("let a = 1;\n{}", "(".repeat(1001));
        assert!(check_depth(&code).unwrap_err().contains("at line 2"));
    }
}
