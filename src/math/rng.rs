//! Seeded random numbers: every draw of the crate comes from here.
//!
//! Candle's CPU generator cannot be seeded, and its CUDA generator gives other numbers for the same seed. So numbers are
//! drawn on the host, from ChaCha8, whose sequence is the same on every machine and in every version. Each purpose has its
//! own stream: one more dropout layer does not change the initial weights.

use crate::math::real::widest;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::ops::AddAssign;

/// What the numbers are for. Streams of one seed are independent of each other.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Initial weights.
    Init = 1,
    /// Which pictures are held out for validation.
    Split = 2,
    /// The order of the pictures in each epoch.
    Shuffle = 3,
    /// Dropout masks.
    Dropout = 4,
    /// Noise added to the input of a denoising autoencoder.
    Noise = 5,
    /// Cuts and flips of photographs.
    Augment = 6,
}

/// What dropout multiplies those values by that it does not drop.
pub(crate) fn dropout_scale(p: f32) -> f32 {
    1.0 / (1.0 - p)
}

/// Of 32 random bits 24, as a number in [0, 1).
#[inline(always)]
fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// A generator of one seed and one stream.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The generator of `seed` for one purpose.
    pub fn new(seed: u64, stream: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        Rng(rng)
    }

    /// The generator of one picture in one epoch: its draws do not depend on which thread makes them, or when.
    pub(crate) fn of_picture(seed: u64, stream: Purpose, epoch: usize, picture: usize) -> Self {
        // Words apart, so that seeds which are near each other share nothing.
        let words = [seed, stream as u64, epoch as u64, picture as u64];
        let mut bytes = [0; 32];
        bytes
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .zip(words)
            .for_each(|(bytes, word)| *bytes = word.to_le_bytes());
        Rng(ChaCha8Rng::from_seed(bytes))
    }

    /// A number in [0, 1), of 24 random bits.
    pub fn unit(&mut self) -> f32 {
        unit(self.0.next_u32())
    }

    /// `n` numbers, uniform in [low, high).
    pub fn uniform(&mut self, n: usize, low: f32, high: f32) -> Vec<f32> {
        (0..n).map(|_| low + (high - low) * self.unit()).collect()
    }

    /// `n` numbers, normal with mean 0 and the given standard deviation (Box-Muller).
    pub fn normal(&mut self, n: usize, std: f32) -> Vec<f32> {
        let mut values = vec![0.0; n];
        self.add_normal(&mut values, std);
        values
    }

    /// The numbers 0 .. n in random order (Fisher-Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// A dropout mask: 0 with probability `p`, else 1 / (1 - p), so that the expected value stays.
    pub fn dropout_mask(&mut self, n: usize, p: f32) -> Vec<f32> {
        let mut mask = vec![0.0; n];
        self.fill_dropout_mask(&mut mask, p);
        mask
    }

    /// The same as [`Rng::dropout_mask`], into a place that is there.
    pub(crate) fn fill_dropout_mask<T: From<f32>>(&mut self, mask: &mut [T], p: f32) {
        /// Words drawn at a time: [`Rng::unit`] for one value after the other cannot be done in vectors.
        const WORDS: usize = 256;
        let kept = dropout_scale(p);
        let mut words = [[0; 4]; WORDS];
        for mask in mask.chunks_mut(WORDS) {
            let words = &mut words[..mask.len()];
            self.0.fill_bytes(words.as_flattened_mut());
            widest!(|| {
                let draws = words.iter().map(|word| unit(u32::from_le_bytes(*word)));
                for (value, draw) in mask.iter_mut().zip(draws) {
                    let factor = if draw < p { 0.0 } else { kept };
                    *value = factor.into();
                }
            });
        }
    }

    /// Adds what [`Rng::normal`] would give.
    pub(crate) fn add_normal<T: From<f32> + AddAssign>(&mut self, values: &mut [T], std: f32) {
        for value in values {
            let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
            *value += (std * radius * (std::f32::consts::TAU * self.unit()).cos()).into();
        }
    }

    /// The same generator after so many draws of [`Rng::unit`].
    pub(crate) fn skipped(&self, draws: u64) -> Rng {
        let mut rng = self.0.clone();
        rng.set_word_pos(rng.get_word_pos() + u128::from(draws));
        Rng(rng)
    }

    /// How many draws of [`Rng::unit`] were made, or as much as other draws take.
    pub(crate) fn position(&self) -> u64 {
        self.0.get_word_pos() as u64
    }

    /// A number in 0 .. n, without bias (Lemire).
    fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        let mut product = u128::from(self.0.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.0.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as usize
    }
}
