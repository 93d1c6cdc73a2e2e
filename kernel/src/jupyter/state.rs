//! The state that the sockets' threads share with the worker: the running cell, Stop, known names.

use super::backlog::Backlog;
use super::history::History;
use super::message::Request;
use crate::engine::ChildHandle;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Time that a cell has to react to Stop before what it waits for is ended, and its loops are left.
const URGENT_AFTER: Duration = Duration::from_secs(2);
/// Time after which only a kill can end the cell.
const WARNING_AFTER: Duration = Duration::from_secs(5);
/// Said when only a kill can end the cell.
const STOP_WARNING: &str = "Stop: the cell is in a call that cannot be left, so it goes on. \
    Press Stop again to kill its process; all variables are then lost.\n";

/// The stages of Stop in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub(super) enum StopStage {
    #[default]
    NotPressed,
    /// The cell has been asked to end.
    Pressed,
    /// It did not, so its loops are left, and what it waits for is ended.
    Urgent,
    /// It went on even so, and the next Stop kills it.
    Warned,
}

/// State of the kernel, shared by all its threads.
pub(super) struct KernelState {
    /// The request of the running cell, the parent of its output messages.
    current: Mutex<Option<Request>>,
    /// Number of executions. A thread detects the end of an execution by a change.
    execution: AtomicU64,
    executing: AtomicBool,
    /// The stage of Stop since the current cell began.
    stop: Mutex<StopStage>,
    /// True until the engine has started or failed to.
    starting: AtomicBool,
    /// True once the kernel shuts down.
    closing: AtomicBool,
    backlog: Arc<Backlog>,
    /// The process that runs cells; `None` until the engine is ready.
    child: Mutex<Option<ChildHandle>>,
    /// Names after the last cell, for completion while a cell runs.
    names: Mutex<Vec<TypedName>>,
    history: Mutex<History>,
}

/// A name that cells can use, with its type; the type of an item is empty.
#[derive(Clone)]
pub(super) struct TypedName {
    pub(super) name: String,
    pub(super) type_name: String,
}

/// Locks a mutex, also after a thread panicked while it held the lock.
///
/// Every value behind these mutexes is replaced as a whole and therefore valid.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl KernelState {
    pub(super) fn new(history: History) -> Arc<KernelState> {
        Arc::new(KernelState {
            current: Mutex::default(),
            execution: AtomicU64::new(0),
            executing: AtomicBool::new(false),
            stop: Mutex::default(),
            starting: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            backlog: Arc::default(),
            child: Mutex::default(),
            names: Mutex::default(),
            history: Mutex::new(history),
        })
    }

    /// The output that waits to be published.
    pub(super) fn backlog(&self) -> &Arc<Backlog> {
        &self.backlog
    }

    /// True until the engine has started or failed to.
    pub(super) fn is_starting(&self) -> bool {
        self.starting.load(Ordering::SeqCst)
    }

    /// Marks the end of the engine's start.
    pub(super) fn set_started(&self) {
        self.starting.store(false, Ordering::SeqCst);
    }

    /// True once the kernel shuts down.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Marks the start of the shutdown.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// The stage of Stop since the current cell began.
    pub(super) fn stop_stage(&self) -> StopStage {
        *lock(&self.stop)
    }

    /// Raises Stop to a stage; false if it has been reached before.
    fn raise_stop(&self, stage: StopStage) -> bool {
        let mut current = lock(&self.stop);
        let is_new = stage > *current;
        if is_new {
            *current = stage;
        }
        is_new
    }

    /// True if Stop was pressed since the current cell began.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop_stage() >= StopStage::Pressed
    }

    /// Marks the start of a cell and clears Stop.
    pub(super) fn begin_execution(&self, request: Request) {
        *lock(&self.stop) = StopStage::NotPressed;
        *lock(&self.current) = Some(request);
        self.execution.fetch_add(1, Ordering::SeqCst);
        self.executing.store(true, Ordering::SeqCst);
    }

    /// Marks the end of the cell.
    pub(super) fn end_execution(&self) {
        self.executing.store(false, Ordering::SeqCst);
    }

    /// The request of the running or last cell.
    pub(super) fn current(&self) -> MutexGuard<'_, Option<Request>> {
        lock(&self.current)
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    pub(super) fn names(&self) -> MutexGuard<'_, Vec<TypedName>> {
        lock(&self.names)
    }

    /// Replaces the known names.
    pub(super) fn set_names(&self, names: Vec<(String, String)>) {
        let typed = |(name, type_name)| TypedName { name, type_name };
        *self.names() = names.into_iter().map(typed).collect();
    }

    /// Marks the engine as ready, with the process that runs its cells.
    pub(super) fn set_child(&self, child: ChildHandle) {
        *lock(&self.child) = Some(child);
    }

    /// Stops the running cell: training at the next batch, a compilation immediately, and other
    /// code after [`URGENT_AFTER`]. A cell that goes on even then, in a call of a library, is killed
    /// only if Stop is pressed again after a warning: its process has all variables.
    ///
    /// Returns immediately; a thread carries it out.
    pub(super) fn interrupt(self: &Arc<Self>) {
        let is_first = self.raise_stop(StopStage::Pressed);
        let Some(child) = lock(&self.child).clone() else {
            return;
        };
        if !self.is_executing() {
            return;
        }
        if !is_first {
            if self.stop_stage() == StopStage::Warned {
                child.kill();
            }
            return;
        }
        let state = Arc::clone(self);
        let execution = self.execution.load(Ordering::SeqCst);
        // If no thread can be started, the cell goes on and the user presses Stop again.
        let _ = std::thread::Builder::new()
            .name("candlebook-stop".into())
            .spawn(move || state.stop_execution(execution, &child));
    }

    /// Interrupts the child until this execution has ended.
    fn stop_execution(&self, execution: u64, child: &ChildHandle) {
        let mut interrupted_at: Option<Instant> = None;
        while self.is_executing() && self.execution.load(Ordering::SeqCst) == execution {
            let elapsed = interrupted_at.map(|at| at.elapsed());
            match elapsed {
                _ if !child.runs_cell() => child.end_compilers(),
                None => {
                    child.interrupt();
                    interrupted_at = Some(Instant::now());
                }
                Some(elapsed) if elapsed > WARNING_AFTER => {
                    if self.raise_stop(StopStage::Warned) {
                        self.warn(STOP_WARNING);
                    }
                }
                Some(elapsed) if elapsed > URGENT_AFTER => {
                    if self.raise_stop(StopStage::Urgent) {
                        child.interrupt();
                    }
                }
                Some(_) => {}
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Publishes text on the cell's standard error.
    fn warn(&self, text: &str) {
        if let Some(request) = self.current().as_ref() {
            request.publish("stream", json!({ "name": "stderr", "text": text }));
        }
    }

    /// Publishes `busy` again if a cell runs, because the `idle` of another request may have made
    /// front ends believe that it ended.
    pub(super) fn repeat_status(&self) {
        if self.is_executing()
            && let Some(request) = self.current().as_ref()
        {
            request.publish_status("busy");
        }
    }

    /// True while the code of a cell runs.
    pub(super) fn runs_cell(&self) -> bool {
        lock(&self.child)
            .as_ref()
            .is_some_and(ChildHandle::runs_cell)
    }

    /// Kills the process that runs cells.
    pub(super) fn kill(&self) {
        if let Some(child) = lock(&self.child).as_ref() {
            child.kill();
        }
    }

    /// True while a cell is compiled or runs.
    pub(super) fn is_executing(&self) -> bool {
        self.executing.load(Ordering::SeqCst)
    }
}
