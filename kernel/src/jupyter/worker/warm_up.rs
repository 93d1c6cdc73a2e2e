//! Start of the engine, with a notice to the first cell if it has to wait.

use super::{EngineInSession, Job, Worker, abort_all};
use crate::build::{Extent, Session};
use crate::engine;
use crate::engine::{Engine, Event, Sink};
use crate::jupyter::message::Request;
use crate::jupyter::state::KernelState;
use crate::timings;
use anyhow::{Result, bail};
use serde_json::json;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The notice, where the helper crate is compiled on this machine.
const NOTICE: &str =
    "Starting the kernel. After an update this includes a one-time build of a few minutes ...\n";
/// The notice, where the helper crate came with the program.
const SHORT_NOTICE: &str = "Starting the kernel. The first start unpacks the compiled helper crate, for some seconds ...\n";

impl Worker {
    /// Starts the engine on a thread. Meanwhile, tells the first waiting cell why it waits.
    pub(super) fn warm_up(&mut self, session: Session) {
        let comes_compiled = session.seed.comes_compiled();
        let notice = if comes_compiled { SHORT_NOTICE } else { NOTICE };
        let state = Arc::clone(&self.state);
        let sink = Box::new(move |event: Event| {
            let reservation = state.backlog().reserve(event.size());
            if let Some(request) = state.current().as_ref() {
                request.publish_event(event, reservation);
            }
        });
        let (done, ready) = channel();
        let closing = Arc::clone(&self.state);
        let start = std::thread::Builder::new()
            .stack_size(engine::STACK)
            .spawn(move || {
                let result = start_engine(session, sink, &closing);
                // Cannot fail: the receiver waits for this message.
                let _ = done.send(());
                result
            });
        let start = match start {
            Ok(start) => start,
            Err(error) => {
                eprintln!("candlebook: cannot start a thread for the engine: {error}");
                self.state.set_started();
                return;
            }
        };
        if let Some(request) = self.collect_jobs_until(&ready, notice) {
            request.publish("clear_output", json!({ "wait": false }));
        }
        self.put_lookups_first();
        let started = start.join();
        self.state.set_started();
        match started {
            Ok(Ok(running)) => {
                self.state.set_child(running.engine.child());
                self.state.set_names(running.engine.names());
                self.engine = Some(running);
            }
            Ok(Err(error)) => eprintln!("candlebook: the engine did not start: {error:#}"),
            Err(_) => eprintln!("candlebook: the engine panicked while it started"),
        }
        if self.state.is_stopped() {
            // Stop was pressed while cells waited for the engine.
            abort_all(self.take_pending_cells());
        }
    }

    /// Collects jobs until `ready`. Returns the request of the first cell if it got the notice.
    fn collect_jobs_until(&mut self, ready: &Receiver<()>, notice: &str) -> Option<Request> {
        let since = Instant::now();
        let mut notified: Option<Request> = None;
        while let Err(RecvTimeoutError::Timeout) = ready.recv_timeout(Duration::from_millis(100)) {
            self.pending.extend(self.jobs.try_iter());
            if notified.is_none()
                && since.elapsed() > Duration::from_secs(1)
                && let Some(Job::Execute(request)) = self.pending.front()
            {
                request.publish("stream", json!({ "name": "stdout", "text": notice }));
                notified = Some(request.clone());
            }
        }
        notified
    }

    /// Answers completion and inspection before the cells that wait too, which may run for long.
    fn put_lookups_first(&mut self) {
        let jobs = self.pending.make_contiguous();
        jobs.sort_by_key(|job| matches!(job, Job::Execute(_)));
    }
}

fn start_engine(mut session: Session, sink: Sink, state: &KernelState) -> Result<EngineInSession> {
    timings::begin("fill the session");
    session.fill(Extent::ForCompiler)?;
    if state.is_closing() {
        bail!("the kernel is shutting down");
    }
    let engine = Engine::start(&session, sink)?;
    Ok(EngineInSession {
        engine,
        _session: session,
    })
}
