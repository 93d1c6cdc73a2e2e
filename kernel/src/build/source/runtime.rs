//! The engine's generated code calls the helper's compiled functions.
//!
//! The engine writes its store of variables and its reports of failures into every cell. Compiling
//! them takes longer than most cells. The helper has them compiled; its lines carry the kernel's token
//! and the failure's text.

/// The engine's lines that report a panic and an error returned by `?`.
pub(crate) const PANIC: &str = "EVCXR_PANIC_NOTIFICATION";
pub(crate) const ERROR: &str = "EVCXR_ERROR_OCCURRED";
/// Prefix of the helper's line about the variables of a cell that has failed.
pub(crate) const KEPT: &str = "KEPT ";

/// The module with the engine's store of variables, and the code after it.
const MODULE: &str = "mod evcxr_internal_runtime {\n";
const AFTER_MODULE: &str = "#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_";
const STORE: &str = "use ::candlebook::store as evcxr_internal_runtime;\n";

/// The engine's code after a panic was caught, in as many lines as its replacement.
const PANIC_ARM: &str = "  Err(_) => {\n    println!(\"EVCXR_PANIC_NOTIFICATION\");\n}}";
const REPORT_PANIC: &str =
    "  Err(candlebook_panic) => {\n    ::candlebook::part::report_panic(&*candlebook_panic);\n}}";

/// The engine's conversion of an error, which is printed and dropped.
const CONVERSION: &str = "From<T> for EvcxrUserCodeError {";
const CONVERT: &str = "fn from(error: T)";
const PRINT: &str = "eprintln!(";
const PRINT_END: &str = ", error);";
const NOTIFY: &str = "println!(\"{}\", evcxr_internal_runtime::USER_ERROR_OCCURRED);";
const REPORT_ERROR: &str = "::candlebook::part::report_error(::std::format_args!(";
const REPORT_END: &str = ", error), ::std::panic::Location::caller().line());";

/// The engine's result, of which the user may have imported another one.
const RESULT: &str = ") -> Result<(), EvcxrUserCodeError> {";
const STD_RESULT: &str = ") -> ::std::result::Result<(), EvcxrUserCodeError> {";

/// A generated source that uses the helper. The number of lines stays.
///
/// Replaces the last occurrence of each text: the engine's code follows the user's items.
pub(super) fn with_helper(source: &str) -> String {
    let mut source = source.to_owned();
    replace_store(&mut source);
    replace_last(&mut source, PANIC_ARM, REPORT_PANIC);
    replace_conversion(&mut source);
    replace_last(&mut source, RESULT, STD_RESULT);
    lend_for_ever(&mut source);
    source
}

fn replace_last(source: &mut String, text: &str, with: &str) {
    if let Some(at) = source.rfind(text) {
        source.replace_range(at..at + text.len(), with);
    }
}

fn replace_store(source: &mut String) {
    let Some(start) = source.rfind(MODULE) else {
        return;
    };
    if let Some(length) = source[start..].find(AFTER_MODULE) {
        let module = start..start + length;
        let lines = source[module.clone()].matches('\n').count();
        source.replace_range(module, &(STORE.to_owned() + &"\n".repeat(lines - 1)));
    }
}

/// Lets a `?` report its line and the error's text. The engine's analysis of a cell, which never runs,
/// has no line that tells the engine.
fn replace_conversion(source: &mut String) {
    let Some(start) = source.rfind(CONVERSION) else {
        return;
    };
    if !source[start..].contains(NOTIFY) {
        return;
    }
    let conversion = source[start..]
        .replacen(CONVERT, &format!("#[track_caller] {CONVERT}"), 1)
        .replacen(PRINT, REPORT_ERROR, 1)
        .replacen(PRINT_END, REPORT_END, 1)
        .replacen(NOTIFY, "", 1);
    source.replace_range(start.., &conversion);
}

/// Lets the function in which the engine checks a cell take variables that borrow: what is kept borrows
/// only from statics.
fn lend_for_ever(source: &mut String) {
    let function = source.rfind("async fn evcxr_analysis_wrapper(");
    let Some(start) = function else { return };
    // Types of functions among the parameters have arrows too.
    let Some(end) = source[start..].find(STD_RESULT) else {
        return;
    };
    let parameters = start..start + end;
    let lent = with_static_references(&source[parameters.clone()].replace("'_", "'static"));
    source.replace_range(parameters, &lent);
}

/// Types in which each `&` without a lifetime is `&'static`, except in the types of functions, where it
/// stands for any lifetime.
fn with_static_references(types: &str) -> String {
    let mut text = String::new();
    // For each open parenthesis, whether it is in the type of a function.
    let mut open: Vec<bool> = Vec::new();
    let mut rest = types.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '(' => {
                let is_function = ["fn", "Fn", "FnMut", "FnOnce"]
                    .iter()
                    .any(|name| text.ends_with(name));
                open.push(is_function || open.last() == Some(&true));
            }
            ')' => {
                open.pop();
            }
            _ => {}
        }
        text.push(c);
        if c == '&' && rest.peek() != Some(&'\'') && open.last() != Some(&true) {
            text += "'static ";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"fn user() {
    println!("EVCXR_PANIC_NOTIFICATION"); eprintln!("mine", error);
}
            struct EvcxrUserCodeError {}
            impl<T: std::fmt::Debug> From<T> for EvcxrUserCodeError {
                fn from(error: T) -> Self {
                    eprintln!("{:?}", error);
                    println!("{}", evcxr_internal_runtime::USER_ERROR_OCCURRED);
                    EvcxrUserCodeError {}
                }
            }
mod evcxr_internal_runtime {
pub struct VariableStore {
}
}
#[unsafe(no_mangle)]
pub extern "C" fn run_user_code_1(
match std::panic::catch_unwind(
  std::panic::AssertUnwindSafe(||{
println!("EVCXR_PANIC_NOTIFICATION"); eprintln!("also mine");
})) { 
  Ok(_) => {}
  Err(_) => {
    println!("EVCXR_PANIC_NOTIFICATION");
}}
"#;

    #[test]
    fn the_helper_stores_variables_and_reports_failures() {
        let source = with_helper(SOURCE);
        assert_eq!(source.lines().count(), SOURCE.lines().count());
        for expected in [
            "use ::candlebook::store as evcxr_internal_runtime;\n\n\n\n#[unsafe(no_mangle)]",
            "#[track_caller] fn from(error: T)",
            r#"::candlebook::part::report_error(::std::format_args!("{:?}", error), ::std::panic::Location::caller().line());"#,
            "  Err(candlebook_panic) => {\n    ::candlebook::part::report_panic(&*candlebook_panic);\n}}",
        ] {
            assert!(source.contains(expected), "{expected}\n{source}");
        }
        assert!(!source.contains("USER_ERROR_OCCURRED"));
        for of_the_user in [
            r#"println!("EVCXR_PANIC_NOTIFICATION"); eprintln!("mine", error);"#,
            r#"println!("EVCXR_PANIC_NOTIFICATION"); eprintln!("also mine");"#,
        ] {
            assert!(source.contains(of_the_user), "{of_the_user}");
        }
    }

    #[test]
    fn references_are_static_except_in_functions() {
        assert_eq!(
            with_static_references(
                "(a: &str, b: (&'a u8, &mut [f32]), c: Box<dyn Fn(&str) -> u8>, d: fn((&u8, u8))"
            ),
            "(a: &'static str, b: (&'a u8, &'static mut [f32]), c: Box<dyn Fn(&str) -> u8>, d: fn((&u8, u8))"
        );
    }

    #[test]
    fn other_code_stays_as_it_is() {
        let source = "fn f() { println!(\"EVCXR_PANIC_NOTIFICATION\"); }";
        assert_eq!(with_helper(source), source);
    }

    #[test]
    fn a_checked_cell_takes_variables_that_borrow_from_statics() {
        let source = "fn evcxr_analysis_wrapper(\nf: fn(u8) -> u8,\na: A<'_>,\nb: &str,\n) -> Result<(), EvcxrUserCodeError> {\nb::<'_>()}";
        let checked = with_helper(&format!("async {source}"));
        let expected = "(\nf: fn(u8) -> u8,\na: A<'static>,\nb: &'static str,\n) -> ::std::result::Result<(), EvcxrUserCodeError> {\nb::<'_>()}";
        assert!(checked.ends_with(expected), "{checked}");
    }
}
