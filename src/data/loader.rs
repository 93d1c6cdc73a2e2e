//! Batches for custom training loops: [`Split::batches`].

use crate::cell::check_stopped;
use crate::data::batch::Batches;
use crate::data::images::Augment;
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::math::{Purpose, Rng};
use candle_core::Tensor;

/// An iterator over the batches of one epoch, created by [`Split::batches`]. PyTorch's
/// `DataLoader`.
#[derive(Debug)]
pub struct Loader(Batches);

impl Split {
    /// Iterates over all images once, in random order, as batches of images and labels for a
    /// custom training loop. The last batch may be smaller. Pass another seed in each epoch.
    ///
    /// Photographs are decoded ahead on all cores while the loop works; the seed also selects
    /// their crops and flips. An unreadable photograph is replaced by another one with its label.
    ///
    /// # Shapes
    /// Each item is (images, labels): images (b, c, h, w), f32 in [0, 1]; labels (b), u32, `None`
    /// if the split has no labels. Both are on the CPU.
    ///
    /// # Errors
    /// If `batch_size` is 0, or no thread can be started. An item is an error if there are too many
    /// unreadable photographs, and on Stop.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 1);
    /// for epoch in 0..2 {
    ///     for batch in data.train.batches(32, epoch)? {
    ///         let (images, labels) = batch?; // (32, 1, 28, 28), the last (4, 1, 28, 28)
    ///         # assert_eq!(images.dims()[1..], [1, 28, 28]);
    ///         # assert_eq!(labels.unwrap().dims(), [images.dim(0)?]);
    ///     }
    /// }
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn batches(&self, batch_size: usize, seed: u64) -> Result<Loader> {
        if batch_size == 0 {
            let hint = "32 is a good start";
            return Err(Error::setting(
                "batch_size",
                "at least one image",
                batch_size,
                hint,
            ));
        }
        let order = Rng::new(seed, Purpose::Shuffle).permutation(self.len());
        // `fit` counts epochs from 1, so epoch 0 has crops of its own.
        let augment = Augment { seed, epoch: 0 };
        Ok(Loader(Batches::new(
            self,
            order,
            batch_size,
            Some(augment),
        )?))
    }
}

impl Iterator for Loader {
    type Item = Result<(Tensor, Option<Tensor>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = check_stopped().map(|()| self.0.next()).transpose()?;
        Some(batch.and_then(|batch| {
            let batch = batch?;
            Ok((batch.images()?, batch.labels()?))
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Loader {}
