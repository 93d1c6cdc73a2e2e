//! The token in a cell's generated code, by which the kernel tells the engine's lines from text that
//! a cell prints.

use super::failures::with_failure_texts;
use super::variables::{SESSION, TOKEN};
use std::path::PathBuf;

/// Prefix of the line that names a variable whose type has changed.
const CHANGED_TYPE: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";

/// Adds the kernel's token to the engine's lines in the source that is about to be compiled. Without
/// it the kernel takes them for text, so an error of writing shows as such at the first failure.
pub(super) fn mark_trusted_prints() {
    let (Ok(token), Some(session)) = (std::env::var(TOKEN), std::env::var_os(SESSION)) else {
        return;
    };
    let path = PathBuf::from(session).join("src/lib.rs");
    let Ok(source) = std::fs::read_to_string(&path) else {
        return;
    };
    let marked = mark(&source, &token);
    if marked != source
        && let Err(error) = std::fs::write(&path, marked)
    {
        eprintln!("candlebook: cannot write {}: {error}", path.display());
    }
}

/// The parts of the engine's generated code that print its lines, each with its replacement, which
/// prints the token too.
fn trusted_prints(token: &str) -> [(String, String); 1] {
    let trusted = |body: &str| format!("\"\\u{{1e}}{token} {body}\"");
    let pair = |before: &str, body: &str, after: &str| {
        (
            format!("{before}\"{body}\"{after}"),
            format!("{before}{}{after}", trusted(body)),
        )
    };
    [pair(
        "pub const VARIABLE_CHANGED_TYPE: &str = ",
        CHANGED_TYPE,
        ";\n",
    )]
}

/// Replaces the last occurrence of each print: the engine's code follows the user's items.
fn mark(source: &str, token: &str) -> String {
    let mut marked = with_failure_texts(source, token);
    for (print, trusted) in trusted_prints(token) {
        if let Some(at) = marked.rfind(&print) {
            marked.replace_range(at..at + print.len(), &trusted);
        }
    }
    marked
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
    fn only_the_engines_own_prints_carry_the_token() {
        let marked = mark(SOURCE, "t0k");
        assert_eq!(marked.matches("t0k").count(), 2);
        assert_eq!(marked.matches("println!(\"EVCXR_PANIC").count(), 2);
        assert!(marked.contains("\"\\u{1e}t0k EVCXR_VARIABLE_CHANGED_TYPE:\""));
        assert_eq!(marked.lines().count(), SOURCE.lines().count());
    }
}
