//! One run of a sweep.

use super::point::Point;
use crate::train::Epoch;
use std::fmt;

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Number of the point, counted from 1. The run log numbers its runs on its own.
    pub number: usize,
    /// The point at which the model was built.
    pub point: Point,
    /// Finished epochs.
    pub epochs: Vec<Epoch>,
    /// Number of the epoch, counted from 1, whose weights early stopping restored. `None` if the
    /// model has those of the last one.
    pub restored: Option<usize>,
    /// How far the run is.
    pub state: TrialState,
}

/// How far a [`Trial`] is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TrialState {
    /// The run has not begun.
    #[default]
    Waiting,
    /// The model is being trained.
    Running,
    /// The run has finished its epochs of this round, and waits for the others.
    Paused,
    /// Training has ended as its settings say.
    Finished,
    /// Other runs were better ([`SuccessiveHalving`](crate::runs::SuccessiveHalving)).
    Ended,
    /// Stop was pressed.
    Stopped,
    /// The model could not be built or trained, for this reason.
    Failed(String),
}

impl Trial {
    pub(super) fn new(number: usize, point: Point) -> Self {
        Trial {
            number,
            point,
            epochs: Vec::new(),
            restored: None,
            state: TrialState::Waiting,
        }
    }

    /// Validation loss of the last finished epoch, or of the one that early stopping restored (training
    /// loss without validation images). `None` before the end of the first epoch.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let points = runs::Grid::new().values("hidden", [4, 8]);
    /// let found = sweep(&data, &points, |point| {
    ///     let layers = [Flatten, Linear(point.integer("hidden")?)];
    ///     let ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
    ///     Ok((ae, Fit { epochs: 1, ..Default::default() }))
    /// })?;
    /// assert!(found.trials[0].loss().is_some());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn loss(&self) -> Option<f32> {
        let epoch = self.restored.unwrap_or(self.epochs.len());
        let epoch = self.epochs.get(epoch.checked_sub(1)?);
        epoch.map(Epoch::monitored_loss)
    }
}

impl fmt::Display for TrialState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrialState::Waiting => "waiting",
            TrialState::Running => "running",
            TrialState::Paused => "paused",
            TrialState::Finished => "finished",
            TrialState::Ended => "ended: others are better",
            TrialState::Stopped => "stopped",
            TrialState::Failed(reason) => reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_written_in_words() {
        assert_eq!(TrialState::default().to_string(), "waiting");
        assert_eq!(
            TrialState::Failed("no memory".into()).to_string(),
            "no memory"
        );
        assert_eq!(Trial::new(1, Point::default()).loss(), None);
    }

    #[test]
    fn the_loss_is_that_of_the_weights() {
        let epoch = |valid_loss| Epoch {
            valid_loss: Some(valid_loss),
            ..Default::default()
        };
        let last = Trial {
            epochs: [0.5, 0.25, 0.75].map(epoch).to_vec(),
            ..Trial::new(1, Point::default())
        };
        assert_eq!(last.loss(), Some(0.75));
        let restored = Some(2);
        assert_eq!(Trial { restored, ..last }.loss(), Some(0.25));
    }
}
