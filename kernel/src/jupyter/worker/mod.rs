//! The worker thread: it owns the engine and runs one job after another.

mod warm_up;

use super::lookup;
use super::message::{Request, error_fields};
use super::state::{KernelState, StopStage};
use super::stdin::Prompter;
use crate::build::Session;
use crate::engine;
use crate::engine::{Cell, CellError, Engine, Outcome};
use crate::timings;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A request that needs the engine.
pub(super) enum Job {
    Execute(Request),
    Complete(Request),
    Inspect(Request),
}

/// Starts the worker in a reserved session, whose environment must be set already.
///
/// # Errors
/// If no thread can be started.
pub(super) fn spawn(
    session: Session,
    state: Arc<KernelState>,
    prompter: Prompter,
) -> std::io::Result<Sender<Job>> {
    let (sender, jobs) = channel();
    std::thread::Builder::new()
        .name("candlebook-engine".into())
        .stack_size(engine::STACK)
        .spawn(move || {
            let mut worker = Worker {
                state,
                jobs,
                pending: VecDeque::new(),
                engine: None,
                count: 0,
                prompter,
            };
            worker.warm_up(session);
            worker.work();
        })?;
    Ok(sender)
}

struct Worker {
    state: Arc<KernelState>,
    jobs: Receiver<Job>,
    /// Jobs taken from the channel but not done yet.
    pending: VecDeque<Job>,
    engine: Option<EngineInSession>,
    /// Execution count of the last cell.
    count: u64,
    prompter: Prompter,
}

/// The engine, and the session whose folder exists as long as the engine.
struct EngineInSession {
    engine: Engine,
    _session: Session,
}

impl Worker {
    /// Runs jobs until the server has dropped all senders.
    fn work(&mut self) {
        loop {
            let next = self.pending.pop_front();
            let Some(job) = next.or_else(|| self.jobs.recv().ok()) else {
                return;
            };
            match job {
                Job::Execute(request) => self.execute(request),
                Job::Complete(request) => {
                    let reply = self
                        .engine()
                        .and_then(|engine| lookup::complete(engine, &request))
                        .unwrap_or_else(|| lookup::complete_from_names(&self.state, &request));
                    finish(&request, reply);
                }
                Job::Inspect(request) => {
                    let source = request.text("code");
                    let end = engine::word_at(source, request.cursor()).end;
                    let reply = self
                        .engine()
                        .and_then(|engine| lookup::inspect(engine, source, end))
                        .unwrap_or_else(|| lookup::inspect_from_names(&self.state, &request));
                    finish(&request, reply);
                }
            }
        }
    }

    fn engine(&mut self) -> Option<&mut Engine> {
        self.engine.as_mut().map(|running| &mut running.engine)
    }

    fn execute(&mut self, request: Request) {
        let silent = request.flag("silent", false);
        let source = request.text("code").to_owned();
        if !silent && !source.trim().is_empty() {
            if request.flag("store_history", true) {
                self.count += 1;
                self.state.history().push(self.count, &source);
            }
            request.publish(
                "execute_input",
                json!({ "code": source, "execution_count": self.count.max(1) }),
            );
        }
        self.state.begin_execution(request.clone());
        let reply = self.run_and_publish(&request, &source, silent);
        self.state.end_execution();
        if let Some(running) = &self.engine {
            self.state.set_names(running.engine.names());
        }
        timings::begin("wait for a cell");
        let failed = reply["status"] != "ok";
        let abort = (failed && request.flag("stop_on_error", true)) || self.state.is_stopped();
        // Collect before the reply: cells sent after the user has seen it are to run.
        let aborted = if abort {
            self.take_pending_cells()
        } else {
            VecDeque::new()
        };
        finish(&request, reply);
        abort_all(aborted);
    }

    /// Runs a cell, publishes its result or error, and returns the content of its reply.
    fn run_and_publish(&mut self, request: &Request, source: &str, silent: bool) -> Value {
        if let Some(name) = engine::question(source) {
            return self.answer_question(name, request);
        }
        match self.run(source, request) {
            Outcome::Ok(data) => {
                if !silent && !data.is_empty() {
                    let count = self.count.max(1);
                    request.publish(
                        "execute_result",
                        json!({ "data": data, "metadata": {}, "execution_count": count }),
                    );
                }
                let expressions = self.user_expressions(request);
                json!({
                    "status": "ok",
                    "execution_count": self.count,
                    "payload": [],
                    "user_expressions": expressions,
                })
            }
            Outcome::Error(error) => {
                let mut fields = error_fields(&error);
                if !silent {
                    request.publish("error", Value::Object(fields.clone()));
                }
                fields.insert("status".into(), json!("error"));
                fields.insert("execution_count".into(), json!(self.count));
                fields.insert("payload".into(), json!([]));
                fields.insert("user_expressions".into(), json!({}));
                Value::Object(fields)
            }
        }
    }

    fn run(&mut self, source: &str, request: &Request) -> Outcome {
        if source.trim().is_empty() {
            return Outcome::Ok(Map::new());
        }
        let Some(running) = &mut self.engine else {
            return Outcome::Error(CellError::new("NotReady", NOT_READY));
        };
        let prompter = &self.prompter;
        let ask = |prompt: &str, secret: bool| prompter.ask(request, prompt, secret);
        let cell = Cell {
            number: self.count as u32,
            id: request.cell_id(),
            code: source,
        };
        let run = AssertUnwindSafe(|| running.engine.execute(cell, &ask));
        let outcome = catch_unwind(run);
        for warning in running.engine.take_warnings() {
            request.publish(
                "stream",
                json!({ "name": "stderr", "text": format!("{warning}\n") }),
            );
        }
        match outcome {
            Ok(Outcome::Error(error)) if self.state.is_stopped() && error.name != "Died" => {
                let value = match (error.name.as_str(), error.value.as_str()) {
                    ("Panic", LOOP_CHECK) => LEFT_LOOP,
                    ("Panic", message) => message,
                    _ => INTERRUPTED,
                };
                let mut interrupted = CellError::new("Interrupted", value);
                // The cell's place, and the variables that it has kept.
                interrupted
                    .traceback
                    .extend(error.traceback.into_iter().skip(1));
                Outcome::Error(interrupted)
            }
            Ok(Outcome::Ok(_)) if self.state.stop_stage() >= StopStage::Urgent => {
                Outcome::Error(CellError::new("Interrupted", ENDED_WAIT))
            }
            Ok(outcome) => outcome,
            Err(_) => Outcome::Error(CellError::new("EngineError", ENGINE_ERROR)),
        }
    }

    /// Evaluates the `user_expressions` of an execute request, by name.
    fn user_expressions(&mut self, request: &Request) -> Value {
        let Some(asked) = request.content["user_expressions"].as_object() else {
            return json!({});
        };
        let mut answers = Map::new();
        for (name, expression) in asked {
            let answer = match self.run(expression.as_str().unwrap_or_default(), request) {
                Outcome::Ok(data) => json!({ "status": "ok", "data": data, "metadata": {} }),
                Outcome::Error(error) => {
                    let mut fields = error_fields(&error);
                    fields.insert("status".into(), json!("error"));
                    Value::Object(fields)
                }
            };
            answers.insert(name.clone(), answer);
        }
        Value::Object(answers)
    }

    /// Answers a cell `?name` by a page that the front end opens. A variable is displayed too.
    fn answer_question(&mut self, name: &str, request: &Request) -> Value {
        let answer = self
            .engine()
            .and_then(|engine| lookup::inspect(engine, name, name.len()));
        let data = match answer {
            Some(answer) => answer["data"].clone(),
            None => json!({ "text/plain": format!("nothing is known about {name}") }),
        };
        let display = AssertUnwindSafe(|| self.engine().map(|engine| engine.display(name)));
        if let Ok(Some(Outcome::Ok(shown))) = catch_unwind(display)
            && !shown.is_empty()
        {
            let content = json!({ "data": shown, "metadata": {}, "transient": {} });
            request.publish("display_data", content);
        }
        let page = json!([{ "source": "page", "data": data, "start": 0 }]);
        json!({
            "status": "ok",
            "execution_count": self.count,
            "payload": page,
            "user_expressions": {},
        })
    }

    /// Removes the cells that were sent before an error or Stop, which must not run.
    fn take_pending_cells(&mut self) -> VecDeque<Request> {
        // Cells that the front end sent together with the failed one may still be in transit.
        std::thread::sleep(Duration::from_millis(30));
        let mut cells = VecDeque::new();
        let pending = std::mem::take(&mut self.pending);
        for job in pending.into_iter().chain(self.jobs.try_iter()) {
            match job {
                Job::Execute(request) => cells.push_back(request),
                other => self.pending.push_back(other),
            }
        }
        cells
    }
}

/// Replies and publishes `idle`.
fn finish(request: &Request, reply: Value) {
    request.reply(reply);
    request.publish_status("idle");
}

fn abort_all(cells: VecDeque<Request>) {
    for request in cells {
        finish(&request, json!({ "status": "aborted" }));
    }
}

const NOT_READY: &str = "the kernel could not start its engine; the reason is in the log of the \
    Jupyter server. In a terminal, `candlebook doctor` says what is missing";
const ENGINE_ERROR: &str = "the engine failed on this cell. This is a bug in the engine, not in \
    your code. Variables are as before; write the cell in another way";
/// With which a check in a loop unwinds.
const LOOP_CHECK: &str = "Stop was pressed";
const LEFT_LOOP: &str = "Stop was pressed and the cell left in a loop. What it had defined before, and \
    variables of earlier cells, are kept";
const ENDED_WAIT: &str = "Stop was pressed and what the cell waited for was ended: a sleep, a \
    program or standard input. The cell then ran to its end; all variables are kept";
const INTERRUPTED: &str = "Stop was pressed while the cell was compiled or ran; variables are as \
    before the cell";
