//! A cell's text on its way to the front end, which gets it a few times a second.
//!
//! Text that follows a pause is sent at once. More text waits for [`INTERVAL`], as in ipykernel, so
//! that a loop that prints makes few messages. The order of writing is kept across both streams.

use super::event::{Event, Sink};
use super::failure::{Failure, REPORT};
use std::time::{Duration, Instant};

/// Least time between two messages.
const INTERVAL: Duration = Duration::from_millis(200);
/// Time that the report of a panic waits for the end of the unwinding. The first unwinding of a process
/// reads the tables of all libraries.
const REPORT_DELAY: Duration = Duration::from_secs(2);
/// Size of the waiting text at which it is sent without waiting, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum OutputStream {
    Out,
    Err,
}

/// Text of one stream.
struct Text {
    stream: OutputStream,
    bytes: Vec<u8>,
    /// When it is to be sent. The report of a panic waits longer: if the panic ends the cell, the
    /// cell's error says it.
    due: Instant,
}

/// The text that waits to be sent.
pub(super) struct Outbox<'a> {
    sink: &'a mut Sink,
    waiting: Vec<Text>,
    /// Size of the waiting text.
    bytes: usize,
    /// Time from which text is sent at once.
    pause_ends: Instant,
}

impl<'a> Outbox<'a> {
    pub(super) fn new(sink: &'a mut Sink) -> Self {
        Outbox {
            sink,
            waiting: Vec::new(),
            bytes: 0,
            pause_ends: Instant::now(),
        }
    }

    /// Adds text, and sends what is due.
    pub(super) fn add(&mut self, stream: OutputStream, text: &[u8]) {
        let now = Instant::now();
        let mut rest = text;
        while !rest.is_empty() {
            let is_report = stream == OutputStream::Err && rest.starts_with(REPORT);
            let (part, more) = match stream {
                OutputStream::Out => (rest, &[][..]),
                OutputStream::Err => rest.split_at(next_report(rest)),
            };
            let due = if is_report {
                now + REPORT_DELAY
            } else {
                self.pause_ends.max(now)
            };
            self.push(
                Text {
                    stream,
                    bytes: part.to_vec(),
                    due,
                },
                is_report,
            );
            rest = more;
        }
        self.send_due(now);
    }

    /// Adds text to the last one of its stream if nothing came in between.
    fn push(&mut self, text: Text, is_report: bool) {
        self.bytes += text.bytes.len();
        match self.waiting.last_mut() {
            Some(last) if last.stream == text.stream && !is_report => {
                last.bytes.extend_from_slice(&text.bytes);
            }
            _ => self.waiting.push(text),
        }
    }

    /// Sends all text.
    pub(super) fn flush(&mut self) {
        for text in self.waiting.drain(..) {
            send(self.sink, text);
        }
        self.bytes = 0;
    }

    /// Sends a display, after all text.
    pub(super) fn show(&mut self, display: Event) {
        self.sink()(display);
    }

    /// The receiver of events, after all text has been sent.
    pub(super) fn sink(&mut self) -> &mut Sink {
        self.flush();
        self.sink
    }

    /// Time until the next text is due; `None` if none waits.
    pub(super) fn wait(&self) -> Option<Duration> {
        let first = self.waiting.first()?;
        Some(first.due.saturating_duration_since(Instant::now()))
    }

    /// Sends the text that has waited for its time.
    pub(super) fn send_due(&mut self, now: Instant) {
        if self.bytes >= MAX_BYTES {
            self.flush();
            self.pause_ends = now + INTERVAL;
        }
        let n = self
            .waiting
            .iter()
            .take_while(|text| text.due <= now)
            .count();
        for text in self.waiting.drain(..n) {
            self.bytes -= text.bytes.len();
            send(self.sink, text);
            self.pause_ends = now + INTERVAL;
        }
    }

    /// Removes the report of a panic that is a cell's failure, which tells its line.
    pub(super) fn take_report(&mut self, failure: &mut Failure) {
        for from in (0..self.waiting.len()).rev() {
            let texts = self.waiting[from..].iter();
            let report: Vec<u8> = texts
                .take_while(|text| text.stream == OutputStream::Err)
                .flat_map(|text| text.bytes.iter().copied())
                .collect();
            if let Some(length) = failure.find_report(&report) {
                self.remove(from, length);
                return;
            }
        }
    }

    /// Removes bytes from the texts that begin with the one at an index.
    fn remove(&mut self, from: usize, mut length: usize) {
        self.bytes -= length;
        for text in &mut self.waiting[from..] {
            let part = length.min(text.bytes.len());
            text.bytes.drain(..part);
            length -= part;
        }
        self.waiting.retain(|text| !text.bytes.is_empty());
    }
}

/// Start of the next report after the first byte, or the end.
fn next_report(text: &[u8]) -> usize {
    let later = (1..text.len()).find(|&at| text[at..].starts_with(REPORT));
    later.unwrap_or(text.len())
}

fn send(sink: &mut Sink, text: Text) {
    let content = match String::from_utf8(text.bytes) {
        Ok(content) => content,
        Err(invalid) => String::from_utf8_lossy(invalid.as_bytes()).into_owned(),
    };
    sink(match text.stream {
        OutputStream::Out => Event::Stdout(content),
        OutputStream::Err => Event::Stderr(content),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kept::Kept;
    use std::sync::{Arc, Mutex};

    /// The events of a use of an outbox, as texts; standard error is in brackets.
    fn sent(act: impl FnOnce(&mut Outbox<'_>)) -> Vec<String> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let mut sink: Sink = Box::new(move |event| {
            seen.lock().unwrap().push(match event {
                Event::Stdout(text) => text,
                Event::Stderr(text) => format!("[{text}]"),
                Event::Display(display) => format!("{:?}", display.op),
            });
        });
        act(&mut Outbox::new(&mut sink));
        let events = events.lock().unwrap();
        events.clone()
    }

    #[test]
    fn the_first_text_is_sent_at_once_and_later_text_together() {
        let events = sent(|outbox| {
            for text in ["a\n", "b\n", "c\n"] {
                outbox.add(OutputStream::Out, text.as_bytes());
            }
            assert!(outbox.wait() <= Some(INTERVAL) && outbox.wait() > Some(Duration::ZERO));
            outbox.add(OutputStream::Err, b"d\n");
            outbox.add(OutputStream::Out, b"e\n");
            outbox.send_due(Instant::now() + INTERVAL);
            assert_eq!(outbox.wait(), None);
        });
        assert_eq!(events, ["a\n", "b\nc\n", "[d\n]", "e\n"]);
    }

    #[test]
    fn much_text_does_not_wait() {
        let large = vec![b'x'; MAX_BYTES];
        let events = sent(|outbox| {
            outbox.add(OutputStream::Out, b"a");
            outbox.add(OutputStream::Out, &large);
            outbox.add(OutputStream::Out, b"b");
        });
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].len(), MAX_BYTES);
    }

    #[test]
    fn the_report_of_a_failure_is_removed_and_other_text_is_kept() {
        let report =
            |words: &str| format!("\nthread 'main' (7) panicked at src/lib.rs:12:7:\n{words}\n");
        let mut failure = Failure {
            panic: true,
            message: "one\nand two".into(),
            line: None,
            functions: Vec::new(),
            kept: Kept::default(),
        };
        let text = format!(
            "before{}{}dropped\n",
            report("other"),
            report("one\nand two")
        );
        let events = sent(|outbox| {
            outbox.add(OutputStream::Err, text.as_bytes());
            outbox.add(OutputStream::Out, b"out");
            outbox.take_report(&mut failure);
            outbox.flush();
        });
        assert_eq!(
            events,
            [
                "[before]",
                &format!("[{}]", report("other")),
                "[dropped\n]",
                "out"
            ]
        );
        assert_eq!(failure.line, Some(12));
    }
}
