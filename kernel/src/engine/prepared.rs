//! A cell's code as the engine compiles it.

use super::code::{
    DisplayedCode, Insertions, check_depth, declare_moved, parse_cell, split_commands, with_arrays,
    with_display_call,
};
use super::items::{Items, with_expansions, with_statics};

/// Inputs of the preparation of a cell besides its code.
pub(super) struct Surroundings<'a> {
    /// The cell's number.
    pub(super) number: u32,
    /// The notebook's name of the cell, if the front end tells it.
    pub(super) cell_id: Option<&'a str>,
    pub(super) items: &'a Items,
    /// Lines that make the engine forget items.
    pub(super) removals: &'a [String],
    /// True for a variable that an earlier cell has moved.
    pub(super) is_moved: &'a dyn Fn(&str) -> bool,
}

/// A cell's code, ready for the engine.
#[derive(Debug)]
pub(super) struct PreparedCell {
    pub(super) code: String,
    /// Number of lines inserted above the user's first.
    pub(super) inserted_lines: usize,
    /// The items after the cell.
    pub(super) items: Items,
}

/// Prepares a cell.
///
/// # Errors
/// A message, if the cell is nested too deeply or passes too much to a macro.
pub(super) fn prepare(code: &str, surroundings: &Surroundings) -> Result<PreparedCell, String> {
    check_depth(code)?;
    let code = with_arrays(code)?.unwrap_or_else(|| code.to_owned());
    let (commands, code) = split_commands(&code);
    let (code, inserted_lines, items) = with_items(code, surroundings);
    let displayed = with_display_call(&code).unwrap_or_else(|| DisplayedCode::unchanged(&code));
    Ok(PreparedCell {
        code: commands.to_owned() + &displayed.code,
        inserted_lines: inserted_lines + displayed.inserted_lines,
        items,
    })
}

/// The code with what makes the engine replace items and variables, the number of inserted lines,
/// and the items after the cell.
fn with_items(code: &str, surroundings: &Surroundings) -> (String, usize, Items) {
    let mut insertions = Insertions::default();
    for removal in surroundings.removals {
        insertions.line(removal);
    }
    let mut cell = parse_cell(code);
    if !cell.is_valid() {
        return (code.to_owned(), 0, surroundings.items.clone());
    }
    let mut code = code.to_owned();
    if let Some(expanded) = with_expansions(&cell, &code, surroundings.items.macros()) {
        cell = parse_cell(&expanded);
        code = expanded;
    }
    if let Some(changed) = with_statics(&cell, &code) {
        cell = parse_cell(&changed);
        code = changed;
    }
    declare_moved(&cell, surroundings.is_moved, &mut insertions);
    let items = surroundings.items.after(
        &cell,
        surroundings.number,
        surroundings.cell_id,
        &mut insertions,
    );
    let (code, lines) = insertions.apply(&code);
    (code, lines, items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_displayed_and_its_items_are_named() {
        let items = Items::default();
        let surroundings = Surroundings {
            number: 2,
            cell_id: None,
            items: &items,
            removals: &["type A = ();".to_owned()],
            is_moved: &|_| false,
        };
        let cell = prepare("a", &surroundings).unwrap();
        assert_eq!(cell.code, "type A = ();(&(\na)).evcxr_display();");
        assert_eq!(cell.inserted_lines, 1);
        let cell = prepare(":dep b\nfn f() {}\nf()", &surroundings).unwrap();
        assert_eq!(
            cell.code,
            ":dep b\ntype A = ();\nfn f() {}(&(\nf())).evcxr_display();"
        );
        assert_eq!(cell.items.cell_of("f"), Some(2));
        assert!(prepare(&"(".repeat(5000), &surroundings).is_err());
    }
}
