//! Evidence lower bound and log-likelihood of variational autoencoders.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::math::{Purpose, Rng};
use crate::model::{Autoencoder, DrawnCodes, Posterior};
use crate::show::{Content, Show, Table, evcxr_display};
use candle_core::{DType, Device, Tensor};

/// Images whose codes are drawn together.
const CHUNK_IMAGES: usize = 250;

/// Bounds of the log-likelihood of images, in nats per image, from [`Autoencoder::elbo`].
#[derive(Clone, Debug, PartialEq)]
pub struct Elbo {
    /// Evidence lower bound: the mean of log p(x|z) over samples, less the divergence (Kingma and
    /// Welling, "Auto-encoding variational Bayes", 2013).
    pub elbo: f64,
    /// Cross-entropy of image and reconstruction, -log p(x|z).
    pub reconstruction: f64,
    /// Divergence of the code's distribution from its prior: N(0, 1), or all classes as likely.
    pub divergence: f64,
    /// Importance-sampled bound of log p(x), in expectation at least as high as the evidence lower
    /// bound (Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders", 2016).
    pub log_likelihood: f64,
    /// Codes drawn for each image.
    pub samples: usize,
}

impl Autoencoder {
    /// Bounds of the log-likelihood of a split's images, with this number of codes drawn for each
    /// image. The random numbers have a fixed seed. The codes of [`Gumbel`](crate::layer::Gumbel())
    /// are drawn one-hot, so that these are bounds of the model with classes; those of the relaxed
    /// codes are the loss of training.
    ///
    /// # Errors
    /// The encoder does not end in a Gaussian or Gumbel code, the model was trained on another loss than a
    /// cross-entropy, the split is empty, its images do not have the model's shape, or `samples` is
    /// 0.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let encoder = [Flatten, Linear(64), Relu, Linear(16), Gaussian(1.0)];
    /// let mut vae = Autoencoder::symmetric(data.image_shape(), &encoder)?;
    /// let loss = Loss::BinaryCrossEntropy;
    /// vae.fit(&data, &Fit { epochs: 1, batch_size: 20, loss, ..Default::default() })?;
    /// let bounds = vae.elbo(&data.test, 10)?;
    /// assert!(bounds.elbo < bounds.log_likelihood && bounds.log_likelihood < 0.0);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn elbo(&self, split: &Split, samples: usize) -> Result<Elbo> {
        self.check_images("elbo", split)?;
        let loss = self.trained_loss();
        if loss == Loss::Mse {
            let hint = "Train with Fit { loss: Loss::BinaryCrossEntropy, .. }";
            return Err(Error::setting(
                "elbo",
                "a model trained on a cross-entropy",
                loss,
                hint,
            ));
        }
        if samples == 0 {
            let hint = "100 give a good estimate";
            return Err(Error::setting("elbo", "at least 1 sample", samples, hint));
        }
        self.check_loss("elbo", loss, split.value_range())?;
        let mut rng = Rng::new(0, Purpose::Noise);
        let mut sums = [0.0; 3];
        let positions: Vec<usize> = (0..split.len()).collect();
        for positions in positions.chunks(CHUNK_IMAGES) {
            let images = split.images(positions)?.to_device(self.device())?;
            let posterior = self.posterior("elbo", &images)?;
            let labels = split.labels_at(positions)?;
            let sampling = Sampling {
                samples,
                labels,
                rng: &mut rng,
            };
            let bounds = self.bounds(&images, &posterior, sampling)?;
            sums.iter_mut()
                .zip(bounds)
                .for_each(|(sum, bound)| *sum += bound);
        }
        let [reconstruction, divergence, log_likelihood] = sums.map(|sum| sum / split.len() as f64);
        Ok(Elbo {
            elbo: -reconstruction - divergence,
            reconstruction,
            divergence,
            log_likelihood,
            samples,
        })
    }

    /// Sums over some images of the cross-entropy, the divergence and the log-likelihood.
    fn bounds(
        &self,
        images: &Tensor,
        posterior: &Posterior,
        sampling: Sampling<'_>,
    ) -> Result<[f64; 3]> {
        let Sampling {
            samples,
            labels,
            rng,
        } = sampling;
        let n = images.dim(0)?;
        let targets = rows(images)?;
        let mut reconstruction = 0.0;
        // log p(x|z) p(z) / q(z|x) of each image and sample.
        let mut log_weights = vec![Vec::with_capacity(samples); n];
        for _ in 0..samples {
            check_stopped()?;
            let DrawnCodes { codes, log_ratios } = posterior.draw(rng)?;
            let ratios = numbers(&log_ratios)?;
            let outputs = rows(&self.decode_batch(&codes, labels.as_ref())?)?;
            let mut gradients = vec![0.0; targets[0].len()];
            for (i, (output, target)) in outputs.iter().zip(&targets).enumerate() {
                let loss = self.trained_loss();
                let cross_entropy = loss.sum_and_gradients(output, target, &mut gradients, 1.0);
                reconstruction += cross_entropy / samples as f64;
                log_weights[i].push(ratios[i] - cross_entropy);
            }
        }
        let divergence = numbers(&posterior.divergences()?)?.iter().sum();
        let log_likelihood = log_weights
            .iter()
            .map(|weights| log_mean_exp(weights))
            .sum();
        Ok([reconstruction, divergence, log_likelihood])
    }
}

/// Codes to draw for some images.
struct Sampling<'a> {
    /// Codes for each image.
    samples: usize,
    /// Labels of the images.
    labels: Option<Tensor>,
    rng: &'a mut Rng,
}

/// A number for each image.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    let tensor = tensor.to_device(&Device::Cpu)?;
    Ok(tensor.to_dtype(DType::F64)?.to_vec1()?)
}

/// Values of each image.
fn rows(images: &Tensor) -> Result<Vec<Vec<f32>>> {
    Ok(images.to_device(&Device::Cpu)?.flatten_from(1)?.to_vec2()?)
}

/// ln of the mean of exp(x), without overflow.
fn log_mean_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = values.iter().map(|value| (value - max).exp()).sum();
    max + (sum / values.len() as f64).ln()
}

impl Show for Elbo {
    fn contents(&self) -> Result<Vec<Content>> {
        let row = |table: Table, name: &str, value: f64| {
            table.row([name.to_owned(), format!("{value:.2}")])
        };
        let mut table = Table::new(["measure", "nats per image"]);
        for (name, value) in [
            ("evidence lower bound", self.elbo),
            ("cross-entropy", self.reconstruction),
            ("divergence", self.divergence),
        ] {
            table = row(table, name, value);
        }
        let name = format!("log-likelihood, {} samples", self.samples);
        row(table, &name, self.log_likelihood).contents()
    }
}
evcxr_display!(Elbo);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_probabilities_do_not_vanish() {
        // ln((exp(-1000) + exp(-1001)) / 2)
        assert!((log_mean_exp(&[-1000.0, -1001.0]) + 1_000.379_885_5).abs() < 1e-6);
        assert_eq!(log_mean_exp(&[-3.0]), -3.0);
    }
}
