//! The relay between the process that runs cells and the engine.
//!
//! The engine reads its child's output by lines and allows one image per cell. So the child, before
//! it executes our program, replaces its standard output and error by new pipes, and sends us their
//! read ends and the write end of the engine's pipe. A thread reads the pipes: the engine's
//! protocol lines go on to the engine, and everything else becomes an [`Event`], in the order of
//! writing. A restarted child repeats the exchange.

use super::event::{Event, Sink};
use super::kept::Kept;
use super::pipes::{Pipes, read_available};
use super::protocol::{
    BEGIN_CONTENT, CANNOT_SHOW, CELL_BEGINS, CELL_DONE, END_CONTENT, Kind, PROTOCOL, SEPARATOR,
    Start, matches, start, take_characters, trusted_line,
};
use crate::build::{ERROR, ERROR_LINE, KEPT, PANIC};
use not_shown::NotShown;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Signal, kill_process_group};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod not_shown;
#[cfg(test)]
mod tests;

/// Delay of text on standard error, in case a protocol line marks it as the message of a failure.
const ERROR_DELAY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 4_000_000,
};

/// Limit of the sent standard error that is kept for the message of a failure.
const MAX_MESSAGE_BYTES: usize = 4096;

/// Time after the child's exit in which the rest of its output is read. Processes that it started may
/// go on writing.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A failure of a cell that compiled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// True for a panic, false for an error returned by `?`.
    pub(super) panic: bool,
    /// Standard error at that time.
    pub(super) message: String,
    /// Line in the compiled source of the `?` that returned the error.
    pub(super) line: Option<usize>,
    /// What became of the cell's variables.
    pub(super) kept: Kept,
}

/// Status of the running cell, shared with the engine's thread.
#[derive(Clone, Default)]
pub(super) struct RelayStatus {
    pub(super) failure: Arc<Mutex<Option<Failure>>>,
    pub(super) not_shown: NotShown,
    pub(super) running: Arc<AtomicBool>,
    /// True once a cell has begun to run.
    pub(super) ran: Arc<AtomicBool>,
}

/// Reads one child's pipes until the child has exited, or both are closed.
pub(super) struct Relay<'a> {
    pipes: &'a Pipes,
    status: &'a RelayStatus,
    /// The kernel's token, which trusted lines carry.
    token: &'a str,
    /// Unparsed standard output: an incomplete message.
    pending: Vec<u8>,
    /// Unsent standard error.
    error: Vec<u8>,
    /// The last bytes of standard error that were sent for this cell.
    sent_error: Vec<u8>,
    /// True between `EVCXR_BEGIN_CONTENT` and `EVCXR_END_CONTENT`, where every line is the
    /// engine's.
    in_content: bool,
    /// Line of the `?` that has returned an error.
    error_line: Option<usize>,
    /// The engine's lines about the cell's failure. It gets them at the cell's end, unless all that
    /// the cell binds is kept.
    held: Vec<Vec<u8>>,
    sink: &'a mut Sink,
}

/// Sources of a child: those that are open, or those with output.
struct Sources {
    out: bool,
    err: bool,
    /// True until the child exits, where the system tells; then the rest of its output is read,
    /// although processes that it started may keep the pipes open.
    child: bool,
}

impl<'a> Relay<'a> {
    pub(super) fn new(
        pipes: &'a Pipes,
        status: &'a RelayStatus,
        token: &'a str,
        sink: &'a mut Sink,
    ) -> Self {
        Relay {
            pipes,
            status,
            token,
            pending: Vec::new(),
            error: Vec::new(),
            sent_error: Vec::new(),
            in_content: false,
            error_line: None,
            held: Vec::new(),
            sink,
        }
    }

    pub(super) fn run(&mut self) {
        let mut open = Sources {
            out: true,
            err: true,
            child: true,
        };
        let mut exited_at: Option<Instant> = None;
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
                open.out = self.read_output();
            } else if !ready.err {
                self.send_error();
                self.send_partial_prefix();
                if exited_at.is_some() {
                    break;
                }
            }
            if ready.child {
                open.child = false;
                exited_at = Some(Instant::now());
                self.end_processes();
            }
            if exited_at.is_some_and(|at| at.elapsed() > DRAIN_TIMEOUT) {
                break;
            }
        }
        self.send_error();
        let rest = std::mem::take(&mut self.pending);
        self.send_text(&rest);
        self.end_processes();
    }

    /// Ends the child, if it has only closed its output, and the processes that it started: the
    /// engine waits for its exit.
    fn end_processes(&self) {
        if let Some(child) = self.pipes.child {
            // An error means that the group has exited already.
            let _ = kill_process_group(child, Signal::KILL);
        }
    }

    /// Waits for output, at most [`ERROR_DELAY`] if bytes are held back or the child has exited;
    /// `None` if interrupted.
    fn wait(&self, open: &Sources) -> Option<Sources> {
        let exit = self.pipes.exit.as_ref().filter(|_| open.child);
        let sources: [Option<&OwnedFd>; 3] = [
            open.out.then_some(&self.pipes.out),
            open.err.then_some(&self.pipes.err),
            exit,
        ];
        let mut polled: Vec<PollFd> = sources
            .iter()
            .flatten()
            .map(|source| PollFd::new(*source, PollFlags::IN))
            .collect();
        let hurry = !open.child || !self.error.is_empty() || self.is_partial_prefix();
        poll(&mut polled, hurry.then_some(&ERROR_DELAY)).ok()?;
        let mut ready = polled.iter().map(|source| !source.revents().is_empty());
        let mut next = |source: Option<&OwnedFd>| source.is_some() && ready.next().unwrap_or(false);
        Some(Sources {
            out: next(sources[0]),
            err: next(sources[1]),
            child: next(sources[2]),
        })
    }

    /// Reads and parses available standard output; false at the end of the stream.
    fn read_output(&mut self) -> bool {
        let before = self.pending.len();
        let open = read_available(&self.pipes.out, &mut self.pending);
        // A long message arrives in many parts; only one with a possible end is worth parsing.
        let ends = |byte: &u8| *byte == b'\n' || *byte == SEPARATOR;
        if before < PROTOCOL.len() || self.pending[before..].iter().any(ends) {
            self.parse();
        }
        open
    }

    /// Splits pending standard output into protocol lines, displays and text. Text between two
    /// messages is sent as a whole.
    fn parse(&mut self) {
        let bytes = std::mem::take(&mut self.pending);
        let mut text = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self.in_content {
                let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                    break;
                };
                self.content_line(&rest[..end]);
                at += end + 1;
                continue;
            }
            match start(rest, self.token) {
                Start::Text(n) => {
                    text.extend_from_slice(&rest[..n]);
                    at += n;
                }
                Start::Incomplete => break,
                Start::Message { kind, from, end } => {
                    self.send_text(&std::mem::take(&mut text));
                    self.message(kind, &rest[from..end]);
                    at += end + 1;
                }
            }
        }
        let complete = take_characters(&mut text);
        self.send_text(&complete);
        text.extend_from_slice(&bytes[at..]);
        self.pending = text;
    }

    /// Passes a line of a value's content on to the engine. If the cell ends first, ends the
    /// content.
    fn content_line(&mut self, line: &[u8]) {
        let trusted = trusted_line(self.token, "");
        let position = line
            .windows(trusted.len())
            .position(|bytes| bytes == trusted.as_bytes());
        match position {
            Some(at) => {
                if at > 0 {
                    self.pass_on(&line[..at]);
                }
                self.pass_on(END_CONTENT);
                self.in_content = false;
                self.message(Kind::Trusted, &line[at + trusted.len()..]);
            }
            None => {
                self.in_content = line != END_CONTENT;
                self.pass_on(line);
            }
        }
    }

    fn message(&mut self, kind: Kind, line: &[u8]) {
        match kind {
            Kind::Display => {
                self.send_error();
                (self.sink)(Event::display(line));
            }
            Kind::Trusted => self.trusted(line),
            // Between cells, the engine does not read: a thread of an earlier cell printed this.
            Kind::Open if !self.status.running.load(Ordering::SeqCst) => {
                self.send_text(&[line, b"\n"].concat());
            }
            Kind::Open => {
                self.in_content = line.starts_with(BEGIN_CONTENT);
                self.pass_on(line);
            }
        }
    }

    fn trusted(&mut self, line: &[u8]) {
        if line == CELL_BEGINS.as_bytes() {
            self.status.running.store(true, Ordering::SeqCst);
            self.status.ran.store(true, Ordering::SeqCst);
            return;
        }
        if line == CELL_DONE.as_bytes() {
            self.status.running.store(false, Ordering::SeqCst);
            self.drain_error();
            self.send_error();
            self.sent_error.clear();
            for held in std::mem::take(&mut self.held) {
                self.pass_on(&held);
            }
        } else if line == PANIC.as_bytes() || line == ERROR.as_bytes() {
            self.record_failure(line == PANIC.as_bytes());
            self.held.push(line.to_vec());
            return;
        } else if let Some(number) = line.strip_prefix(ERROR_LINE.as_bytes()) {
            let number = String::from_utf8_lossy(number);
            self.error_line = number.parse().ok();
            return;
        } else if let Some(report) = line.strip_prefix(KEPT.as_bytes()) {
            self.record_kept(report);
            return;
        } else if let Some(json) = line.strip_prefix(CANNOT_SHOW) {
            self.cannot_show(json);
            return;
        }
        self.pass_on(line);
    }

    fn record_kept(&mut self, report: &[u8]) {
        let Some(kept) = Kept::parse(report) else {
            return;
        };
        if kept.complete {
            self.held.clear();
        }
        if let Some(failure) = self.failure().as_mut() {
            failure.kept = kept;
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<Failure>> {
        let failure = self.status.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner)
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
            line: self.error_line.take(),
            kept: Kept::default(),
        };
        *self.failure() = Some(failure);
        self.send_not_shown();
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
            && matches(&self.pending, PROTOCOL)
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
