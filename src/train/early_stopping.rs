//! Early stopping: the end of a run that no longer improves.

use super::epoch::Epoch;
use super::metric::Metric;
use super::monitor::Monitor;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Ends training after some epochs without improvement, and restores the weights of the best epoch.
/// Keras: `EarlyStopping`; Lightning: `EarlyStopping` with `ModelCheckpoint`.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::train::EarlyStopping;
/// let early_stopping = Some(EarlyStopping { patience: 5, ..Default::default() });
/// let fit = Fit { epochs: 200, early_stopping, ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlyStopping {
    /// Value that has to improve. Defaults to the validation loss.
    pub monitor: Monitor,
    /// Epochs without improvement after which training ends, at least 1. Defaults to 3.
    pub patience: usize,
    /// Minimum change that counts as an improvement, in the unit of the monitored value, zero or
    /// more. Defaults to 0.
    pub min_delta: f64,
    /// At the end, give the model the weights of the best epoch, also if training ends for another
    /// reason than early stopping. Stop and callbacks keep the weights of the moment. Defaults to
    /// true.
    pub restore_best: bool,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        EarlyStopping {
            monitor: Monitor::default(),
            patience: 3,
            min_delta: 0.0,
            restore_best: true,
        }
    }
}

impl EarlyStopping {
    /// Rejects settings outside their range, and the name of a metric that nothing computes.
    /// `named` is true if a callback may add metrics.
    pub(super) fn check(&self, metrics: &[Metric], named: bool) -> Result<()> {
        if self.patience == 0 {
            let hint = "3 is a good start";
            return Err(Error::setting(
                "EarlyStopping::patience",
                "at least 1 epoch",
                0,
                hint,
            ));
        }
        if !(0.0..f64::INFINITY).contains(&self.min_delta) {
            let hint = "0 counts every improvement";
            let expected = "zero or more, in the unit of the monitored value";
            let name = "EarlyStopping::min_delta";
            return Err(Error::setting(name, expected, self.min_delta, hint));
        }
        let computed = |name: &str| metrics.iter().any(|metric| metric.to_string() == name);
        match self.monitor.metric() {
            Some(name) if !named && !computed(name) => {
                let names: Vec<String> = metrics.iter().map(Metric::to_string).collect();
                let expected = format!("one of the names of Fit::metrics, {names:?}");
                let hint = "Add the metric to Fit { metrics, .. }";
                Err(Error::setting(
                    "EarlyStopping::monitor",
                    expected,
                    name,
                    hint,
                ))
            }
            _ => Ok(()),
        }
    }

    /// True if the last epochs brought no improvement. It depends on the finished epochs alone, so
    /// that a resumed run ends in the same epoch.
    pub(super) fn ends(&self, epochs: &[Epoch]) -> bool {
        let mut best = f64::INFINITY;
        let mut waited = 0;
        for epoch in epochs {
            match self.monitor.cost(epoch) {
                Some(cost) if cost < best - self.min_delta || best == f64::INFINITY => {
                    (best, waited) = (cost, 0);
                }
                _ => waited += 1,
            }
        }
        waited >= self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(losses: &[f32]) -> Vec<Epoch> {
        let epoch = |&loss| Epoch {
            valid_loss: Some(loss),
            ..Default::default()
        };
        losses.iter().map(epoch).collect()
    }

    #[test]
    fn it_waits_for_as_many_epochs_as_its_patience() {
        let early = EarlyStopping {
            patience: 2,
            ..Default::default()
        };
        for (losses, ends) in [
            (&[][..], false),
            (&[0.5], false),
            (&[0.5, 0.6], false),
            (&[0.5, 0.6, 0.5], true),
            (&[0.5, 0.6, 0.4], false),
            (&[0.5, 0.6, 0.4, 0.45, 0.41], true),
        ] {
            assert_eq!(early.ends(&epochs(losses)), ends, "{losses:?}");
        }
    }

    #[test]
    fn small_changes_are_no_improvements() {
        let early = EarlyStopping {
            patience: 2,
            min_delta: 0.125,
            ..Default::default()
        };
        assert!(early.ends(&epochs(&[0.5, 0.4, 0.375])));
        // Small steps add up: the best value is that of the last improvement.
        assert!(!early.ends(&epochs(&[0.5, 0.4, 0.25])));
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let error =
            |early: EarlyStopping| early.check(&[Metric::Mse], false).unwrap_err().to_string();
        let patience = error(EarlyStopping {
            patience: 0,
            ..Default::default()
        });
        assert!(
            patience.starts_with("EarlyStopping::patience: expected at least 1 epoch, got 0"),
            "{patience}"
        );
        for min_delta in [-1.0, f64::NAN, f64::INFINITY] {
            let text = error(EarlyStopping {
                min_delta,
                ..Default::default()
            });
            assert!(
                text.starts_with("EarlyStopping::min_delta: expected zero or more"),
                "{text}"
            );
        }
        let unknown = EarlyStopping {
            monitor: Monitor::Highest("PSNR".into()),
            ..Default::default()
        };
        assert_eq!(
            error(unknown.clone()),
            "EarlyStopping::monitor: expected one of the names of Fit::metrics, [\"MSE\"], got PSNR. \
             Add the metric to Fit { metrics, .. }"
        );
        assert!(unknown.check(&[Metric::Psnr], false).is_ok());
        assert!(
            unknown.check(&[], true).is_ok(),
            "a callback may compute it"
        );
    }
}
