//! The choice of an optimizer.

use super::adadelta::Adadelta;
use super::adagrad::Adagrad;
use super::adam::Adam;
use super::adamax::Adamax;
use super::lion::Lion;
use super::moments::MOMENTS;
use super::nadam::NAdam;
use super::rms_prop::RmsProp;
use super::sgd::Sgd;
use crate::error::Result;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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
// `remote` derives functions of the same names, which the implementations below call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum Optim {
    /// Adam, by default with decoupled weight decay. PyTorch: `torch.optim.AdamW`.
    Adam(Adam),
    /// Adam with the maximum norm. PyTorch: `torch.optim.Adamax`.
    Adamax(Adamax),
    /// Adam with Nesterov momentum. PyTorch: `torch.optim.NAdam`.
    NAdam(NAdam),
    /// Adagrad. PyTorch: `torch.optim.Adagrad`.
    Adagrad(Adagrad),
    /// Adadelta. PyTorch: `torch.optim.Adadelta`.
    Adadelta(Adadelta),
    /// RMSprop. PyTorch: `torch.optim.RMSprop`.
    RmsProp(RmsProp),
    /// Lion, whose steps are signs.
    Lion(Lion),
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
        Optim::Sgd(Sgd {
            momentum,
            ..Default::default()
        })
    }

    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Optim::Adam(adam) => adam.check(),
            Optim::Adamax(adamax) => adamax.check(),
            Optim::NAdam(nadam) => nadam.check(),
            Optim::Adagrad(adagrad) => adagrad.check(),
            Optim::Adadelta(adadelta) => adadelta.check(),
            Optim::RmsProp(rms_prop) => rms_prop.check(),
            Optim::Lion(lion) => lion.check(),
            Optim::Sgd(sgd) => sgd.check(),
        }
    }

    /// True for each of the moments that the optimizer keeps.
    pub(crate) fn kept_moments(&self) -> [bool; MOMENTS] {
        match self {
            Optim::Adam(adam) => [true, true, adam.amsgrad],
            Optim::Adamax(_) | Optim::NAdam(_) | Optim::Adadelta(_) => [true, true, false],
            Optim::Adagrad(_) => [false, true, false],
            Optim::RmsProp(rms_prop) => [rms_prop.centered, true, rms_prop.momentum != 0.0],
            Optim::Lion(_) => [true, false, false],
            Optim::Sgd(sgd) => [sgd.momentum != 0.0, false, false],
        }
    }

    /// Value of each moment before the first step.
    pub(crate) fn initial_moments(&self) -> [f64; MOMENTS] {
        match self {
            Optim::Adagrad(adagrad) => [0.0, adagrad.initial_sum, 0.0],
            _ => [0.0; MOMENTS],
        }
    }
}

impl Default for Optim {
    fn default() -> Self {
        Optim::adam()
    }
}

/// The settings, without those that were added later and have their defaults.
impl fmt::Display for Optim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let betas = |beta1: f64, beta2: f64| format!("beta1 = {beta1}, beta2 = {beta2}");
        match self {
            Optim::Adam(adam) => {
                let betas = betas(adam.beta1, adam.beta2);
                write!(f, "Adam({betas}, eps = {:e}", adam.eps)?;
                write_if(f, adam.amsgrad, "amsgrad = true")?;
                let coupled = !adam.decoupled_weight_decay;
                write_if(f, coupled, "decoupled_weight_decay = false")?;
            }
            Optim::Adamax(Adamax { beta1, beta2, eps }) => {
                write!(f, "Adamax({}, eps = {eps:e}", betas(*beta1, *beta2))?;
            }
            Optim::NAdam(nadam) => {
                let betas = betas(nadam.beta1, nadam.beta2);
                let (eps, decay) = (nadam.eps, nadam.momentum_decay);
                write!(f, "NAdam({betas}, eps = {eps:e}, momentum_decay = {decay}")?;
                let decoupled = nadam.decoupled_weight_decay;
                write_if(f, decoupled, "decoupled_weight_decay = true")?;
            }
            Optim::Adagrad(adagrad) => {
                let (decay, sum) = (adagrad.rate_decay, adagrad.initial_sum);
                write!(f, "Adagrad(rate_decay = {decay}, initial_sum = {sum}")?;
                write!(f, ", eps = {:e}", adagrad.eps)?;
            }
            Optim::Adadelta(Adadelta { rho, eps }) => {
                write!(f, "Adadelta(rho = {rho}, eps = {eps:e}")?;
            }
            Optim::RmsProp(rms_prop) => {
                let (alpha, eps) = (rms_prop.alpha, rms_prop.eps);
                let (centered, momentum) = (rms_prop.centered, rms_prop.momentum);
                write!(
                    f,
                    "RmsProp(alpha = {alpha}, eps = {eps:e}, centered = {centered}"
                )?;
                write_if(f, momentum != 0.0, &format!("momentum = {momentum}"))?;
            }
            Optim::Lion(Lion { beta1, beta2 }) => write!(f, "Lion({}", betas(*beta1, *beta2))?,
            Optim::Sgd(sgd) => {
                write!(f, "Sgd(momentum = {}", sgd.momentum)?;
                let dampening = format!("dampening = {}", sgd.dampening);
                write_if(f, sgd.dampening != 0.0, &dampening)?;
                write_if(f, sgd.nesterov, "nesterov = true")?;
            }
        }
        f.write_str(")")
    }
}

fn write_if(f: &mut fmt::Formatter<'_>, condition: bool, text: &str) -> fmt::Result {
    match condition {
        true => write!(f, ", {text}"),
        false => Ok(()),
    }
}

/// Adam with default settings is the string "Adam", as in checkpoints written before Adam had
/// settings.
#[derive(Serialize, Deserialize)]
enum DefaultName {
    Adam,
}

/// [`Optim`] as checkpoints store it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Saved {
    Default(DefaultName),
    Settings(#[serde(with = "Optim")] Optim),
}

impl Serialize for Optim {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Optim::Adam(adam) if *adam == Adam::default() => {
                DefaultName::Adam.serialize(serializer)
            }
            optim => Optim::serialize(optim, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Optim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(match Saved::deserialize(deserializer)? {
            Saved::Default(DefaultName::Adam) => Optim::adam(),
            Saved::Settings(optim) => optim,
        })
    }
}
