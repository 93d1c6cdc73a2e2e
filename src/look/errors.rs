//! Reconstruction errors: per image, the worst images, and their histogram.

use crate::cell::check_stopped;
use crate::data::{Split, vectors_as_lines};
use crate::error::Result;
use crate::model::{Autoencoder, micro_batch};
use crate::show::{Montage, Plot};
use candle_core::Device;

const BINS: usize = 60;

/// An image of a split and its mean squared error.
struct ImageError {
    position: usize,
    error: f32,
}

impl Autoencoder {
    /// Mean squared error of each image's reconstruction, in evaluation mode.
    ///
    /// # Errors
    /// The images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.errors(&data.test)?.len(), 20);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn errors(&self, split: &Split) -> Result<Vec<f32>> {
        let (c, h, w) = self.image_shape();
        let positions: Vec<usize> = (0..split.len()).collect();
        let mut errors = Vec::with_capacity(positions.len());
        for positions in positions.chunks(micro_batch(c * h * w)) {
            check_stopped()?;
            let images = split.images(positions)?.to_device(self.device())?;
            let labels = split.labels_at(positions)?;
            let squares = (self.reconstruct_with(&images, labels.as_ref())? - &images)?.sqr()?;
            errors.extend(squares.flatten_from(1)?.mean(1)?.to_vec1::<f32>()?);
        }
        Ok(errors)
    }

    /// The `n` images of a split with the largest reconstruction errors, in descending order,
    /// above their reconstructions.
    ///
    /// Captions are the image's index in the split and its mean squared error.
    ///
    /// # Errors
    /// The images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.worst(&data.test, 5)?.tensor().dims(), [10, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn worst(&self, split: &Split, n: usize) -> Result<Montage> {
        let worst = self.worst_errors(split, n)?;
        let positions: Vec<usize> = worst.iter().map(|image| image.position).collect();
        let originals = split.images(&positions)?;
        let labels = split.labels_at(&positions)?;
        let reconstructions = self.reconstruct_with(&originals, labels.as_ref())?;
        let reconstructions = reconstructions.to_device(&Device::Cpu)?;
        let indexes = worst.iter().map(|image| format!("#{}", image.position));
        let errors = worst.iter().map(|image| format!("{:.3}", image.error));
        let rows = [
            ("originals", &originals),
            ("reconstructions", &reconstructions),
        ];
        Ok(vectors_as_lines(Montage::rows(&rows)?, self.image_shape())
            .captions(indexes.chain(errors))
            .title("worst reconstructions (index, mean squared error)"))
    }

    /// Histogram of the reconstruction errors of a split.
    ///
    /// # Errors
    /// The images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// ae.error_histogram(&data.test)?
    /// # ; Ok::<(), candlebook::Error>(())
    /// ```
    pub fn error_histogram(&self, split: &Split) -> Result<Plot> {
        Ok(Plot::new()
            .histogram("", self.errors(split)?, BINS)
            .title("Reconstruction errors")
            .x_label("mean squared error")
            .y_label("images"))
    }

    fn worst_errors(&self, split: &Split, n: usize) -> Result<Vec<ImageError>> {
        let mut errors: Vec<ImageError> = self
            .errors(split)?
            .into_iter()
            .enumerate()
            .map(|(position, error)| ImageError { position, error })
            .collect();
        errors.sort_by(|a, b| b.error.total_cmp(&a.error));
        errors.truncate(n.max(1));
        Ok(errors)
    }
}
