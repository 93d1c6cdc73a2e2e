//! Runs side by side.

use super::list::runs;
use super::run::Run;
use super::settings::{settings_of, text};
use crate::data::{Split, vectors_as_lines};
use crate::error::{Error, Result};
use crate::model::Autoencoder;
use crate::show::{Content, Montage, Plot, Show, Table, duration, evcxr_display, thousands};
use crate::train::History;
use candle_core::{Device, Tensor};
use std::collections::BTreeSet;

/// A run that [`compare`] accepts: a number in the run log, a [`Run`], or a [`History`].
pub trait Comparable {
    /// The run as a column of the comparison; `number` counts the columns from 1.
    ///
    /// # Errors
    /// A run that is not in the log or cannot be read.
    fn column(&self, number: usize) -> Result<Column>;
}

/// Text of a run in a row of the table.
type CellText<'a> = &'a dyn Fn(&Column) -> String;

/// A run in a [`Comparison`].
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    /// Settings and properties by name.
    settings: Vec<(String, String)>,
    history: History,
    seconds: f64,
    ended: String,
}

impl Comparable for u64 {
    fn column(&self, number: usize) -> Result<Column> {
        runs().get(*self)?.column(number)
    }
}

impl Comparable for Run {
    fn column(&self, _: usize) -> Result<Column> {
        let mut settings: Vec<(String, String)> = vec![
            ("data".into(), self.data.clone()),
            ("layers".into(), self.layers.clone()),
            ("parameters".into(), thousands(self.parameters as usize)),
            ("loss".into(), self.loss.clone()),
        ];
        let written = self.settings().into_iter();
        let written = written.map(|(name, value)| (name, text(&value)));
        settings.extend(written.filter(|(name, _)| name != "loss"));
        settings.push(("candlebook".into(), self.version.clone()));
        Ok(Column {
            name: format!("run {}", self.id),
            settings,
            history: self.history()?,
            seconds: self.seconds,
            ended: self.ended.clone(),
        })
    }
}

impl Comparable for History {
    fn column(&self, number: usize) -> Result<Column> {
        let settings = settings_of(&self.fit).into_iter();
        Ok(Column {
            name: number.to_string(),
            settings: settings.map(|(name, value)| (name, text(&value))).collect(),
            history: self.clone(),
            seconds: self.seconds(),
            ended: self.ended.word().into(),
        })
    }
}

impl<T: Comparable> Comparable for &T {
    fn column(&self, number: usize) -> Result<Column> {
        (**self).column(number)
    }
}

/// Puts runs side by side: the settings that differ, and the loss curves in one chart. Runs are
/// numbers of the run log, `compare(&[17, 18])`, or histories, `compare(&[&first, &second])`.
/// [`Comparison::reconstructions`] adds images.
///
/// # Errors
/// Fewer than two runs; a run that is not in the log, or cannot be read.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(200, 20);
/// let mut train = |learning_rate| {
///     let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16)])?;
///     ae.fit(&data, &Fit { epochs: 2, learning_rate, ..Default::default() })
/// };
/// let (slow, fast) = (train(1e-4)?, train(1e-3)?);
/// show(compare(&[&slow, &fast])?);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn compare<R: Comparable>(runs: &[R]) -> Result<Comparison> {
    if runs.len() < 2 {
        let hint = "compare(&[17, 18]) or compare(&[&first, &second])";
        return Err(Error::setting(
            "compare",
            "at least two runs",
            runs.len(),
            hint,
        ));
    }
    let columns = (1..).zip(runs).map(|(number, run)| run.column(number));
    Ok(Comparison {
        columns: columns.collect::<Result<_>>()?,
        images: None,
    })
}

/// Runs side by side. It renders itself as a table of the settings that differ, the loss curves in
/// one chart, and rows of reconstructions. Returned by [`compare`].
#[derive(Clone, Debug)]
pub struct Comparison {
    columns: Vec<Column>,
    images: Option<Montage>,
}

impl Comparison {
    /// Adds the first `n` images of a split above their reconstructions by each run's model.
    ///
    /// # Errors
    /// Another number of models than runs; images of another shape than a model's.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let fit = Fit { epochs: 1, ..Default::default() };
    /// let mut small = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let mut large = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(32)])?;
    /// let histories = [small.fit(&data, &fit)?, large.fit(&data, &fit)?];
    /// show(compare(&histories)?.reconstructions(&[&small, &large], &data.test, 8)?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn reconstructions(self, models: &[&Autoencoder], split: &Split, n: usize) -> Result<Self> {
        if models.len() != self.columns.len() {
            let expected = format!("{} models, one per run", self.columns.len());
            let hint = "Pass the models in the order of the runs";
            return Err(Error::setting(
                "reconstructions",
                expected,
                models.len(),
                hint,
            ));
        }
        let originals = split.first(n)?;
        let positions: Vec<usize> = (0..originals.dim(0)?).collect();
        let labels = split.labels_at(&positions)?;
        let mut rows = vec![("originals", originals.clone())];
        for (model, column) in models.iter().zip(&self.columns) {
            let output = model.reconstruct_with(&originals, labels.as_ref())?;
            let output = output.to_device(&Device::Cpu)?;
            let images = model.trained_loss().images_from(output)?;
            rows.push((column.name.as_str(), images));
        }
        let rows: Vec<(&str, &Tensor)> =
            rows.iter().map(|(name, images)| (*name, images)).collect();
        let images = vectors_as_lines(Montage::rows(&rows)?, split.image_shape());
        Ok(Comparison {
            images: Some(images),
            ..self
        })
    }

    /// The settings that differ, and the results.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let first = ae.fit(&data, &Fit { epochs: 1, ..Default::default() })?;
    /// let second = ae.fit(&data, &Fit { epochs: 1, seed: 1, ..Default::default() })?;
    /// assert!(compare(&[first, second])?.table().to_text().contains("seed"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn table(&self) -> Table {
        let names = self.columns.iter().map(|column| column.name.as_str());
        let mut table = Table::new(std::iter::once("").chain(names));
        for name in self.differing() {
            let value = |column: &Column| column.setting(name).unwrap_or("-").to_owned();
            table = table.row(self.row(name, value));
        }
        let loss = |loss: Option<f32>| loss.map_or("-".into(), |loss| format!("{loss:.5}"));
        let last = |column: &Column| column.history.epochs.last().cloned();
        let results: [(&str, CellText); 6] = [
            ("epochs", &|column| column.history.epochs.len().to_string()),
            ("train loss", &|column| {
                loss(last(column).map(|epoch| epoch.train_loss))
            }),
            ("validation loss", &|column| {
                loss(last(column).and_then(|epoch| epoch.valid_loss))
            }),
            ("best loss", &|column| {
                let best = column.history.best();
                loss(best.map(|(_, epoch)| epoch.monitored_loss()))
            }),
            ("time", &|column| duration(column.seconds)),
            ("ended", &|column| column.ended.clone()),
        ];
        let rows = results.iter().map(|(name, value)| self.row(name, value));
        rows.fold(table, Table::row)
    }

    /// The loss curves: validation losses, or training losses of runs without validation images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let fit = Fit { epochs: 2, ..Default::default() };
    /// let histories = [ae.fit(&data, &fit)?, ae.fit(&data, &fit)?];
    /// show(compare(&histories)?.plot().log_y());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn plot(&self) -> Plot {
        let mut losses: Vec<String> = self.columns.iter().map(Column::loss).collect();
        losses.dedup();
        let label = if losses.len() == 1 {
            &losses[0]
        } else {
            "loss"
        };
        let plot = Plot::new().title("Loss").x_label("epoch").y_label(label);
        self.columns.iter().fold(plot, |plot, column| {
            let history = &column.history;
            let n = history.epochs.len();
            let valid = history.valid_loss();
            if valid.len() == n {
                plot.line(&column.name, 1..n + 1, valid)
            } else {
                plot.line(
                    format!("{}, train", column.name),
                    1..n + 1,
                    history.train_loss(),
                )
            }
        })
    }

    /// Names of the settings that are not the same in all runs, in their order.
    fn differing(&self) -> Vec<&str> {
        let all = self.columns.iter().flat_map(|column| &column.settings);
        let mut known = BTreeSet::new();
        let names = all.map(|(name, _)| name.as_str());
        let differs = |name: &&str| {
            let first = self.columns[0].setting(name);
            self.columns
                .iter()
                .any(|column| column.setting(name) != first)
        };
        names
            .filter(|name| known.insert(*name))
            .filter(differs)
            .collect()
    }

    fn row(&self, name: &str, value: impl Fn(&Column) -> String) -> Vec<String> {
        let values = self.columns.iter().map(value);
        std::iter::once(name.to_owned()).chain(values).collect()
    }
}

impl Column {
    fn setting(&self, name: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|(known, _)| known == name);
        setting.map(|(_, value)| value.as_str())
    }

    fn loss(&self) -> String {
        self.history.loss_name()
    }
}

impl Show for Comparison {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut contents = self.table().contents()?;
        contents.extend(self.plot().contents()?);
        if let Some(images) = &self.images {
            contents.extend(images.contents()?);
        }
        Ok(contents)
    }
}
evcxr_display!(Comparison);
