//! The token in a cell's generated code, by which the kernel tells the engine's lines from text that
//! a cell prints.

use super::failures::with_failure_texts;

/// Prefix of the helper's line about the variables of a cell that has failed.
pub(crate) const KEPT: &str = "KEPT ";
/// Prefix of the line that names a variable whose type has changed.
const CHANGED_TYPE: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";

/// The parts of the engine's generated code that print its lines, each with its replacement.
///
/// A variable that is missing from the store, because a cell has failed after it moved it, counts as
/// lost like one whose type has changed.
fn replacements(token: &str) -> [(String, String); 3] {
    let trusted = |body: &str| format!("\"\\u{{1e}}{token} {body}\"");
    let pair = |before: &str, body: &str, after: &str| {
        (
            format!("{before}\"{body}\"{after}"),
            format!("{before}{}{after}", trusted(body)),
        )
    };
    [
        pair(
            "pub const VARIABLE_CHANGED_TYPE: &str = ",
            CHANGED_TYPE,
            ";\n",
        ),
        (FIND_CHANGED.to_owned(), REPORT_CHANGED.to_owned()),
        // The user may have imported another `Result`.
        (
            ") -> Result<(), EvcxrUserCodeError> {".to_owned(),
            ") -> ::std::result::Result<(), EvcxrUserCodeError> {".to_owned(),
        ),
    ]
}

/// The engine's check of a variable's type, and its replacement.
const FIND_CHANGED: &str = r#"        if let Some(v) = self.variables.get(name)
            && v.downcast_ref::<T>().is_none()
        {
            eprintln!("The type of the variable {name} was redefined, so was lost.",);
"#;
const REPORT_CHANGED: &str = r#"        if self.variables.get(name).is_none_or(|value| !value.is::<T>()) {
            if self.variables.contains_key(name) {
                eprintln!("`{name}` is lost: its type was defined again. Run the cell that makes it again.");
            }
"#;

/// Adds the kernel's token to the engine's lines in a generated source. Without it the kernel takes
/// them for text, so an error of writing shows as such at the first failure.
///
/// Replaces the last occurrence of each print: the engine's code follows the user's items.
pub(super) fn mark(source: &str, token: &str) -> String {
    let mut marked = with_failure_texts(source, token);
    for (print, trusted) in replacements(token) {
        if let Some(at) = marked.rfind(&print) {
            marked.replace_range(at..at + print.len(), &trusted);
        }
    }
    lend_for_ever(&mut marked);
    marked
}

/// Lets the function in which the engine checks a cell take variables that borrow: what is kept borrows
/// only from statics.
fn lend_for_ever(source: &mut String) {
    let function = source.rfind("async fn evcxr_analysis_wrapper(");
    let Some(start) = function else { return };
    let Some(end) = source[start..].find(") -> ") else {
        return;
    };
    let parameters = start..start + end;
    let lent = source[parameters.clone()].replace("'_", "'static");
    source.replace_range(parameters, &lent);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"fn user() {
    println!("EVCXR_PANIC_NOTIFICATION");
}
mod evcxr_internal_runtime {
pub const VARIABLE_CHANGED_TYPE: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";
pub const USER_ERROR_OCCURRED: &str = "EVCXR_ERROR_OCCURRED";
}
match std::panic::catch_unwind(
  std::panic::AssertUnwindSafe(||{
println!("EVCXR_PANIC_NOTIFICATION");
})) { 
  Ok(_) => {}
  Err(_) => {
    println!("EVCXR_PANIC_NOTIFICATION");
}}
"#;

    #[test]
    fn a_checked_cell_takes_variables_that_borrow_from_statics() {
        let source = "fn evcxr_analysis_wrapper(\na: A<'_>,\n) -> Result<(), EvcxrUserCodeError> {\nb::<'_>()}";
        let marked = mark(&format!("async {source}"), "t");
        let expected =
            "(\na: A<'static>,\n) -> ::std::result::Result<(), EvcxrUserCodeError> {\nb::<'_>()}";
        assert!(marked.ends_with(expected), "{marked}");
    }

    #[test]
    fn only_the_engines_own_prints_carry_the_token() {
        let marked = mark(SOURCE, "t0k");
        assert_eq!(marked.matches("t0k").count(), 2);
        assert_eq!(marked.matches("println!(\"EVCXR_PANIC").count(), 2);
        assert!(marked.contains("\"\\u{1e}t0k EVCXR_VARIABLE_CHANGED_TYPE:\""));
        assert_eq!(marked.lines().count(), SOURCE.lines().count());
    }
}
