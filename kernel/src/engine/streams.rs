//! The standard streams of the process that runs cells.
//!
//! A cell may close, redirect or read its standard streams, and must not reach the engine's: commands
//! arrive on a copy of standard input, and the lines around a cell leave by a copy of standard output.

use super::process::end_descendants;
use super::standard_input::{FIRST_PRIVATE, StandardInput};
use super::write_order::{before_write, keep_order_of};
use crate::standard_streams::{Hooks, NextByte, set_hooks};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::{fcntl_dupfd_cloexec, fcntl_getfd};
use rustix::process::{Signal, getpid, kill_process_group};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Prefix of the engine's commands. Every other line answers a question.
pub(super) const COMMAND: &str = "LOAD_AND_RUN ";

/// Standard input of this process, if it runs cells.
static INPUT: OnceLock<StandardInput> = OnceLock::new();

/// Private copies of the standard streams.
pub(super) struct Streams {
    out: File,
    err: OwnedFd,
    commands: Receiver<String>,
}

impl Streams {
    /// Takes over the standard streams. A thread reads the engine's commands and answers; when the
    /// engine ends, it ends this process and all that cells have started.
    ///
    /// # Errors
    /// If a system call fails.
    pub(super) fn take(token: &str) -> std::io::Result<Streams> {
        let private = |fd| fcntl_dupfd_cloexec(fd, FIRST_PRIVATE);
        let from_engine = File::from(private(rustix::stdio::stdin())?);
        let out = File::from(private(rustix::stdio::stdout())?);
        let err = private(rustix::stdio::stderr())?;
        let input = StandardInput::new(out.try_clone()?, token)?;
        let _ = INPUT.set(input);
        keep_order_of(out.try_clone()?.into(), err.try_clone()?);
        set_hooks(Hooks {
            next_byte: || INPUT.get().map_or(NextByte::End, StandardInput::next_byte),
            before_write,
        });
        let (send, commands) = channel();
        std::thread::Builder::new()
            .name("candlebook-commands".into())
            .spawn(move || {
                read_lines(from_engine, &send, &answer);
                end_all();
            })?;
        Ok(Streams { out, err, commands })
    }

    /// The next command, without its name; `None` once the engine has ended.
    pub(super) fn next_command(&self) -> Option<String> {
        self.commands.recv().ok()
    }

    /// Writes a line to the engine, whatever the cell has done to standard output.
    ///
    /// # Errors
    /// If the engine has ended.
    pub(super) fn send(&mut self, line: &str) -> std::io::Result<()> {
        self.out.write_all(format!("{line}\n").as_bytes())
    }

    /// Gives a cell an empty standard input.
    ///
    /// # Errors
    /// If a system call fails.
    pub(super) fn begin_input(&self) -> std::io::Result<()> {
        INPUT.get().map_or(Ok(()), StandardInput::begin)
    }

    /// Opens standard streams again that the cell has closed.
    ///
    /// # Errors
    /// If a system call fails.
    pub(super) fn repair(&self) -> std::io::Result<()> {
        if is_closed(rustix::stdio::stdout()) {
            rustix::stdio::dup2_stdout(&self.out)?;
        }
        if is_closed(rustix::stdio::stderr()) {
            rustix::stdio::dup2_stderr(&self.err)?;
        }
        Ok(())
    }
}

/// Ends standard input, for a cell that has ended or that Stop is to end.
pub(super) fn end_input() {
    if let Some(input) = INPUT.get() {
        input.end();
    }
}

fn answer(line: &str) {
    if let Some(input) = INPUT.get() {
        input.answer(line);
    }
}

fn is_closed(stream: BorrowedFd<'_>) -> bool {
    fcntl_getfd(stream).is_err()
}

/// Passes commands to the main thread and answers to the cell that asked, until the engine ends.
fn read_lines(from_engine: File, commands: &Sender<String>, answer: &dyn Fn(&str)) {
    for line in BufReader::new(from_engine).lines() {
        let Ok(line) = line else { break };
        match line.strip_prefix(COMMAND) {
            Some(command) => drop(commands.send(command.to_owned())),
            None => answer(&line),
        }
    }
}

/// Ends this process, which leads the group, so that no processes of cells outlive the kernel.
fn end_all() {
    end_descendants();
    let _ = kill_process_group(getpid(), Signal::KILL);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};
    use std::cell::RefCell;

    #[test]
    fn answers_reach_the_cell_and_commands_the_main_thread() {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        File::from(write)
            .write_all(b"INPUT an answer\nLOAD_AND_RUN /a b/c.so run\n")
            .unwrap();
        let (send, commands) = channel();
        let answers = RefCell::new(Vec::new());
        read_lines(read.into(), &send, &|line| {
            answers.borrow_mut().push(line.to_owned())
        });
        assert_eq!(commands.recv().unwrap(), "/a b/c.so run");
        assert_eq!(*answers.borrow(), ["INPUT an answer"]);
    }
}
