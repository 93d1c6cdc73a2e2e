//! Lines of a job: what the ranks of a team print, and what the notebook's process passes on.

use std::io::Write;

/// Start of a line for the notebook's process, which no front end sees.
const FOR_NOTEBOOK: &str = "\u{1e}CANDLEBOOK_RANK ";

/// Sends a text of one line to the notebook's process.
pub(crate) fn send_to_notebook(text: &str) {
    let line = format!("{FOR_NOTEBOOK}{text}\n");
    // An error means that the reader is gone, which is noticed elsewhere.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// The text that a rank has sent; `None` for any other line.
pub(crate) fn sent_by_rank(line: &str) -> Option<&str> {
    line.strip_prefix(FOR_NOTEBOOK)
}

/// True for a line that is not meant for people.
pub(crate) fn is_wire_line(line: &str) -> bool {
    line.starts_with('\u{1e}')
}

/// Prints a line of a job as it is: a display, or words of the launcher.
pub(crate) fn pass_on(line: &str) {
    println!("{line}");
}

/// Prints a line of a job, or about it, to standard error.
pub(crate) fn pass_on_error(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_for_the_notebook_have_a_text() {
        let line = format!("{FOR_NOTEBOOK}{{}}");
        assert_eq!(sent_by_rank(&line), Some("{}"));
        assert!(is_wire_line(&line));
        assert_eq!(sent_by_rank("{}"), None);
        assert!(!is_wire_line("an error"));
    }
}
