//! The relay between the process that runs cells and the engine.
//!
//! The engine reads its child's output by lines and allows one image per cell. So the child, before
//! it executes our program, replaces its standard output and error by new pipes, and sends us their
//! read ends and the write end of the engine's pipe. A thread reads the pipes: the engine's
//! protocol lines go on to the engine, and everything else becomes an
//! [`Event`](crate::engine::event::Event), in the order of writing. A restarted child repeats the exchange.

use crate::engine::event::{Event, Sink};
use crate::engine::failure::Failure;
use crate::engine::not_shown::NotShown;
use crate::engine::outbox::{Outbox, OutputStream};
use crate::engine::pipes::{Pipes, read_available};
use crate::engine::protocol::{
    BEGIN_CONTENT, END_CONTENT, Kind, PROTOCOL, SEPARATOR, Start, matches, start, take_characters,
    trusted_line,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Signal, kill_process_group};
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

mod trusted;
#[cfg(test)]
mod tests;

/// Time in which the rest of a protocol line's prefix arrives, and the rest of a dead child's output.
const SHORT: Duration = Duration::from_millis(4);

/// Time after the child's exit in which the rest of its output is read. Processes that it started may
/// go on writing.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Status of the running cell, shared with the engine's thread.
#[derive(Clone, Default)]
pub(in crate::engine) struct RelayStatus {
    pub(in crate::engine) failure: Arc<Mutex<Option<Failure>>>,
    pub(in crate::engine) not_shown: NotShown,
    pub(in crate::engine) running: Arc<AtomicBool>,
    /// True while the engine learns which variables a failed cell has kept.
    pub(in crate::engine) recovering: Arc<AtomicBool>,
    /// True once a cell has begun to run.
    pub(in crate::engine) ran: Arc<AtomicBool>,
}

/// Reads one child's pipes until the child has exited, or both are closed.
pub(in crate::engine) struct Relay<'a> {
    pipes: &'a Pipes,
    status: &'a RelayStatus,
    /// The kernel's token, which trusted lines carry.
    token: &'a str,
    /// Unparsed standard output: an incomplete message.
    pending: Vec<u8>,
    /// An incomplete character of standard error.
    error: Vec<u8>,
    /// True between `EVCXR_BEGIN_CONTENT` and `EVCXR_END_CONTENT`, where every line is the
    /// engine's.
    in_content: bool,
    /// Number of the helper's prompts whose answer nobody has waited for yet.
    prompts: usize,
    /// The engine's lines about the cell's failure. It gets them at the cell's end, unless all that
    /// the cell binds is kept.
    held: Vec<&'static str>,
    outbox: Outbox<'a>,
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
    pub(in crate::engine) fn new(
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
            in_content: false,
            prompts: 0,
            held: Vec::new(),
            outbox: Outbox::new(sink),
        }
    }

    pub(in crate::engine) fn run(&mut self) {
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
            // Standard error first: a line of standard output may report the failure that it
            // explains.
            if ready.err {
                open.err = self.read_error();
            }
            if ready.out {
                open.out = self.read_output();
            } else if !ready.err {
                self.send_partial_prefix();
                if exited_at.is_some() {
                    break;
                }
            }
            self.outbox.send_due(Instant::now());
            if ready.child {
                open.child = false;
                exited_at = Some(Instant::now());
                self.end_processes();
            }
            if exited_at.is_some_and(|at| at.elapsed() > DRAIN_TIMEOUT) {
                break;
            }
        }
        self.outbox.add(OutputStream::Err, &self.error);
        self.outbox.add(OutputStream::Out, &self.pending);
        self.outbox.flush();
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

    /// Waits for output, or until text is due; `None` if interrupted.
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
        let hurry = !open.child || self.is_partial_prefix();
        let waits = [hurry.then_some(SHORT), self.outbox.wait()];
        let wait = waits.into_iter().flatten().min();
        // Rounded up to a millisecond, so that text is due when the wait ends.
        let wait = wait.map(|wait| Timespec {
            tv_sec: 0,
            tv_nsec: (wait.as_nanos() as i64).clamp(1_000_000, 999_000_000),
        });
        poll(&mut polled, wait.as_ref()).ok()?;
        let mut ready = polled.iter().map(|source| !source.revents().is_empty());
        let mut next = |source: Option<&OwnedFd>| source.is_some() && ready.next().unwrap_or(false);
        Some(Sources {
            out: next(sources[0]),
            err: next(sources[1]),
            child: next(sources[2]),
        })
    }

    /// Reads available standard error; false at the end of the stream.
    fn read_error(&mut self) -> bool {
        let open = read_available(&self.pipes.err, &mut self.error);
        let text = take_characters(&mut self.error);
        self.outbox.add(OutputStream::Err, &text);
        open
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
                    self.outbox
                        .add(OutputStream::Out, &std::mem::take(&mut text));
                    self.message(kind, &rest[from..end]);
                    at += end + 1;
                }
            }
        }
        let complete = take_characters(&mut text);
        self.outbox.add(OutputStream::Out, &complete);
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
            Kind::Display => self.outbox.show(Event::display(line)),
            Kind::Trusted => self.trusted(line),
            // Between cells, the engine does not read: a thread of an earlier cell printed this.
            Kind::Open if !self.is_running() => {
                self.outbox.add(OutputStream::Out, &[line, b"\n"].concat());
            }
            Kind::Open => {
                self.in_content = line.starts_with(BEGIN_CONTENT);
                self.pass_on(line);
            }
        }
    }

    /// Reads all of standard error that was written before the current line.
    fn drain_error(&mut self) {
        let mut ready = [PollFd::new(&self.pipes.err, PollFlags::IN)];
        while poll(&mut ready, Some(&Timespec::default())).is_ok_and(|n| n > 0) && self.read_error()
        {
        }
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
            self.outbox
                .add(OutputStream::Out, &std::mem::take(&mut self.pending));
        }
    }
}
