//! One recorded run.

use super::settings::with_field_names;
use crate::error::{Error, Result};
use crate::file::parse_json;
use crate::run_log::{RunRow, read_epochs};
use crate::show::{Content, Plot, Show, Table, duration, evcxr_display, thousands};
use crate::train::{Ended, Epoch, Fit, History};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A training run of the run log. It renders itself as its table of settings and its loss curve.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let run = runs().best()?;
/// println!("run {} reached {:?} with {:?}", run.id, run.best_loss, run.fit()?.optimizer);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    /// Number of the run in its file.
    pub id: u64,
    /// Start in local time, such as "2026-11-27 09:30".
    pub started: String,
    /// [`Fit::tags`].
    pub tags: Vec<String>,
    /// Name of the data set.
    pub data: String,
    /// SHA-256 of the training images (of the names, for photographs). `None` if the run ended
    /// before it was computed.
    pub data_hash: Option<String>,
    /// Layers of encoder and decoder, as written in code.
    pub layers: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Name of the loss.
    pub loss: String,
    /// Training loss of the last epoch.
    pub train_loss: Option<f64>,
    /// Validation loss of the last epoch.
    pub valid_loss: Option<f64>,
    /// Lowest validation loss (training loss without validation images).
    pub best_loss: Option<f64>,
    /// Finished epochs.
    pub epochs: u64,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Why the run ended: "finished", "stopped", "running", "interrupted" if its process ended
    /// before it did, or an error.
    pub ended: String,
    /// Version of candlebook.
    pub version: String,
    path: PathBuf,
    row: RunRow,
}

impl Run {
    pub(super) fn new(path: &Path, row: RunRow) -> Self {
        Run {
            id: row.id,
            started: row.started.clone(),
            tags: parse_json(&row.run.tags).unwrap_or_default(),
            data: row.run.data_name.clone(),
            data_hash: row.data_hash.clone(),
            layers: row.run.layers.clone(),
            parameters: row.run.parameters,
            loss: row.run.loss.clone(),
            train_loss: row.train_loss,
            valid_loss: row.valid_loss,
            best_loss: row.best_loss,
            epochs: row.epochs,
            seconds: row.seconds,
            ended: row.ended.clone().unwrap_or_else(|| unfinished(row.process)),
            version: row.version.clone(),
            path: path.to_owned(),
            row,
        }
    }

    /// Settings of the run, for another one like it.
    ///
    /// # Errors
    /// Settings that this version does not know.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// # let data = mnist_embedded()?;
    /// # let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let fit = runs().get(17)?.fit()?;
    /// ae.fit(&data, &Fit { seed: 1, ..fit })?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn fit(&self) -> Result<Fit> {
        parse_json(&self.row.run.settings).map_err(|reason| self.unreadable(reason))
    }

    /// Losses of all epochs.
    ///
    /// # Errors
    /// A file that cannot be read, or numbers that this version does not know.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// show(runs().get(17)?.history()?.plot().log_y());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn history(&self) -> Result<History> {
        let epochs = read_epochs(&self.path, self.id)?;
        let parse = |json: &String| -> Result<Epoch> {
            parse_json(json).map_err(|reason| self.unreadable(reason))
        };
        let fit = self.fit()?;
        let ended = Ended::of_word(&self.ended).unwrap_or_default();
        Ok(History {
            epochs: epochs.iter().map(parse).collect::<Result<_>>()?,
            loss: fit.loss,
            custom_loss: self.loss != fit.loss.to_string(),
            stopped: ended == Ended::Stopped,
            ended,
            monitor: fit.monitor(),
            restored: None,
            fit,
        })
    }

    /// Settings as JSON, under the names of the fields of `Fit`, those of other versions included.
    pub(super) fn settings(&self) -> Map<String, Value> {
        with_field_names(parse_json(&self.row.run.settings).unwrap_or_default())
    }

    /// Tells runs whose losses can be compared: those of one data set and one loss.
    pub(super) fn comparable(&self) -> (String, u64, &str) {
        let data = self.data_hash.as_ref().unwrap_or(&self.data);
        (data.clone(), self.row.run.images, &self.loss)
    }

    /// The run's properties by name.
    fn table(&self) -> Table {
        let run = &self.row.run;
        let (images, shape) = (thousands(run.images as usize), &run.image_shape);
        let loss = |loss: Option<f64>| loss.map_or("-".into(), |loss| format!("{loss:.5}"));
        let rows = [
            ("started", format!("{} ({})", self.started, run.kind)),
            ("tags", self.tags.join(", ")),
            ("data", format!("{}, {images} images of {shape}", self.data)),
            ("layers", self.layers.clone()),
            ("parameters", thousands(self.parameters as usize)),
            ("loss", self.loss.clone()),
            ("best loss", loss(self.best_loss)),
            ("epochs", self.epochs.to_string()),
            ("time", duration(self.seconds)),
            ("ended", self.ended.clone()),
            ("device", run.device.clone()),
            ("folder", run.folder.clone()),
            ("candlebook", self.version.clone()),
        ];
        let table = Table::new(["run", &self.id.to_string()]);
        let written = rows.into_iter().filter(|(_, value)| !value.is_empty());
        written.fold(table, |table, (name, value)| table.row([name, &value]))
    }

    fn unreadable(&self, reason: String) -> Error {
        let expected = format!("run {} in the form of this version", self.id);
        let hint = format!("It was written by candlebook {}", self.version);
        Error::file(&self.path, expected, reason, hint)
    }
}

/// The state of a run that did not say its end.
fn unfinished(process: u64) -> String {
    let processes = Path::new("/proc");
    // Without that folder, nobody tells whether the process exists.
    let alive = !processes.exists() || processes.join(process.to_string()).exists();
    if alive { "running" } else { "interrupted" }.into()
}

impl Show for Run {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut contents = self.table().contents()?;
        let history = self.history().ok();
        if let Some(history) = history.filter(|history| history.epochs.len() > 1) {
            contents.extend(Plot::contents(&history.plot())?);
        }
        Ok(contents)
    }
}
evcxr_display!(Run);
