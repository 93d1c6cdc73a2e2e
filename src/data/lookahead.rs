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
mod tests {
    use super::*;
    use crate::data::batch::{Batch, Batches};
    use crate::data::photo::{Crop, Framing, Origin, PhotoSource, PhotoStream};
    use crate::dist::on_threads;
    use image::RgbImage;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// 200 photographs whose every value is their number; 5 and 6 are unreadable.
    #[derive(Debug, Default)]
    struct Numbers {
        reads: Arc<AtomicUsize>,
        panics: bool,
    }

    impl PhotoSource for Numbers {
        fn len(&self) -> usize {
            200
        }
        fn name(&self, i: usize) -> PathBuf {
            PathBuf::from(i.to_string())
        }
        fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            // Later images are ready before earlier ones.
            std::thread::sleep(Duration::from_micros(300 * (i as u64 % 3)));
            match i {
                5 | 6 => Err("torn".into()),
                _ if self.panics => panic!("a decoder's mistake"),
                _ => Ok(RgbImage::from_pixel(9, 7, image::Rgb([i as u8; 3]))),
            }
        }
        fn origin(&self) -> Option<Origin> {
            None
        }
        fn version(&self, _: usize) -> String {
            String::new()
        }
    }

    /// The numbers as a split whose labels are the numbers too.
    fn split(source: Numbers, max_unreadable: usize) -> Split {
        let framing = Framing {
            size: 2,
            crop: Crop::Center,
            flip: false,
        };
        let path = Path::new("numbers");
        let stream = PhotoStream::new(path, Box::new(source), framing, max_unreadable).unwrap();
        Split::from_stream(stream, Some((0..200).collect())).unwrap()
    }

    fn numbers(max_unreadable: usize) -> (Split, Arc<AtomicUsize>) {
        let source = Numbers::default();
        let reads = Arc::clone(&source.reads);
        (split(source, max_unreadable), reads)
    }

    /// The numbers of each batch; images and labels agree.
    fn seen(split: &Split, order: &[usize], batch_size: usize) -> Result<Vec<Vec<u8>>> {
        let augment = Augment { seed: 1, epoch: 1 };
        let batches = Batches::new(split, order.to_vec(), batch_size, Some(augment))?;
        batches
            .map(|batch| {
                let batch = batch?;
                let labels = batch.labels()?.unwrap().to_vec1::<u32>()?;
                let Batch::Decoded(_, images) = batch else {
                    panic!("expected decoded images")
                };
                assert!(images.iter().all(|image| image.bytes.len() == 12));
                let numbers: Vec<u8> = images.iter().map(|image| image.bytes[0]).collect();
                assert_eq!(
                    labels,
                    numbers.iter().map(|&n| u32::from(n)).collect::<Vec<_>>()
                );
                Ok(numbers)
            })
            .collect()
    }

    #[test]
    fn batches_are_in_order_and_unreadable_images_are_replaced() {
        let (split, reads) = numbers(2);
        let order: Vec<usize> = (0..200).rev().collect();
        let batches = seen(&split, &order, 48).unwrap();
        assert_eq!(
            batches.iter().map(Vec::len).collect::<Vec<_>>(),
            [48, 48, 48, 48, 8]
        );
        let expected: Vec<u8> = (0..200u8)
            .rev()
            .map(|i| if i == 5 || i == 6 { 7 } else { i })
            .collect();
        assert_eq!(batches.concat(), expected);
        assert_eq!(split.unreadable(), 2);
        // 5 is first read as the replacement of 6, or by itself; never again.
        assert!(reads.load(Ordering::SeqCst) <= 204);
    }

    #[test]
    fn too_many_unreadable_images_are_an_error_with_their_names() {
        let (split, _) = numbers(1);
        let order: Vec<usize> = (0..200).collect();
        let error = seen(&split, &order, 48).unwrap_err().to_string();
        let expected =
            "numbers: expected at most 1 unreadable photographs, got 2 (5: torn; 6: torn";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn lookahead_is_bounded_and_dropping_it_ends_the_threads() {
        let (split, reads) = numbers(2);
        let order: Vec<usize> = (10..200).collect();
        let mut batches = Batches::new(&split, order, 4, None).unwrap();
        assert_eq!(batches.next().unwrap().unwrap().len(), 4);
        std::thread::sleep(Duration::from_millis(200));
        let decoded = reads.load(Ordering::SeqCst);
        assert!(decoded <= 4 + MIN_IMAGES_AHEAD, "{decoded}");
        drop(batches);
        assert_eq!(reads.load(Ordering::SeqCst), decoded);
    }

    #[test]
    fn a_rank_decodes_its_own_rows_only() {
        let seen = on_threads(2, |world| {
            let (split, reads) = numbers(2);
            let order: Vec<usize> = (10..110).collect();
            let batches = Batches::shared(&split, order, 20, None, &world).unwrap();
            let sizes: Vec<usize> = batches.map(|batch| batch.unwrap().len()).collect();
            (sizes, reads.load(Ordering::SeqCst))
        });
        assert_eq!(seen, vec![(vec![10; 5], 50); 2]);
    }

    #[test]
    fn a_panicking_decoder_is_an_error() {
        let source = Numbers {
            panics: true,
            ..Default::default()
        };
        let error = seen(&split(source, 2), &[8, 9], 2).unwrap_err().to_string();
        let expected = "decoding: expected an image, got a panic in the decoder";
        assert!(error.starts_with(expected), "{error}");
    }
}
