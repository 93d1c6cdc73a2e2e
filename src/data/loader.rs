//! The batches of an epoch. Pictures that must be decoded are decoded ahead, by threads of their own.

use crate::cell::check_stopped;
use crate::data::split::{Augment, Split, to_floats};
use crate::error::{Error, Result};
use crate::lock::{lock, wait, wait_at_most};
use crate::math::{Purpose, Real, Rng};
use candle_core::{Device, Tensor};
use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// So many batches are decoded ahead, and at least so many pictures.
const AHEAD: usize = 2;
const AHEAD_PICTURES: usize = 32;
/// How often Stop is looked for while a picture is waited for.
const LISTEN_EVERY: Duration = Duration::from_millis(100);

/// Some pictures of a split.
#[derive(Debug)]
pub(crate) enum Batch {
    /// Those at positions of a split that is in memory.
    Positions(Split, Vec<usize>),
    /// Decoded ones.
    Decoded(Split, Vec<Vec<u8>>),
}

impl Batch {
    /// How many pictures.
    pub(crate) fn len(&self) -> usize {
        match self {
            Batch::Positions(_, positions) => positions.len(),
            Batch::Decoded(_, pictures) => pictures.len(),
        }
    }

    /// Writes some of the pictures one after the other, as floats in [0, 1].
    ///
    /// # Errors
    /// A position that the split does not have.
    pub(crate) fn fill<T: Real>(&self, range: Range<usize>, values: &mut [T]) -> Result<()> {
        match self {
            Batch::Positions(split, positions) => split.fill(&positions[range], values),
            Batch::Decoded(_, pictures) => {
                let pictures = &pictures[range];
                let size = pictures.first().map_or(1, Vec::len);
                values
                    .chunks_exact_mut(size)
                    .zip(pictures)
                    .for_each(|(values, picture)| to_floats(picture, values));
                Ok(())
            }
        }
    }

    /// All of the pictures.
    ///
    /// # Shapes
    /// (n, c, h, w), f32 in [0, 1], on the CPU.
    ///
    /// # Errors
    /// A position that the split does not have.
    pub(crate) fn images(&self) -> Result<Tensor> {
        let (Batch::Positions(split, _) | Batch::Decoded(split, _)) = self;
        let (c, h, w) = split.image_shape();
        let mut values = vec![0f32; self.len() * c * h * w];
        self.fill(0..self.len(), &mut values)?;
        Ok(Tensor::from_vec(
            values,
            (self.len(), c, h, w),
            &Device::Cpu,
        )?)
    }
}

/// The batches of an epoch, in order.
#[derive(Debug)]
pub(crate) struct Batches {
    split: Split,
    order: Vec<usize>,
    batch: usize,
    at: usize,
    ahead: Option<Ahead>,
}

impl Batches {
    /// Batches of the pictures at these positions, with cuts and flips of this seed and epoch.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn new(
        split: &Split,
        order: Vec<usize>,
        batch: usize,
        augment: Augment,
    ) -> Result<Self> {
        let ahead = split
            .streamed()
            .then(|| Ahead::start(split, &order, batch, augment))
            .transpose()?;
        Ok(Batches {
            split: split.clone(),
            order,
            batch,
            at: 0,
            ahead,
        })
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.order[self.at..];
        let positions = &rest[..self.batch.min(rest.len())];
        self.at += positions.len();
        (!positions.is_empty()).then(|| match &self.ahead {
            None => Ok(Batch::Positions(self.split.clone(), positions.to_vec())),
            Some(ahead) => Ok(Batch::Decoded(
                self.split.clone(),
                ahead.take(positions.len())?,
            )),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let batches = (self.order.len() - self.at).div_ceil(self.batch);
        (batches, Some(batches))
    }
}

/// The batches of a split as tensors, once through its pictures; PyTorch's `DataLoader`. Made by [`Split::batches`].
#[derive(Debug)]
pub struct Loader(Batches);

impl Split {
    /// Every picture once, in an order drawn from the seed, as batches for a training loop of your own. The last batch may
    /// be smaller.
    ///
    /// Photographs of a folder are decoded ahead, on all cores, while the loop works; the seed also draws their cuts and
    /// flips. Give another seed for each epoch.
    ///
    /// # Shapes
    /// Each batch is (batch, c, h, w), f32 in [0, 1], on the CPU.
    ///
    /// # Errors
    /// A batch of no pictures; where no thread can be started. In the loop: more unreadable photographs than the folder's
    /// limit, and Stop.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 1);
    /// for epoch in 0..2 {
    ///     for images in data.train.batches(32, epoch)? {
    ///         let images = images?; // (32, 1, 28, 28), at last (4, 1, 28, 28)
    ///         # assert_eq!(images.dims()[1..], [1, 28, 28]);
    ///     }
    /// }
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn batches(&self, batch: usize, seed: u64) -> Result<Loader> {
        if batch == 0 {
            return Err(Error::setting(
                "batch",
                "at least one picture",
                batch,
                "32 is a good start",
            ));
        }
        let order = Rng::new(seed, Purpose::Shuffle).permutation(self.len());
        // `fit` counts its epochs from 1.
        Ok(Loader(Batches::new(self, order, batch, Some((seed, 0)))?))
    }
}

impl Iterator for Loader {
    type Item = Result<Tensor>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = check_stopped().map(|()| self.0.next()).transpose()?;
        Some(batch.and_then(|batch| batch?.images()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Loader {}

/// Threads that decode the pictures of an epoch before they are asked for.
#[derive(Debug)]
struct Ahead {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    split: Split,
    order: Vec<usize>,
    augment: Augment,
    /// How many pictures may wait.
    most: usize,
    window: Mutex<Lookahead>,
    /// There is room; there is a picture.
    room: Condvar,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct Lookahead {
    /// The pictures from `first` on: those that are still being decoded are none.
    pictures: VecDeque<Option<Result<Vec<u8>>>>,
    first: usize,
    ended: bool,
}

impl Ahead {
    fn start(split: &Split, order: &[usize], batch: usize, augment: Augment) -> Result<Self> {
        let most = (AHEAD * batch.min(order.len())).max(AHEAD_PICTURES);
        let shared = Arc::new(Shared {
            split: split.clone(),
            order: order.to_vec(),
            augment,
            most,
            window: Mutex::default(),
            room: Condvar::new(),
            ready: Condvar::new(),
        });
        let mut ahead = Ahead {
            shared,
            threads: Vec::new(),
        };
        for nth in 0..rayon::current_num_threads() {
            let shared = Arc::clone(&ahead.shared);
            let thread = std::thread::Builder::new().name(format!("candlebook-decode-{nth}"));
            match thread.spawn(move || shared.decode()) {
                Ok(thread) => ahead.threads.push(thread),
                // Fewer threads do it too.
                Err(_) if nth > 0 => break,
                Err(error) => {
                    let hint = "The system allows no more threads";
                    return Err(Error::setting("decoding", "a thread", error, hint));
                }
            }
        }
        Ok(ahead)
    }

    /// The next `n` pictures.
    fn take(&self, n: usize) -> Result<Vec<Vec<u8>>> {
        let mut taken = Vec::with_capacity(n);
        let mut window = self.shared.window();
        while taken.len() < n {
            // Before anything is taken: what was decoded is not lost to a later call.
            check_stopped()?;
            match window.pictures.front() {
                Some(Some(_)) => {
                    if let Some(Some(picture)) = window.pictures.pop_front() {
                        window.first += 1;
                        self.shared.room.notify_one();
                        taken.push(picture?);
                    }
                }
                // Stop must be heard while photographs take their time.
                _ => {
                    window = wait_at_most(&self.shared.ready, window, LISTEN_EVERY);
                }
            }
        }
        Ok(taken)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.window().ended = true;
        self.shared.room.notify_all();
        for thread in self.threads.drain(..) {
            // What a thread had to say is in the window.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn window(&self) -> MutexGuard<'_, Lookahead> {
        lock(&self.window)
    }

    /// What each thread does: claim the next picture, decode it, put it into its place.
    fn decode(&self) {
        loop {
            let mut window = self.window();
            while window.pictures.len() >= self.most && !window.ended {
                window = wait(&self.room, window);
            }
            let nth = window.first + window.pictures.len();
            let Some(&position) = self.order.get(nth).filter(|_| !window.ended) else {
                return;
            };
            window.pictures.push_back(None);
            drop(window);
            // A thread that is gone without a word would leave the loop waiting for ever.
            let decoded = catch_unwind(AssertUnwindSafe(|| {
                self.split.decode(position, self.augment)
            }));
            let picture = decoded.unwrap_or_else(|_| {
                let hint = "Find the file that it gave up on, and remove it";
                Err(Error::setting(
                    "decoding",
                    "a picture",
                    "a decoder that gave up",
                    hint,
                ))
            });
            let mut window = self.window();
            let place = nth - window.first;
            window.pictures[place] = Some(picture);
            if place == 0 {
                self.ready.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::photo::{Crop, Framing, PhotoSource, PhotoStream};
    use image::RgbImage;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Pictures whose every value is their number; 5 and 6 cannot be read.
    #[derive(Debug, Default)]
    struct Numbers(Arc<AtomicUsize>, bool);

    impl PhotoSource for Numbers {
        fn len(&self) -> usize {
            200
        }
        fn name(&self, i: usize) -> PathBuf {
            PathBuf::from(i.to_string())
        }
        fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
            self.0.fetch_add(1, Ordering::SeqCst);
            // So that later pictures are ready before earlier ones.
            std::thread::sleep(std::time::Duration::from_micros(300 * (i as u64 % 3)));
            match i {
                5 | 6 => Err("torn".into()),
                _ if self.1 => panic!("a decoder's mistake"),
                _ => Ok(RgbImage::from_pixel(9, 7, image::Rgb([i as u8; 3]))),
            }
        }
        fn version(&self, _: usize) -> String {
            String::new()
        }
    }

    fn numbers(most: usize) -> (Split, Arc<AtomicUsize>) {
        let framing = Framing {
            size: 2,
            crop: Crop::Center,
            flip: false,
        };
        let source = Numbers::default();
        let reads = Arc::clone(&source.0);
        let stream =
            PhotoStream::new(Path::new("numbers"), Box::new(source), framing, most).unwrap();
        (Split::from_stream(stream, None).unwrap(), reads)
    }

    fn seen(split: &Split, order: &[usize], batch: usize) -> Result<Vec<Vec<u8>>> {
        let batches = Batches::new(split, order.to_vec(), batch, Some((1, 1)))?;
        batches
            .map(|batch| {
                let Batch::Decoded(_, pictures) = batch? else {
                    panic!("decoded")
                };
                assert!(pictures.iter().all(|picture| picture.len() == 12));
                Ok(pictures.iter().map(|picture| picture[0]).collect())
            })
            .collect()
    }

    #[test]
    fn every_picture_comes_once_and_in_order_and_the_unreadable_are_stood_in_for() {
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
        // 5 is first read as the stand-in of 6, or by itself; never again.
        assert!(reads.load(Ordering::SeqCst) <= 204);
    }

    #[test]
    fn more_unreadable_pictures_than_allowed_are_an_error_that_names_them() {
        let (split, _) = numbers(1);
        let order: Vec<usize> = (0..200).collect();
        let error = seen(&split, &order, 48).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "numbers: expected at most 1 unreadable pictures, got 2 unreadable ones (5: torn; 6: torn"
            ),
            "{error}"
        );
    }

    #[test]
    fn no_more_is_decoded_than_may_wait_and_leaving_early_ends_the_threads() {
        let (split, reads) = numbers(2);
        let order: Vec<usize> = (10..200).collect();
        let mut batches = Batches::new(&split, order, 4, None).unwrap();
        assert_eq!(batches.next().unwrap().unwrap().len(), 4);
        std::thread::sleep(std::time::Duration::from_millis(200));
        let decoded = reads.load(Ordering::SeqCst);
        assert!(decoded <= 4 + AHEAD_PICTURES, "{decoded}");
        drop(batches);
        assert_eq!(reads.load(Ordering::SeqCst), decoded);
    }

    #[test]
    fn a_decoder_that_panics_is_an_error_and_nobody_waits_for_ever() {
        let framing = Framing {
            size: 2,
            crop: Crop::Center,
            flip: false,
        };
        let source = Box::new(Numbers(Arc::default(), true));
        let stream = PhotoStream::new(Path::new("numbers"), source, framing, 2).unwrap();
        let error = seen(&Split::from_stream(stream, None).unwrap(), &[8, 9], 2)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("decoding: expected a picture, got a decoder that gave up"),
            "{error}"
        );
    }
}
