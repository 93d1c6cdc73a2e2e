//! The value of each epoch by which the best one is chosen.

use super::epoch::Epoch;
use serde::{Deserialize, Serialize};

/// Value by which epochs are compared. Keras: `monitor` and `mode`.
///
/// # Examples
/// The epoch with the highest PSNR is the best:
/// ```
/// use candlebook::prelude::*;
/// use candlebook::train::{EarlyStopping, Metric, Monitor};
/// let monitor = Monitor::Highest("PSNR".into());
/// let fit = Fit {
///     metrics: vec![Metric::Psnr],
///     early_stopping: Some(EarlyStopping { monitor, ..Default::default() }),
///     ..Default::default()
/// };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Monitor {
    /// Validation loss, or the training loss without validation images. The default.
    #[default]
    ValidLoss,
    /// Training loss.
    TrainLoss,
    /// A metric of this name; the lowest value is the best.
    Lowest(String),
    /// A metric of this name; the highest value is the best.
    Highest(String),
}

impl Monitor {
    /// Name of the metric, if a metric is monitored.
    pub(super) fn metric(&self) -> Option<&str> {
        match self {
            Monitor::Lowest(name) | Monitor::Highest(name) => Some(name),
            Monitor::ValidLoss | Monitor::TrainLoss => None,
        }
    }

    /// The same monitor if it needs no metric, otherwise the default.
    pub(super) fn of_losses(&self) -> Monitor {
        if self.metric().is_some() {
            Monitor::default()
        } else {
            self.clone()
        }
    }

    /// The monitored value of an epoch. `None` without the metric, or if it is NaN.
    pub(super) fn value(&self, epoch: &Epoch) -> Option<f64> {
        let value = match self {
            Monitor::ValidLoss => Some(epoch.monitored_loss().into()),
            Monitor::TrainLoss => Some(epoch.train_loss.into()),
            Monitor::Lowest(name) | Monitor::Highest(name) => epoch.metric(name),
        };
        value.filter(|value| !value.is_nan())
    }

    /// The monitored value, negated if the highest is the best.
    pub(super) fn cost(&self, epoch: &Epoch) -> Option<f64> {
        let sign = if matches!(self, Monitor::Highest(_)) {
            -1.0
        } else {
            1.0
        };
        self.value(epoch).map(|value| sign * value)
    }

    /// Name of the value of an epoch, such as "validation loss".
    pub(super) fn name(&self, epoch: &Epoch) -> &str {
        match self {
            Monitor::ValidLoss if epoch.valid_loss.is_some() => "validation loss",
            Monitor::ValidLoss | Monitor::TrainLoss => "train loss",
            Monitor::Lowest(name) | Monitor::Highest(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::metric_value::MetricValue;

    #[test]
    fn each_monitor_reads_its_value() {
        let epoch = Epoch {
            train_loss: 0.5,
            valid_loss: Some(0.25),
            metrics: vec![
                MetricValue::new("PSNR", 20.0),
                MetricValue::new("x", f64::NAN),
            ],
            ..Default::default()
        };
        assert_eq!(Monitor::ValidLoss.value(&epoch), Some(0.25));
        assert_eq!(Monitor::TrainLoss.value(&epoch), Some(0.5));
        assert_eq!(Monitor::Lowest("PSNR".into()).cost(&epoch), Some(20.0));
        assert_eq!(Monitor::Highest("PSNR".into()).cost(&epoch), Some(-20.0));
        for name in ["x", "SSIM"] {
            assert_eq!(Monitor::Lowest(name.into()).value(&epoch), None);
        }
    }
}
