//! Seeded random numbers. Every random number of the crate comes from here.
//!
//! Candle's CPU generator cannot be seeded, and its CUDA generator gives different numbers for the
//! same seed. ChaCha8 on the host gives the same sequence on every machine and in every version.
//! Each [`Purpose`] has a stream of its own, so that another dropout layer does not change the
//! initial weights.

use super::elementary;
use super::elementary::{cos_of_turns, ln};
use super::simd::widest;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::ops::AddAssign;

/// Independent random streams of one seed.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Initial weights.
    Init = 1,
    /// Choice of the validation examples.
    Split = 2,
    /// Order of the examples in each epoch.
    Shuffle = 3,
    /// Dropout masks and the numbers of other random layers.
    Dropout = 4,
    /// Your own random numbers, such as noisy images.
    Noise = 5,
    /// Crops and flips of photographs.
    Augment = 6,
    /// Noise that is added to gradients.
    Gradient = 7,
    /// Augmentations of training images.
    Transform = 8,
    /// Points of a random search.
    Search = 9,
}

/// Calls of [`Rng::unit`] for a normal number (Box-Muller).
pub(crate) const RNG_CALLS_PER_NORMAL: usize = 2;

/// Inverted-dropout scale, 1 / (1 - p).
pub(crate) fn dropout_scale(p: f32) -> f32 {
    1.0 / (1.0 - p)
}

/// The upper 24 of 32 random bits as a number in [0, 1).
#[inline(always)]
fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// A number of the standard Gumbel distribution, -ln(-ln u), from a number of [`Rng::unit`].
#[inline(always)]
fn gumbel(unit: f32) -> f32 {
    // Half the distance between two numbers of `unit`: 0 has no logarithm.
    let positive = unit.max(0.5 / (1 << 24) as f32);
    -elementary::ln(-elementary::ln(positive))
}

/// Seeded random number generator.
///
/// # Examples
/// ```
/// use candlebook::math::{Purpose, Rng};
/// let mut rng = Rng::new(0, Purpose::Noise);
/// let noise = rng.normal(3, 0.1);
/// assert_eq!(noise, Rng::new(0, Purpose::Noise).normal(3, 0.1));
/// assert_ne!(noise, rng.normal(3, 0.1)); // the next three
/// ```
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// Creates the generator of a seed for one purpose.
    ///
    /// # Examples
    /// ```
    /// use candlebook::math::{Purpose, Rng};
    /// let mut rng = Rng::new(7, Purpose::Init);
    /// let again = Rng::new(7, Purpose::Init).uniform(3, 0.0, 1.0);
    /// assert_eq!(rng.uniform(3, 0.0, 1.0), again);
    /// ```
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose as u64);
        Rng(rng)
    }

    /// Creates the generator of one image in one epoch. Its numbers do not depend on the thread
    /// that draws them or on the order of the images.
    pub(crate) fn for_image(seed: u64, purpose: Purpose, epoch: usize, image: usize) -> Self {
        Self::from_words([seed, purpose as u64, epoch as u64, image as u64])
    }

    /// Creates the generator of the initial values of variable `nth` of a list of layers. Its
    /// numbers do not depend on those of other variables.
    pub(crate) fn for_variable(seed: u64, list: &str, nth: usize) -> Self {
        let list = list.bytes();
        let list = list.fold(0u64, |word, byte| word.rotate_left(8) ^ u64::from(byte));
        Self::from_words([seed, Purpose::Init as u64, list, nth as u64])
    }

    fn from_words(words: [u64; 4]) -> Self {
        // ChaCha's key holds all four words, so that neighbouring seeds share nothing.
        let mut bytes = [0; 32];
        bytes
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .zip(words)
            .for_each(|(bytes, word)| *bytes = word.to_le_bytes());
        Rng(ChaCha8Rng::from_seed(bytes))
    }

    /// A number, uniform in [0, 1), of 24 random bits.
    ///
    /// ```
    /// use candlebook::math::{Purpose, Rng};
    /// let value = Rng::new(0, Purpose::Augment).unit();
    /// assert!((0.0..1.0).contains(&value));
    /// ```
    pub fn unit(&mut self) -> f32 {
        unit(self.0.next_u32())
    }

    /// `n` numbers, uniform in [low, high).
    ///
    /// ```
    /// use candlebook::math::{Purpose, Rng};
    /// let values = Rng::new(0, Purpose::Init).uniform(4, -1.0, 1.0);
    /// assert!(values.iter().all(|v| (-1.0..1.0).contains(v)));
    /// ```
    pub fn uniform(&mut self, n: usize, low: f32, high: f32) -> Vec<f32> {
        (0..n).map(|_| low + (high - low) * self.unit()).collect()
    }

    /// `n` numbers, normal with mean 0 and standard deviation `std` (Box-Muller).
    ///
    /// ```
    /// use candlebook::math::{Purpose, Rng};
    /// let noise = Rng::new(0, Purpose::Noise).normal(1000, 0.1);
    /// assert!(noise.iter().sum::<f32>().abs() / 1000.0 < 0.02);
    /// ```
    pub fn normal(&mut self, n: usize, std: f32) -> Vec<f32> {
        let mut values = vec![0.0; n];
        self.add_normal(&mut values, std);
        values
    }

    /// The numbers 0 to n - 1 in random order (Fisher-Yates).
    ///
    /// ```
    /// use candlebook::math::{Purpose, Rng};
    /// let mut order = Rng::new(0, Purpose::Shuffle).permutation(5);
    /// order.sort();
    /// assert_eq!(order, [0, 1, 2, 3, 4]);
    /// ```
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// An inverted-dropout mask: 0 with probability `p`, otherwise 1 / (1 - p), so that the
    /// expected value of masked activations does not change.
    ///
    /// ```
    /// use candlebook::math::{Purpose, Rng};
    /// let mask = Rng::new(0, Purpose::Dropout).dropout_mask(100, 0.5);
    /// assert!(mask.iter().all(|&v| v == 0.0 || v == 2.0));
    /// ```
    pub fn dropout_mask(&mut self, n: usize, p: f32) -> Vec<f32> {
        let mut mask = vec![0.0; n];
        self.fill_dropout_mask(&mut mask, p);
        mask
    }

    /// Fills a buffer with the values of [`Rng::dropout_mask`].
    pub(crate) fn fill_dropout_mask<T: From<f32>>(&mut self, mask: &mut [T], p: f32) {
        let kept = dropout_scale(p);
        self.fill(mask, |unit| if unit < p { 0.0 } else { kept });
    }

    /// Fills a buffer with a function of the numbers of [`Rng::unit`].
    #[inline(always)]
    pub(crate) fn fill<T: From<f32>>(&mut self, values: &mut [T], f: impl Fn(f32) -> f32) {
        /// Random words per batch. One call of [`Rng::unit`] per value would not vectorize.
        const WORDS: usize = 256;
        let mut words = [[0; 4]; WORDS];
        for values in values.chunks_mut(WORDS) {
            let words = &mut words[..values.len()];
            self.0.fill_bytes(words.as_flattened_mut());
            widest!(|| {
                let units = words.iter().map(|word| unit(u32::from_le_bytes(*word)));
                for (value, unit) in values.iter_mut().zip(units) {
                    *value = f(unit).into();
                }
            });
        }
    }

    /// Adds the values of [`Rng::normal`] to a buffer.
    pub(crate) fn add_normal<T: From<f32> + AddAssign>(&mut self, values: &mut [T], std: f32) {
        /// Numbers per batch, two random words each.
        const NUMBERS: usize = 128;
        let mut words = [[[0; 4]; RNG_CALLS_PER_NORMAL]; NUMBERS];
        for values in values.chunks_mut(NUMBERS) {
            let words = &mut words[..values.len()];
            self.0
                .fill_bytes(words.as_flattened_mut().as_flattened_mut());
            widest!(|| {
                for (value, words) in values.iter_mut().zip(words) {
                    let [radius, turns] = words.map(|word| unit(u32::from_le_bytes(word)));
                    let radius = (-2.0 * ln(1.0 - radius)).sqrt();
                    *value += (std * radius * cos_of_turns(turns)).into();
                }
            });
        }
    }

    /// `n` numbers of the standard Gumbel distribution. The largest of x + g over some logits x and
    /// such numbers g belongs to a class drawn from softmax(x).
    pub(crate) fn gumbel(&mut self, n: usize) -> Vec<f32> {
        let mut values = vec![0.0; n];
        self.fill_gumbel(&mut values);
        values
    }

    /// Fills a buffer with the values of [`Rng::gumbel`].
    pub(crate) fn fill_gumbel<T: From<f32>>(&mut self, values: &mut [T]) {
        self.fill(values, gumbel);
    }

    /// The generator after `n` further calls of [`Rng::unit`], without making them.
    pub(crate) fn skipped(&self, n: u64) -> Rng {
        let mut rng = self.0.clone();
        rng.set_word_pos(rng.get_word_pos() + u128::from(n));
        Rng(rng)
    }

    /// Position in the stream, in calls of [`Rng::unit`]. Checkpoints keep it.
    pub(crate) fn position(&self) -> u64 {
        self.0.get_word_pos() as u64
    }

    /// An unbiased number in 0 .. n (Lemire, "Fast random integer generation in an interval",
    /// 2019).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gumbel_numbers_have_the_moments_of_their_distribution() {
        // The mean is Euler's constant, the variance pi² / 6.
        let values = Rng::new(0, Purpose::Noise).gumbel(200_000);
        let mean = values.iter().sum::<f32>() / 2e5;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 2e5;
        assert!((mean - 0.577_215_7).abs() < 0.01, "{mean}");
        assert!((variance - 1.644_934).abs() < 0.03, "{variance}");
    }

    #[test]
    fn the_smallest_and_largest_numbers_give_finite_gumbel_numbers() {
        // import math; g = lambda u: -math.log(-math.log(u)); g(2**-25), g(1 - 2**-24)
        for (unit, expected) in [(0.0, -2.852_362_9), (1.0 - f32::EPSILON / 2.0, 16.635_532)] {
            assert!((gumbel(unit) - expected).abs() < 1e-4, "{}", gumbel(unit));
        }
    }
}
