//! Settings of the code layer of a variational autoencoder: see [`crate::layer::gaussian`].

use crate::layer::deviation::Deviation;
use crate::layer::term::{Term, TermUnit};
use serde::{Deserialize, Serialize};

/// Settings of a [`Gaussian`](crate::layer::Gaussian()) layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaussianSettings {
    /// Factor of the divergence.
    pub(crate) beta: f64,
    /// Divergence of a unit, in nats, below which it costs the same.
    pub(crate) free_bits: f64,
    /// Steps in which the factor grows from 0 to beta.
    pub(crate) warm_up: usize,
    /// Factor of the total correlation of the code.
    #[serde(default)]
    pub(crate) total_correlation: f64,
    /// Meaning of the second half of the input.
    #[serde(default)]
    pub(crate) deviation: Deviation,
    /// The KL term is estimated from the sample in training.
    #[serde(default)]
    pub(crate) sampled_divergence: bool,
}

impl GaussianSettings {
    pub(crate) const fn new(beta: f64) -> Self {
        GaussianSettings {
            beta,
            free_bits: 0.0,
            warm_up: 0,
            total_correlation: 0.0,
            deviation: Deviation::LogVariance,
            sampled_divergence: false,
        }
    }

    /// The settings as written in code, after the name of the layer.
    pub(crate) fn call(&self) -> String {
        let mut call = format!("({:?})", self.beta);
        if self.free_bits != 0.0 {
            call.push_str(&format!(".free_bits({:?})", self.free_bits));
        }
        if self.warm_up != 0 {
            call.push_str(&format!(".warm_up({})", self.warm_up));
        }
        if self.total_correlation != 0.0 {
            call.push_str(&format!(".total_correlation({:?})", self.total_correlation));
        }
        if self.deviation == Deviation::Softplus {
            call.push_str(".softplus_deviation()");
        }
        if self.sampled_divergence {
            call.push_str(".sampled_divergence()");
        }
        call
    }

    /// Factor of the divergence after this number of steps; `None` in evaluation.
    pub(super) fn beta_at(&self, step: Option<usize>) -> f64 {
        self.beta * self.warmth(step)
    }

    /// Share of the factors after this number of steps.
    pub(super) fn warmth(&self, step: Option<usize>) -> f64 {
        match step {
            Some(step) if step < self.warm_up => step as f64 / self.warm_up as f64,
            _ => 1.0,
        }
    }

    /// The term with the total correlation looks at the whole batch.
    pub(super) fn is_correlated(&self) -> bool {
        self.total_correlation > 0.0
    }

    pub(super) fn own_term(&self) -> Term {
        if self.is_correlated() {
            CORRELATED_TERM
        } else {
            TERM
        }
    }
}

pub(super) const TERM: Term = Term {
    name: "KL",
    unit: TermUnit::Image,
};

const CORRELATED_TERM: Term = Term {
    name: "KL + TC",
    unit: TermUnit::Image,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_grows_during_warm_up() {
        let settings = GaussianSettings {
            warm_up: 10,
            ..GaussianSettings::new(4.0)
        };
        let at = |step| settings.beta_at(step);
        assert_eq!(
            [at(Some(0)), at(Some(5)), at(Some(10)), at(None)],
            [0.0, 2.0, 4.0, 4.0]
        );
    }
}
