//! Parameters of a notebook, which replace the values of `let` statements.

use crate::engine::{check_depth, parse_cell};
use ra_ap_syntax::AstNode;
use ra_ap_syntax::ast::{self, HasName};
use std::ops::Range;

/// A new value of a variable in the cell tagged "parameters".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// A Rust expression.
    pub(crate) value: String,
}

impl Parameter {
    /// Parses NAME=VALUE.
    ///
    /// # Errors
    /// If the text has no `=`.
    pub(crate) fn parse(text: &str) -> Result<Parameter, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("expected NAME=VALUE, such as hidden=64")?;
        Ok(Parameter {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }
}

/// A statement `let NAME = VALUE;`.
struct LetStatement {
    name: String,
    /// Bytes of the value in the source.
    value: Range<usize>,
}

fn let_statements(source: &str) -> Vec<LetStatement> {
    if check_depth(source).is_err() {
        return Vec::new();
    }
    let cell = parse_cell(source);
    let statements = cell
        .syntax
        .syntax_node()
        .descendants()
        .filter_map(ast::LetStmt::cast);
    statements
        .filter_map(|statement| {
            let Some(ast::Pat::IdentPat(name)) = statement.pat() else {
                return None;
            };
            let value = statement.initializer()?.syntax().text_range();
            Some(LetStatement {
                name: name.name()?.text().to_string(),
                value: cell.bytes(value),
            })
        })
        .collect()
}

/// Names of the variables that `let` statements define.
pub(super) fn let_names(source: &str) -> Vec<String> {
    let statements = let_statements(source).into_iter();
    statements.map(|statement| statement.name).collect()
}

/// The source with another value of a variable; `None` if no `let` statement defines it.
pub(super) fn replace_let(source: &str, name: &str, value: &str) -> Option<String> {
    let statement = let_statements(source)
        .into_iter()
        .find(|statement| statement.name == name)?;
    let (before, after) = (
        &source[..statement.value.start],
        &source[statement.value.end..],
    );
    Some(format!("{before}{value}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_a_name_and_a_value() {
        let parameter = Parameter::parse(" rate = 1e-3 ").unwrap();
        assert_eq!((&*parameter.name, &*parameter.value), ("rate", "1e-3"));
        assert!(Parameter::parse("rate").is_err());
    }
}
