//! The compiler's messages.

use super::lines::LineMap;
use serde_json::Value;

/// An error of the compiler in the rewritten source.
#[derive(Debug, PartialEq)]
pub(super) struct CompilerError {
    /// Code such as `E0382`.
    pub(super) code: Option<String>,
    /// Lines of the places that the error is about.
    pub(super) lines: Vec<usize>,
}

/// The errors among the messages that the compiler printed, one a line as JSON.
pub(super) fn errors(output: &str) -> Vec<CompilerError> {
    let messages = output
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    messages
        .filter(|message: &Value| message["level"] == "error")
        .filter_map(|message| error(&message))
        .collect()
}

fn error(message: &Value) -> Option<CompilerError> {
    let lines = message_lines(message);
    // The last message, "aborting due to", has no place.
    (!lines.is_empty()).then(|| CompilerError {
        code: message["code"]["code"].as_str().map(str::to_owned),
        lines,
    })
}

/// Lines of the places that a compiler's message is about.
pub(crate) fn message_lines(message: &Value) -> Vec<usize> {
    let spans = message["spans"].as_array().into_iter().flatten();
    spans
        .filter(|span| span["is_primary"] == true)
        .filter_map(|span| Some(outermost(span)["line_start"].as_u64()? as usize))
        .collect()
}

/// The place in the cell of code that a macro has generated.
fn outermost(span: &Value) -> &Value {
    match &span["expansion"]["span"] {
        Value::Null => span,
        outer => outermost(outer),
    }
}

/// The compiler's messages with the engine's line numbers.
pub(super) fn translated(output: &str, lines: &LineMap) -> String {
    let translate = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(mut message) => {
            lines.translate(&mut message);
            format!("{message}\n")
        }
        Err(_) => format!("{line}\n"),
    };
    output.lines().map(translate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"{"level":"warning","code":null,"spans":[{"is_primary":true,"line_start":1}]}
{"level":"error","code":{"code":"E0382"},"spans":[{"is_primary":true,"line_start":7,"expansion":{"span":{"line_start":5}}},{"is_primary":false,"line_start":9}]}
{"level":"error","code":null,"spans":[],"message":"aborting due to 1 previous error"}
no JSON"#;

    #[test]
    fn errors_have_their_code_and_the_lines_of_the_cell() {
        let expected = CompilerError {
            code: Some("E0382".into()),
            lines: vec![5],
        };
        assert_eq!(errors(OUTPUT), [expected]);
        let lines = LineMap::new(9, vec![3], 3);
        let text = translated(OUTPUT, &lines);
        assert!(
            text.contains(r#""is_primary":false,"line_start":3"#) && text.ends_with("no JSON\n")
        );
    }
}
