//! One job, from its start to its end: passes on what rank 0 shows, asks it to stop, and notices
//! when it is gone.

use super::job::Job;
use super::last_words::LastWords;
use super::message::{ALIVE, Message, STOP};
use super::version::SEED_VARIABLE;
use crate::cell::stopped;
use crate::dist::{LaunchCommand, Team};
use crate::error::{Error, Result};
use crate::show::{pass_on, pass_on_error};
use crate::train::observer::Observer;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Variable with the job's folder. The kernel leaves processes alone that have it: they end by
/// themselves after Stop.
const JOB_VARIABLE: &str = "CANDLEBOOK_JOB";
/// Interval of the lines by which rank 0 knows of this process.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// The same after an error.
const FAILED_LIMIT: Duration = Duration::from_secs(2);
/// Time in which ranks that begin read the line of Stop.
const STOP_AT_START_LIMIT: Duration = Duration::from_secs(2);
/// Time in which the ranks begin.
const START_LIMIT: Duration = Duration::from_secs(300);
/// Interval at which Stop is noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Time in which the launcher ends after rank 0 has reported its end.
const END_LIMIT: Duration = Duration::from_secs(10);

/// The end of a job.
pub(super) enum End {
    /// Its outcome is in its folder.
    Done,
    /// All ranks have agreed on an error, which another job would repeat. Their weights are in the folder.
    Error(Error),
    Failed(Error),
}

/// A line of the launcher.
enum Line {
    Out(String),
    Error(String),
}

/// Runs a job. `reported` counts the epochs that the observer knows of.
///
/// # Errors
/// A launcher that does not start.
pub(super) fn watch(
    team: &Team,
    job: &Job,
    reported: &mut usize,
    observer: &mut dyn Observer,
) -> Result<End> {
    let mut watched = Watched::start(team, job)?;
    let mut end = None;
    loop {
        match watched.lines.recv_timeout(POLL_INTERVAL) {
            Ok(Line::Out(line)) => match Message::of_line(&line) {
                Some(message) => {
                    watched.last_message = Instant::now();
                    end = end.or(watched.handle(message, reported, observer));
                }
                // A display of rank 0, or a line of the launcher.
                None => {
                    pass_on(&line);
                    watched.words.keep(line);
                }
            },
            Ok(Line::Error(line)) => {
                pass_on_error(&line);
                watched.words.keep(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        watched.talk();
        let silence = watched.last_message.elapsed();
        match &end {
            // The launcher stays after the end of a host.
            Some(End::Done) if silence > END_LIMIT => break,
            Some(End::Failed(_) | End::Error(_)) if silence > FAILED_LIMIT => break,
            Some(_) => {}
            None => end = watched.end_without_message(team, silence),
        }
    }
    let status = watched.end();
    Ok(end.unwrap_or_else(|| End::Failed(watched.failure(status))))
}

/// A running job.
struct Watched {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    launcher: String,
    last_message: Instant,
    last_alive: Instant,
    stop_sent: Option<Instant>,
    words: LastWords,
}

impl Watched {
    fn start(team: &Team, job: &Job) -> Result<Self> {
        let program = program()?;
        let LaunchCommand {
            mut command,
            version,
            library,
        } = LaunchCommand::new(team)?;
        command
            .arg(program)
            .args(rank_arguments(team, job, library));
        // The launcher would take Ctrl-C for its own end.
        command.process_group(0);
        // A rank runs no cells, and finds the helper of its own machine.
        for name in ["EVCXR_IS_RUNTIME", "CANDLEBOOK_HELPER", SEED_VARIABLE] {
            command.env_remove(name);
        }
        command.env(JOB_VARIABLE, job.path());
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(|error| {
            let hint = "Start the launcher in a terminal to see what it needs";
            Error::setting("team", "a launcher that starts", error, hint)
        })?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            read_lines(out, sender.clone(), Line::Out)?;
        }
        if let Some(error) = child.stderr.take() {
            read_lines(error, sender, Line::Error)?;
        }
        let now = Instant::now();
        Ok(Watched {
            input: child.stdin.take(),
            child,
            lines,
            launcher: version,
            last_message: now,
            last_alive: now,
            stop_sent: None,
            words: LastWords::default(),
        })
    }

    /// End of a job that sends nothing.
    fn end_without_message(&self, team: &Team, silence: Duration) -> Option<End> {
        let has_begun = !self.words.ranks.is_empty();
        // Before the ranks have begun, nobody reads the line of Stop.
        let waits = |sent: Instant| sent.elapsed() > STOP_AT_START_LIMIT;
        if !has_begun && self.stop_sent.is_some_and(waits) {
            return Some(End::Error(Error::Stopped));
        }
        let limit = self.limit(team);
        if silence <= limit {
            return None;
        }
        let seconds = limit.as_secs_f64();
        let error = match has_begun {
            true => Error::Job(format!(
                "team: rank 0 has not answered for {seconds} seconds: its machine or the network is \
                 gone"
            )),
            false => self.words.error(&format!(
                "{}, no rank within {seconds} seconds",
                self.launcher
            )),
        };
        Some(End::Failed(error))
    }

    /// Longest time without a message. Launchers may wait for machines before the ranks begin.
    fn limit(&self, team: &Team) -> Duration {
        let timeout = Duration::from_secs_f64(team.timeout);
        match self.words.ranks.is_empty() {
            true => timeout.max(START_LIMIT),
            false => timeout,
        }
    }

    /// Handles a message of rank 0; returns the end of the job if it is one.
    fn handle(
        &mut self,
        message: Message,
        reported: &mut usize,
        observer: &mut dyn Observer,
    ) -> Option<End> {
        match message {
            Message::Begun { ranks } => self.words.ranks = ranks,
            Message::Alive => {}
            // A job that goes on from an older checkpoint repeats some.
            Message::Epoch { number, epoch } if number > *reported => {
                *reported = number;
                // Only the runs of a sweep are ended by their observer.
                let _ = observer.epoch(number, &epoch);
            }
            Message::Epoch { .. } => {}
            Message::Done => return Some(End::Done),
            Message::Error { text } => return Some(End::Error(Error::Job(text))),
            Message::Failed { text } => return Some(End::Failed(Error::Job(text))),
            Message::Stopped => return Some(End::Error(Error::Stopped)),
        }
        None
    }

    /// Tells rank 0 of this process, and of Stop.
    fn talk(&mut self) {
        if stopped() && self.stop_sent.is_none() {
            self.stop_sent = Some(Instant::now());
            self.send(STOP);
        }
        if self.last_alive.elapsed() >= ALIVE_INTERVAL {
            self.last_alive = Instant::now();
            self.send(ALIVE);
        }
    }

    /// Sends a line to rank 0. An error means that the launcher has ended, which is noticed elsewhere.
    fn send(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(format!("{line}\n").as_bytes());
            let _ = input.flush();
        }
    }

    /// Waits for the launcher, and ends it if it stays.
    fn end(&mut self) -> Option<ExitStatus> {
        self.input = None;
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(500) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        self.child.wait().ok()
    }

    /// Ends the launcher and what it has started: a site's script may have started `mpirun`.
    fn kill(&mut self) {
        // A process that has ended and was waited for may have given its number to another.
        let runs = self.child.try_wait().is_ok_and(|status| status.is_none());
        if let Some(group) = Pid::from_raw(self.child.id() as i32).filter(|_| runs) {
            // Without an effect if it ends just now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Error about a launcher that has ended without an outcome.
    fn failure(&self, status: Option<ExitStatus>) -> Error {
        if stopped() && !self.words.ranks.is_empty() {
            return Error::Stopped;
        }
        let status = status.map_or("without a status".into(), |status| status.to_string());
        self.words.error(&format!("{}, {status}", self.launcher))
    }
}

impl Drop for Watched {
    /// A panic leaves no job behind.
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// The program that becomes a rank: this one.
fn program() -> Result<PathBuf> {
    let of_rank = std::env::var_os("CANDLEBOOK_RANK_PROGRAM");
    let in_kernel = std::env::var_os("CANDLEBOOK_KERNEL").is_some();
    match of_rank {
        Some(program) => Ok(program.into()),
        None if in_kernel => std::env::current_exe().map(installed).map_err(|error| {
            let hint = "Restart the kernel";
            Error::setting("team", "the program of the kernel", error, hint)
        }),
        None => {
            let hint = "Set CANDLEBOOK_RANK_PROGRAM to the path of the program candlebook";
            Err(Error::setting(
                "team",
                "a cell of a notebook",
                "another program",
                hint,
            ))
        }
    }
}

/// The program at the path of one that an installation has replaced.
fn installed(program: PathBuf) -> PathBuf {
    let text = program.to_string_lossy();
    match text.strip_suffix(" (deleted)") {
        Some(path) => path.into(),
        None => program,
    }
}

/// Arguments of the program that becomes a rank.
fn rank_arguments(team: &Team, job: &Job, library: Option<PathBuf>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["rank".into(), "--job".into(), job.path().into()];
    arguments.extend(["--timeout".into(), team.timeout.to_string().into()]);
    let given = std::env::var_os("CANDLEBOOK_MPI").map(PathBuf::from);
    if let Some(library) = given.or(library) {
        arguments.extend(["--mpi".into(), library.into()]);
    }
    arguments
}

/// Reads lines on a thread.
fn read_lines(
    stream: impl Read + Send + 'static,
    sender: Sender<Line>,
    line: fn(String) -> Line,
) -> Result<()> {
    let thread = std::thread::Builder::new().name("candlebook-team".into());
    let started = thread.spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&bytes);
            // Some launchers end their lines with a zero.
            let text = text.trim_end_matches('\n').replace('\0', "");
            if sender.send(line(text)).is_err() {
                break;
            }
            bytes.clear();
        }
    });
    started.map(drop).map_err(|error| {
        let hint = "The system's thread limit is reached: end other programs";
        Error::setting("team", "a new thread", error, hint)
    })
}
