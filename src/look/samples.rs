//! Images that a model generates: decoded samples of the code's prior.

use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::math::{Purpose, Real, Rng};
use crate::model::{Autoencoder, Prior};
use crate::show::Montage;
use candle_core::Tensor;

/// Images in a montage of samples, at most.
const MAX_IMAGES: usize = 10_000;

/// Share of the prior on each side that a manifold leaves out.
const MARGIN: f64 = 0.025;

impl Autoencoder {
    /// Images of `n` codes drawn from the prior: from N(0, 1) for encoders with a Gaussian code or an MMD
    /// penalty, and one-hot with all classes as likely for those with a Gumbel code. A seed gives the
    /// same codes on every machine.
    ///
    /// # Errors
    /// The encoder has no such layer, or `n` is not in 1 to 10,000.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Flatten, Linear(64), Relu, Linear(16), Gaussian(1.0)];
    /// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// assert_eq!(vae.samples(20, 0)?.tensor().dims(), [20, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn samples(&self, n: usize, seed: u64) -> Result<Montage> {
        let prior = self.prior("samples")?;
        check_count("samples", n)?;
        let (codes, title) = match prior {
            Prior::Normal => (self.prior_codes(n, seed), "codes drawn from N(0, 1)"),
            Prior::OneHot { groups, classes } => {
                let mut rng = Rng::new(seed, Purpose::Noise);
                let codes = one_hot_codes(n * groups, classes, &mut rng);
                (codes, "classes drawn uniformly")
            }
        };
        Ok(Montage::new(&self.generate(codes)?)?.title(title))
    }

    /// Images of each class that [`Condition`](crate::layer::Layer::Condition) knows, one class in a
    /// row, from `n` codes drawn from N(0, 1), one for each column.
    ///
    /// # Errors
    /// The decoder has no `Condition`, the encoder no Gaussian code or MMD penalty, or there would be
    /// more than 10,000 images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Flatten, Linear(64), Relu, Linear(16), Gaussian(1.0), Condition(10)];
    /// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// assert_eq!(vae.class_samples(8, 0)?.tensor().dims(), [80, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn class_samples(&self, n: usize, seed: u64) -> Result<Montage> {
        check_normal("class_samples", self.prior("class_samples")?)?;
        let Some(Layer::Condition(classes)) = self.decoder().first() else {
            let hint = "End the list of Autoencoder::symmetric with Condition(10)";
            let expected = "a decoder that begins with Condition";
            return Err(Error::setting("class_samples", expected, "another", hint));
        };
        check_count("class_samples", n.saturating_mul(*classes))?;
        let codes = self.prior_codes(n, seed);
        let labels: Vec<u32> = (0..*classes as u32)
            .flat_map(|class| vec![class; n])
            .collect();
        let shape = [&[n], self.code_shape()].concat();
        let codes = Tensor::from_vec(codes, shape, self.device())?;
        let codes = Tensor::cat(&vec![&codes; *classes], 0)?;
        let output = self.decode_labeled(&codes, &labels)?;
        Ok(Montage::new(&self.on_cpu(output)?)?
            .columns(n)
            .title("a class in each row, codes drawn from N(0, 1)"))
    }

    /// Concatenated codes, drawn from N(0, 1).
    pub(super) fn prior_codes(&self, n: usize, seed: u64) -> Vec<f32> {
        Rng::new(seed, Purpose::Noise).normal(n * self.code_size(), 1.0)
    }

    /// Images of a grid of codes of two units, which covers the middle 95 % of the prior of each unit
    /// in steps of equal probability (Kingma and Welling, "Auto-encoding variational Bayes", 2013,
    /// figure 4). The first unit grows to the right, the second one upwards.
    ///
    /// # Errors
    /// The code has another size than 2; the encoder has no Gaussian code or MMD penalty; `side` is
    /// not in 2 to 100.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Flatten, Linear(64), Relu, Linear(4), Gaussian(1.0)];
    /// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// assert_eq!(vae.manifold(12)?.tensor().dims(), [144, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn manifold(&self, side: usize) -> Result<Montage> {
        check_normal("manifold", self.prior("manifold")?)?;
        if self.code_size() != 2 {
            let hint = "Draw codes of any size with samples(20, 0)";
            let got = self.code_size();
            return Err(Error::setting("manifold", "a code of 2 units", got, hint));
        }
        if !(2..=100).contains(&side) {
            let hint = "20 is common";
            return Err(Error::setting(
                "manifold",
                "2 to 100 images a side",
                side,
                hint,
            ));
        }
        let at = |i: usize| {
            let share = i as f64 / (side - 1) as f64;
            quantile(MARGIN + (1.0 - 2.0 * MARGIN) * share) as f32
        };
        let rows = (0..side).rev();
        let codes = rows.flat_map(|y| (0..side).flat_map(move |x| [at(x), at(y)]));
        let images = self.generate(codes.collect())?;
        Ok(Montage::new(&images)?
            .columns(side)
            .title("the prior, in steps of equal probability"))
    }

    /// Images of concatenated codes, on the CPU.
    pub(super) fn generate(&self, codes: Vec<f32>) -> Result<Tensor> {
        let n = codes.len() / self.code_size();
        // (n * code size) -> (n, code)
        let codes = Tensor::from_vec(codes, [&[n], self.code_shape()].concat(), self.device())?;
        self.on_cpu(self.decode(&codes)?)
    }
}

/// Rejects a prior of classes.
fn check_normal(what: &str, prior: Prior) -> Result<()> {
    if prior == Prior::Normal {
        return Ok(());
    }
    let hint = "Draw codes of classes with samples(20, 0)";
    let expected = "a code close to N(0, 1)";
    Err(Error::setting(what, expected, "one of classes", hint))
}

/// Concatenated one-hot values of some groups, each class as likely.
fn one_hot_codes(groups: usize, classes: usize, rng: &mut Rng) -> Vec<f32> {
    let mut codes = vec![0.0; groups * classes];
    for group in codes.chunks_exact_mut(classes) {
        let class = (rng.unit() * classes as f32) as usize;
        group[class.min(classes - 1)] = 1.0;
    }
    codes
}

/// Rejects a montage of no images, or of too many.
pub(super) fn check_count(what: &str, n: usize) -> Result<()> {
    if (1..=MAX_IMAGES).contains(&n) {
        return Ok(());
    }
    let expected = format!("1 to {MAX_IMAGES} images");
    Err(Error::setting(what, expected, n, "20 is a good start"))
}

/// The number that N(0, 1) stays below with this probability, by bisection.
fn quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if Real::normal_cdf(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_is_drawn_as_often() {
        let codes = one_hot_codes(9000, 3, &mut Rng::new(0, Purpose::Noise));
        assert!(
            codes
                .chunks(3)
                .all(|group| group.iter().sum::<f32>() == 1.0)
        );
        for class in 0..3 {
            let count: f32 = codes.iter().skip(class).step_by(3).sum();
            assert!((count - 3000.0).abs() < 200.0, "{class}: {count}");
        }
    }

    #[test]
    fn quantiles_match_scipy() {
        // from scipy.stats import norm; norm.ppf([.025, .5, .8])
        for (p, expected) in [(0.025, -1.959_963_98), (0.5, 0.0), (0.8, 0.841_621_23)] {
            assert!(
                (quantile(p) - expected).abs() < 1e-5,
                "{p}: {}",
                quantile(p)
            );
        }
    }
}
