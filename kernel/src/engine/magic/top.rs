//! The lines at the top of a cell.

use super::super::code::{Known, TopLine, check_depth, parse_cell, top_lines};
use super::super::event::Event;
use super::super::outcome::{CellError, Outcome};
use super::super::output::Output;
use super::command::{Runner, find, help};
use super::habit::habit;
use super::shell::run_shell;
use ra_ap_syntax::ast;
use serde_json::{Map, Value};

/// The rest of a cell after the lines at its top.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing; the cell's outcome.
    Done(Outcome),
    /// Code for the engine, with the same lines.
    Code(String),
    /// All names are to be forgotten; then code, which may be empty.
    Clear(String),
}

/// Runs the shell lines and the notebook's own commands at the top of a cell. `known` tells names
/// that cells can use.
pub(crate) fn run_top(code: &str, known: Known, output: &Output) -> Step {
    if check_depth(code).is_err() {
        return Step::Code(code.to_owned());
    }
    if code.trim() == "?" {
        return Step::Done(Outcome::Ok(help()));
    }
    if let Some(hint) = habit(code, known) {
        return Step::Done(Outcome::Error(CellError::new("NotRust", hint)));
    }
    match run_lines(code, known, output) {
        Ok(step) => step,
        Err((name, message)) => Step::Done(Outcome::Error(CellError::new(name, message))),
    }
}

fn run_lines(code: &str, known: Known, output: &Output) -> Result<Step, (&'static str, String)> {
    let (lines, start) = top_lines(code, known);
    for (_, line) in &lines {
        if let TopLine::Command(name, _) = line {
            find(name).map_err(|message| ("UnknownCommand", message))?;
        }
    }
    let mut top = code[..start].to_owned();
    let mut answers = Vec::new();
    let (mut for_engine, mut clears) = (false, false);
    for (range, line) in lines {
        match line {
            TopLine::Shell(line) => {
                run_shell(line, output).map_err(|error| ("ShellError", error))?
            }
            TopLine::Command(name, _) => match find(name) {
                Ok(Runner::Notebook(answer)) => answers.push(answer),
                Ok(Runner::Clear) => clears = true,
                _ => {
                    for_engine = true;
                    continue;
                }
            },
        }
        // A comment of the same length keeps the positions of the lines below.
        top.replace_range(range.clone(), &comment(&code[range]));
    }
    let rest = &code[start..];
    if rest.trim().is_empty() && !for_engine && !clears {
        return Ok(Step::Done(Outcome::Ok(last_answer(answers, output))));
    }
    last_answer_as_text(&answers, output);
    let code = with_docs(&top, rest) + &marked_as_rust(rest);
    Ok(if clears {
        Step::Clear(code)
    } else {
        Step::Code(code)
    })
}

/// A comment with as many bytes and lines as the text.
fn comment(text: &str) -> String {
    let lines = text.split('\n').map(|line| match line.len() {
        0 => String::new(),
        1 => " ".into(),
        length => format!("//{}", " ".repeat(length - 2)),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The last answer, as the cell's result; the others as text.
fn last_answer(mut answers: Vec<Map<String, Value>>, output: &Output) -> Map<String, Value> {
    let last = answers.pop().unwrap_or_default();
    last_answer_as_text(&answers, output);
    last
}

fn last_answer_as_text(answers: &[Map<String, Value>], output: &Output) {
    for answer in answers {
        if let Some(text) = answer.get("text/plain").and_then(Value::as_str) {
            output.send(Event::Stdout(format!("{text}\n")));
        }
    }
}

/// The top, with doc comments of the first item below it: the engine drops lines that begin with
/// slashes.
fn with_docs(top: &str, rest: &str) -> String {
    if !top.contains("///") || !begins_with_item(rest) {
        return top.to_owned();
    }
    let lines = top.split('\n').map(|line| match line.strip_prefix("///") {
        Some(_) => format!(" {line}"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn begins_with_item(code: &str) -> bool {
    let body = parse_cell(code).body();
    let first = body.and_then(|body| body.statements().next());
    matches!(first, Some(ast::Stmt::Item(_)))
}

/// Code whose first line the engine does not take for a shell line or a command.
fn marked_as_rust(code: &str) -> String {
    if code.starts_with('!') {
        format!(" {code}")
    } else if code.trim_start_matches(' ').starts_with("::") {
        format!("\t{code}")
    } else {
        code.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn run(code: &str) -> (Step, String) {
        let (sender, events) = channel();
        let (output, _) = Output::share(Box::new(move |event| sender.send(event).unwrap()));
        let step = run_top(code, &|name| name == "flag", &output);
        let text = events.try_iter().map(|event| match event {
            Event::Stdout(text) => text,
            _ => String::new(),
        });
        (step, text.collect())
    }

    #[test]
    fn shell_lines_run_and_the_code_below_keeps_its_lines() {
        let (step, text) = run("!echo a\n:vars\n!echo b\nlet a = 1;");
        assert_eq!(
            step,
            Step::Code("//     \n:vars\n//     \nlet a = 1;".into())
        );
        assert_eq!(text, "a\nb\n");
        assert_eq!(
            run("!true_or_false=1").0,
            Step::Done(Outcome::Ok(Map::new()))
        );
        assert_eq!(run(":clear\n1").0, Step::Clear("//    \n1".into()));
        let (step, _) = run("!exit 3\n1");
        let Step::Done(Outcome::Error(error)) = step else {
            panic!("{step:?}");
        };
        assert_eq!(
            (error.name.as_str(), error.value.as_str()),
            (
                "ShellError",
                "the shell line `exit 3` failed with exit code 3"
            )
        );
    }

    #[test]
    fn negations_and_paths_reach_the_engine_as_rust() {
        assert_eq!(run("!flag").0, Step::Code(" !flag".into()));
        assert_eq!(
            run("::std::mem::drop(1)").0,
            Step::Code("\t::std::mem::drop(1)".into())
        );
    }

    #[test]
    fn doc_comments_of_the_first_item_are_kept() {
        let code = "/// Doubles.\nfn double() {}";
        assert_eq!(run(code).0, Step::Code(format!(" {code}")));
        let code = "/// A note.\nlet a = 1;";
        assert_eq!(run(code).0, Step::Code(code.into()));
    }

    #[test]
    fn commands_of_the_notebook_are_answered_and_unknown_ones_explained() {
        let (Step::Done(Outcome::Ok(data)), _) = run(":help") else {
            panic!("no help");
        };
        assert!(data["text/plain"].as_str().unwrap().contains(":vars"));
        let (Step::Done(Outcome::Error(error)), text) = run("!echo a\n:foo") else {
            panic!("no error");
        };
        assert_eq!((error.name.as_str(), text.as_str()), ("UnknownCommand", ""));
    }
}
