//! Assignments to variables that an earlier cell has moved.

use super::cell::ParsedCell;
use super::insertion::Insertions;
use crate::build::assigned_variable;

/// Declares moved variables anew where the cell assigns them, as in `s = String::new();` after a cell
/// with `let t = s;`. In one program the compiler accepts that.
pub(in crate::engine) fn declare_moved(
    cell: &ParsedCell,
    is_moved: &dyn Fn(&str) -> bool,
    insertions: &mut Insertions,
) {
    let mut declared = Vec::new();
    for statement in cell.statements() {
        let Some(name) = assigned_variable(&statement) else {
            continue;
        };
        if is_moved(&name) && !declared.contains(&name) {
            insertions.before(cell, &statement, " let mut");
            declared.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::parse_cell;
    use super::*;

    #[test]
    fn an_assignment_declares_a_moved_variable_once() {
        let code = "f();\ns = g();\ns = h();\nt = 1;";
        let mut insertions = Insertions::default();
        declare_moved(&parse_cell(code), &|name| name == "s", &mut insertions);
        let expected = "f(); let mut\ns = g();\ns = h();\nt = 1;";
        assert_eq!(insertions.apply(code), (expected.to_owned(), 0));
    }
}
