//! The output that waits to be published, which is limited: a cell that prints faster than front ends
//! read has to wait.

use jupyter_zmq_client::JupyterMessage;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Limit of waiting output, in bytes. One larger message passes alone.
const MAX_BYTES: usize = 8 << 20;
/// Time after which output is queued in any case, because a front end may have stopped reading.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// A message for all front ends, with its part of the backlog if it is a cell's output.
pub(super) struct Published {
    pub(super) message: JupyterMessage,
    pub(super) reservation: Option<Reservation>,
}

/// The queue of the iopub socket.
pub(super) type IopubQueue = UnboundedSender<Published>;

/// The number of bytes that wait to be published.
#[derive(Default)]
pub(super) struct Backlog {
    bytes: Mutex<usize>,
    published: Condvar,
}

/// A part of the backlog, until the message that it belongs to is published.
pub(super) struct Reservation {
    backlog: Arc<Backlog>,
    bytes: usize,
}

impl Backlog {
    /// Waits until there is room for a message of this size.
    pub(super) fn reserve(self: &Arc<Self>, bytes: usize) -> Reservation {
        let waiting = self.bytes();
        let is_full = |waiting: &mut usize| *waiting > 0 && *waiting + bytes > MAX_BYTES;
        let waited = self
            .published
            .wait_timeout_while(waiting, MAX_WAIT, is_full);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *waiting += bytes;
        Reservation {
            backlog: Arc::clone(self),
            bytes,
        }
    }

    fn bytes(&self) -> MutexGuard<'_, usize> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        *self.backlog.bytes() -= self.bytes;
        self.backlog.published.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_message_waits_until_earlier_ones_are_published() {
        let backlog = Arc::new(Backlog::default());
        // One message may be larger than the limit.
        let large = backlog.reserve(2 * MAX_BYTES);
        let (send, done) = channel();
        let of_thread = Arc::clone(&backlog);
        let waiting = std::thread::spawn(move || {
            let reservation = of_thread.reserve(1);
            send.send(()).unwrap();
            drop(reservation);
        });
        assert!(done.recv_timeout(Duration::from_millis(100)).is_err());
        drop(large);
        done.recv_timeout(Duration::from_secs(5)).unwrap();
        waiting.join().unwrap();
        assert_eq!(*backlog.bytes(), 0);
    }
}
