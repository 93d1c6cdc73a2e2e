//! The distributions that a variational encoder gives, and the prior of a code.

use crate::error::{Error, Result};
use crate::layer::{Layer, one_hot_tensor};
use crate::math::Rng;
use crate::model::autoencoder::Autoencoder;
use candle_core::{D, Tensor};

/// Distributions of the codes of some images.
#[derive(Clone, Debug)]
pub(crate) enum Posterior {
    /// A normal distribution for each unit. Both tensors have the shape (n, units).
    Normal {
        means: Tensor,
        log_variances: Tensor,
    },
    /// A distribution over the classes of each group.
    Categorical {
        /// Of shape (n, groups, classes).
        log_probabilities: Tensor,
    },
}

/// Codes drawn from a [`Posterior`].
#[derive(Clone, Debug)]
pub(crate) struct DrawnCodes {
    /// Of shape (n, units).
    pub(crate) codes: Tensor,
    /// log p(z) - log q(z|x) of each code, of shape (n).
    pub(crate) log_ratios: Tensor,
}

impl Posterior {
    /// Draws a code for each image. Categorical codes are one-hot, not relaxed.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Result<DrawnCodes> {
        match self {
            Posterior::Normal {
                means,
                log_variances,
            } => {
                let noise = rng.normal(means.elem_count(), 1.0);
                let noise = Tensor::from_vec(noise, means.shape(), means.device())?;
                let codes = (means + (log_variances * 0.5)?.exp()?.mul(&noise)?)?;
                // The constants of both densities cancel.
                let ratios = ((noise.sqr()? + log_variances)? - codes.sqr()?)?.affine(0.5, 0.0)?;
                let log_ratios = ratios.sum(D::Minus1)?;
                Ok(DrawnCodes { codes, log_ratios })
            }
            Posterior::Categorical { log_probabilities } => {
                let (_, groups, classes) = log_probabilities.dims3()?;
                let noise = rng.gumbel(log_probabilities.elem_count());
                let noise =
                    Tensor::from_vec(noise, log_probabilities.shape(), log_probabilities.device())?;
                let codes = one_hot_tensor(&(log_probabilities + noise)?, classes)?;
                // (n, groups, classes) -> (n)
                let log_q = (&codes * log_probabilities)?.flatten_from(1)?.sum(1)?;
                let log_p = -(groups as f64) * (classes as f64).ln();
                Ok(DrawnCodes {
                    codes: codes.flatten_from(1)?,
                    log_ratios: (log_q.neg()? + log_p)?,
                })
            }
        }
    }

    /// Divergence from the prior of each unit or group of each image, in nats: (n, units or groups).
    pub(crate) fn unit_divergences(&self) -> Result<Tensor> {
        match self {
            Posterior::Normal {
                means,
                log_variances,
            } => {
                let squares = (means.sqr()? + log_variances.exp()?)?;
                Ok((((squares - log_variances)? - 1.0)? * 0.5)?)
            }
            Posterior::Categorical { log_probabilities } => {
                let classes = log_probabilities.dim(D::Minus1)? as f64;
                let negative_entropies = (log_probabilities.exp()? * log_probabilities)?;
                Ok((negative_entropies.sum(D::Minus1)? + classes.ln())?)
            }
        }
    }

    /// Divergence from the prior of each image's distribution, of shape (n).
    pub(crate) fn divergences(&self) -> Result<Tensor> {
        Ok(self.unit_divergences()?.sum(D::Minus1)?)
    }
}

/// Distribution that the codes of a model follow, at least roughly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Prior {
    /// N(0, 1) for each unit.
    Normal,
    /// One-hot values for each group, each class as often.
    OneHot { groups: usize, classes: usize },
}

impl Autoencoder {
    /// Distributions of the codes of images that are on the model's device. `what` names the caller
    /// in errors.
    ///
    /// # Errors
    /// The encoder does not end in a Gaussian or Gumbel code.
    pub(crate) fn posterior(&self, what: &str, images: &Tensor) -> Result<Posterior> {
        match self.encoder().last() {
            Some(Layer::Gumbel(gumbel)) => {
                // (n, groups * classes) -> (n, groups, classes)
                let shape = ((), gumbel.groups, gumbel.classes);
                let logits = self.before_code(images)?.reshape(shape)?;
                let log_probabilities = candle_nn::ops::log_softmax(&logits, D::Minus1)?;
                Ok(Posterior::Categorical { log_probabilities })
            }
            Some(Layer::Gaussian(gaussian)) => {
                let xs = self.before_code(images)?;
                let [means, log_variances] = gaussian.deviation.moments(&xs)?;
                Ok(Posterior::Normal {
                    means,
                    log_variances,
                })
            }
            other => {
                let hint =
                    "Build one with Linear(2 * units), Gaussian(1.0) at the end of the encoder";
                let expected = "an encoder that ends in a Gaussian or Gumbel code";
                let got = match other {
                    Some(layer) => format!("one that ends in {layer}"),
                    None => "one without layers".into(),
                };
                Err(Error::setting(what, expected, got, hint))
            }
        }
    }

    /// Input of the encoder's last layer.
    fn before_code(&self, images: &Tensor) -> Result<Tensor> {
        let encoder = self.encoder_net();
        let mut state = self.forward_state();
        let mut xs = images.clone();
        for node in 0..encoder.nodes().len().saturating_sub(1) {
            xs = encoder.forward_node(node, &xs, None, &mut state)?;
        }
        Ok(xs.detach())
    }

    /// True if training brings the codes close to N(0, 1).
    pub(crate) fn has_normal_prior(&self) -> bool {
        self.prior("prior")
            .is_ok_and(|prior| prior == Prior::Normal)
    }

    /// Prior of the codes.
    ///
    /// # Errors
    /// The codes have none to draw from.
    pub(crate) fn prior(&self, what: &str) -> Result<Prior> {
        // Layers behind them must leave the codes as they are.
        let mut last = self.encoder().iter().rev();
        let decisive = last.find(|layer| {
            !matches!(
                layer,
                Layer::L1(_) | Layer::L2(_) | Layer::KlSparsity(..) | Layer::Dropout(_)
            )
        });
        match decisive {
            Some(Layer::Gaussian(_) | Layer::Mmd(_) | Layer::Adversarial(..)) => Ok(Prior::Normal),
            Some(Layer::Gumbel(gumbel)) => Ok(Prior::OneHot {
                groups: gumbel.groups,
                classes: gumbel.classes,
            }),
            _ => {
                let hint = "End the encoder with Gaussian(1.0), Gumbel(30, 10) or Mmd(10.0)";
                let got = "a code of unknown distribution";
                let expected = "a code with a prior, such as N(0, 1)";
                Err(Error::setting(what, expected, got, hint))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Purpose;
    use candle_core::Device;

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn classes_are_drawn_as_often_as_their_probabilities() {
        let n = 20_000;
        let p = [[0.5f32, 0.25, 0.25], [0.1, 0.2, 0.7]];
        let one = Tensor::new(&p, &Device::Cpu).unwrap().log().unwrap();
        let log_probabilities = one.broadcast_as((n, 2, 3)).unwrap().contiguous().unwrap();
        let posterior = Posterior::Categorical { log_probabilities };
        let mut rng = Rng::new(0, Purpose::Noise);
        let DrawnCodes { codes, log_ratios } = posterior.draw(&mut rng).unwrap();
        let shares = values(&codes.mean(0).unwrap());
        for (share, p) in shares.iter().zip(p.as_flattened()) {
            assert!((share - p).abs() < 0.01, "{shares:?}");
        }
        // E p(z) / q(z) is 1, and E log q(z) / p(z) is the divergence.
        let ratio = values(&log_ratios.exp().unwrap().mean(0).unwrap());
        assert!((ratio[0] - 1.0).abs() < 0.02, "{ratio:?}");
        // import torch; c = torch.distributions.Categorical
        // p = torch.tensor([[.5, .25, .25], [.1, .2, .7]])
        // torch.distributions.kl_divergence(c(p), c(torch.ones(2, 3) / 3)).sum() -> 0.3556853
        let divergence = values(&posterior.divergences().unwrap())[0];
        assert!((divergence - 0.3556853).abs() < 1e-6, "{divergence}");
        let drawn = -values(&log_ratios.mean(0).unwrap())[0];
        assert!((drawn - divergence).abs() < 0.02, "{drawn}");
    }
}
