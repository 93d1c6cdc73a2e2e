//! The relay between the process that runs cells and the engine.
//!
//! The engine reads its child's output by lines and allows one image per cell. So the child, before
//! it executes our program, replaces its standard output and error by new pipes, and sends us their
//! read ends and the write end of the engine's pipe. A thread reads the pipes: the engine's
//! protocol lines go on to the engine, and everything else becomes an [`Event`], in the order of
//! writing. A restarted child repeats the exchange.

use super::event::{Event, Sink};
use super::pipes::{Pipes, read_available};
use super::protocol::{
    BEGIN_CONTENT, CELL_BEGINS, CELL_DONE, DISPLAY, END_CONTENT, ERROR, PANIC, PROTOCOL, SEPARATOR,
    is_protocol, may_be_protocol, start_of_message, take_characters,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(test)]
mod tests;

/// Delay of text on standard error, in case a protocol line marks it as the message of a failure.
const ERROR_DELAY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 4_000_000,
};

/// Limit of the sent standard error that is kept for the message of a failure.
const MAX_MESSAGE_BYTES: usize = 4096;

/// A failure of a cell that compiled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// True for a panic, false for an error returned by `?`.
    pub(super) panic: bool,
    /// Standard error at that time.
    pub(super) message: String,
}

/// Status of the running cell, shared with the engine's thread.
#[derive(Clone, Default)]
pub(super) struct RelayStatus {
    pub(super) failure: Arc<Mutex<Option<Failure>>>,
    pub(super) running: Arc<AtomicBool>,
}

/// Reads one child's pipes until both are closed.
pub(super) struct Relay<'a> {
    pipes: &'a Pipes,
    status: &'a RelayStatus,
    /// Unparsed standard output: an incomplete protocol line.
    pending: Vec<u8>,
    /// Unsent standard error.
    error: Vec<u8>,
    /// The last bytes of standard error that were sent for this cell.
    sent_error: Vec<u8>,
    /// True between `EVCXR_BEGIN_CONTENT` and `EVCXR_END_CONTENT`, where every line is the
    /// engine's.
    in_content: bool,
    sink: &'a mut Sink,
}

/// Readiness of a child's pipes.
struct Ready {
    out: bool,
    err: bool,
}

impl<'a> Relay<'a> {
    pub(super) fn new(pipes: &'a Pipes, status: &'a RelayStatus, sink: &'a mut Sink) -> Self {
        Relay {
            pipes,
            status,
            pending: Vec::new(),
            error: Vec::new(),
            sent_error: Vec::new(),
            in_content: false,
            sink,
        }
    }

    pub(super) fn run(&mut self) {
        let mut open = Ready {
            out: true,
            err: true,
        };
        while open.out || open.err {
            let Some(ready) = self.wait(&open) else {
                continue;
            };
            // Standard error first: text written there before a line of standard output precedes
            // it.
            if ready.err {
                open.err = read_available(&self.pipes.err, &mut self.error);
            }
            if ready.out {
                open.out = read_available(&self.pipes.out, &mut self.pending);
                self.parse();
            } else if !ready.err {
                self.send_error();
                self.send_partial_prefix();
            }
        }
        self.send_error();
        let rest = std::mem::take(&mut self.pending);
        self.send_text(&rest);
    }

    /// Waits for output, at most [`ERROR_DELAY`] if bytes are held back; `None` if interrupted.
    fn wait(&self, open: &Ready) -> Option<Ready> {
        let pipes = [(open.out, &self.pipes.out), (open.err, &self.pipes.err)];
        let mut polled: Vec<PollFd> = pipes
            .into_iter()
            .filter(|(open, _)| *open)
            .map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN))
            .collect();
        let held = !self.error.is_empty() || self.is_partial_prefix();
        poll(&mut polled, held.then_some(&ERROR_DELAY)).ok()?;
        let mut ready = polled.iter().map(|pipe| !pipe.revents().is_empty());
        Some(Ready {
            out: open.out && ready.next().unwrap_or(false),
            err: open.err && ready.next().unwrap_or(false),
        })
    }

    /// Splits pending standard output into protocol lines, displays and text.
    fn parse(&mut self) {
        loop {
            if self.in_content {
                let Some(line) = self.take_line() else { return };
                self.content_line(&line);
                continue;
            }
            let Some(start) = start_of_message(&self.pending) else {
                let text = take_characters(&mut self.pending);
                self.send_text(&text);
                return;
            };
            let text: Vec<u8> = self.pending.drain(..start).collect();
            self.send_text(&text);
            if let Some(end) = self.end_of_lookalike() {
                let text: Vec<u8> = self.pending.drain(..end).collect();
                self.send_text(&text);
                continue;
            }
            let Some(line) = self.take_line() else { return };
            self.message(&line);
        }
    }

    /// Passes a line of a value's content on to the engine. If the cell ends first, ends the
    /// content.
    fn content_line(&mut self, line: &[u8]) {
        if line == CELL_DONE.as_bytes() || line == PANIC {
            self.pass_on(END_CONTENT);
            self.in_content = false;
            self.message(line);
        } else {
            self.in_content = line != END_CONTENT;
            self.pass_on(line);
        }
    }

    /// Length of text that looks like a protocol line but is followed by a message on the same
    /// line.
    fn end_of_lookalike(&self) -> Option<usize> {
        let separator = |byte: &u8| *byte == SEPARATOR;
        let end = self.pending.iter().skip(1).position(separator)? + 1;
        (!self.pending[..end].contains(&b'\n')).then_some(end)
    }

    /// Takes the first complete line, without its newline.
    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.pending.iter().position(|&byte| byte == b'\n')?;
        let mut line: Vec<u8> = self.pending.drain(..=end).collect();
        line.pop();
        Some(line)
    }

    fn message(&mut self, line: &[u8]) {
        if line == CELL_BEGINS.as_bytes() {
            self.status.running.store(true, Ordering::SeqCst);
        } else if line == CELL_DONE.as_bytes() {
            self.status.running.store(false, Ordering::SeqCst);
            self.drain_error();
            self.send_error();
            self.sent_error.clear();
            self.pass_on(&line[1..]);
        } else if let Some(json) = line.strip_prefix(DISPLAY) {
            self.send_error();
            (self.sink)(display_event(json));
        } else if line == PANIC || line == ERROR {
            self.record_failure(line == PANIC);
            self.pass_on(line);
        } else if is_protocol(line) {
            self.in_content = line.starts_with(BEGIN_CONTENT);
            self.pass_on(line);
        } else {
            self.send_text(&[line, b"\n"].concat());
        }
    }

    /// Records a failure with its message on standard error. If unwinding took longer than
    /// [`ERROR_DELAY`], the message has been sent already.
    fn record_failure(&mut self, panic: bool) {
        self.drain_error();
        let unsent = std::mem::take(&mut self.error);
        let message = if unsent.is_empty() {
            &self.sent_error
        } else {
            &unsent
        };
        let failure = Failure {
            panic,
            message: String::from_utf8_lossy(message).into_owned(),
        };
        *self
            .status
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    /// Reads all of standard error that was written before the current line.
    fn drain_error(&mut self) {
        let mut ready = [PollFd::new(&self.pipes.err, PollFlags::IN)];
        while poll(&mut ready, Some(&Timespec::default())).is_ok_and(|n| n > 0)
            && read_available(&self.pipes.err, &mut self.error)
        {}
    }

    fn pass_on(&self, line: &[u8]) {
        // An error means that the engine has exited, and this process soon will.
        let _ = (&self.pipes.engine).write_all(&[line, b"\n"].concat());
    }

    /// True if the pending bytes are only a part of the protocol's prefix.
    fn is_partial_prefix(&self) -> bool {
        !self.pending.is_empty()
            && self.pending.len() < PROTOCOL.len()
            && may_be_protocol(&self.pending)
            && !self.in_content
    }

    /// Sends a part of the prefix as text, if its rest has not arrived in time.
    fn send_partial_prefix(&mut self) {
        if self.is_partial_prefix() {
            let text = std::mem::take(&mut self.pending);
            self.send_text(&text);
        }
    }

    fn send_text(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.send_error();
            (self.sink)(Event::Stdout(String::from_utf8_lossy(text).into_owned()));
        }
    }

    fn send_error(&mut self) {
        if !self.error.is_empty() {
            let text = take_characters(&mut self.error);
            self.sent_error.extend_from_slice(&text);
            let excess = self.sent_error.len().saturating_sub(MAX_MESSAGE_BYTES);
            self.sent_error.drain(..excess);
            if !text.is_empty() {
                (self.sink)(Event::Stderr(String::from_utf8_lossy(&text).into_owned()));
            }
        }
    }
}

/// The event for a display's JSON.
fn display_event(json: &[u8]) -> Event {
    match serde_json::from_slice(json) {
        Ok(display) => Event::Display(display),
        Err(error) => Event::Stderr(format!("candlebook: invalid display message: {error}\n")),
    }
}
