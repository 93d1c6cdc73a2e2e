//! Mean loss of a model over a split.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::Result;
use crate::loss::Loss;
use crate::model::autoencoder::Autoencoder;
use crate::model::micro_batch::micro_batch;

impl Autoencoder {
    /// Mean loss over a split in evaluation mode, in the loss that the model was trained with. A
    /// new model is evaluated in the mean squared error.
    ///
    /// # Errors
    /// The split is empty, or the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// assert_eq!(ae.evaluate(&data.test)?, ae.evaluate_with(&data.test, Loss::Mse)?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn evaluate(&self, split: &Split) -> Result<f32> {
        self.evaluate_with(split, self.trained_loss())
    }

    /// Mean of any loss over a split, in evaluation mode.
    ///
    /// # Errors
    /// The split is empty, the images do not have the model's shape, or the loss is not defined for
    /// the data or the model's output.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let loss = ae.evaluate_with(&data.test, Loss::BinaryCrossEntropy)?;
    /// assert!((0.6..0.8).contains(&loss)); // close to ln 2, because pixels are still near 0.5
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn evaluate_with(&self, split: &Split, loss: Loss) -> Result<f32> {
        split.not_empty("evaluate")?;
        self.check_loss("loss", loss, split.value_range())?;
        let (c, h, w) = self.image_shape();
        let positions: Vec<usize> = (0..split.len()).collect();
        let mut sum = 0.0;
        for positions in positions.chunks(micro_batch(c * h * w)) {
            check_stopped()?;
            let images = split.images(positions)?.to_device(self.device())?;
            let mean = loss
                .mean(&self.reconstruct_batch(&images)?, &images)?
                .to_scalar::<f32>()?;
            sum += f64::from(mean) * positions.len() as f64;
        }
        Ok((sum / split.len() as f64) as f32)
    }
}
