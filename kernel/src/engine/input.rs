//! Answers to a cell that asks for input, as the engine sends them to the cell's process.

use super::failure::escaped;
use super::protocol::{INPUT_END, INPUT_TEXT, INPUT_WAITS};
use std::cell::Cell;

/// Asks the user with a prompt, hiding the typed text if the second argument is true. `None` if the
/// front end cannot ask, or if Stop was pressed.
pub(crate) type Ask<'a> = dyn Fn(&str, bool) -> Option<String> + 'a;

/// Prompts of a cell that reads its standard input: the first, and later ones.
const PROMPT: &str = "input: ";
const NEXT_PROMPT: &str = "input (an empty line ends it): ";

/// What front ends that cannot ask say instead.
pub(crate) const CANNOT_ASK: &str =
    "this front end cannot ask for input, so standard input is at its end\n";

/// The answers to one cell.
pub(super) struct Answers<'a> {
    ask: &'a Ask<'a>,
    /// Number of lines that were read without a prompt of the cell's own.
    lines: Cell<usize>,
    /// True if nobody can answer.
    is_ended: Cell<bool>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(ask: &'a Ask<'a>) -> Self {
        Answers {
            ask,
            lines: Cell::new(0),
            is_ended: Cell::new(false),
        }
    }

    /// The line with the answer to a prompt.
    pub(super) fn answer(&self, prompt: &str, secret: bool) -> String {
        if prompt == INPUT_WAITS {
            return self.next_line();
        }
        let answer = (self.ask)(prompt, secret);
        answer_line(answer.map(|text| text.replace(['\n', '\r'], " ")))
    }

    /// The answer to a cell that reads its standard input. An empty one is the end, as nothing else can
    /// tell that the last line was typed.
    fn next_line(&self) -> String {
        if self.is_ended.get() {
            return answer_line(None);
        }
        let prompt = if self.lines.get() == 0 {
            PROMPT
        } else {
            NEXT_PROMPT
        };
        let answer = (self.ask)(prompt, false);
        self.lines.update(|lines| lines + 1);
        self.is_ended.set(answer.is_none());
        answer_line(answer.filter(|text| !text.is_empty()))
    }
}

/// A text as the engine's line, or the line that ends standard input.
fn answer_line(text: Option<String>) -> String {
    match text {
        Some(text) => format!("{INPUT_TEXT}{}", escaped(&text)),
        None => INPUT_END.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_ends_standard_input_but_answers_a_prompt() {
        let ask = |prompt: &str, _| {
            Some(if prompt == PROMPT {
                "a\nb".into()
            } else {
                String::new()
            })
        };
        let answers = Answers::new(&ask);
        assert_eq!(answers.answer("name?", false), "INPUT ");
        assert_eq!(answers.answer(INPUT_WAITS, false), "INPUT a\\nb");
        assert_eq!(answers.answer(INPUT_WAITS, false), "INPUT_END");
    }

    #[test]
    fn a_front_end_that_cannot_ask_is_asked_once() {
        let asked = Cell::new(0);
        let ask = |_: &str, _| {
            asked.set(asked.get() + 1);
            None
        };
        let answers = Answers::new(&ask);
        assert_eq!(answers.answer(INPUT_WAITS, false), "INPUT_END");
        assert_eq!(answers.answer(INPUT_WAITS, false), "INPUT_END");
        assert_eq!(asked.get(), 1);
    }
}
