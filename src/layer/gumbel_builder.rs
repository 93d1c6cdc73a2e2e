//! Settings of categorical codes, as written in lists: `Gumbel(30, 10).temperature(2.0)`.

use crate::layer::gumbel::{Annealing, GumbelSettings};
use crate::layer::layer::Layer;

/// The code of a categorical variational autoencoder: a class of `classes` for each of `groups`.
///
/// The layer before it gives the logits of each class. Training draws one-hot samples, relaxed by a
/// temperature so that gradients pass through them, and adds their divergence from the uniform
/// distribution to the loss: in nats, as the sum of the reconstruction loss over an image is, so that
/// a cross-entropy with it is the evidence lower bound of relaxed codes. The part of the loss is called
/// KL. Evaluation draws nothing: each group gives 1 for its largest logit and 0 for the others, and
/// so do `encode` and `reconstruct`. The other settings are methods of [`Layer`]: `beta`,
/// `temperature`, `anneal`, `straight_through`.
///
/// Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2016; Maddison, Mnih and
/// Teh, "The concrete distribution", 2016.
///
/// # Shapes
/// (b, groups * classes) -> (b, groups * classes)
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let code = Gumbel(30, 10).anneal(3e-5, 0.5);
/// let encoder = [Flatten, Linear(512), Relu, Linear(256), Relu, Linear(300), code];
/// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
/// let codes = vae.encode(&mnist_embedded()?.test.first(2)?)?;
/// assert_eq!(codes.sum_all()?.to_scalar::<f32>()?, 60.0); // a class for each group
/// # Ok::<(), candlebook::Error>(())
/// ```
/// PyTorch: `nn.functional.gumbel_softmax(logits.view(-1, groups, classes), temperature)`.
#[allow(non_snake_case)] // Reads like the variants of Layer.
pub const fn Gumbel(groups: usize, classes: usize) -> Layer {
    Layer::Gumbel(GumbelSettings::new(groups, classes))
}

/// Settings of [`Gumbel`]. On other kinds of layers they are errors, which building a model reports.
impl Layer {
    /// Sets the factor of the divergence of a [`Gumbel`] layer. Defaults to 1.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Gumbel(30, 10).beta(0.5).to_string(), "Gumbel(30, 10).beta(0.5)");
    /// ```
    pub const fn beta(self, beta: f64) -> Layer {
        let layer = match &self {
            Layer::Gumbel(gumbel) => Layer::Gumbel(GumbelSettings { beta, ..*gumbel }),
            other => other.unsupported("beta", [Some(beta), None]),
        };
        // A const fn cannot run destructors; a layer with this setting has nothing to free.
        std::mem::forget(self);
        layer
    }

    /// Sets the temperature of the samples of a [`Gumbel`] layer, or of the first step if it is annealed,
    /// in 0.001 to 1000. Colder samples are closer to one-hot, and their gradients vary more. Defaults
    /// to 1.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Gumbel(30, 10).temperature(2.0).to_string(), "Gumbel(30, 10).temperature(2.0)");
    /// ```
    pub const fn temperature(self, temperature: f64) -> Layer {
        let layer = match &self {
            Layer::Gumbel(gumbel) => Layer::Gumbel(GumbelSettings {
                temperature,
                ..*gumbel
            }),
            other => other.unsupported("temperature", [Some(temperature), None]),
        };
        // A const fn cannot run destructors; a layer with this setting has nothing to free.
        std::mem::forget(self);
        layer
    }

    /// Lets the temperature of a [`Gumbel`] layer fall: to the first one times exp(-rate * step) after a
    /// number of steps, but at least to `min`. Defaults to a constant temperature.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Gumbel(30, 10).anneal(3e-5, 0.5).to_string(), "Gumbel(30, 10).anneal(3e-5, 0.5)");
    /// ```
    pub const fn anneal(self, rate: f64, min: f64) -> Layer {
        let layer = match &self {
            Layer::Gumbel(gumbel) => Layer::Gumbel(GumbelSettings {
                annealing: Some(Annealing { rate, min }),
                ..*gumbel
            }),
            other => other.unsupported("anneal", [Some(rate), Some(min)]),
        };
        // A const fn cannot run destructors; a layer with this setting has nothing to free.
        std::mem::forget(self);
        layer
    }

    /// Lets a [`Gumbel`] layer pass one-hot samples on in training, with the gradients of the relaxed ones
    /// (Bengio and others, 2013). Defaults to relaxed samples.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(Gumbel(30, 10).straight_through().to_string(), "Gumbel(30, 10).straight_through()");
    /// ```
    pub const fn straight_through(self) -> Layer {
        let layer = match &self {
            Layer::Gumbel(gumbel) => Layer::Gumbel(GumbelSettings {
                straight_through: true,
                ..*gumbel
            }),
            other => other.unsupported("straight_through", [None, None]),
        };
        // A const fn cannot run destructors; a layer with this setting has nothing to free.
        std::mem::forget(self);
        layer
    }
}
