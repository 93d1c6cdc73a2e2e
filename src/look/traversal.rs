//! Traversals: one value of a code sweeps a range.

use crate::data::vectors_as_lines;
use crate::error::{Error, Result};
use crate::layer::{ForwardState, Layer};
use crate::model::Autoencoder;
use crate::show::Montage;
use candle_core::{Device, Tensor};
use std::ops::RangeInclusive;

impl Autoencoder {
    /// Reconstructions of one image while one value of its code sweeps a range and the others stay
    /// as they are. The montage has a row for each of `units`.
    ///
    /// # Errors
    /// The code has no such value, `steps` is not in 2 to 1000, the range is empty, or the image
    /// does not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let image = mnist_embedded()?.test.first(1)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// let rows = ae.traversal(&image, &[0, 1], -3.0..=3.0, 9)?;
    /// assert_eq!(rows.tensor().dims(), [18, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn traversal(
        &self,
        image: &Tensor,
        units: &[usize],
        range: RangeInclusive<f64>,
        steps: usize,
    ) -> Result<Montage> {
        check_range(&range)?;
        self.check_units(units)?;
        check_steps(steps)?;
        let (low, high) = (*range.start(), *range.end());
        let code = self.code_of(image)?;
        let mut codes = Vec::with_capacity(units.len() * steps * code.len());
        for &unit in units {
            for step in 0..steps {
                let start = codes.len();
                codes.extend_from_slice(&code);
                let value = low + (high - low) * step as f64 / (steps - 1) as f64;
                codes[start + unit] = value as f32;
            }
        }
        let images = self.decode_like(codes, image)?;
        let labels: Vec<String> = units.iter().map(|unit| format!("code {unit}")).collect();
        let rows = labels
            .iter()
            .enumerate()
            .map(|(i, label)| Ok((label.as_str(), images.narrow(0, i * steps, steps)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(vectors_as_lines(Montage::rows(&rows)?, self.image_shape())
            .title(format!("one value of the code from {low} to {high}")))
    }

    /// Images of concatenated codes. Unpooling uses the maxima of `image`.
    ///
    /// # Shapes
    /// (n * code size) -> (n, c, h, w), on the CPU
    pub(super) fn decode_like(&self, codes: Vec<f32>, image: &Tensor) -> Result<Tensor> {
        let n = codes.len() / self.code_size();
        // (n * code size) -> (n, code)
        let shape = [&[n], self.code_shape()].concat();
        let codes = Tensor::from_vec(codes, shape, self.device())?;
        let unpools = |layer: &Layer| matches!(layer, Layer::MaxUnpool2d(_));
        if !self.decoder().iter().any(unpools) {
            return self.on_cpu(self.decode(&codes)?);
        }
        let image = self.image_batch("image", image)?.narrow(0, 0, 1)?;
        let mut state = ForwardState::default();
        self.encoder_net().forward(&image, None, &mut state)?;
        for switches in &mut state.switches {
            // (1, ...) -> (n, ...)
            *switches = switches.broadcast_as([&[n], &switches.dims()[1..]].concat())?;
        }
        let images = self.decoder_net().forward(&codes, None, &mut state)?;
        self.on_cpu(images.detach())
    }

    /// Images in the decoder's output, on the CPU.
    pub(super) fn on_cpu(&self, output: Tensor) -> Result<Tensor> {
        let images = self.trained_loss().images_from(output)?;
        Ok(images.to_device(&Device::Cpu)?)
    }

    fn check_units(&self, units: &[usize]) -> Result<()> {
        if units.is_empty() {
            return Err(Error::setting(
                "units",
                "at least one index in the code",
                "none",
                "Write them as &[0, 1, 2]",
            ));
        }
        units.iter().try_for_each(|&unit| self.check_unit(unit))
    }
}

fn check_range(range: &RangeInclusive<f64>) -> Result<()> {
    let (low, high) = (range.start(), range.end());
    if low < high && low.is_finite() && high.is_finite() {
        return Ok(());
    }
    Err(Error::setting(
        "range",
        "finite ends, the first below the second",
        format!("{low}..={high}"),
        "Write it as -3.0..=3.0",
    ))
}

pub(super) fn check_steps(steps: usize) -> Result<()> {
    if (2..=1000).contains(&steps) {
        return Ok(());
    }
    Err(Error::setting(
        "steps",
        "2 to 1000",
        steps,
        "9 is a good start",
    ))
}
