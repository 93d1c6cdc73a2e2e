//! Greedy layer-wise training: one pair of layers after the other.

use super::checks::check;
use super::fit::Fit;
use super::history::History;
use crate::cell::check_stopped;
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::model::Autoencoder;

/// Images that are encoded at a time.
const CHUNK_IMAGES: usize = 500;

/// Maximum numbers of all codes together (4 GB).
const MAX_CODE_VALUES: usize = 1 << 30;

impl Autoencoder {
    /// Trains the layers pair by pair, from the outermost: each encoder layer with weights and its
    /// mirror learn to reconstruct the codes of the layers before them. Then call
    /// [`Autoencoder::fit`], which starts from these weights.
    ///
    /// `fit` holds for each pair. The first one minimizes its loss, the others the mean squared error
    /// of the codes, without augmentations and metrics. Progress is shown for each, and each has its
    /// history. There are no checkpoints.
    ///
    /// Bengio and others, "Greedy layer-wise training of deep networks", 2007.
    ///
    /// # Errors
    /// As [`Autoencoder::fit`]; a decoder that does not mirror the encoder; codes of more than 4 GB.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let encoder = [Flatten, Linear(64), Sigmoid, Linear(16), Sigmoid];
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// let fit = Fit { epochs: 1, batch_size: 20, ..Default::default() };
    /// assert_eq!(ae.pretrain(&data, &fit)?.len(), 2);
    /// ae.fit(&data, &fit)?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn pretrain(&mut self, data: &Dataset, fit: &Fit) -> Result<Vec<History>> {
        check(self, data, fit, false)?;
        let mut histories: Vec<History> = Vec::new();
        let mut inputs = data.clone();
        let pairs = self.pairs()?;
        for (i, pair) in pairs.iter().enumerate() {
            let mut part = self.part(pair)?;
            let history = part.fit(&inputs, &pair_settings(fit, i))?;
            let stopped = history.stopped;
            histories.push(history);
            self.set_part(pair, &part)?;
            if stopped {
                break;
            }
            if i + 1 < pairs.len() {
                inputs = encoded(&part, &inputs)?;
            }
        }
        self.set_trained_loss(fit.loss);
        Ok(histories)
    }
}

/// Settings of pair `i`. Codes are vectors, which have no augmentations and no image quality.
fn pair_settings(fit: &Fit, i: usize) -> Fit {
    let mut fit = Fit {
        checkpoint: None,
        ..fit.clone()
    };
    if i > 0 {
        fit.loss = Loss::Mse;
        fit.augment.clear();
        fit.metrics.clear();
        if let Some(early) = &mut fit.early_stopping {
            early.monitor = early.monitor.of_losses();
        }
    }
    fit
}

/// The codes of a data set as vectors.
fn encoded(part: &Autoencoder, data: &Dataset) -> Result<Dataset> {
    let train = encoded_split(part, &data.train)?;
    let test = encoded_split(part, &data.test)?;
    Dataset::new(data.name.clone(), data.source.clone(), train, test)
}

fn encoded_split(part: &Autoencoder, split: &Split) -> Result<Split> {
    let size = part.code_shape().iter().product::<usize>();
    let total = split.len().saturating_mul(size);
    if total > MAX_CODE_VALUES {
        let expected = format!("at most {MAX_CODE_VALUES} numbers in all codes");
        let hint = "Take fewer images, data.take(10_000, 1000), or call fit";
        return Err(Error::setting("pretrain", expected, total, hint));
    }
    let mut values: Vec<f32> = Vec::with_capacity(total);
    let positions: Vec<usize> = (0..split.len()).collect();
    for positions in positions.chunks(CHUNK_IMAGES) {
        check_stopped()?;
        let codes = part.encode(&split.images(positions)?)?;
        values.extend(codes.flatten_all()?.to_vec1::<f32>()?);
    }
    Split::from_vectors(values, size, split.labels())
}
