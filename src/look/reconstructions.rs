//! Images above their reconstructions.

use crate::data::{Split, vectors_as_lines};
use crate::error::Result;
use crate::loss::Loss;
use crate::model::Autoencoder;
use crate::show::Montage;
use candle_core::Device;

impl Autoencoder {
    /// The first `n` images of a split, above their reconstructions.
    ///
    /// # Errors
    /// The images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?;
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.reconstructions(&data.test, 5)?.tensor().dims(), [10, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn reconstructions(&self, split: &Split, n: usize) -> Result<Montage> {
        self.reconstructions_for(split, n, Loss::default())
    }

    /// [`Autoencoder::reconstructions`] of a model trained with `loss`, which decides whether the
    /// decoder's output is pixels or logits.
    pub(crate) fn reconstructions_for(
        &self,
        split: &Split,
        n: usize,
        loss: Loss,
    ) -> Result<Montage> {
        let originals = split.first(n)?;
        let positions: Vec<usize> = (0..originals.dim(0)?).collect();
        let labels = split.labels_at(&positions)?;
        let output = self.reconstruct_with(&originals, labels.as_ref())?;
        let output = output.to_device(&Device::Cpu)?;
        let reconstructions = loss.images_from(output)?;
        let rows = [
            ("originals", &originals),
            ("reconstructions", &reconstructions),
        ];
        Ok(vectors_as_lines(Montage::rows(&rows)?, self.image_shape()))
    }
}
