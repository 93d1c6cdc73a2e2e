//! Seats: how many models compute at a time.

use crate::lock::{lock, wait};
use std::sync::{Condvar, Mutex};

/// A number of seats (a counting semaphore).
#[derive(Debug)]
pub(super) struct Seats {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A taken seat, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat<'a>(&'a Seats);

impl Seats {
    pub(super) const fn new(n: usize) -> Self {
        Seats {
            free: Mutex::new(n),
            freed: Condvar::new(),
        }
    }

    /// Waits for a free seat, and takes it.
    pub(super) fn take(&self) -> Seat<'_> {
        let mut free = lock(&self.free);
        while *free == 0 {
            free = wait(&self.freed, free);
        }
        *free -= 1;
        Seat(self)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_than_the_seats_are_taken_at_a_time() {
        let seats = Seats::new(2);
        let (taken, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _seat = seats.take();
                        let now = taken.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        taken.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
        assert_eq!(*lock(&seats.free), 2);
    }
}
