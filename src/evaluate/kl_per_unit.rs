//! Divergence of each unit of a Gaussian code from the prior.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::active_units::ActiveUnits;
use crate::model::{Autoencoder, Posterior, micro_batch};
use crate::show::{Content, Plot, Show, evcxr_display};
use candle_core::{DType, Device, Tensor};

/// The divergence of each unit of a Gaussian code from N(0, 1), from [`Autoencoder::kl_per_unit`].
/// Renders as a bar chart in descending order. The decoder can ignore units near 0.
///
/// # Examples
/// ```
/// use candlebook::evaluate::KlPerUnit;
/// let kl = KlPerUnit { divergences: vec![0.0, 2.5], active: vec![false, true] };
/// assert_eq!(kl.to_string(), "KL 2.50 nats per image in 2 units, 1 active");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KlPerUnit {
    /// Mean divergence of each unit over the images, in nats, in the order of the code.
    pub divergences: Vec<f64>,
    /// True for each unit whose mean varies over the images, with a variance above 0.01, as in
    /// [`ActiveUnits`](crate::evaluate::ActiveUnits).
    pub active: Vec<bool>,
}

impl KlPerUnit {
    /// Divergence of the whole code: the sum over the units, in nats per image.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::KlPerUnit;
    /// let kl = KlPerUnit { divergences: vec![0.5, 2.5], active: vec![false, true] };
    /// assert_eq!(kl.total(), 3.0);
    /// ```
    pub fn total(&self) -> f64 {
        self.divergences.iter().sum()
    }

    /// Chart of the divergences in descending order. Active and inactive units have different colors.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::KlPerUnit;
    /// let kl = KlPerUnit { divergences: vec![0.0, 2.5], active: vec![false, true] };
    /// assert!(kl.plot().to_svg()?.contains("inactive"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn plot(&self) -> Plot {
        let mut order: Vec<usize> = (0..self.divergences.len()).collect();
        order.sort_by(|&a, &b| self.divergences[b].total_cmp(&self.divergences[a]));
        let heights: Vec<f64> = order.iter().map(|&unit| self.divergences[unit]).collect();
        let label = |&unit: &usize| match self.active.get(unit) {
            Some(true) => "active",
            _ => "inactive",
        };
        let labels: Vec<&str> = order.iter().map(label).collect();
        Plot::new()
            .title(self.to_string())
            .bars_by("", &order, heights, &labels)
            .x_label("unit of the code")
            .y_label("divergence, nats")
    }
}

impl std::fmt::Display for KlPerUnit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let active = self.active.iter().filter(|active| **active).count();
        let (total, units) = (self.total(), self.divergences.len());
        write!(
            f,
            "KL {total:.2} nats per image in {units} units, {active} active"
        )
    }
}

impl Autoencoder {
    /// The divergence of each unit of a Gaussian code from N(0, 1), as a mean over a split.
    ///
    /// # Errors
    /// The encoder does not end in a Gaussian code, the split is empty, or its images do not have the
    /// model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let encoder = [Flatten, Linear(16), Gaussian(1.0)];
    /// let vae = Autoencoder::symmetric(data.image_shape(), &encoder)?;
    /// let kl = vae.kl_per_unit(&data.test)?;
    /// assert_eq!(kl.divergences.len(), 8);
    /// assert!(kl.total() > 0.0);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn kl_per_unit(&self, split: &Split) -> Result<KlPerUnit> {
        self.check_images("kl_per_unit", split)?;
        let (c, h, w) = self.image_shape();
        let positions: Vec<usize> = (0..split.len()).collect();
        let (mut means, mut divergences) = (Vec::new(), Vec::new());
        for positions in positions.chunks(micro_batch(c * h * w)) {
            check_stopped()?;
            let images = split.images(positions)?.to_device(self.device())?;
            let posterior = self.posterior("kl_per_unit", &images)?;
            let Posterior::Normal { means: batch, .. } = &posterior else {
                let expected = "an encoder that ends in Gaussian";
                let hint = "elbo has the divergence of all groups";
                return Err(Error::setting(
                    "kl_per_unit",
                    expected,
                    "one with Gumbel",
                    hint,
                ));
            };
            means.push(batch.to_device(&Device::Cpu)?);
            divergences.push(posterior.unit_divergences()?.to_device(&Device::Cpu)?);
        }
        let divergences = Tensor::cat(&divergences, 0)?.to_dtype(DType::F64)?;
        Ok(KlPerUnit {
            divergences: divergences.mean(0)?.to_vec1()?,
            active: ActiveUnits::of(&Tensor::cat(&means, 0)?)?.flags(),
        })
    }
}

impl Show for KlPerUnit {
    fn contents(&self) -> Result<Vec<Content>> {
        let (width, height) = (560, 300);
        let png = self.plot().size(width, height).to_png()?;
        let content = Content::text(self.to_string());
        Ok(vec![content.png(&png, width as usize, height as usize)])
    }
}
evcxr_display!(KlPerUnit);
