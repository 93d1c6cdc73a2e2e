//! The row of one epoch in a history.

use super::metric_value::MetricValue;
use serde::{Deserialize, Serialize};

/// Losses, metrics and speed of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean loss over the training images as the weights changed, with dropout and other random layers.
    pub train_loss: f32,
    /// Mean loss over the validation images at the end of the epoch, in evaluation mode. None
    /// without validation images.
    pub valid_loss: Option<f32>,
    /// Parts of these losses that layers add to the reconstruction loss. Empty for models without
    /// such a layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<LossTerm>,
    /// Metrics at the end of the epoch: those of [`Fit::metrics`](crate::train::Fit::metrics), then
    /// those of a callback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricValue>,
    /// Learning rate of the epoch's last step; 0 in the files of earlier versions.
    #[serde(default)]
    pub learning_rate: f64,
    /// Wall time with validation, in seconds.
    pub seconds: f64,
    /// Training speed without validation, in images per second.
    pub images_per_second: f64,
}

impl Epoch {
    /// Validation loss, or the training loss without validation images.
    pub(crate) fn monitored_loss(&self) -> f32 {
        self.valid_loss.unwrap_or(self.train_loss)
    }

    /// Value of the metric of this name, such as "PSNR".
    ///
    /// # Examples
    /// ```
    /// use candlebook::train::Epoch;
    /// assert_eq!(Epoch::default().metric("PSNR"), None);
    /// ```
    pub fn metric(&self, name: &str) -> Option<f64> {
        let metric = self.metrics.iter().find(|metric| metric.name == name);
        metric.map(|metric| metric.value)
    }
}

/// Part of an epoch's losses that a layer adds, such as the divergence of
/// [`Layer::Gaussian`](crate::layer::Layer::Gaussian), in the unit of the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossTerm {
    /// Name, such as "KL".
    pub name: String,
    /// Mean over the training images.
    pub train: f32,
    /// Mean over the validation images; `None` without validation images.
    pub valid: Option<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_earlier_versions_have_no_metrics() {
        let json = r#"{"train_loss":0.5,"valid_loss":0.25,"seconds":1.0,"images_per_second":9.0}"#;
        let epoch: Epoch = crate::file::parse_json(json).unwrap();
        assert_eq!((epoch.monitored_loss(), epoch.metrics.len()), (0.25, 0));
        assert_eq!(epoch.learning_rate, 0.0);
    }
}
