//! The time that a rank has been waiting for the others. A host that is gone answers nothing: only time
//! tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time that a rank has been inside a collective operation.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    start: Instant,
    /// Milliseconds from `start` to the begin of the operation, plus one; 0 outside.
    since: Arc<AtomicU64>,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Waiting {
            start: Instant::now(),
            since: Arc::default(),
        }
    }

    /// Runs a collective operation.
    pub(super) fn during<T>(&self, operation: impl FnOnce() -> T) -> T {
        let now = self.start.elapsed().as_millis() as u64 + 1;
        self.since.store(now, Ordering::Relaxed);
        let result = operation();
        self.since.store(0, Ordering::Relaxed);
        result
    }

    /// Time in the current operation; zero outside.
    pub(crate) fn time(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => {
                let now = self.start.elapsed().as_millis() as u64 + 1;
                Duration::from_millis(now.saturating_sub(since))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_during_an_operation() {
        let waiting = Waiting::new();
        assert_eq!(waiting.time(), Duration::ZERO);
        let time = waiting.during(|| {
            std::thread::sleep(Duration::from_millis(20));
            waiting.clone().time()
        });
        assert!(time >= Duration::from_millis(19), "{time:?}");
        assert_eq!(waiting.time(), Duration::ZERO);
    }
}
