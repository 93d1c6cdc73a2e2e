//! Entries of a discrete code that images use, counted.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::code_usage::CodeUsage;
use crate::layer::{Layer, code_rows};
use crate::model::{Autoencoder, micro_batch};
use candle_core::Tensor;

/// Entries of a code that are counted, at most.
const MAX_ENTRIES: usize = 1 << 20;

impl Autoencoder {
    /// Counts how often the images of a split use each entry of a discrete code. The last layer of the
    /// encoder decides what an entry is:
    ///
    /// - [`VectorQuantize`](crate::layer::VectorQuantize()): a vector of the codebook. A code of pixels
    ///   uses one for each pixel.
    /// - [`Fsq`](Layer::Fsq): a combination of levels, in the order of the first value's levels, then
    ///   the second one's.
    /// - [`Gumbel`](crate::layer::Gumbel()): a class of a group, group by group. A code uses one for
    ///   each group.
    ///
    /// # Errors
    /// A code of another kind, or of more than 1,048,576 entries; an empty split, or images without the
    /// model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(2), Fsq(vec![5, 3])])?;
    /// let usage = ae.code_usage(&data.test)?;
    /// assert_eq!((usage.counts.len(), usage.counts.iter().sum::<usize>()), (15, 20));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn code_usage(&self, split: &Split) -> Result<CodeUsage> {
        let layer = self.code_layer();
        let entries = layer.and_then(entries).ok_or_else(|| not_discrete(layer))?;
        if entries > MAX_ENTRIES {
            let hint = "Choose fewer levels, or look at the values of encode";
            let expected = "a code of at most 1048576 entries";
            return Err(Error::setting("code_usage", expected, entries, hint));
        }
        split.not_empty("code_usage")?;
        let mut counts = vec![0; entries];
        let (c, h, w) = self.image_shape();
        let positions: Vec<usize> = (0..split.len()).collect();
        for positions in positions.chunks(micro_batch(c * h * w)) {
            check_stopped()?;
            for entry in self.used_entries(&split.images(positions)?)? {
                if let Some(count) = counts.get_mut(entry) {
                    *count += 1;
                }
            }
        }
        Ok(CodeUsage { counts })
    }

    /// True if the code is one of entries that [`Autoencoder::code_usage`] counts.
    pub(super) fn has_counted_code(&self) -> bool {
        let entries = self.code_layer().and_then(entries);
        entries.is_some_and(|entries| entries <= MAX_ENTRIES)
    }

    /// The last layer of the encoder that acts in evaluation.
    fn code_layer(&self) -> Option<&Layer> {
        let layers = self.encoder().iter().rev();
        layers
            .into_iter()
            .find(|layer| !layer.acts_in_training_only())
    }

    /// The entries that images use.
    fn used_entries(&self, images: &Tensor) -> Result<Vec<usize>> {
        if let Some(Layer::VectorQuantize(_)) = self.code_layer() {
            let entries = self.code_entries(images)?.flatten_all()?;
            return Ok(entries
                .to_vec1::<u32>()?
                .into_iter()
                .map(|i| i as usize)
                .collect());
        }
        let codes = code_rows(&self.encode(images)?)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        Ok(match self.code_layer() {
            Some(Layer::Fsq(levels)) => {
                let codes = codes.chunks_exact(levels.len());
                codes.map(|code| combination(code, levels)).collect()
            }
            Some(Layer::Gumbel(gumbel)) => {
                let values = gumbel.groups * gumbel.classes;
                let used = codes
                    .into_iter()
                    .enumerate()
                    .filter(|(_, value)| *value == 1.0);
                used.map(|(i, _)| i % values).collect()
            }
            _ => Vec::new(),
        })
    }
}

/// Number of entries of a discrete code; `None` for codes of other kinds.
fn entries(layer: &Layer) -> Option<usize> {
    match layer {
        Layer::VectorQuantize(quantize) => Some(quantize.entries),
        Layer::Gumbel(gumbel) => Some(gumbel.groups.saturating_mul(gumbel.classes)),
        Layer::Fsq(levels) => Some(levels.iter().fold(1, |n: usize, &l| n.saturating_mul(l))),
        _ => None,
    }
}

/// Index of a combination of levels.
fn combination(code: &[f32], levels: &[usize]) -> usize {
    let values = code.iter().zip(levels);
    values.fold(0, |index, (value, &levels)| {
        // In [-1, 1], in steps of one by the half of the levels.
        let half = (levels / 2) as f32;
        let level = (value * half + half).round() as usize;
        index * levels + level.min(levels - 1)
    })
}

fn not_discrete(layer: Option<&Layer>) -> Error {
    let got = layer.map_or("no layer".into(), Layer::to_string);
    let hint = "End the encoder with VectorQuantize(128), Fsq(vec![8, 5, 5, 5]) or Gumbel(30, 10)";
    Error::setting("code_usage", "an encoder with a discrete code", got, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_numbered_by_their_levels() {
        // 3 levels are -1, 0 and 1, 4 levels -1, -0.5, 0 and 0.5.
        let mut found = Vec::new();
        for first in [-1.0, 0.0, 1.0] {
            found.extend(
                [-1.0, -0.5, 0.0, 0.5].map(|second| combination(&[first, second], &[3, 4])),
            );
        }
        assert_eq!(found, (0..12).collect::<Vec<usize>>());
        assert_eq!(combination(&[0.0], &[2]), 1);
        assert_eq!(combination(&[-1.0], &[2]), 0);
    }
}
