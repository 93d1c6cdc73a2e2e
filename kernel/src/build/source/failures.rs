//! The lines of a cell's generated code that report its failure: they carry the failure's text.
//!
//! The engine's own code writes the text of an error to standard error, among what the cell writes
//! there, and leaves that of a panic to the panic hook.

/// The engine's lines that report a panic and an error returned by `?`.
pub(crate) const PANIC: &str = "EVCXR_PANIC_NOTIFICATION";
pub(crate) const ERROR: &str = "EVCXR_ERROR_OCCURRED";

/// The engine's code after a panic was caught.
const PANIC_ARM: &str = "  Err(_) => {\n    println!(\"EVCXR_PANIC_NOTIFICATION\");\n}}";
/// The engine's conversion of an error, which is printed and dropped.
const CONVERSION: &str = "From<T> for EvcxrUserCodeError {";
const CONVERT: &str = "fn from(error: T)";
const ERROR_PRINT: &str = "println!(\"{}\", evcxr_internal_runtime::USER_ERROR_OCCURRED);";
/// Escapes a text, so that it is one line.
const ESCAPED: &str = r#".replace('\\', "\\\\").replace('\n', "\\n")"#;

/// Lets the engine's code print each failure's text in a line with the token. The number of lines
/// stays.
pub(super) fn with_failure_texts(source: &str, token: &str) -> String {
    let mut source = source.to_owned();
    // The engine's code follows the user's items.
    if let Some(at) = source.rfind(PANIC_ARM) {
        source.replace_range(at..at + PANIC_ARM.len(), &panic_arm(token));
    }
    if let Some(at) = source.rfind(CONVERSION) {
        let conversion = with_error_text(&source[at..], token);
        source.replace_range(at.., &conversion);
    }
    source
}

/// Code that reports a panic by its payload, in as many lines as the engine's.
fn panic_arm(token: &str) -> String {
    let text = "candlebook_panic.downcast_ref::<::std::string::String>().map(|text| text.as_str())\
        .or_else(|| candlebook_panic.downcast_ref::<&str>().copied()).unwrap_or(\"Box<dyn Any>\")";
    format!(
        "  Err(candlebook_panic) => {{\n    println!(\"\\u{{1e}}{token} {PANIC} {{}}\", {text}{ESCAPED});\n}}}}"
    )
}

/// The conversion of an error with a print of its line and text.
fn with_error_text(conversion: &str, token: &str) -> String {
    let print = format!(
        "println!(\"\\u{{1e}}{token} {ERROR} {{}} {{}}\", ::std::panic::Location::caller().line(), _text{ESCAPED});"
    );
    conversion
        .replacen(CONVERT, &format!("#[track_caller] {CONVERT}"), 1)
        .replacen("eprintln!(", "let _text = format!(", 1)
        .replacen(ERROR_PRINT, &print, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"fn user() {
    println!("EVCXR_PANIC_NOTIFICATION"); eprintln!("mine");
}
            struct EvcxrUserCodeError {}
            impl<T: std::fmt::Display> From<T> for EvcxrUserCodeError {
                fn from(error: T) -> Self {
                    eprintln!("{}", error);
                    println!("{}", evcxr_internal_runtime::USER_ERROR_OCCURRED);
                    EvcxrUserCodeError {}
                }
            }
match std::panic::catch_unwind(
  std::panic::AssertUnwindSafe(||{
eprintln!("also mine");
})) { 
  Ok(_) => {}
  Err(_) => {
    println!("EVCXR_PANIC_NOTIFICATION");
}}
"#;

    #[test]
    fn failures_are_reported_with_their_text_and_the_token() {
        let source = with_failure_texts(SOURCE, "t0k");
        assert_eq!(source.lines().count(), SOURCE.lines().count());
        assert!(source.contains(r#"let _text = format!("{}", error);"#));
        assert!(source.contains(
            r#"println!("\u{1e}t0k EVCXR_ERROR_OCCURRED {} {}", ::std::panic::Location"#
        ));
        assert!(
            source
                .contains(r#"println!("\u{1e}t0k EVCXR_PANIC_NOTIFICATION {}", candlebook_panic."#)
        );
        assert!(source.contains("#[track_caller] fn from(error: T)"));
        for of_the_user in [
            "println!(\"EVCXR_PANIC_NOTIFICATION\"); eprintln!(\"mine\");",
            "eprintln!(\"also mine\");",
        ] {
            assert!(source.contains(of_the_user), "{of_the_user}");
        }
    }

    #[test]
    fn other_code_stays_as_it_is() {
        let source = "fn f() { println!(\"EVCXR_PANIC_NOTIFICATION\"); }";
        assert_eq!(with_failure_texts(source, "t0k"), source);
    }
}
