//! Forbidden names among the identifiers of Rust code.

use super::table::{NAMES, Position};
use proc_macro2::{TokenStream, TokenTree};

/// An identifier that is not to be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forbidden {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) say: &'static str,
}

/// Finds the forbidden names in a file, in macros too; strings and comments do not count.
///
/// # Errors
/// If the text is not Rust.
pub(crate) fn forbidden(path: &str, source: &str) -> Result<Vec<Forbidden>, String> {
    let tokens: TokenStream = source
        .parse()
        .map_err(|error: proc_macro2::LexError| format!("{path}: {error}"))?;
    let mut found = Vec::new();
    walk(path, tokens, &mut found);
    Ok(found)
}

fn walk(path: &str, tokens: TokenStream, found: &mut Vec<Forbidden>) {
    let mut before = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                walk(path, group.stream(), found);
                before.clear();
            }
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                if let Some(say) = replacement(path, &before, &name) {
                    let line = ident.span().start().line;
                    found.push(Forbidden {
                        line,
                        name: name.clone(),
                        say,
                    });
                }
                // `static mut NAME` names a constant too.
                if name != "mut" {
                    before = name;
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => before.clear(),
        }
    }
}

fn replacement(path: &str, before: &str, name: &str) -> Option<&'static str> {
    let position = match before {
        "const" | "static" => Some(Position::Constant),
        "struct" | "enum" | "union" | "trait" | "type" => Some(Position::Type),
        "fn" => Some(Position::Function),
        _ => None,
    };
    let rule = NAMES.iter().find(|rule| {
        (rule.position == Position::Anywhere || Some(rule.position) == position)
            && path.starts_with(rule.below)
            && rule.names.contains(&name)
    });
    rule.map(|rule| rule.say)
}

#[cfg(test)]
mod tests {
    use super::forbidden;

    fn names(path: &str, source: &str) -> Vec<(usize, String)> {
        let found = forbidden(path, source).unwrap();
        found
            .into_iter()
            .map(|forbidden| (forbidden.line, forbidden.name))
            .collect()
    }

    #[test]
    fn definitions_count_where_they_are_made() {
        let source = "const LARGEST: u8 = 1;\nstruct Here;\nfn level() {}\nlet level = LARGEST;\nuse a::Chain;\n";
        let expected = [(1, "LARGEST"), (2, "Here"), (3, "level")];
        assert_eq!(
            names("src/a.rs", source),
            expected.map(|(line, name)| (line, name.to_owned()))
        );
    }

    #[test]
    fn some_names_count_everywhere_but_not_in_text() {
        let source = "// lose\nmacro_rules! m { () => { x.lose(\"pulls\") }; }\nfn f(kernel: u8, kernel_size: u8) {}\n";
        assert_eq!(
            names("src/a.rs", source),
            [(2, "lose".to_owned()), (3, "kernel".to_owned())]
        );
        assert_eq!(names("kernel/src/a.rs", source), [(2, "lose".to_owned())]);
    }
}
