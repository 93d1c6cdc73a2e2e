//! Between the process that runs cells and the engine: takes out text and displays as they come, passes on the rest.
//!
//! The engine reads its child's output by whole lines and knows one picture a cell. So the child, before it becomes our
//! program, exchanges its standard output and error for pipes of ours and sends us their reading ends, together with the
//! writing end of the engine's pipe ([`Control::prepare`]). A thread reads the pipes: the engine's own lines go on to the
//! engine, everything else becomes an [`Event`], in the order in which it was written. A restarted child does the same
//! again by itself.

use crate::engine::child::{CELL_BEGINS, CELL_DONE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::pipe::{PipeFlags, pipe_with};
use serde_json::{Map, Value};
use std::io::{IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Something that a cell sent while it ran.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// Text for standard output, as soon as it was written; not by lines.
    Stdout(String),
    /// Text for standard error.
    Stderr(String),
    /// A display of the helper crate.
    Display(Display),
}

/// A display: shown, or in place of an earlier one, or the wish to clear the cell's output.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub(crate) struct Display {
    pub(crate) op: Op,
    #[serde(default)]
    pub(crate) data: Map<String, Value>,
    #[serde(default)]
    pub(crate) metadata: Map<String, Value>,
    #[serde(default)]
    pub(crate) transient: Map<String, Value>,
}

/// What is to be done with a display.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    Display,
    Update,
    Clear,
}

/// How a cell that was run ended, by what it wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ending {
    /// `Some` where a `?` returned an error or a panic was caught.
    pub(crate) failure: Option<Failure>,
}

/// A failure inside a cell that compiled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) panic: bool,
    /// What was on standard error just then.
    pub(crate) message: String,
}

pub(crate) type Sink = Box<dyn FnMut(Event) + Send>;

/// The starting side: prepares the engine's command so that its children report here.
pub(crate) struct Control {
    ours: UnixStream,
    ending: Arc<Mutex<Ending>>,
    running: Arc<AtomicBool>,
}

impl Control {
    /// A command for children whose output comes here.
    pub(crate) fn prepare(command: &mut Command) -> std::io::Result<Control> {
        let (ours, theirs) = UnixStream::pair()?;
        // SAFETY: between fork and exec only system calls on descriptors are made; nothing is allocated.
        unsafe {
            command.pre_exec(move || exchange_output(&theirs).map_err(std::io::Error::from));
        }
        Ok(Control {
            ours,
            ending: Arc::default(),
            running: Arc::default(),
        })
    }

    /// Starts the thread that reads the children's output.
    pub(crate) fn relay(&self, mut sink: Sink) -> std::io::Result<()> {
        let control = self.ours.try_clone()?;
        let (ending, running) = (Arc::clone(&self.ending), Arc::clone(&self.running));
        std::thread::Builder::new()
            .name("candlebook-relay".into())
            .spawn(move || {
                while let Ok(Some(pipes)) = receive(&control) {
                    Relay::new(&pipes, &ending, &running, &mut sink).run();
                    running.store(false, Ordering::SeqCst);
                }
            })?;
        Ok(())
    }

    /// Whether a cell's code runs just now, rather than being compiled.
    pub(crate) fn running(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.running)
    }

    /// How the last cell ended, and forgets it.
    pub(crate) fn take_ending(&self) -> Ending {
        std::mem::take(
            &mut *self
                .ending
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner()),
        )
    }
}

/// In the child: new pipes become standard output and error; their reading ends and the old output go to the parent.
fn exchange_output(control: &UnixStream) -> rustix::io::Result<()> {
    let (out_read, out_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (err_read, err_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let old = rustix::stdio::stdout();
    let fds = [old, out_read.as_fd(), err_read.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(
        control,
        &[IoSlice::new(b"c")],
        &mut ancillary,
        SendFlags::empty(),
    )?;
    rustix::stdio::dup2_stdout(&out_write)?;
    rustix::stdio::dup2_stderr(&err_write)
}

/// What a child sent when it started.
struct Pipes {
    /// The writing end of the pipe that the engine reads. Closed when the child is gone: the engine then knows.
    engine: std::fs::File,
    out: OwnedFd,
    err: OwnedFd,
}

fn receive(control: &UnixStream) -> rustix::io::Result<Option<Pipes>> {
    let mut byte = [0; 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(
        control,
        &mut [IoSliceMut::new(&mut byte)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if got.bytes == 0 {
        return Ok(None);
    }
    let mut fds = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let mut fds = fds.next().into_iter().flatten();
    Ok((|| {
        Some(Pipes {
            engine: fds.next()?.into(),
            out: fds.next()?,
            err: fds.next()?,
        })
    })())
}

/// What the engine's protocol lines start with.
const PROTOCOL: &[u8] = b"EVCXR_";
/// What displays, and the end of a cell, start with.
const SEPARATOR: u8 = 0x1e;
/// How long text on standard error waits for the line that says it was the message of a failure.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 4_000_000,
};

/// Reads one child's pipes until both are closed.
struct Relay<'a> {
    pipes: &'a Pipes,
    ending: &'a Mutex<Ending>,
    running: &'a AtomicBool,
    /// Bytes of standard output not yet understood: a protocol line without its end.
    pending: Vec<u8>,
    /// Bytes of standard error not yet sent on.
    error: Vec<u8>,
    /// The end of what this cell has shown on standard error.
    told: Vec<u8>,
    /// Whether we are inside EVCXR_BEGIN_CONTENT ... EVCXR_END_CONTENT, all of which is the engine's.
    block: bool,
    sink: &'a mut Sink,
}

impl<'a> Relay<'a> {
    fn new(
        pipes: &'a Pipes,
        ending: &'a Mutex<Ending>,
        running: &'a AtomicBool,
        sink: &'a mut Sink,
    ) -> Self {
        let (pending, error, told) = (Vec::new(), Vec::new(), Vec::new());
        Relay {
            pipes,
            ending,
            running,
            pending,
            error,
            told,
            block: false,
            sink,
        }
    }

    fn run(&mut self) {
        let (mut out_open, mut err_open) = (true, true);
        while out_open || err_open {
            let (mut out, mut err) = (false, false);
            {
                let mut polled = Vec::new();
                if out_open {
                    polled.push(PollFd::new(&self.pipes.out, PollFlags::IN));
                }
                if err_open {
                    polled.push(PollFd::new(&self.pipes.err, PollFlags::IN));
                }
                let held = !self.error.is_empty() || self.is_held();
                let wait = held.then_some(&PATIENCE);
                if poll(&mut polled, wait).is_err() {
                    continue;
                }
                for (i, fd) in polled.iter().enumerate() {
                    let ready = !fd.revents().is_empty();
                    if out_open && i == 0 {
                        out = ready
                    } else {
                        err = ready
                    }
                }
            }
            // Standard error first: what was written there before a line of standard output comes before it.
            if err {
                err_open = read(&self.pipes.err, &mut self.error);
            }
            if out {
                out_open = read(&self.pipes.out, &mut self.pending);
                self.understand();
            } else if !err {
                self.send_error();
                self.send_beginning();
            }
        }
        self.send_error();
        let rest = std::mem::take(&mut self.pending);
        self.send_text(&rest);
    }

    /// Sorts what has come on standard output into the engine's lines, displays and text.
    fn understand(&mut self) {
        loop {
            if self.block {
                let Some(line) = self.take_line() else { return };
                if line == CELL_DONE.as_bytes() || line == b"EVCXR_PANIC_NOTIFICATION" {
                    // The content was never ended; the cell was.
                    self.pass_on(b"EVCXR_END_CONTENT");
                    self.block = false;
                    self.message(&line);
                } else {
                    self.block = line != b"EVCXR_END_CONTENT";
                    self.pass_on(&line);
                }
                continue;
            }
            let Some(start) = start_of_message(&self.pending) else {
                let text = whole_characters(&mut self.pending);
                self.send_text(&text);
                return;
            };
            let text: Vec<u8> = self.pending.drain(..start).collect();
            self.send_text(&text);
            // Text may look like a protocol line and not be one; what the helper or the child say then ends it.
            if let Some(end) = self
                .pending
                .iter()
                .skip(1)
                .position(|&byte| byte == SEPARATOR)
                && !self.pending[..=end].contains(&b'\n')
            {
                let text: Vec<u8> = self.pending.drain(..=end).collect();
                self.send_text(&text);
                continue;
            }
            let Some(line) = self.take_line() else { return };
            self.message(&line);
        }
    }

    /// A line without its end, if one is whole.
    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.pending.iter().position(|&byte| byte == b'\n')?;
        let mut line: Vec<u8> = self.pending.drain(..=end).collect();
        line.pop();
        Some(line)
    }

    fn message(&mut self, line: &[u8]) {
        if line == CELL_BEGINS.as_bytes() {
            self.running.store(true, Ordering::SeqCst);
        } else if line == CELL_DONE.as_bytes() {
            self.running.store(false, Ordering::SeqCst);
            self.drain_error();
            self.send_error();
            self.told.clear();
            self.pass_on(&line[1..]);
        } else if let Some(json) = line.strip_prefix(b"\x1eCANDLEBOOK ") {
            self.send_error();
            match serde_json::from_slice(json) {
                Ok(display) => (self.sink)(Event::Display(display)),
                Err(error) => (self.sink)(Event::Stderr(format!(
                    "candlebook: a display that cannot be read: {error}\n"
                ))),
            }
        } else if line == b"EVCXR_PANIC_NOTIFICATION" || line == b"EVCXR_ERROR_OCCURRED" {
            self.drain_error();
            // Unwinding may have taken longer than our patience: then the message was shown already.
            let fresh = std::mem::take(&mut self.error);
            let bytes = if fresh.is_empty() { &self.told } else { &fresh };
            let message = String::from_utf8_lossy(bytes).into_owned();
            let failure = Failure {
                panic: line.starts_with(b"EVCXR_PANIC"),
                message,
            };
            self.ending
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .failure = Some(failure);
            self.pass_on(line);
        } else if is_protocol(line) {
            self.block = line.starts_with(b"EVCXR_BEGIN_CONTENT");
            self.pass_on(line);
        } else {
            self.send_text(&[line, b"\n"].concat());
        }
    }

    /// Reads what there is on standard error: all that was written before the line at hand.
    fn drain_error(&mut self) {
        let mut ready = [PollFd::new(&self.pipes.err, PollFlags::IN)];
        while poll(&mut ready, Some(&Timespec::default())).is_ok_and(|n| n > 0)
            && read(&self.pipes.err, &mut self.error)
        {}
    }

    fn pass_on(&self, line: &[u8]) {
        // If the engine is gone, so are we soon.
        let _ = (&self.pipes.engine).write_all(&[line, b"\n"].concat());
    }

    /// Whether what is held back is the mere beginning of what a protocol line starts with.
    fn is_held(&self) -> bool {
        !self.pending.is_empty()
            && self.pending.len() < PROTOCOL.len()
            && is_beginning(&self.pending)
            && !self.block
    }

    /// Text may end in a letter that protocol lines start with: after a while it is text.
    fn send_beginning(&mut self) {
        if self.is_held() {
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
            let text = whole_characters(&mut self.error);
            self.told.extend_from_slice(&text);
            let from = self.told.len().saturating_sub(TOLD);
            self.told.drain(..from);
            if !text.is_empty() {
                (self.sink)(Event::Stderr(String::from_utf8_lossy(&text).into_owned()));
            }
        }
    }
}

/// How much of what was shown on standard error is kept, for the message of a failure.
const TOLD: usize = 4096;

/// Takes the bytes up to the last whole character; a character that was cut by the pipe stays for its rest.
fn whole_characters(bytes: &mut Vec<u8>) -> Vec<u8> {
    let end = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    bytes.drain(..end).collect()
}

/// Where a protocol line or the beginning of one starts.
fn start_of_message(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|&i| bytes[i] == SEPARATOR || is_beginning(&bytes[i..]))
}

fn is_beginning(bytes: &[u8]) -> bool {
    let n = bytes.len().min(PROTOCOL.len());
    bytes[..n] == PROTOCOL[..n]
}

fn is_protocol(line: &[u8]) -> bool {
    const LINES: [&[u8]; 3] = [
        b"EVCXR_VARIABLE_CHANGED_TYPE:",
        b"EVCXR_BEGIN_CONTENT ",
        b"EVCXR_INPUT_REQUEST",
    ];
    LINES.iter().any(|start| line.starts_with(start))
}

/// Adds what can be read now; false at the end.
fn read(from: &OwnedFd, to: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 1 << 16];
    match rustix::io::read(from, &mut chunk) {
        Ok(0) => false,
        Ok(n) => {
            to.extend_from_slice(&chunk[..n]);
            true
        }
        Err(rustix::io::Errno::INTR) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// What becomes of bytes on standard output, written in these parts: events, and what the engine gets.
    fn relayed(parts: &[&str], stderr: &str) -> (Vec<Event>, String, Ending) {
        let (engine_read, engine_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (out, out_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (err, err_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let ending = Arc::new(Mutex::new(Ending::default()));
        let shared = Arc::clone(&ending);
        let thread = std::thread::spawn(move || {
            let pipes = Pipes {
                engine: engine_write.into(),
                out,
                err,
            };
            let mut sink: Sink = Box::new(move |event| seen.lock().unwrap().push(event));
            let running = AtomicBool::new(false);
            Relay::new(&pipes, &shared, &running, &mut sink).run();
        });
        std::fs::File::from(err_write)
            .write_all(stderr.as_bytes())
            .unwrap();
        let mut write = std::fs::File::from(out_write);
        for part in parts {
            write.write_all(part.as_bytes()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        drop(write);
        thread.join().unwrap();
        let mut engine = String::new();
        std::fs::File::from(engine_read)
            .read_to_string(&mut engine)
            .unwrap();
        let events = events.lock().unwrap().clone();
        let ending = ending.lock().unwrap().clone();
        (events, engine, ending)
    }

    fn text(events: &[Event]) -> String {
        let text = events.iter().map(|event| match event {
            Event::Stdout(text) => text.clone(),
            Event::Stderr(text) => format!("<{text}>"),
            Event::Display(display) => format!("[{:?}]", display.op),
        });
        text.collect()
    }

    const DONE: &str = "\u{1e}EVCXR_EXECUTION_COMPLETE\n";

    #[test]
    fn text_goes_out_at_once_and_the_engine_gets_its_lines() {
        let (events, engine, _) = relayed(&["a", "b\nc", DONE], "");
        assert_eq!(events[0], Event::Stdout("a".into()));
        assert_eq!(
            (text(&events).as_str(), engine.as_str()),
            ("ab\nc", "EVCXR_EXECUTION_COMPLETE\n")
        );
    }

    #[test]
    fn displays_are_taken_out_of_the_middle_of_a_line() {
        let line = "\u{1e}CANDLEBOOK {\"op\": \"update\", \"data\": {\"text/plain\": \"x\"}}\n";
        let (events, engine, _) = relayed(&["a", &line[..9], &line[9..], "b\n", DONE], "");
        assert_eq!(
            (text(&events).as_str(), engine.as_str()),
            ("a[Update]b\n", "EVCXR_EXECUTION_COMPLETE\n")
        );
    }

    #[test]
    fn text_that_looks_like_the_protocol_is_text() {
        let (events, engine, _) = relayed(&["x EVCXR_ no", "t ours", DONE], "");
        assert_eq!(
            (text(&events).as_str(), engine.as_str()),
            ("x EVCXR_ not ours", "EVCXR_EXECUTION_COMPLETE\n")
        );
        let (events, engine, _) = relayed(&["EVC", "ASUALLY\nEVCXR_NOTHING\nE", DONE], "");
        assert_eq!(
            (text(&events).as_str(), engine.as_str()),
            ("EVCASUALLY\nEVCXR_NOTHING\nE", "EVCXR_EXECUTION_COMPLETE\n")
        );
    }

    #[test]
    fn the_first_letters_of_the_protocol_are_text_after_a_while_and_characters_stay_whole() {
        let (events, _, _) = relayed(&["DONE", "\n", DONE], "");
        assert_eq!(
            events[..2],
            [Event::Stdout("DON".into()), Event::Stdout("E".into())]
        );
        let heart = "\u{2665}";
        let (events, _, _) = relayed(&["a", heart, DONE], heart);
        assert_eq!(text(&events), format!("<{heart}>a{heart}"));
        let mut bytes = heart.as_bytes()[..2].to_vec();
        assert_eq!((whole_characters(&mut bytes), bytes.len()), (vec![], 2));
    }

    #[test]
    fn a_content_that_is_not_ended_ends_with_its_cell() {
        let (_, engine, _) = relayed(&["EVCXR_BEGIN_CONTENT text/plain\nhalf\n", DONE], "");
        assert_eq!(
            engine,
            "EVCXR_BEGIN_CONTENT text/plain\nhalf\nEVCXR_END_CONTENT\nEVCXR_EXECUTION_COMPLETE\n"
        );
    }

    #[test]
    fn contents_and_inputs_are_the_engines() {
        let content = "EVCXR_BEGIN_CONTENT text/plain\n5 EVCXR_ \u{1e}\nEVCXR_END_CONTENT\n";
        let (events, engine, _) = relayed(&["a", content, "EVCXR_INPUT_REQUEST:name\n", DONE], "");
        let expected = format!("{content}EVCXR_INPUT_REQUEST:name\nEVCXR_EXECUTION_COMPLETE\n");
        assert_eq!((text(&events).as_str(), engine), ("a", expected));
    }

    #[test]
    fn the_message_of_a_failure_is_kept_apart_and_other_errors_are_shown() {
        let (events, engine, ending) = relayed(&["EVCXR_ERROR_OCCURRED\n", DONE], "no such file\n");
        let failure = Failure {
            panic: false,
            message: "no such file\n".into(),
        };
        assert_eq!((events, ending.failure), (vec![], Some(failure)));
        assert_eq!(engine, "EVCXR_ERROR_OCCURRED\nEVCXR_EXECUTION_COMPLETE\n");
        let (events, _, ending) = relayed(&[DONE], "a warning");
        assert_eq!(
            (text(&events).as_str(), ending.failure),
            ("<a warning>", None)
        );
    }
}
