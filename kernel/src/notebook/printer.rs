//! A cell's output on a terminal or in a log.

use crate::engine::{Display, Event, Op};
use serde_json::{Map, Value};
use std::io::Write;

/// Size of a text that terminals redraw in place. A line must not wrap, and all lines must be on the
/// screen.
const MAX_COLUMNS: usize = 79;
const MAX_LINES: usize = 10;

/// Prints a cell's text, and the plain text of its displays in their last state.
///
/// The newest display waits for its updates until something else is printed. On a terminal it is also
/// drawn in each state. An older display is printed again at the end of the cell.
pub(super) struct Printer<W: Write> {
    out: W,
    terminal: bool,
    newest: Option<Shown>,
    /// Lines of the newest display on the terminal.
    drawn_lines: usize,
    /// Older displays that were updated.
    updated: Vec<Shown>,
}

/// A display and its text.
struct Shown {
    id: Map<String, Value>,
    text: String,
}

impl<W: Write> Printer<W> {
    pub(super) fn new(out: W, terminal: bool) -> Self {
        Printer {
            out,
            terminal,
            newest: None,
            drawn_lines: 0,
            updated: Vec::new(),
        }
    }

    pub(super) fn print(&mut self, event: &Event) {
        match event {
            Event::Stdout(text) | Event::Stderr(text) => {
                self.release();
                self.write(text);
            }
            Event::Display(display) => self.display(display),
        }
    }

    /// Prints what waits, at the end of the cell.
    pub(super) fn finish(&mut self) {
        self.release();
        for Shown { text, .. } in std::mem::take(&mut self.updated) {
            self.write(&format!("\n{text}\n"));
        }
    }

    fn display(&mut self, display: &Display) {
        if display.op == Op::Clear {
            if self.drawn_lines > 0 {
                self.erase();
                self.write("\n");
            }
            (self.newest, self.updated) = (None, Vec::new());
            return;
        }
        let Some(text) = display.data.get("text/plain").and_then(Value::as_str) else {
            return;
        };
        let shown = Shown {
            id: display.transient.clone(),
            text: text.to_owned(),
        };
        let of_newest = self.newest.as_ref().is_some_and(|old| old.id == shown.id);
        if display.op == Op::Update && !of_newest {
            self.updated.retain(|old| old.id != shown.id);
            self.updated.push(shown);
            return;
        }
        if !of_newest {
            self.release();
        }
        self.erase();
        self.draw(&shown.text);
        self.newest = Some(shown);
    }

    /// Prints the newest display, which nothing can replace from now on.
    fn release(&mut self) {
        if let Some(Shown { text, .. }) = self.newest.take() {
            self.erase();
            self.write(&format!("\n{text}\n"));
        }
    }

    fn draw(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        if self.terminal && lines.len() <= MAX_LINES {
            for line in &lines {
                self.write(&format!("\n{line:.MAX_COLUMNS$}"));
            }
            self.drawn_lines = lines.len();
        }
    }

    fn erase(&mut self) {
        let lines = std::mem::take(&mut self.drawn_lines);
        if lines > 0 {
            self.write(&"\r\x1b[K\x1b[A".repeat(lines));
        }
    }

    /// Errors are ignored: they mean that nobody reads the terminal.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

/// Text without colors, for files and logs.
pub(super) fn without_colors(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain += code.strip_prefix('m').unwrap_or(code);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn display(op: Op, id: &str, text: &str) -> Event {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Event::Display(Display {
            op,
            data: map(json!({ "text/plain": text })),
            metadata: Map::new(),
            transient: map(json!({ "display_id": id })),
        })
    }

    fn printed(terminal: bool, events: &[Event]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, terminal);
        for event in events {
            printer.print(event);
        }
        printer.finish();
        String::from_utf8(out).unwrap()
    }

    fn training() -> Vec<Event> {
        vec![
            display(Op::Display, "fit", "epoch 1/2\nloss 0.5"),
            display(Op::Update, "fit", "epoch 2/2\nloss 0.25"),
            display(Op::Update, "fit", "trained for 2 of 2 epochs"),
        ]
    }

    #[test]
    fn colors_leave_a_text() {
        assert_eq!(
            without_colors("\x1b[31mError\x1b[0m: \x1b[38;5;249ma"),
            "Error: a"
        );
    }

    #[test]
    fn a_log_has_the_last_state_of_a_display() {
        assert_eq!(printed(false, &training()), "\ntrained for 2 of 2 epochs\n");
        let mut events = training();
        events.insert(1, Event::Stdout("text\n".into()));
        events.push(display(Op::Display, "plot", "Loss"));
        assert_eq!(
            printed(false, &events),
            "\nepoch 1/2\nloss 0.5\ntext\n\nLoss\n\ntrained for 2 of 2 epochs\n"
        );
        let cleared = [
            display(Op::Display, "a", "searching"),
            display(Op::Clear, "", ""),
            display(Op::Display, "b", "found"),
        ];
        assert_eq!(printed(false, &cleared), "\nfound\n");
    }

    #[test]
    fn on_a_terminal_a_display_is_redrawn_in_place() {
        let up = "\r\x1b[K\x1b[A";
        assert_eq!(
            printed(true, &training()),
            format!(
                "\nepoch 1/2\nloss 0.5{up}{up}\nepoch 2/2\nloss 0.25{up}{up}\
                 \ntrained for 2 of 2 epochs{up}\ntrained for 2 of 2 epochs\n"
            )
        );
        let wide = "x".repeat(100);
        assert_eq!(
            printed(true, &[display(Op::Display, "a", &wide)]),
            format!("\n{}{up}\n{wide}\n", &wide[..79])
        );
        let high = "x\n".repeat(20);
        assert_eq!(
            printed(true, &[display(Op::Display, "a", &high)]),
            format!("\n{high}\n")
        );
    }
}
