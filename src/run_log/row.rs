//! Rows of the run log as plain values.

/// A run that begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewRun {
    /// Working folder, which tells the runs of one project from those of another.
    pub(crate) folder: String,
    /// "fit" or "resume".
    pub(crate) kind: String,
    /// Settings as JSON.
    pub(crate) settings: String,
    /// Tags as a JSON list.
    pub(crate) tags: String,
    /// The layers as JSON.
    pub(crate) architecture: String,
    /// The layers as written in code.
    pub(crate) layers: String,
    pub(crate) parameters: u64,
    /// Name of the loss.
    pub(crate) loss: String,
    pub(crate) data_name: String,
    /// Number of training images, those held out for validation included.
    pub(crate) images: u64,
    /// Shape of an image, such as "1 x 28 x 28".
    pub(crate) image_shape: String,
    /// Device and executor.
    pub(crate) device: String,
}

/// A finished epoch.
#[derive(Clone, Debug)]
pub(crate) struct EpochRow {
    /// Number, counted from 1.
    pub(crate) number: u64,
    pub(crate) train_loss: f64,
    pub(crate) valid_loss: Option<f64>,
    pub(crate) seconds: f64,
    /// All numbers of the epoch as JSON.
    pub(crate) json: String,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// Why it ended: "finished", "stopped", "early stopping" or another word, or the error.
    pub(crate) reason: String,
    /// Wall time, in seconds.
    pub(crate) seconds: f64,
}

/// A recorded run.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunRow {
    pub(crate) id: u64,
    /// Start in local time, such as "2026-11-27 09:30".
    pub(crate) started: String,
    pub(crate) run: NewRun,
    /// Content hash of the training images; absent until it is computed.
    pub(crate) data_hash: Option<String>,
    /// Version of this crate.
    pub(crate) version: String,
    /// Process that made the run.
    pub(crate) process: u64,
    /// Why it ended; `None` for a run that did not say so.
    pub(crate) ended: Option<String>,
    /// Wall time, of the finished epochs if the run did not say its end.
    pub(crate) seconds: f64,
    /// Finished epochs.
    pub(crate) epochs: u64,
    /// Losses of the last epoch.
    pub(crate) train_loss: Option<f64>,
    pub(crate) valid_loss: Option<f64>,
    /// Lowest validation loss (training loss without validation images).
    pub(crate) best_loss: Option<f64>,
}
