//! Settings of the code of a variational autoencoder, as written in lists: `Gaussian(4.0).warm_up(1000)`.

use crate::layer::deviation::Deviation;
use crate::layer::gaussian_settings::GaussianSettings;
use crate::layer::layer::Layer;

/// The code of a variational autoencoder: a normal distribution for each unit.
///
/// The layer before it gives the means, then the log variances. Training draws a sample of each
/// distribution, and adds beta times its divergence from N(0, 1) to the loss: in nats, as the sum of
/// the reconstruction loss over an image is, so that beta 1 with a cross-entropy is the evidence
/// lower bound. The part of the loss is called KL. Evaluation gives the means. The other settings
/// are methods of [`Layer`]: `free_bits`, `warm_up`, `total_correlation`, `softplus_deviation`,
/// `sampled_divergence`.
///
/// Kingma and Welling, "Auto-encoding variational Bayes", 2013; Higgins and others, "beta-VAE", 2017.
///
/// # Shapes
/// (b, 2n) -> (b, n)
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let encoder = [Flatten, Linear(400), Relu, Linear(40), Gaussian(1.0)];
/// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
/// assert_eq!(vae.code_shape(), [20]);
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `mean + (log_variance / 2).exp() * torch.randn_like(mean)`.
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn Gaussian(beta: f64) -> Layer {
    Layer::Gaussian(GaussianSettings::new(beta))
}

/// Settings of [`Gaussian`]. On other kinds of layers they are errors, which building a model reports.
impl Layer {
    /// Sets the divergence of a [`Gaussian`] unit, in nats, below which it costs the same, so that
    /// units keep some information. Defaults to 0.
    ///
    /// Kingma and others, "Improved variational inference with inverse autoregressive flow", 2016.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Gaussian(1.0).free_bits(0.1).to_string(), "Gaussian(1.0).free_bits(0.1)");
    /// ```
    pub const fn free_bits(self, nats: f64) -> Layer {
        let layer = match &self {
            Layer::Gaussian(gaussian) => Layer::Gaussian(GaussianSettings {
                free_bits: nats,
                ..*gaussian
            }),
            other => other.unsupported("free_bits", [Some(nats), None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Sets the steps in which the factor of a [`Gaussian`] layer's divergence grows from 0 to beta.
    /// Defaults to 0.
    ///
    /// Bowman and others, "Generating sentences from a continuous space", 2015.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Gaussian(4.0).warm_up(1000).to_string(), "Gaussian(4.0).warm_up(1000)");
    /// ```
    pub const fn warm_up(self, steps: usize) -> Layer {
        let layer = match &self {
            Layer::Gaussian(gaussian) => Layer::Gaussian(GaussianSettings {
                warm_up: steps,
                ..*gaussian
            }),
            other => other.unsupported("warm_up", [Some(steps as f64), None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Adds this factor times the total correlation of the code to the loss of a [`Gaussian`] layer:
    /// the divergence of the codes' distribution from that of independent units, in nats. It is
    /// estimated from the samples of a batch, as if the batch were the whole data. The part of the
    /// loss is then called KL + TC. Defaults to 0.
    ///
    /// `Gaussian(1.0).total_correlation(beta - 1.0)` is a beta-TCVAE: Chen and others, "Isolating
    /// sources of disentanglement in variational autoencoders", 2018.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let layer = Gaussian(1.0).total_correlation(5.0);
    /// assert_eq!(layer.to_string(), "Gaussian(1.0).total_correlation(5.0)");
    /// ```
    pub const fn total_correlation(self, factor: f64) -> Layer {
        let layer = match &self {
            Layer::Gaussian(gaussian) => Layer::Gaussian(GaussianSettings {
                total_correlation: factor,
                ..*gaussian
            }),
            other => other.unsupported("total_correlation", [Some(factor), None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Gives a [`Gaussian`] layer the softplus of the second half of its input as deviations, in place of
    /// log variances. Large deviations then grow more slowly. PyTorch:
    /// `Normal(mean, F.softplus(s))`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let layer = Gaussian(1.0).softplus_deviation();
    /// assert_eq!(layer.to_string(), "Gaussian(1.0).softplus_deviation()");
    /// ```
    pub const fn softplus_deviation(self) -> Layer {
        let layer = match &self {
            Layer::Gaussian(gaussian) => Layer::Gaussian(GaussianSettings {
                deviation: Deviation::Softplus,
                ..*gaussian
            }),
            other => other.unsupported("softplus_deviation", [None, None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Estimates the KL term of a [`Gaussian`] layer from the sample, ln q(z) - ln N(z; 0, 1), instead of in
    /// closed form. The gradient is unbiased and has a higher variance. Evaluation uses the closed
    /// form. Free bits are not possible. PyTorch: `Normal(m, d).log_prob(z) - Normal(0, 1).log_prob(z)`.
    ///
    /// Roeder and others, "Sticking the landing", 2017, section 2, compare the two.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let layer = Gaussian(1.0).sampled_divergence();
    /// assert_eq!(layer.to_string(), "Gaussian(1.0).sampled_divergence()");
    /// ```
    pub const fn sampled_divergence(self) -> Layer {
        let layer = match &self {
            Layer::Gaussian(gaussian) => Layer::Gaussian(GaussianSettings {
                sampled_divergence: true,
                ..*gaussian
            }),
            other => other.unsupported("sampled_divergence", [None, None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_as_in_code() {
        let layer = Gaussian(2.0)
            .free_bits(0.1)
            .warm_up(7)
            .total_correlation(3.0);
        let written = "Gaussian(2.0).free_bits(0.1).warm_up(7).total_correlation(3.0)";
        assert_eq!(layer.to_string(), written);
        let layer = Gaussian(1.0).softplus_deviation().sampled_divergence();
        let written = "Gaussian(1.0).softplus_deviation().sampled_divergence()";
        assert_eq!(layer.to_string(), written);
    }
}
