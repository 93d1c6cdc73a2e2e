//! The thread that owns the engine: warms it up, then does one job after another.

use super::history::History;
use super::message::{Request, error_fields};
use crate::build::Session;
use crate::engine::Event;
use crate::engine::code;
use crate::engine::{CellError, ChildHandle, Engine, Outcome};
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Something for the engine to do.
pub(crate) enum Job {
    Execute(Request),
    Complete(Request),
    Inspect(Request),
}

/// Asks the front end for a line: the request that waits for it, the prompt, whether it is secret. None where Stop came
/// first or the front end cannot be asked.
pub(crate) type Ask = Box<dyn Fn(&Request, &str, bool) -> Option<String> + Send>;

/// What other threads see of the worker.
pub(crate) struct Shared {
    /// The request whose cell runs; its output is published in answer to it.
    current: Mutex<Option<Request>>,
    /// Counts executions; whether one is still the same tells whether it has ended.
    execution: AtomicU64,
    executing: AtomicBool,
    /// Whether Stop was asked for since the current cell began.
    stop: AtomicBool,
    /// None until the engine is ready.
    child: Mutex<Option<ChildHandle>>,
    /// Names known after the last cell, with their types, for completion while a cell runs.
    names: Mutex<Vec<(String, String)>>,
    pub(crate) history: Mutex<History>,
}

/// A lock whose data is right even if a thread died while it held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// How long a cell may take to heed Stop before its process is killed.
const PATIENCE: Duration = Duration::from_secs(5);

impl Shared {
    pub(crate) fn new(history: History) -> Arc<Shared> {
        Arc::new(Shared {
            current: Mutex::default(),
            execution: AtomicU64::new(0),
            executing: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            child: Mutex::default(),
            names: Mutex::default(),
            history: Mutex::new(history),
        })
    }

    /// Whether a job given now would have to wait.
    pub(crate) fn is_busy(&self) -> bool {
        self.executing.load(Ordering::SeqCst) || lock(&self.child).is_none()
    }

    /// Stops what runs: training at the next batch, other code after some seconds by force, a compilation at once. A
    /// thread sees to it, so this returns at once.
    pub(crate) fn interrupt(self: &Arc<Self>) {
        self.stop.store(true, Ordering::SeqCst);
        let Some(child) = lock(&self.child).clone() else {
            return;
        };
        if !self.executing.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(self);
        let execution = self.execution.load(Ordering::SeqCst);
        // Without a thread the cell goes on; the user presses Stop again.
        let _ = std::thread::Builder::new()
            .name("candlebook-stop".into())
            .spawn(move || {
                let mut signalled: Option<Instant> = None;
                while shared.executing.load(Ordering::SeqCst)
                    && shared.execution.load(Ordering::SeqCst) == execution
                {
                    match signalled {
                        _ if !child.runs_cell() => child.end_compilers(),
                        None => {
                            child.interrupt();
                            signalled = Some(Instant::now());
                        }
                        Some(since) if since.elapsed() > PATIENCE => child.kill(),
                        Some(_) => {}
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
    }

    /// Says again that a cell runs, after the status of another request may have told front ends otherwise.
    pub(crate) fn repeat_status(&self) {
        if self.executing.load(Ordering::SeqCst)
            && let Some(request) = lock(&self.current).as_ref()
        {
            request.status("busy");
        }
    }

    /// Whether Stop was asked for since the current cell began.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Ends the process that runs cells, whatever it does.
    pub(crate) fn kill(&self) {
        if let Some(child) = lock(&self.child).as_ref() {
            child.kill();
        }
    }

    /// Completion from the names known, for when the engine has no time.
    pub(crate) fn complete_from_names(&self, request: &Request) -> Value {
        let source = request.text("code");
        let cursor = code::byte_at(
            source,
            request.content["cursor_pos"].as_u64().unwrap_or(0) as usize,
        );
        let start = code::word_at(source, cursor).start;
        let prefix = &source[start..cursor];
        // After a dot or :: only the engine knows what may follow.
        let after_path = source[..start].ends_with(['.', ':']);
        let names = lock(&self.names);
        let matches: Vec<&str> = names
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !after_path && !prefix.is_empty() && name.starts_with(prefix))
            .collect();
        json!({
            "status": "ok",
            "matches": matches,
            "cursor_start": code::characters_before(source, start),
            "cursor_end": code::characters_before(source, cursor),
            "metadata": {},
        })
    }

    /// Inspection from the names known.
    pub(crate) fn inspect_from_names(&self, request: &Request) -> Value {
        let source = request.text("code");
        let cursor = code::byte_at(
            source,
            request.content["cursor_pos"].as_u64().unwrap_or(0) as usize,
        );
        let word = &source[code::word_at(source, cursor)];
        let names = lock(&self.names);
        match names
            .iter()
            .find(|(name, kind)| name == word && !kind.is_empty())
        {
            Some((name, kind)) => found(format!("{name}: {kind}"), None),
            None => json!({ "status": "ok", "found": false, "data": {}, "metadata": {} }),
        }
    }
}

fn found(text: String, html: Option<String>) -> Value {
    let mut data = json!({ "text/plain": text });
    if let Some(html) = html {
        data["text/html"] = json!(html);
    }
    json!({ "status": "ok", "found": true, "data": data, "metadata": {} })
}

/// Starts the worker on a session whose folder is reserved; the environment must be set for it.
pub(crate) fn spawn(
    session: Session,
    shared: Arc<Shared>,
    ask: Ask,
) -> std::io::Result<Sender<Job>> {
    let (sender, jobs) = channel();
    std::thread::Builder::new()
        .name("candlebook-engine".into())
        .spawn(move || {
            let mut worker = Worker {
                shared,
                jobs,
                waiting: VecDeque::new(),
                engine: None,
                count: 0,
                ask,
            };
            worker.warm_up(session);
            worker.work();
        })?;
    Ok(sender)
}

struct Worker {
    shared: Arc<Shared>,
    jobs: Receiver<Job>,
    /// Jobs taken from the channel but not done.
    waiting: VecDeque<Job>,
    engine: Option<(Engine, Session)>,
    count: u64,
    ask: Ask,
}

impl Worker {
    /// Starts the engine while a thread tells the first cell, if one is there already, what it waits for.
    fn warm_up(&mut self, session: Session) {
        let shared = Arc::clone(&self.shared);
        let sink = Box::new(move |event: Event| {
            if let Some(request) = lock(&shared.current).as_ref() {
                request.publish_event(event);
            }
        });
        let (done, ready) = channel();
        let start = std::thread::spawn(move || {
            let result = start_engine(session, sink);
            // The receiver waits for exactly this.
            let _ = done.send(());
            result
        });
        let since = Instant::now();
        let mut told = None;
        while let Err(RecvTimeoutError::Timeout) = ready.recv_timeout(Duration::from_millis(100)) {
            self.waiting.extend(self.jobs.try_iter());
            if let (None, Some(Job::Execute(request))) = (&told, self.waiting.front())
                && since.elapsed() > Duration::from_secs(1)
            {
                let text = "The kernel is warming up (after an update it compiles first, which takes minutes) ...\n";
                request.publish("stream", json!({ "name": "stdout", "text": text }));
                told = Some(request.clone());
            }
        }
        if let Some(request) = told {
            request.publish("clear_output", json!({ "wait": false }));
        }
        match start.join() {
            Ok(Ok((engine, session))) => {
                *lock(&self.shared.child) = Some(engine.child());
                *lock(&self.shared.names) = engine.names();
                self.engine = Some((engine, session));
                self.look_ahead();
            }
            Ok(Err(error)) => eprintln!("candlebook: the engine did not start: {error:#}"),
            Err(_) => eprintln!("candlebook: the engine panicked while it started"),
        }
        if self.shared.is_stopped() {
            // Stop was pressed while cells waited for the engine.
            for request in self.take_waiting_cells() {
                request.reply(json!({ "status": "aborted" }));
                request.status("idle");
            }
        }
    }

    /// Lets rust-analyzer look at the prelude while the user still reads, so that the first cell need not wait for it.
    fn look_ahead(&mut self) {
        self.waiting.extend(self.jobs.try_iter());
        if let (true, Some((engine, _))) = (self.waiting.is_empty(), &mut self.engine) {
            let _ = engine.complete("let digits = mnist", "let digits = mnist".len());
        }
    }

    fn work(&mut self) {
        loop {
            let job = match self.waiting.pop_front() {
                Some(job) => job,
                None => match self.jobs.recv() {
                    Ok(job) => job,
                    Err(_) => return,
                },
            };
            match job {
                Job::Execute(request) => self.execute(request),
                Job::Complete(request) => {
                    let reply = self
                        .complete(&request)
                        .unwrap_or_else(|| self.shared.complete_from_names(&request));
                    request.reply(reply);
                    request.status("idle");
                }
                Job::Inspect(request) => {
                    let source = request.text("code").to_owned();
                    let cursor = request.content["cursor_pos"].as_u64().unwrap_or(0) as usize;
                    let end = code::word_at(&source, code::byte_at(&source, cursor)).end;
                    let reply = self
                        .inspect(&source, end)
                        .unwrap_or_else(|| self.shared.inspect_from_names(&request));
                    request.reply(reply);
                    request.status("idle");
                }
            }
        }
    }

    fn execute(&mut self, request: Request) {
        let silent = request.flag("silent", false);
        let source = request.text("code").to_owned();
        if !silent && !source.trim().is_empty() {
            if request.flag("store_history", true) {
                self.count += 1;
                lock(&self.shared.history).push(self.count, &source);
            }
            request.publish(
                "execute_input",
                json!({ "code": source, "execution_count": self.count.max(1) }),
            );
        }
        self.shared.stop.store(false, Ordering::SeqCst);
        *lock(&self.shared.current) = Some(request.clone());
        self.shared.execution.fetch_add(1, Ordering::SeqCst);
        self.shared.executing.store(true, Ordering::SeqCst);
        let reply = self.outcome(&request, &source, silent);
        self.shared.executing.store(false, Ordering::SeqCst);
        if let Some((engine, _)) = &self.engine {
            *lock(&self.shared.names) = engine.names();
        }
        let failed = reply["status"] != "ok";
        let abort = (failed && request.flag("stop_on_error", true)) || self.shared.is_stopped();
        // Before the reply: what is sent after it was seen is to run.
        let aborted = if abort {
            self.take_waiting_cells()
        } else {
            VecDeque::new()
        };
        request.reply(reply);
        request.status("idle");
        for request in aborted {
            request.reply(json!({ "status": "aborted" }));
            request.status("idle");
        }
    }

    /// Runs the cell and says how it ended, to everyone and in the reply.
    fn outcome(&mut self, request: &Request, source: &str, silent: bool) -> Value {
        if let Some(name) = code::question(source) {
            return self.answer_question(name);
        }
        let outcome = self.run(source, request);
        match outcome {
            Outcome::Ok(data) => {
                if !silent && !data.is_empty() {
                    let count = self.count.max(1);
                    request.publish(
                        "execute_result",
                        json!({ "data": data, "metadata": {}, "execution_count": count }),
                    );
                }
                let expressions = self.expressions(request);
                json!({ "status": "ok", "execution_count": self.count, "payload": [], "user_expressions": expressions })
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
            return Outcome::Ok(serde_json::Map::new());
        }
        let Some((engine, _)) = &mut self.engine else {
            return Outcome::Error(CellError::new("NotReady", NOT_READY));
        };
        let ask = &self.ask;
        let input = |prompt: &str, secret: bool| ask(request, prompt, secret).unwrap_or_default();
        let run = std::panic::AssertUnwindSafe(|| engine.execute(source, &input));
        match std::panic::catch_unwind(run) {
            Ok(Outcome::Error(error)) if self.shared.is_stopped() && error.name != "Died" => {
                let text =
                    "Stop came while the cell was compiled or ran; variables are as before it";
                Outcome::Error(CellError::new(
                    "Interrupted",
                    if error.name == "Panic" {
                        &error.value
                    } else {
                        text
                    },
                ))
            }
            Ok(outcome) => outcome,
            Err(_) => Outcome::Error(CellError::new("EngineError", ENGINE_ERROR)),
        }
    }

    fn expressions(&mut self, request: &Request) -> Value {
        let asked = request.content["user_expressions"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let mut answers = serde_json::Map::new();
        for (name, expression) in asked {
            let answer = match self.run(expression.as_str().unwrap_or_default(), request) {
                Outcome::Ok(data) => json!({ "status": "ok", "data": data, "metadata": {} }),
                Outcome::Error(error) => {
                    let mut fields = error_fields(&error);
                    fields.insert("status".into(), json!("error"));
                    Value::Object(fields)
                }
            };
            answers.insert(name, answer);
        }
        Value::Object(answers)
    }

    fn answer_question(&mut self, name: &str) -> Value {
        let answer = self.inspect(name, name.len());
        let data = match answer.filter(|answer| answer["found"] == true) {
            Some(answer) => answer["data"].clone(),
            None => json!({ "text/plain": format!("nothing is known about {name}") }),
        };
        let page = json!([{ "source": "page", "data": data, "start": 0 }]);
        json!({ "status": "ok", "execution_count": self.count, "payload": page, "user_expressions": {} })
    }

    fn complete(&mut self, request: &Request) -> Option<Value> {
        let (engine, _) = self.engine.as_mut()?;
        let source = request.text("code");
        let cursor = code::byte_at(
            source,
            request.content["cursor_pos"].as_u64().unwrap_or(0) as usize,
        );
        let complete = std::panic::AssertUnwindSafe(|| engine.complete(source, cursor));
        let found = std::panic::catch_unwind(complete).ok()??;
        let start = code::characters_before(source, found.start_offset);
        let end = code::characters_before(source, found.end_offset);
        let matches: Vec<&str> = found
            .completions
            .iter()
            .map(|item| item.code.as_str())
            .collect();
        let typed: Vec<Value> = found
            .completions
            .iter()
            .map(|item| json!({ "text": item.code, "type": item.kind, "start": start, "end": end }))
            .collect();
        Some(json!({
            "status": "ok",
            "matches": matches,
            "cursor_start": start,
            "cursor_end": end,
            "metadata": { "_jupyter_types_experimental": typed },
        }))
    }

    fn inspect(&mut self, source: &str, end: usize) -> Option<Value> {
        let (engine, _) = self.engine.as_mut()?;
        let inspect = std::panic::AssertUnwindSafe(|| engine.inspect(source, end));
        let (text, html) = std::panic::catch_unwind(inspect).ok()??;
        Some(found(text, Some(html)))
    }

    /// After an error or Stop: the cells that were sent already, which are answered but not run.
    fn take_waiting_cells(&mut self) -> VecDeque<Request> {
        // What the front end sent together with the failed cell may still be on its way.
        std::thread::sleep(Duration::from_millis(30));
        let mut cells = VecDeque::new();
        for job in std::mem::take(&mut self.waiting)
            .into_iter()
            .chain(self.jobs.try_iter())
        {
            match job {
                Job::Execute(request) => cells.push_back(request),
                other => self.waiting.push_back(other),
            }
        }
        cells
    }
}

const NOT_READY: &str = "the kernel could not start its engine; the reason is in the log of the Jupyter server. \
    In a terminal, `candlebook doctor` says what is missing";
const ENGINE_ERROR: &str = "the engine failed on this cell (a bug in it, not in your code). Variables are as before; write \
    the cell another way";

fn start_engine(mut session: Session, sink: crate::engine::Sink) -> Result<(Engine, Session)> {
    session.fill()?;
    let engine = Engine::start(&session, sink)?;
    Ok((engine, session))
}
