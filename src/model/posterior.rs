//! The distributions that a variational encoder gives.

use crate::error::{Error, Result};
use crate::layer::{ForwardState, Layer};
use crate::model::autoencoder::Autoencoder;
use candle_core::{D, Tensor};

/// A normal distribution for each code unit of some images, of shape (n, units).
#[derive(Clone, Debug)]
pub(crate) struct Posterior {
    pub(crate) means: Tensor,
    pub(crate) log_variances: Tensor,
}

impl Autoencoder {
    /// Distributions of the codes of images that are on the model's device. `what` names the caller
    /// in errors.
    ///
    /// # Errors
    /// The encoder does not end in a Gaussian code.
    pub(crate) fn posterior(&self, what: &str, images: &Tensor) -> Result<Posterior> {
        let encoder = self.encoder_net();
        let last = encoder.nodes().len();
        if !matches!(self.encoder().last(), Some(Layer::Gaussian(_))) {
            let hint = "Build one with Linear(2 * units), Gaussian(1.0) at the end of the encoder";
            let expected = "an encoder that ends in a Gaussian code";
            let got = match self.encoder().last() {
                Some(layer) => format!("one that ends in {layer}"),
                None => "one without layers".into(),
            };
            return Err(Error::setting(what, expected, got, hint));
        }
        let mut state = ForwardState::default();
        let mut xs = images.clone();
        for node in 0..last - 1 {
            xs = encoder.forward_node(node, &xs, None, &mut state)?;
        }
        let units = xs.dim(D::Minus1)? / 2;
        Ok(Posterior {
            means: xs.narrow(D::Minus1, 0, units)?.detach(),
            log_variances: xs.narrow(D::Minus1, units, units)?.detach(),
        })
    }

    /// Rejects a model whose codes have no prior to draw from.
    pub(crate) fn check_prior(&self, what: &str) -> Result<()> {
        // Layers behind them must leave the codes as they are.
        let mut last = self.encoder().iter().rev();
        let decisive = last.find(|layer| {
            !matches!(
                layer,
                Layer::L1(_) | Layer::L2(_) | Layer::KlSparsity(..) | Layer::Dropout(_)
            )
        });
        if matches!(
            decisive,
            Some(Layer::Gaussian(_) | Layer::Mmd(_) | Layer::Adversarial(..))
        ) {
            return Ok(());
        }
        let hint = "End the encoder with Gaussian(1.0), or with Mmd(10.0)";
        let got = "a code of unknown distribution";
        Err(Error::setting(what, "a code close to N(0, 1)", got, hint))
    }
}
