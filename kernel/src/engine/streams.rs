//! The standard streams of the process that runs cells.
//!
//! A cell may close, redirect or read its standard streams, and must not reach the engine's: commands
//! arrive on a copy of standard input, and the lines around a cell leave by a copy of standard output.

use super::process::end_descendants;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::{fcntl_dupfd_cloexec, fcntl_getfd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, getpid, kill_process_group};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Prefix of the engine's commands. Every other line answers a prompt.
pub(super) const COMMAND: &str = "LOAD_AND_RUN ";
/// Lowest number of private descriptors, above those that cells usually get.
const FIRST_PRIVATE: i32 = 100;

/// The write end of the cells' standard input, shared with the thread that fills it.
type Input = Arc<Mutex<Option<File>>>;

/// Private copies of the standard streams.
pub(super) struct Streams {
    out: File,
    err: OwnedFd,
    input: Input,
    commands: Receiver<String>,
}

impl Streams {
    /// Takes over the standard streams. A thread reads the engine's commands and answers; when the
    /// engine ends, it ends this process and all that cells have started.
    ///
    /// # Errors
    /// If a system call fails.
    pub(super) fn take() -> std::io::Result<Streams> {
        let private = |fd| fcntl_dupfd_cloexec(fd, FIRST_PRIVATE);
        let from_engine = File::from(private(rustix::stdio::stdin())?);
        let out = File::from(private(rustix::stdio::stdout())?);
        let err = private(rustix::stdio::stderr())?;
        let input = Input::default();
        let (send, commands) = channel();
        let of_thread = Arc::clone(&input);
        std::thread::Builder::new()
            .name("candlebook-commands".into())
            .spawn(move || read_lines(from_engine, &send, &of_thread))?;
        let streams = Streams {
            out,
            err,
            input,
            commands,
        };
        streams.renew_input()?;
        Ok(streams)
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

    /// Opens standard streams again that the cell has closed, and gives the next cell an empty
    /// standard input.
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
        let is_ended = self.input().is_none();
        if is_ended || is_closed(rustix::stdio::stdin()) {
            self.renew_input()?;
        }
        Ok(())
    }

    fn renew_input(&self) -> std::io::Result<()> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::stdio::dup2_stdin(&read)?;
        *self.input() = Some(File::from(fcntl_dupfd_cloexec(&write, FIRST_PRIVATE)?));
        Ok(())
    }

    fn input(&self) -> std::sync::MutexGuard<'_, Option<File>> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends standard input, for a cell that waits for it: Stop was pressed.
    pub(super) fn input_ender(&self) -> impl Fn() + Send + use<> {
        let input = Arc::clone(&self.input);
        move || *input.lock().unwrap_or_else(PoisonError::into_inner) = None
    }
}

fn is_closed(stream: BorrowedFd<'_>) -> bool {
    fcntl_getfd(stream).is_err()
}

/// Passes commands to the main thread and answers to the cell that asked, until the engine ends.
fn read_lines(from_engine: File, commands: &Sender<String>, input: &Input) {
    for line in BufReader::new(from_engine).lines() {
        let Ok(line) = line else { break };
        match line.strip_prefix(COMMAND) {
            Some(command) => drop(commands.send(command.to_owned())),
            None => {
                let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
                // An error means that the cell has closed its standard input.
                let _ = input
                    .as_mut()
                    .map(|input| input.write_all(format!("{line}\n").as_bytes()));
            }
        }
    }
    end_descendants();
    // This process leads the group, so that no processes of cells outlive the kernel.
    let _ = kill_process_group(getpid(), Signal::KILL);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn answers_reach_the_cell_and_commands_the_main_thread() {
        let (commands_read, commands_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (input_read, input_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let input: Input = Arc::new(Mutex::new(Some(input_write.into())));
        let (send, commands) = channel();
        let of_thread = Arc::clone(&input);
        // Never ends: the end of the commands would end this process.
        let _keep = commands_write.try_clone().unwrap();
        std::thread::spawn(move || read_lines(commands_read.into(), &send, &of_thread));
        File::from(commands_write)
            .write_all(b"an answer\nLOAD_AND_RUN /a b/c.so run\n")
            .unwrap();
        assert_eq!(commands.recv().unwrap(), "/a b/c.so run");
        *input.lock().unwrap() = None;
        let mut answer = String::new();
        File::from(input_read).read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "an answer\n");
    }
}
