//! Sparsity of a code: the number of units that an image uses, and the units that no image uses.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::Result;
use crate::layer::Layer;
use crate::model::autoencoder::Autoencoder;
use crate::model::micro_batch::micro_batch;
use crate::model::unit_ranges::measured_positions;
use crate::show::{Content, Show, evcxr_display, thousands};
use candle_core::{DType, Tensor};

/// Use of the units of a sparse code by images, from [`Autoencoder::code_sparsity`].
///
/// # Examples
/// ```
/// use candlebook::model::CodeSparsity;
/// let sparsity = CodeSparsity { l0: 31.25, dead: 64, units: 2048 };
/// assert_eq!(sparsity.to_string(), "L0 31.2 of 2,048 code units; 64 (3.1 %) are dead");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodeSparsity {
    /// Mean number of units of an image's code that are not 0.
    pub l0: f64,
    /// Number of units that are 0 for every image.
    pub dead: usize,
    /// Number of units of the code.
    pub units: usize,
}

impl CodeSparsity {
    /// Share of the units that are 0 for every image, in [0, 1].
    ///
    /// # Examples
    /// ```
    /// use candlebook::model::CodeSparsity;
    /// assert_eq!(CodeSparsity { l0: 2.0, dead: 5, units: 20 }.dead_share(), 0.25);
    /// ```
    pub fn dead_share(&self) -> f64 {
        self.dead as f64 / self.units.max(1) as f64
    }
}

impl std::fmt::Display for CodeSparsity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CodeSparsity { l0, dead, units } = *self;
        let (units, share) = (thousands(units), 100.0 * self.dead_share());
        let verb = if dead == 1 { "is" } else { "are" };
        let dead = thousands(dead);
        write!(
            f,
            "L0 {l0:.1} of {units} code units; {dead} ({share:.1} %) {verb} dead"
        )
    }
}

impl Show for CodeSparsity {
    fn contents(&self) -> Result<Vec<Content>> {
        Ok(vec![Content::text(self.to_string())])
    }
}
evcxr_display!(CodeSparsity);

impl Autoencoder {
    /// Counts the units of the codes of a split's images that are not 0, and the units that are 0 for
    /// all of them. For codes of any kind; each channel and pixel of a code is a unit.
    ///
    /// # Errors
    /// An empty split, or images without the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(64), Relu, TopK(4)])?;
    /// assert_eq!(ae.code_sparsity(&data.test)?.l0, 4.0);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn code_sparsity(&self, split: &Split) -> Result<CodeSparsity> {
        self.check_images("code_sparsity", split)?;
        let positions: Vec<usize> = (0..split.len()).collect();
        self.sparsity_at(split, &positions, check_stopped)
    }

    /// True if a layer makes the code sparse.
    pub(crate) fn has_sparse_code(&self) -> bool {
        let layers = self.encoder().iter().rev();
        let mut layers = layers.skip_while(|layer| matches!(layer, Layer::Flatten));
        layers.next().is_some_and(|last| {
            matches!(
                last,
                Layer::L1(_)
                    | Layer::TopK(_)
                    | Layer::BatchTopK(_)
                    | Layer::AuxK(_)
                    | Layer::WinnerTakeAll(_)
            )
        })
    }

    /// The sparsity after training, for images from all parts of the split. After Stop too. None if
    /// no layer makes the code sparse.
    pub(crate) fn trained_sparsity(&self, split: &Split) -> Option<CodeSparsity> {
        let (c, h, w) = self.image_shape();
        let positions = measured_positions(split.len(), c * h * w);
        let sparsity = || self.sparsity_at(split, &positions, || Ok(())).ok();
        self.has_sparse_code().then(sparsity)?
    }

    fn sparsity_at(
        &self,
        split: &Split,
        positions: &[usize],
        check: fn() -> Result<()>,
    ) -> Result<CodeSparsity> {
        let (c, h, w) = self.image_shape();
        let units: usize = self.code_shape().iter().product();
        let mut uses = vec![0.0; units];
        for positions in positions.chunks(micro_batch(units.max(c * h * w))) {
            check()?;
            let images = self.image_batch("code_sparsity", &split.images(positions)?)?;
            let state = &mut self.forward_state();
            let codes = self.encoder_net().forward(&images, None, state)?;
            for (sum, count) in uses.iter_mut().zip(counts(&codes.detach())?) {
                *sum += count;
            }
        }
        Ok(CodeSparsity {
            l0: uses.iter().sum::<f64>() / positions.len().max(1) as f64,
            dead: uses.iter().filter(|count| **count == 0.0).count(),
            units,
        })
    }
}

/// Number of images for which each unit is not 0.
fn counts(codes: &Tensor) -> Result<Vec<f64>> {
    let used = codes.flatten_from(1)?.ne(0.0)?; // (b, units)
    // Metal has no f64, and f32 counts the images of a batch exactly.
    let counts = used.to_dtype(DType::F32)?.sum(0)?.to_vec1::<f32>()?;
    Ok(counts.into_iter().map(f64::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn used_units_are_counted_by_unit() {
        let codes = [[0f32, 1.0, -2.0], [0.0, 0.0, 3.0]];
        let codes = Tensor::new(&codes, &Device::Cpu).unwrap();
        assert_eq!(counts(&codes).unwrap(), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn all_images_count_and_units_that_none_uses_are_dead() {
        let values: Vec<f32> = (0..160).map(|i| (i % 7) as f32 / 7.0).collect();
        let images = Tensor::from_vec(values, (10, 1, 4, 4), &Device::Cpu).unwrap();
        let split = Split::from_tensor(&images, None).unwrap();
        let encoder = [Layer::Flatten, Layer::Linear(6), Layer::TopK(2)];
        let ae = Autoencoder::symmetric((1, 4, 4), &encoder).unwrap();
        let (_, bias) = &ae.variables()[1];
        let low = [9f32, -99.0, 9.0, -99.0, -99.0, 8.0];
        bias.set(&Tensor::new(&low, &Device::Cpu).unwrap()).unwrap();
        let found = ae.code_sparsity(&split).unwrap();
        assert_eq!((found.l0, found.units), (2.0, 6));
        assert!(found.dead == 3 || found.dead == 4, "{found:?}");
        assert_eq!(ae.trained_sparsity(&split), Some(found));
        let plain = Autoencoder::symmetric((1, 4, 4), &encoder[..2]).unwrap();
        assert_eq!(plain.trained_sparsity(&split), None);
        assert!(ae.code_sparsity(&split.take(0)).is_err());
    }
}
