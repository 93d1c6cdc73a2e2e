//! Learning rate and weight decay, which every optimizer takes.

use crate::error::{Error, Result};

/// Learning rate and weight decay of an [`Optimizer`](super::Optimizer).
///
/// # Examples
/// ```
/// use candlebook::optim::Rates;
/// let rates = Rates { weight_decay: 0.01, ..Default::default() };
/// assert_eq!(rates.learning_rate, 0.001);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Step size. Defaults to 0.001.
    pub learning_rate: f64,
    /// Weight decay as in PyTorch's `AdamW` and `SGD`. Adam and Lion subtract the learning rate times
    /// the weight decay times each weight (decoupled decay). Others add the weight decay times each
    /// weight to its gradient (L2 penalty). Defaults to 0.
    pub weight_decay: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Rates {
            learning_rate: 1e-3,
            weight_decay: 0.0,
        }
    }
}

impl Rates {
    /// Factor of each weight, and L2 penalty coefficient: the weight decay is one or the other.
    pub(crate) fn decay_and_penalty(&self, decoupled: bool) -> (f64, f64) {
        match decoupled {
            true => (1.0 - self.learning_rate * self.weight_decay, 0.0),
            false => (1.0, self.weight_decay),
        }
    }

    /// Rejects rates outside their range. `owner` is the struct that has them, as written in code.
    pub(crate) fn check(&self, owner: &str) -> Result<()> {
        let Rates {
            learning_rate,
            weight_decay,
        } = *self;
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            let (name, hint) = (format!("{owner}::learning_rate"), "0.001 is a good start");
            return Err(Error::setting(
                name,
                "a positive number",
                learning_rate,
                hint,
            ));
        }
        if !(weight_decay >= 0.0 && weight_decay.is_finite()) {
            let (name, hint) = (format!("{owner}::weight_decay"), "0 turns it off");
            return Err(Error::setting(name, "zero or more", weight_decay, hint));
        }
        Ok(())
    }
}
