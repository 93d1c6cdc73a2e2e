//! The state that the sockets' threads share with the worker: the running cell, Stop, known names.

use super::history::History;
use super::message::Request;
use crate::engine::ChildHandle;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Time that a cell has to react to Stop before its process is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// State of the kernel, shared by all its threads.
pub(super) struct KernelState {
    /// The request of the running cell, the parent of its output messages.
    current: Mutex<Option<Request>>,
    /// Number of executions. A thread detects the end of an execution by a change.
    execution: AtomicU64,
    executing: AtomicBool,
    /// True if Stop was pressed since the current cell began.
    stopped: AtomicBool,
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
            stopped: AtomicBool::new(false),
            child: Mutex::default(),
            names: Mutex::default(),
            history: Mutex::new(history),
        })
    }

    /// True if a new job would have to wait: a cell runs, or the engine is not ready.
    pub(super) fn is_busy(&self) -> bool {
        self.is_executing() || lock(&self.child).is_none()
    }

    /// True if Stop was pressed since the current cell began.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Marks the start of a cell and clears Stop.
    pub(super) fn begin_execution(&self, request: Request) {
        self.stopped.store(false, Ordering::SeqCst);
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
    /// code by force after [`STOP_TIMEOUT`].
    ///
    /// Returns immediately; a thread carries it out.
    pub(super) fn interrupt(self: &Arc<Self>) {
        self.stopped.store(true, Ordering::SeqCst);
        let Some(child) = lock(&self.child).clone() else {
            return;
        };
        if !self.is_executing() {
            return;
        }
        let state = Arc::clone(self);
        let execution = self.execution.load(Ordering::SeqCst);
        // If no thread can be started, the cell goes on and the user presses Stop again.
        let _ = std::thread::Builder::new()
            .name("candlebook-stop".into())
            .spawn(move || state.stop_execution(execution, &child));
    }

    /// Interrupts or kills the child until this execution has ended.
    fn stop_execution(&self, execution: u64, child: &ChildHandle) {
        let mut interrupted_at: Option<Instant> = None;
        while self.is_executing() && self.execution.load(Ordering::SeqCst) == execution {
            match interrupted_at {
                _ if !child.runs_cell() => child.end_compilers(),
                None => {
                    child.interrupt();
                    interrupted_at = Some(Instant::now());
                }
                Some(at) if at.elapsed() > STOP_TIMEOUT => child.kill(),
                Some(_) => {}
            }
            std::thread::sleep(Duration::from_millis(50));
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

    /// Kills the process that runs cells.
    pub(super) fn kill(&self) {
        if let Some(child) = lock(&self.child).as_ref() {
            child.kill();
        }
    }

    fn is_executing(&self) -> bool {
        self.executing.load(Ordering::SeqCst)
    }
}
