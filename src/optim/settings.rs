//! The choice of an optimizer.

use super::adadelta::Adadelta;
use super::adam::Adam;
use super::rms_prop::RmsProp;
use super::sgd::Sgd;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Optimizer with its settings. Learning rate and weight decay are set beside it, in
/// [`Fit`](crate::train::Fit) or [`Rates`](super::Rates).
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// let fit = Fit { optimizer: Optim::sgd(0.9), learning_rate: 0.1, ..Default::default() };
/// assert_eq!(Fit::default().optimizer, Optim::adam());
/// # assert_eq!(fit.optimizer.to_string(), "Sgd(momentum = 0.9)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub enum Optim {
    /// Adam with decoupled weight decay. PyTorch: `torch.optim.AdamW`.
    Adam(Adam),
    /// Adadelta. PyTorch: `torch.optim.Adadelta`.
    Adadelta(Adadelta),
    /// RMSprop. PyTorch: `torch.optim.RMSprop`.
    RmsProp(RmsProp),
    /// Stochastic gradient descent. PyTorch: `torch.optim.SGD`.
    Sgd(Sgd),
}

impl Optim {
    /// Adam with PyTorch's default settings.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let fit = Fit { optimizer: Optim::adam(), ..Default::default() };
    /// assert_eq!(fit.optimizer, Optim::default());
    /// ```
    pub fn adam() -> Self {
        Optim::Adam(Adam::default())
    }

    /// SGD with this momentum, in [0, 1).
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let fit = Fit { optimizer: Optim::sgd(0.9), learning_rate: 0.1, ..Default::default() };
    /// assert_ne!(fit.optimizer, Optim::default());
    /// ```
    pub fn sgd(momentum: f64) -> Self {
        Optim::Sgd(Sgd { momentum })
    }

    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Optim::Adam(adam) => adam.check(),
            Optim::Adadelta(adadelta) => adadelta.check(),
            Optim::RmsProp(rms_prop) => rms_prop.check(),
            Optim::Sgd(sgd) => sgd.check(),
        }
    }

    /// True for each of the two moments that the optimizer keeps.
    pub(crate) fn kept_moments(&self) -> [bool; 2] {
        match self {
            Optim::Adam(_) | Optim::Adadelta(_) => [true, true],
            Optim::RmsProp(RmsProp { centered, .. }) => [*centered, true],
            Optim::Sgd(Sgd { momentum }) => [*momentum != 0.0, false],
        }
    }
}

impl Default for Optim {
    fn default() -> Self {
        Optim::adam()
    }
}

impl fmt::Display for Optim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Optim::Adam(Adam { beta1, beta2, eps }) => {
                write!(f, "Adam(beta1 = {beta1}, beta2 = {beta2}, eps = {eps:e})")
            }
            Optim::Adadelta(Adadelta { rho, eps }) => {
                write!(f, "Adadelta(rho = {rho}, eps = {eps:e})")
            }
            Optim::RmsProp(RmsProp {
                alpha,
                eps,
                centered,
            }) => {
                let (eps, end) = (format!("{eps:e}"), format!("centered = {centered})"));
                write!(f, "RmsProp(alpha = {alpha}, eps = {eps}, {end}")
            }
            Optim::Sgd(Sgd { momentum }) => write!(f, "Sgd(momentum = {momentum})"),
        }
    }
}

/// [`Optim`] as checkpoints store it. Adam with default settings is the string "Adam", as in
/// checkpoints written before Adam had settings.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Saved {
    Default(DefaultName),
    Settings(Settings),
}

#[derive(Serialize, Deserialize)]
enum DefaultName {
    Adam,
}

#[derive(Serialize, Deserialize)]
enum Settings {
    Adam(Adam),
    Adadelta(Adadelta),
    RmsProp(RmsProp),
    Sgd(Sgd),
}

impl From<Saved> for Optim {
    fn from(saved: Saved) -> Self {
        match saved {
            Saved::Default(DefaultName::Adam) => Optim::adam(),
            Saved::Settings(Settings::Adam(adam)) => Optim::Adam(adam),
            Saved::Settings(Settings::Adadelta(adadelta)) => Optim::Adadelta(adadelta),
            Saved::Settings(Settings::RmsProp(rms_prop)) => Optim::RmsProp(rms_prop),
            Saved::Settings(Settings::Sgd(sgd)) => Optim::Sgd(sgd),
        }
    }
}

impl From<Optim> for Saved {
    fn from(optim: Optim) -> Self {
        match optim {
            Optim::Adam(adam) if adam == Adam::default() => Saved::Default(DefaultName::Adam),
            Optim::Adam(adam) => Saved::Settings(Settings::Adam(adam)),
            Optim::Adadelta(adadelta) => Saved::Settings(Settings::Adadelta(adadelta)),
            Optim::RmsProp(rms_prop) => Saved::Settings(Settings::RmsProp(rms_prop)),
            Optim::Sgd(sgd) => Saved::Settings(Settings::Sgd(sgd)),
        }
    }
}
