//! A [`History`] as files for other programs.

use super::event_file::EventFile;
use super::scalars::scalars;
use super::settings::{settings_of, text};
use crate::error::{Error, Result};
use crate::file::write_atomically;
use crate::train::{Epoch, History, metric_names};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::SystemTime;

/// Name of the event file in its folder. TensorBoard reads files with "tfevents" in their names.
const EVENT_FILE: &str = "events.out.tfevents.candlebook";

/// A history as JSON. It is not a `Value`, which would write 0.1 as 0.10000000149.
#[derive(Serialize)]
struct Document<'a> {
    settings: Map<String, Value>,
    loss: String,
    ended: &'static str,
    restored_epoch: Option<usize>,
    best_epoch: Option<usize>,
    epochs: &'a [Epoch],
}

impl History {
    /// Writes a CSV file with one row per epoch: the fields of [`Epoch`], a column for each metric, and
    /// two for each term that layers add to the loss. The file is written atomically.
    ///
    /// # Errors
    /// The file cannot be written. An existing file then stays as it was.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// # let data = mnist_embedded()?.take(200, 10);
    /// # let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// history.to_csv(file("history.csv"))?;
    /// # assert_eq!(std::fs::read_to_string(file("history.csv")).unwrap().lines().count(), 3);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let metrics = metric_names(&self.epochs);
        let rows = (1..).zip(&self.epochs);
        let rows = rows.map(|(number, epoch)| csv_row(number, epoch, &metrics));
        let rows = std::iter::once(self.csv_header()).chain(rows);
        for row in rows {
            writer
                .write_record(row)
                .map_err(|error| Error::io("write", path)(error.into()))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| Error::io("write", path)(error.into_error()))?;
        write_atomically(path, &bytes)
    }

    /// Writes a JSON file with the settings, the loss and all epochs, atomically.
    ///
    /// # Errors
    /// As [`History::to_csv`].
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// # let data = mnist_embedded()?.take(200, 10);
    /// # let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// history.to_json(file("history.json"))?;
    /// # assert!(file("history.json").is_file());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_json(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let document = Document {
            settings: settings_of(&self.fit),
            loss: self.loss_name(),
            ended: self.ended.word(),
            restored_epoch: self.restored,
            best_epoch: self.best().map(|(number, _)| number),
            epochs: &self.epochs,
        };
        let json = serde_json::to_string_pretty(&document)
            .map_err(|error| Error::io("write", path)(error.into()))?;
        write_atomically(path, format!("{json}\n").as_bytes())
    }

    /// Writes a file of JSON lines, one per epoch, with the names that Trackio and Weights & Biases
    /// use: `_step` is the epoch, `_runtime` the seconds since the start. The file is written
    /// atomically.
    ///
    /// # Errors
    /// As [`History::to_csv`].
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// # let data = mnist_embedded()?.take(200, 10);
    /// # let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// history.to_jsonl(file("history.jsonl"))?;
    /// # assert_eq!(std::fs::read_to_string(file("history.jsonl")).unwrap().lines().count(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_jsonl(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut lines = String::new();
        for (number, (epoch, seconds)) in (1..).zip(self.with_runtime()) {
            let mut line = json!({ "_step": number, "_runtime": seconds });
            for (name, value) in scalars(epoch) {
                line[name] = value.into();
            }
            lines.push_str(&format!("{line}\n"));
        }
        write_atomically(path.as_ref(), lines.as_bytes())
    }

    /// Writes an event file for TensorBoard into a folder, which is created if it does not exist.
    /// Losses, the terms of layers and the learning rate are scalars by epoch, the settings a text. TensorBoard names
    /// a run after its folder: `tensorboard --logdir runs` compares `runs/a` and `runs/b`. The file
    /// is written atomically; one of an earlier export is replaced.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// # let data = mnist_embedded()?.take(200, 10);
    /// # let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// history.to_tensorboard(file("runs/baseline"))?;
    /// # assert_eq!(std::fs::read_dir(file("runs/baseline")).unwrap().count(), 1);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_tensorboard(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let start = now() - self.seconds();
        let mut file = EventFile::new(start);
        file.text(start, "settings", &self.settings_table());
        for (number, (epoch, seconds)) in (1..).zip(self.with_runtime()) {
            let scalars = scalars(epoch).into_iter();
            let scalars: Vec<(String, f32)> =
                scalars.map(|(name, value)| (name, value as f32)).collect();
            file.scalars(start + seconds, number, &scalars);
        }
        write_atomically(&folder.join(EVENT_FILE), &file.into_bytes())
    }

    fn csv_header(&self) -> Vec<String> {
        let terms = self.epochs.first().map_or(&[][..], |epoch| &epoch.terms);
        let terms = terms.iter().flat_map(|term| {
            let name = &term.name;
            [format!("{name} train"), format!("{name} valid")]
        });
        let first = ["epoch", "train_loss", "valid_loss"].map(String::from);
        let last = ["learning_rate", "seconds", "images_per_second"].map(String::from);
        let columns = first
            .into_iter()
            .chain(terms)
            .chain(metric_names(&self.epochs));
        columns.chain(last).collect()
    }

    /// Epochs with the seconds from the start to the end of each.
    fn with_runtime(&self) -> impl Iterator<Item = (&Epoch, f64)> {
        self.epochs.iter().scan(0.0, |seconds, epoch| {
            *seconds += epoch.seconds;
            Some((epoch, *seconds))
        })
    }

    /// The settings as a table in Markdown.
    fn settings_table(&self) -> String {
        let row = |(name, value): (&String, &Value)| {
            let value = text(value).replace('|', "\\|").replace('\n', " ");
            format!("| {name} | {value} |\n")
        };
        let rows: String = settings_of(&self.fit).iter().map(row).collect();
        format!("| setting | value |\n| --- | --- |\n{rows}")
    }
}

fn csv_row(number: usize, epoch: &Epoch, metrics: &[String]) -> Vec<String> {
    let cell = |value: Option<f32>| value.map_or_else(String::new, |value| value.to_string());
    let mut row = vec![number.to_string()];
    row.extend([Some(epoch.train_loss), epoch.valid_loss].map(cell));
    for term in &epoch.terms {
        row.extend([Some(term.train), term.valid].map(cell));
    }
    let metric = |name: &String| epoch.metric(name).map(|value| value.to_string());
    row.extend(metrics.iter().map(|name| metric(name).unwrap_or_default()));
    row.push(epoch.learning_rate.to_string());
    row.push(epoch.seconds.to_string());
    row.push(epoch.images_per_second.to_string());
    row
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}
