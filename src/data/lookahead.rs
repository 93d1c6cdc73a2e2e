//! Threads that decode photographs ahead of the training step that needs them.

use crate::cell::check_stopped;
use crate::data::images::{Augment, Decoded};
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::lock::{lock, wait, wait_at_most};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// Batches decoded ahead.
const BATCHES_AHEAD: usize = 2;
/// Images decoded ahead, even if the batches are smaller.
const MIN_IMAGES_AHEAD: usize = 32;
/// Interval at which a waiting reader checks for Stop.
const STOP_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Decodes the images of an epoch in order, on one thread per core. Dropping it ends the threads.
#[derive(Debug)]
pub(crate) struct Lookahead {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

/// State shared by the reader and the decoding threads.
#[derive(Debug)]
struct Queue {
    split: Split,
    order: Vec<usize>,
    augment: Option<Augment>,
    /// Maximum number of waiting images.
    capacity: usize,
    waiting: Mutex<Waiting>,
    /// Signals that the queue is below its capacity.
    not_full: Condvar,
    /// Signals that the first image is decoded.
    ready: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The images from number `first` on; `None` while one is being decoded.
    images: VecDeque<Option<Result<Decoded>>>,
    first: usize,
    ended: bool,
}

impl Lookahead {
    /// Starts to decode the images at these positions.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(
        split: &Split,
        order: &[usize],
        batch_size: usize,
        augment: Option<Augment>,
    ) -> Result<Self> {
        let capacity = (BATCHES_AHEAD * batch_size.min(order.len())).max(MIN_IMAGES_AHEAD);
        let queue = Arc::new(Queue {
            split: split.clone(),
            order: order.to_vec(),
            augment,
            capacity,
            waiting: Mutex::default(),
            not_full: Condvar::new(),
            ready: Condvar::new(),
        });
        let mut lookahead = Lookahead {
            queue,
            threads: Vec::new(),
        };
        for nth in 0..rayon::current_num_threads() {
            let queue = Arc::clone(&lookahead.queue);
            let thread = std::thread::Builder::new().name(format!("candlebook-decode-{nth}"));
            match thread.spawn(move || queue.decode()) {
                Ok(thread) => lookahead.threads.push(thread),
                // Fewer threads are slower, but enough.
                Err(_) if nth > 0 => break,
                Err(error) => {
                    let hint = "The system's thread limit is reached: end other programs";
                    return Err(Error::setting("decoding", "a new thread", error, hint));
                }
            }
        }
        Ok(lookahead)
    }

    /// Waits for the next `n` images.
    ///
    /// # Errors
    /// If an image cannot be decoded, and on Stop.
    pub(crate) fn take(&self, n: usize) -> Result<Vec<Decoded>> {
        let mut taken = Vec::with_capacity(n);
        let mut waiting = self.queue.lock();
        while taken.len() < n {
            // Checked before an image is taken, so that none is lost to a later call.
            check_stopped()?;
            match waiting.images.front() {
                Some(Some(_)) => {
                    if let Some(Some(image)) = waiting.images.pop_front() {
                        waiting.first += 1;
                        self.queue.not_full.notify_one();
                        taken.push(image?);
                    }
                }
                _ => {
                    waiting = wait_at_most(&self.queue.ready, waiting, STOP_POLL_INTERVAL);
                }
            }
        }
        Ok(taken)
    }
}

impl Drop for Lookahead {
    fn drop(&mut self) {
        self.queue.lock().ended = true;
        self.queue.not_full.notify_all();
        for thread in self.threads.drain(..) {
            // A thread reports its errors through the queue.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    /// A thread's loop: claims the next image, decodes it, stores it in its place.
    fn decode(&self) {
        while let Some((number, position)) = self.claim() {
            let image = self.decode_one(position);
            let mut waiting = self.lock();
            let place = number - waiting.first;
            waiting.images[place] = Some(image);
            if place == 0 {
                self.ready.notify_one();
            }
        }
    }

    /// Waits for free capacity, then claims the next image: its number in the epoch and its
    /// position in the split. `None` at the end.
    fn claim(&self) -> Option<(usize, usize)> {
        let mut waiting = self.lock();
        while waiting.images.len() >= self.capacity && !waiting.ended {
            waiting = wait(&self.not_full, waiting);
        }
        let number = waiting.first + waiting.images.len();
        let position = *self.order.get(number).filter(|_| !waiting.ended)?;
        waiting.images.push_back(None);
        Some((number, position))
    }

    /// Decodes an image. A panic becomes an error: if the thread ended without a result, the
    /// reader would wait forever.
    fn decode_one(&self, position: usize) -> Result<Decoded> {
        let decode = || self.split.decode(position, self.augment);
        catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
            let hint = "Remove the file that causes it";
            Err(Error::setting(
                "decoding",
                "an image",
                "a panic in the decoder",
                hint,
            ))
        })
    }
}

#[cfg(test)]
mod tests;
