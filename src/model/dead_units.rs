//! Dead units: hidden units that output the same value for every image.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::model::autoencoder::Autoencoder;
use crate::model::micro_batch::micro_batch;
use crate::model::unit_ranges::{DeadUnits, UnitRanges, measured_positions};
use candle_core::Tensor;
use std::collections::BTreeSet;

impl Autoencoder {
    /// Finds the hidden units that output the same value for every image of a split. Units are the
    /// inputs of the decoder's last linear layer, numbered as in
    /// [`features`](Autoencoder::features).
    ///
    /// A unit before a `Relu` dies if its sum is negative for every image. It outputs 0 then and gets
    /// no gradient, and its feature remains the noise that it began with. With a smaller learning
    /// rate or `LeakyRelu`, fewer units die.
    ///
    /// # Errors
    /// The decoder's last linear layer does not output the image, or the images do not have the
    /// model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!(ae.dead_units(&data.test)?.is_empty());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn dead_units(&self, split: &Split) -> Result<Vec<usize>> {
        let positions: Vec<usize> = (0..split.len()).collect();
        self.constant_units(split, &positions, check_stopped)
    }

    /// Measures the units after training, on images from all parts of the split, for
    /// [`Autoencoder::known_dead_units`]. After Stop too. A model without features has no such units.
    pub(crate) fn measure_dead_units(&mut self, split: &Split) {
        let (c, h, w) = self.image_shape();
        let positions = measured_positions(split.len(), c * h * w);
        let units = self.constant_units(split, &positions, || Ok(()));
        let sum = self.feature_matrix().and_then(|features| sum(&features));
        let dead = units.and_then(|units| Ok(DeadUnits { units, sum: sum? }));
        self.set_measured(dead.ok());
    }

    /// The number of units that were dead at the end of training or whose feature is zero. None for
    /// weights that were not measured.
    pub(crate) fn known_dead_units(&self) -> Result<Option<usize>> {
        let features = self.feature_matrix()?;
        // (values of an image, units) -> (units)
        let largest: Vec<f32> = features.abs()?.max(0)?.to_vec1()?;
        let zero = (0..largest.len()).filter(|&unit| largest[unit] == 0.0);
        let mut dead: BTreeSet<usize> = zero.collect();
        let now = sum(&features)?;
        let measured = self.measured().filter(|measured| measured.sum == now);
        dead.extend(measured.iter().flat_map(|measured| &measured.units));
        Ok((measured.is_some() || !dead.is_empty()).then_some(dead.len()))
    }

    /// Weight of the decoder's last linear layer: (c*h*w, units).
    ///
    /// # Errors
    /// The layer does not output the image.
    pub(crate) fn feature_matrix(&self) -> Result<Tensor> {
        let layer = self.feature_layer()?;
        let vars = self.decoder_net().vars(layer);
        if let Some(tied) = vars.tied {
            return Ok(tied.as_tensor().detach().t()?.contiguous()?);
        }
        let weight = self.decoder_net().weight_and_bias(layer);
        weight
            .map(|(weight, _)| weight.as_tensor().detach())
            .ok_or_else(|| self.no_features())
    }

    /// Position of the decoder's last linear layer, which outputs the image.
    fn feature_layer(&self) -> Result<usize> {
        let (c, h, w) = self.image_shape();
        let decoder = self.decoder_net();
        let last = decoder
            .nodes()
            .iter()
            .rposition(|node| node.layer.kind_name() == "Linear");
        last.filter(|i| decoder.shapes()[i + 1] == [c * h * w])
            .ok_or_else(|| self.no_features())
    }

    fn no_features(&self) -> Error {
        let (c, h, w) = self.image_shape();
        let values = c * h * w;
        Error::Layer {
            place: "features of the decoder".into(),
            expected: format!("a last linear layer of {values} outputs, one per value of an image"),
            got: "none".into(),
            hint: "basis_responses() works for every decoder".into(),
        }
    }

    /// Units with the same value for each of some images; none for fewer than two images.
    fn constant_units(
        &self,
        split: &Split,
        positions: &[usize],
        check: fn() -> Result<()>,
    ) -> Result<Vec<usize>> {
        let layer = self.feature_layer()?;
        let (c, h, w) = self.image_shape();
        let mut ranges: Option<UnitRanges> = None;
        for positions in positions.chunks(micro_batch(c * h * w)) {
            check()?;
            let images = self.image_batch("dead_units", &split.images(positions)?)?;
            let units = self.units(layer, &images)?;
            ranges = Some(UnitRanges::widened(ranges, &units)?);
        }
        match ranges {
            Some(ranges) if positions.len() > 1 => ranges.constant(),
            _ => Ok(Vec::new()),
        }
    }

    /// Inputs of a decoder's layer in evaluation mode: (images, units).
    fn units(&self, layer: usize, images: &Tensor) -> Result<Tensor> {
        let mut state = self.forward_state();
        let mut xs = self.encoder_net().forward(images, None, &mut state)?;
        for i in 0..layer {
            xs = self.decoder_net().forward_node(i, &xs, None, &mut state)?;
        }
        Ok(xs.detach())
    }
}

fn sum(features: &Tensor) -> Result<f32> {
    Ok(features.sum_all()?.to_scalar::<f32>()?)
}
