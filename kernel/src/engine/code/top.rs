//! The lines at the top of a cell that are not Rust: commands and shell lines.

use super::brackets::{Balance, balance};
use super::known::{Known, is_rust};
use super::nesting::check_depth;
use std::ops::Range;

/// A line at the top of a cell.
#[derive(Debug, PartialEq)]
pub(crate) enum TopLine<'a> {
    /// `:dep rand`, with the name and the rest.
    Command(&'a str, &'a str),
    /// `!ls`, without the mark. A backslash at the end of a line continues it.
    Shell(&'a str),
}

/// The commands and shell lines at the top of a cell, with their bytes, and the start of the Rust
/// code below them.
pub(crate) fn top_lines<'a>(
    code: &'a str,
    known: Known,
) -> (Vec<(Range<usize>, TopLine<'a>)>, usize) {
    let mut found = Vec::new();
    let mut start = 0;
    while start < code.len() {
        let mut end = line_end(code, start);
        let line = &code[start..end];
        if line.starts_with('!') {
            if is_rust_from(&code[start..], known) {
                break;
            }
            while code[start..end].ends_with('\\') && end < code.len() {
                end = line_end(code, end + 1);
            }
            let command = code[start..end].trim_start_matches('!').trim();
            found.push((start..end, TopLine::Shell(command)));
        } else if let Some((name, argument)) = command(line) {
            found.push((start..end, TopLine::Command(name, argument)));
        } else if !line.trim().is_empty() && !line.starts_with("//") {
            break;
        }
        start = (end + 1).min(code.len());
    }
    (found, start)
}

/// True for a cell with commands, which the engine runs before it compiles the rest.
pub(super) fn has_commands(code: &str) -> bool {
    // Shell lines have been run before.
    !top_lines(code, &|_| true).0.is_empty()
}

fn line_end(code: &str, start: usize) -> usize {
    code[start..].find('\n').map_or(code.len(), |at| start + at)
}

/// Name and argument of a command. A path such as `::std::mem::drop` is none.
fn command(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches(' ');
    if !line.starts_with(':') || line.starts_with("::") {
        return None;
    }
    let (name, argument) = line.split_once(' ').unwrap_or((line, ""));
    Some((name.trim_end(), argument.trim()))
}

/// True if the code, which begins with `!`, begins with a Rust expression whose names are known. Rust
/// may continue on the next lines: within brackets, or with a method or an operator.
fn is_rust_from(code: &str, known: Known) -> bool {
    if check_depth(code).is_err() {
        // The error of the whole cell says where.
        return true;
    }
    let mut end = line_end(code, 0);
    while end < code.len()
        && (balance(&code[..end]) != Balance::Balanced || continues(&code[end..]))
    {
        end = line_end(code, end + 1);
    }
    is_rust(&code[..end], known)
}

/// True if the next line continues an expression.
fn continues(rest: &str) -> bool {
    let next = rest.trim_start();
    ["&&", "||", ".", "?", "=="]
        .iter()
        .any(|start| next.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(code: &str) -> (Vec<TopLine<'_>>, &str) {
        let known = |name: &str| ["flag", "v"].contains(&name);
        let (lines, rest) = top_lines(code, &known);
        (
            lines.into_iter().map(|(_, line)| line).collect(),
            &code[rest..],
        )
    }

    #[test]
    fn commands_and_shell_lines_precede_the_code() {
        let code = "// note\n:dep rand = \"0.9\"\n\n!ls -l \\\n  src\n :vars\nlet a = 1;\n!b";
        let expected = vec![
            TopLine::Command(":dep", "rand = \"0.9\""),
            TopLine::Shell("ls -l \\\n  src"),
            TopLine::Command(":vars", ""),
        ];
        assert_eq!(lines(code), (expected, "let a = 1;\n!b"));
        assert_eq!(lines("!pwd"), (vec![TopLine::Shell("pwd")], ""));
    }

    #[test]
    fn negations_and_paths_are_code() {
        for code in [
            "!true",
            "!flag\n!flag",
            "!v.iter()\n    .any(|x| x)",
            "!(flag\n  && true)",
            "::std::mem::drop(1)",
            "#[cfg(test)]\n!a",
        ] {
            assert_eq!(lines(code), (vec![], code), "{code}");
        }
        assert_eq!(lines("!cd flag\n!flag").1, "!flag");
        assert!(!has_commands("if a &&\n  !b {}") && has_commands(":vars\na"));
        assert_eq!(lines(&format!("{}true", "!".repeat(5000))).0, vec![]);
    }
}
