//! Standard input of cells, which the user types into a field under the cell.
//!
//! A cell that reads asks for a line and waits. Descriptor 0 is a pipe at its end: programs that the
//! cell starts find that, and nothing can wait for input that nobody was asked for. Where the calls of
//! cells cannot be replaced, the pipe stays open and carries the answers, and only prompts ask.

use super::failure::unescaped;
use super::protocol::{INPUT_END, INPUT_TEXT, INPUT_WAITS, trusted_line};
use crate::standard_streams::NextByte;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::fstat;
use rustix::io::{fcntl_dupfd_cloexec, fcntl_getfd};
use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// True if cells read by this program's function.
pub(super) const ASKS: bool = cfg!(all(target_os = "linux", target_env = "gnu"));
/// Lowest number of private descriptors, above those that cells usually get.
pub(super) const FIRST_PRIVATE: i32 = 100;
/// Time before a question in which the helper flushes a prompt without a newline.
const FLUSH_TIME: Duration = Duration::from_millis(100);
/// Number of ends in a row after which reading fails. A loop that ignores the end would go on for ever.
const MAX_ENDS: usize = 100;

/// The standard input of the process that runs cells.
pub(super) struct StandardInput {
    state: Mutex<InputState>,
    changed: Condvar,
    /// A copy of standard output, and the line on it that asks.
    out: File,
    question: String,
}

#[derive(Default)]
struct InputState {
    /// Answers that nobody has begun to read. `None` is an end.
    answers: VecDeque<Option<VecDeque<u8>>>,
    /// The rest of the answer that is being read.
    rest: VecDeque<u8>,
    /// Number of questions in this cell, and of answers whose reading has begun. The helper's
    /// prompt asks for the other answers.
    questions: usize,
    begun: usize,
    /// Number of the cell. A thread of an earlier cell must not wait for the answer to a later one.
    cell: u64,
    /// True while the cell runs and may ask.
    is_open: bool,
    ends: usize,
    /// Device and number of the pipe that is descriptor 0.
    pipe: Option<(u64, u64)>,
    /// Its write end, where it carries the answers.
    writer: Option<File>,
}

impl StandardInput {
    /// Replaces descriptor 0. Cells ask on a copy of standard output.
    ///
    /// # Errors
    /// If a system call fails.
    pub(super) fn new(out: File, token: &str) -> std::io::Result<StandardInput> {
        let mut state = InputState::default();
        state.open_pipe()?;
        Ok(StandardInput {
            state: Mutex::new(state),
            changed: Condvar::new(),
            out,
            question: trusted_line(token, INPUT_WAITS) + "\n",
        })
    }

    /// Begins a cell, which gets nothing of what was typed for an earlier one.
    ///
    /// # Errors
    /// If a system call fails.
    pub(super) fn begin(&self) -> std::io::Result<()> {
        let mut state = self.state();
        if !ASKS || fcntl_getfd(rustix::stdio::stdin()).is_err() {
            state.open_pipe()?;
        }
        state.answers.clear();
        state.rest.clear();
        (state.questions, state.begun) = (0, 0);
        state.cell += 1;
        state.ends = 0;
        state.is_open = true;
        Ok(())
    }

    /// Ends standard input until the next cell: the cell has ended, or Stop was pressed.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.is_open = false;
        state.writer = None;
        self.changed.notify_all();
    }

    /// Takes a line of the engine that answers; others are ignored.
    pub(super) fn answer(&self, line: &str) {
        let mut state = self.state();
        if line == INPUT_END {
            state.answers.push_back(None);
        } else if let Some(text) = line.strip_prefix(INPUT_TEXT) {
            state.add(&(unescaped(text) + "\n"));
        }
        self.changed.notify_all();
    }

    /// Waits for the next byte, and asks for a line if there is none.
    pub(super) fn next_byte(&self) -> NextByte {
        let mut state = self.state();
        if state.pipe != identity(rustix::stdio::stdin()) {
            return NextByte::Replaced;
        }
        if state.is_waiting() {
            let cell = state.cell;
            drop(state);
            state = self.wait_for_answer(cell);
        }
        if state.rest.is_empty() && !state.answers.is_empty() {
            state.begun += 1;
            // The relay expects a question for each prompt too.
            if state.begun > state.questions {
                self.ask(&mut state);
            }
        }
        state.take()
    }

    /// Asks for a line and waits for it, or for the end of the cell.
    fn wait_for_answer(&self, cell: u64) -> MutexGuard<'_, InputState> {
        std::thread::sleep(FLUSH_TIME);
        let mut state = self.state();
        let waits = |state: &mut InputState| state.is_waiting() && state.cell == cell;
        if waits(&mut state) {
            self.ask(&mut state);
        }
        let waited = self.changed.wait_while(state, waits);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, state: &mut InputState) {
        state.questions += 1;
        // An error means that the engine has ended, and this process soon will.
        let _ = (&self.out).write_all(self.question.as_bytes());
    }

    fn state(&self) -> MutexGuard<'_, InputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InputState {
    /// Makes descriptor 0 a new pipe.
    fn open_pipe(&mut self) -> std::io::Result<()> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::stdio::dup2_stdin(&read)?;
        self.pipe = identity(rustix::stdio::stdin());
        self.writer = if ASKS { None } else { Some(private(&write)?) };
        Ok(())
    }

    fn add(&mut self, text: &str) {
        match &mut self.writer {
            // An error means that the cell has closed its standard input.
            Some(writer) => drop(writer.write_all(text.as_bytes())),
            None => self.answers.push_back(Some(text.bytes().collect())),
        }
    }

    /// True if a reader has to wait for an answer.
    fn is_waiting(&self) -> bool {
        self.is_open && self.rest.is_empty() && self.answers.is_empty()
    }

    fn take(&mut self) -> NextByte {
        if self.rest.is_empty() {
            self.rest = self.answers.pop_front().flatten().unwrap_or_default();
        }
        if let Some(byte) = self.rest.pop_front() {
            self.ends = 0;
            return NextByte::Byte(byte);
        }
        self.ends += 1;
        if self.ends > MAX_ENDS {
            NextByte::Failed
        } else {
            NextByte::End
        }
    }
}

/// A copy of a descriptor above those of cells.
fn private(fd: &OwnedFd) -> std::io::Result<File> {
    Ok(File::from(fcntl_dupfd_cloexec(fd, FIRST_PRIVATE)?))
}

/// Device and number of an open file.
fn identity(fd: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let stat = fstat(fd).ok()?;
    Some((stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::sync::Arc;

    /// A standard input and the questions that it asks. Descriptor 0 of the test becomes its pipe.
    fn input() -> (Arc<StandardInput>, impl BufRead) {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let input = StandardInput::new(write.into(), "t0k").unwrap();
        input.begin().unwrap();
        (Arc::new(input), BufReader::new(File::from(read)))
    }

    fn read_all(input: &StandardInput) -> String {
        let bytes = std::iter::from_fn(|| match input.next_byte() {
            NextByte::Byte(byte) => Some(byte),
            _ => None,
        });
        String::from_utf8(bytes.collect()).unwrap()
    }

    #[test]
    fn a_reader_asks_and_gets_lines_until_the_end() {
        let (input, mut questions) = input();
        let of_thread = Arc::clone(&input);
        let reader = std::thread::spawn(move || read_all(&of_thread));
        for answer in ["INPUT a\\nb", "INPUT ", "INPUT_END"] {
            let mut question = String::new();
            questions.read_line(&mut question).unwrap();
            assert_eq!(question, "\u{1e}t0k INPUT_WAITS\n");
            input.answer(answer);
        }
        assert_eq!(reader.join().unwrap(), "a\nb\n\n");
        input.answer("INPUT left over");
        assert_eq!(input.next_byte(), NextByte::Byte(b'l'));
        input.begin().unwrap();
        input.end();
        // Nothing is left for the next cell, and Stop ends what waits.
        assert_eq!(input.next_byte(), NextByte::End);
        let mut failures = (0..=MAX_ENDS)
            .map(|_| input.next_byte())
            .collect::<Vec<_>>();
        assert_eq!(failures.pop(), Some(NextByte::Failed));
    }
}
