//! A cell's code as the engine compiles it.

use super::display_call::{DisplayedCode, with_display_call};
use super::literals::with_arrays;
use super::nesting::check_depth;
use super::stop_checks::with_stop_checks;

/// A cell's code, ready for the engine.
#[derive(Debug, PartialEq)]
pub(crate) struct PreparedCell {
    pub(crate) code: String,
    /// The code without checks for Stop. If `code` does not compile, the engine compiles this: its
    /// errors have the right columns, and the language allows no check in some places.
    pub(crate) unchecked: Option<String>,
    /// Number of lines inserted above the user's first.
    pub(crate) inserted_lines: usize,
}

/// Prepares a cell.
///
/// # Errors
/// A message, if the cell is nested too deeply or passes too much to a macro.
pub(crate) fn prepare(code: &str) -> Result<PreparedCell, String> {
    check_depth(code)?;
    let code = with_arrays(code)?.unwrap_or_else(|| code.to_owned());
    let displayed = with_display_call(&code).unwrap_or_else(|| DisplayedCode::unchanged(&code));
    let inserted_lines = displayed.inserted_lines;
    Ok(match with_stop_checks(&displayed.code) {
        Some(checked) => PreparedCell {
            code: checked,
            unchecked: Some(displayed.code),
            inserted_lines,
        },
        None => PreparedCell {
            code: displayed.code,
            unchecked: None,
            inserted_lines,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_displayed_and_its_loops_are_checked() {
        let cell = prepare("loop { break 3 }").unwrap();
        assert!(
            cell.code
                .contains("loop {::candlebook::leave_if_interrupted();")
        );
        assert_eq!(cell.unchecked.as_deref(), Some("loop { break 3 }"));
        let cell = prepare("a").unwrap();
        assert_eq!((cell.unchecked, cell.inserted_lines), (None, 1));
        assert!(prepare(&"(".repeat(5000)).is_err());
    }
}
