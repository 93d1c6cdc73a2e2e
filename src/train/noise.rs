//! Gaussian noise on the input of a denoising autoencoder.

use crate::error::Result;
use crate::math::{Purpose, Rng};
use candle_core::Tensor;
use std::ops::AddAssign;

/// Draws of the rng for one value (Box-Muller).
const DRAWS_PER_VALUE: u64 = 2;

/// Gaussian noise, sampled value by value in the order of a batch, so that its shards get the same
/// noise as the whole batch.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    std: f32,
    rng: Rng,
}

impl Noise {
    /// Noise of standard deviation `std` in pixel units. `position` is that of an interrupted run,
    /// else 0.
    pub(crate) fn new(std: f64, seed: u64, position: u64) -> Self {
        Noise {
            std: std as f32,
            rng: Rng::new(seed, Purpose::Noise).skipped(position),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.std > 0.0
    }

    /// Adds noise to values of a batch, of which the first is the batch's value `start`. Does not
    /// move the rng: call [`Noise::skip`] once per batch.
    pub(crate) fn add_to<T: From<f32> + AddAssign>(&self, values: &mut [T], start: usize) {
        let mut rng = self.rng.skipped(DRAWS_PER_VALUE * start as u64);
        rng.add_normal(values, self.std);
    }

    /// Moves on by a batch of `values` values.
    pub(crate) fn skip(&mut self, values: usize) {
        if self.is_on() {
            self.rng = self.rng.skipped(DRAWS_PER_VALUE * values as u64);
        }
    }

    /// Images with noise; the images themselves if the noise is off.
    pub(crate) fn noisy(&mut self, images: &Tensor) -> Result<Tensor> {
        if !self.is_on() {
            return Ok(images.clone());
        }
        let noise = self.rng.normal(images.elem_count(), self.std);
        Ok((images + Tensor::from_vec(noise, images.shape(), images.device())?)?)
    }

    /// Position of the rng, for a checkpoint.
    pub(crate) fn position(&self) -> u64 {
        self.rng.position()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn shards_and_tensors_get_the_same_noise() {
        let mut noise = Noise::new(0.5, 7, 0);
        let mut shards = [0f32; 6];
        let (left, right) = shards.split_at_mut(2);
        noise.add_to(right, 2);
        noise.add_to(left, 0);
        let zeros = Tensor::zeros(6, candle_core::DType::F32, &Device::Cpu).unwrap();
        let mut other = noise.clone();
        let whole = other.noisy(&zeros).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(shards.to_vec(), whole);
        assert!(whole.iter().all(|value| *value != 0.0));
        noise.skip(6);
        assert_eq!(noise.position(), other.position());
    }

    #[test]
    fn a_position_continues_the_stream() {
        let mut whole = [0f32; 4];
        Noise::new(1.0, 3, 0).add_to(&mut whole, 0);
        let mut rest = [0f32; 2];
        Noise::new(1.0, 3, 2 * DRAWS_PER_VALUE).add_to(&mut rest, 0);
        assert_eq!(whole[2..], rest);
    }
}
