//! Parts of a cell. The kernel compiles each top-level `let` of a cell into a part of its own, so that
//! a failing cell keeps what it has bound before. Nothing here is for users.

use super::frontend::token;
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a part of a cell. Returns `None` if it panics or fails, after the kernel was told.
pub fn run<T, E>(code: impl FnOnce() -> Result<T, E>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(code)) {
        // The conversion of the error has told the kernel.
        Ok(result) => result.ok(),
        Err(cause) => {
            report_panic(&*cause);
            None
        }
    }
}

/// Tells the kernel of a panic.
pub fn report_panic(cause: &(dyn Any + Send)) {
    let text = in_one_line(panic_text(cause));
    tell_kernel(&format!("EVCXR_PANIC_NOTIFICATION {text}"));
}

/// Tells the kernel of an error that ends a cell by `?`, and its line.
pub fn report_error(text: fmt::Arguments, line: u32) {
    let text = in_one_line(&text.to_string());
    tell_kernel(&format!("EVCXR_ERROR_OCCURRED {line} {text}"));
}

/// The text of a panic, as the standard library reports it.
fn panic_text(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("Box<dyn Any>")
}

/// Escapes line breaks, which would end the kernel's line.
fn in_one_line(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// Reports the variables of a cell that has failed: each name, the declaration that the kernel must
/// repeat if it does not know the variable, and whether the variable is kept.
///
/// `complete` is true if nothing was lost.
pub fn report_kept(complete: bool, variables: &[(&str, &str, bool)]) {
    if let Ok(json) = serde_json::to_string(&(complete, variables)) {
        tell_kernel(&format!("KEPT {json}"));
    }
}

fn tell_kernel(line: &str) {
    println!("\u{1e}{} {line}", token());
}

/// A value that is about to be moved, of which [`BackupByClone`] keeps a clone if its type allows it.
pub struct Backup<'a, T>(pub &'a T);

/// Keeps a clone. The compiler prefers it to [`NoBackup`] where both apply.
pub trait BackupByClone<T> {
    /// The clone.
    fn backup(&self) -> Option<T>;
}

impl<T: Clone> BackupByClone<T> for Backup<'_, T> {
    fn backup(&self) -> Option<T> {
        Some(self.0.clone())
    }
}

/// Keeps nothing: the type is not `Clone`.
pub trait NoBackup<T> {
    /// `None`.
    fn backup(&self) -> Option<T>;
}

impl<T> NoBackup<T> for &Backup<'_, T> {
    fn backup(&self) -> Option<T> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_returns_its_value_unless_it_fails() {
        assert_eq!(run(|| Ok::<_, ()>(3)), Some(3));
        assert_eq!(run(|| Err::<i32, _>("x")), None);
        assert_eq!(run(|| -> Result<i32, ()> { panic!("on purpose") }), None);
    }

    #[test]
    fn a_panic_is_told_by_its_text_in_one_line() {
        assert_eq!(panic_text(&"a"), "a");
        assert_eq!(panic_text(&String::from("b")), "b");
        assert_eq!(panic_text(&5), "Box<dyn Any>");
        assert_eq!(in_one_line("a\n\\b"), "a\\n\\\\b");
    }

    #[test]
    fn only_values_that_can_be_cloned_have_a_backup() {
        struct Single;
        let text = String::from("x");
        let of_text = &Backup(&text);
        assert_eq!(of_text.backup(), Some(text.clone()));
        let of_single = &Backup(&Single);
        assert!(of_single.backup().is_none());
    }
}
