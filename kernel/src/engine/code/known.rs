//! Names that a piece of a cell uses.

use super::cell::parse_cell;
use ra_ap_syntax::ast;
use ra_ap_syntax::{AstNode, SyntaxNode};
use std::collections::HashSet;

/// True for a name that cells can use.
pub(crate) type Known<'a> = &'a dyn Fn(&str) -> bool;

/// Names of the standard library that need no import.
const STANDARD: [&str; 13] = [
    "Some", "None", "Ok", "Err", "String", "Vec", "Box", "Default", "Option", "Result", "drop",
    "self", "crate",
];
/// Macros of the standard library that have a value.
const MACROS: [&str; 9] = [
    "matches",
    "vec",
    "format",
    "cfg",
    "env",
    "option_env",
    "concat",
    "stringify",
    "dbg",
];

/// True if a text is complete Rust and all names in it are known or bound by itself.
pub(crate) fn is_rust(text: &str, known: Known) -> bool {
    let cell = parse_cell(text);
    if !cell.is_valid() {
        return false;
    }
    let root = cell.syntax.syntax_node();
    let macros = root.descendants().filter_map(ast::MacroCall::cast);
    let mut macros = macros.filter_map(|call| Some(call.path()?.syntax().text().to_string()));
    let is_known_macro =
        |name: String| name.contains("::") || MACROS.contains(&name.as_str()) || known(&name);
    unknown_names(&root, known).is_empty() && macros.all(is_known_macro)
}

/// The names of variables, functions and constants in a tree that are neither known nor bound in it,
/// in order. Paths such as `std::fs::read` are left to the compiler.
pub(crate) fn unknown_names(root: &SyntaxNode, known: Known) -> Vec<String> {
    let bound: HashSet<String> = root
        .descendants()
        .filter_map(ast::Name::cast)
        .map(|name| name.text().to_string())
        .collect();
    let paths = root.descendants().filter_map(ast::PathExpr::cast);
    let names = paths.filter_map(|path| single_name(&path.path()?));
    names
        .filter(|name| !bound.contains(name) && !STANDARD.contains(&name.as_str()) && !known(name))
        .collect()
}

/// The name of a path of one segment.
fn single_name(path: &ast::Path) -> Option<String> {
    match path.qualifier() {
        Some(_) => None,
        None => Some(path.segment()?.name_ref()?.text().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_rust_if_it_parses_and_its_names_are_known() {
        let known = |name: &str| ["flag", "v", "f", "x"].contains(&name);
        for rust in [
            "!true",
            "!flag",
            "!v.is_empty() && x > 3",
            "!f(x)",
            "!(1 > 2)",
            "!!flag;",
            "!v.iter().any(|w| *w == 2)",
            "!std::path::Path::new(\"a\").exists()",
            "!matches!(x, Some(_))",
            "!0u8",
        ] {
            assert!(is_rust(rust, &known), "{rust}");
        }
        for shell in [
            "!ls",
            "!ls -l",
            "!pip install flag",
            "!flags2",
            "!(cd /tmp; ls)",
            "!echo $HOME",
            "!x y",
            "!say!()",
        ] {
            assert!(!is_rust(shell, &known), "{shell}");
        }
    }
}
