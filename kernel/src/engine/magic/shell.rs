//! Shell lines: their output is sent as it is written.

use super::super::event::Event;
use super::super::output::Output;
use super::super::protocol::take_characters;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Time after the shell's exit in which the rest of its output is read. Programs that it left in the
/// background may go on writing.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// The shell's exit code for a command that does not exist.
const NOT_FOUND: i32 = 127;

/// Runs a line in the system's shell.
///
/// # Errors
/// A message, if the line fails.
pub(super) fn run_shell(line: &str, output: &Output) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).stdin(Stdio::null());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |error: std::io::Error| format!("cannot run the shell: {error}");
    let mut running = shell.spawn().map_err(failed)?;
    let ends = [
        forward(running.stdout.take(), Event::Stdout, output),
        forward(running.stderr.take(), Event::Stderr, output),
    ];
    let status = running.wait().map_err(failed)?;
    for end in ends.into_iter().flatten() {
        // An error means that a program in the background keeps the pipe open.
        let _ = end.recv_timeout(DRAIN_TIMEOUT);
    }
    if let Some(note) = note(line) {
        output.send(Event::Stderr(format!("{note}\n")));
    }
    explain(line, status)
}

/// Sends what a pipe delivers, on a thread. The receiver gets a message at its end.
fn forward(
    pipe: Option<impl Read + Send + 'static>,
    event: fn(String) -> Event,
    output: &Output,
) -> Option<Receiver<()>> {
    let mut pipe = pipe?;
    let output = output.clone();
    let (done, end) = channel();
    let thread = std::thread::Builder::new().name("candlebook-shell".into());
    let started = thread.spawn(move || {
        let mut buffer = [0; 8192];
        let mut bytes = Vec::new();
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
            send_text(&take_characters(&mut bytes), event, &output);
        }
        send_text(&bytes, event, &output);
        // The shell may have ended long ago.
        let _ = done.send(());
    });
    started.ok().map(|_| end)
}

fn send_text(bytes: &[u8], event: fn(String) -> Event, output: &Output) {
    if !bytes.is_empty() {
        output.send(event(String::from_utf8_lossy(bytes).into_owned()));
    }
}

fn explain(line: &str, status: ExitStatus) -> Result<(), String> {
    if status.success() {
        return Ok(());
    }
    let end = match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    };
    let first = line.split_whitespace().next().unwrap_or_default();
    let hint = if status.code() == Some(NOT_FOUND) {
        format!(". The shell has no command `{first}`, and cells have no name `{first}`")
    } else {
        String::new()
    };
    Err(format!("the shell line `{line}` {end}{hint}"))
}

/// A note on a line that does less than users of other notebooks may expect.
fn note(line: &str) -> Option<&'static str> {
    let mut words = line.split_whitespace();
    match (words.next()?, words.next()) {
        ("pip" | "pip3" | "conda", Some("install")) => Some(
            "note: this installs a Python package. `:dep rand = \"0.9\"` adds a Rust crate to the notebook",
        ),
        ("cd", _) if !line.contains(['&', ';']) => Some(
            "note: each shell line has a folder of its own. \
             `std::env::set_current_dir(\"folder\")?` changes that of the cells",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> (Result<(), String>, String, String) {
        let (sender, events) = channel();
        let (output, _) = Output::share(Box::new(move |event| {
            let _ = sender.send(event);
        }));
        let result = run_shell(line, &output);
        let (mut out, mut err) = (String::new(), String::new());
        for event in events.try_iter() {
            match event {
                Event::Stdout(text) => out += &text,
                Event::Stderr(text) => err += &text,
                Event::Display(_) => {}
            }
        }
        (result, out, err)
    }

    #[test]
    fn output_goes_to_both_streams_and_failures_name_the_exit_code() {
        let (result, out, err) = run("echo a; echo b >&2; exit 3");
        assert_eq!((out.as_str(), err.as_str()), ("a\n", "b\n"));
        let expected = "the shell line `echo a; echo b >&2; exit 3` failed with exit code 3";
        assert_eq!(result.unwrap_err(), expected);
        assert_eq!(
            run("printf 'caf\\303\\251'"),
            (Ok(()), "caf\u{e9}".into(), String::new())
        );
        let missing = run("flagg").0.unwrap_err();
        assert!(missing.contains("cells have no name `flagg`"), "{missing}");
        let killed = run("kill -9 $$").0.unwrap_err();
        assert!(killed.ends_with("was ended by signal 9"), "{killed}");
    }

    #[test]
    fn a_program_in_the_background_does_not_hold_the_cell() {
        let (result, out, _) = run("sleep 20 & echo started");
        assert_eq!((result, out.as_str()), (Ok(()), "started\n"));
    }

    #[test]
    fn lines_that_change_less_than_expected_have_a_note() {
        assert!(run("cd /").2.contains("set_current_dir"));
        assert_eq!(run("cd / && pwd"), (Ok(()), "/\n".into(), String::new()));
        assert!(note("pip install x").is_some());
    }
}
