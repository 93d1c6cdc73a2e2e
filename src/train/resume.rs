//! Settings of the continuation of a run.

use super::state::RunState;
use crate::dist::Team;
use crate::error::{Error, Result};
use crate::show::note;
use candle_core::Device;
use std::path::Path;

/// Settings of [`Autoencoder::resume_with`](crate::model::Autoencoder::resume_with).
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// let more = Resume { epochs: Some(5), ..Default::default() };
/// assert!(more.device.is_cpu());
/// ```
#[derive(Clone, Debug)]
pub struct Resume {
    /// Epochs of the whole run, those that it has finished included. Defaults to `None`: as many as
    /// [`Fit::epochs`](crate::train::Fit::epochs) said.
    pub epochs: Option<usize>,
    /// Device to continue on. Defaults to the CPU.
    pub device: Device,
    /// Processes that train together: also another number than before. Defaults to none, or to those of
    /// `candlebook run --team`.
    pub team: Option<Team>,
}

impl Default for Resume {
    fn default() -> Self {
        Resume {
            epochs: None,
            device: Device::Cpu,
            team: None,
        }
    }
}

impl Resume {
    /// Epochs of the whole run. Notes that a run is complete, because then nothing is trained.
    ///
    /// # Errors
    /// Fewer epochs than the run has finished.
    pub(super) fn epochs(&self, path: &Path, state: &RunState) -> Result<usize> {
        let finished = state.history.len();
        let epochs = self.epochs.unwrap_or(state.fit.epochs);
        if epochs < finished {
            let expected = format!("at least {finished}, the epochs that the run has finished");
            let hint = "Count all epochs of the run, also those before the checkpoint";
            return Err(Error::setting("Resume::epochs", expected, epochs, hint));
        }
        if epochs == finished {
            note(format_args!(
                "{}: the run is complete, with {finished} epochs. To train longer: \
                 Autoencoder::resume_with(path, &data, &Resume {{ epochs: Some({}), \
                 ..Default::default() }})",
                path.display(),
                finished + 2
            ));
        }
        Ok(epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_continue_on_the_cpu() {
        let resume = Resume::default();
        assert_eq!(resume.epochs, None);
        assert!(resume.device.is_cpu());
    }
}
