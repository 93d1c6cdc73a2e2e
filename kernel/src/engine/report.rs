//! Error messages for the user.

use crate::build::KILLED;

/// Hint for an integer of the wrong type. Unlike in other notebooks, a number's type is fixed in
/// the cell that creates it.
pub(super) const INTEGER_HINT: &str =
    "An integer variable of a cell is an i32 unless its `let` has a type: let hidden: usize = 128;";

/// Names in a sentence.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Removes redundant color codes. The report colors each character of a source line by itself.
pub(super) fn merge_colors(text: &str) -> String {
    const OFF: &str = "\x1b[0m";
    let mut out = String::with_capacity(text.len() / 4);
    let mut on = "";
    let mut rest = text;
    while let Some(start) = rest.find(OFF) {
        out.push_str(&rest[..start]);
        if let Some(code) = rest[..start].rfind("\x1b[") {
            let code = &rest[code..start];
            on = &code[..code.find('m').map_or(0, |end| end + 1)];
        }
        rest = &rest[start + OFF.len()..];
        match rest.strip_prefix(on) {
            Some(same) if !on.is_empty() => rest = same,
            _ => {
                out.push_str(OFF);
                on = "";
            }
        }
    }
    out + rest
}

/// Rewrites the compiler's error about a value without `Debug`, which names a method that the user
/// never wrote.
pub(super) fn plain_message(message: &str) -> String {
    const METHOD: &str = "the method `evcxr_display` exists for reference `&";
    const BOUNDS: &str = "`, but its trait bounds were not satisfied";
    let Some((before, rest)) = message.split_once(METHOD) else {
        return message.to_owned();
    };
    let Some((name, after)) = rest.split_once(BOUNDS) else {
        return message.to_owned();
    };
    format!(
        "{before}a value of `{name}` cannot be shown: it has no `Debug`. End the cell with a semicolon, or derive it{after}"
    )
}

/// Subtracts the lines that were inserted above the cell from a report's line numbers.
pub(super) fn renumber(report: &str, inserted: usize) -> String {
    if inserted == 0 {
        return report.to_owned();
    }
    let line = |line: &str| {
        let Some((head, rest)) = line.split_once(" │") else {
            return line.to_owned();
        };
        let from = head.rfind([' ', 'm']).map_or(0, |at| at + 1);
        match head[from..].parse::<usize>() {
            Ok(number) => {
                let width = head.len() - from;
                format!(
                    "{}{:>width$} │{rest}",
                    &head[..from],
                    number.saturating_sub(inserted)
                )
            }
            Err(_) => line.to_owned(),
        }
    };
    report.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Explains an error of the engine or the compiler that is none of the cell's.
pub(super) fn engine_message(text: &str) -> String {
    let killed = [KILLED, "(signal: 9"]
        .iter()
        .any(|words| text.contains(words));
    if killed {
        return "the compiler was killed, by the system if memory ran out. Variables are as before; \
            end other programs and run the cell again"
            .into();
    }
    full_disk(text).unwrap_or_else(|| text.to_owned())
}

/// Explains an error that a full disk has caused.
pub(super) fn full_disk(text: &str) -> Option<String> {
    text.contains("No space left on device").then(|| {
        "the disk is full, so the cell could not be compiled. Variables are as before; free space \
         in the home folder of candlebook and in the system's folder of temporary files, and run \
         the cell again"
            .into()
    })
}

/// Explains the exit of the process that runs cells.
pub(super) fn exit_message(reason: &str) -> String {
    let cause = if reason.contains("SIGKILL") {
        "was killed: by Stop, or by the system because memory ran out"
    } else if reason.contains("SIGSEGV") {
        "accessed invalid memory (segmentation fault)"
    } else if reason.contains("SIGBUS") {
        "accessed memory of a file that was cut off or whose disk is full (bus error)"
    } else if reason.contains("SIGABRT") {
        "aborted: a stack overflow, a failed allocation or a call of abort()"
    } else if reason.contains("exit status: 99") {
        "could not load the cell: a crate added by :dep has changed a crate that is already loaded; run :dep first"
    } else if reason.contains("exit status") {
        "called exit()"
    } else {
        "ended"
    };
    let last = reason
        .lines()
        .last()
        .unwrap_or(reason)
        .replace("Subprocess terminated with status: ", "");
    format!(
        "the process that runs cells {cause} ({last}). All variables are lost; the next cell starts a fresh one"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundant_color_codes_are_removed() {
        let (grey, red, off) = ("\x1b[38;5;249m", "\x1b[31m", "\x1b[0m");
        let text = format!("{grey}a{off}{grey}b{off}{red}c{off} d");
        assert_eq!(merge_colors(&text), format!("{grey}ab{off}{red}c{off} d"));
    }

    #[test]
    fn missing_debug_is_reported_without_the_generated_method() {
        let message = "the method `evcxr_display` exists for reference `&Foo`, but its trait bounds were not satisfied";
        let expected = "a value of `Foo` cannot be shown: it has no `Debug`. End the cell with a semicolon, or derive it";
        assert_eq!(plain_message(message), expected);
        assert_eq!(plain_message("other"), "other");
    }

    #[test]
    fn inserted_lines_are_not_counted() {
        assert_eq!(
            renumber(" \x1b[38;5;246m10 │\x1b[0m a │ 7\n ── x", 1),
            " \x1b[38;5;246m 9 │\x1b[0m a │ 7\n ── x"
        );
        assert_eq!(renumber(" 2 │ a", 0), " 2 │ a");
    }

    #[test]
    fn the_exit_of_the_process_is_explained() {
        assert!(
            exit_message("Subprocess terminated with status: signal: 11 (SIGSEGV)")
                .contains("segmentation fault")
        );
        assert!(
            exit_message("x\nSubprocess terminated with status: exit status: 3")
                .contains("called exit() (exit status: 3)")
        );
    }
}
