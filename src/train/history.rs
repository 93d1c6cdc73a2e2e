//! Result of training: one row per epoch.

use super::ended::Ended;
use super::epoch::Epoch;
use super::fit::Fit;
use super::monitor::Monitor;
use crate::error::Result;
use crate::loss::Loss;
use crate::show::{Content, DENSITY, Marker, Plot, Show, Table, evcxr_display, thousands};

/// Losses and metrics of a training run. It renders itself as the loss curve, above a chart of each
/// part of the loss if layers add terms to it and of each metric, and in plain text as a table.
///
/// # Examples
/// ```
/// # use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(200, 20);
/// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
/// let history = ae.fit(&data, &Fit { epochs: 2, batch_size: 20, ..Default::default() })?;
/// assert_eq!(history.train_loss().len(), 2);
/// let (epoch, best) = history.best().unwrap();
/// println!("lowest validation loss {:?} in epoch {epoch}", best.valid_loss);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Finished epochs, in order.
    pub epochs: Vec<Epoch>,
    /// Loss that was minimized, except by
    /// [`fit_with_loss`](crate::model::Autoencoder::fit_with_loss).
    pub loss: Loss,
    /// True if a custom loss was minimized.
    pub custom_loss: bool,
    /// True if Stop ended training early. The model keeps the weights of that moment.
    pub stopped: bool,
    /// Why training ended.
    pub ended: Ended,
    /// Value by which [`History::best`] compares epochs: that of
    /// [`EarlyStopping`](crate::train::EarlyStopping), or the validation loss.
    pub monitor: Monitor,
    /// Number of the epoch, counted from 1, whose weights early stopping restored. `None` if the
    /// model has the weights of the end of training.
    pub restored: Option<usize>,
    /// Settings of the run.
    pub fit: Fit,
}

impl History {
    /// Training loss of each epoch.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// assert_eq!(history.train_loss().len(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn train_loss(&self) -> Vec<f32> {
        self.epochs.iter().map(|epoch| epoch.train_loss).collect()
    }

    /// Validation loss of each epoch; empty without validation images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// assert_eq!(history.valid_loss().len(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn valid_loss(&self) -> Vec<f32> {
        let losses = self.epochs.iter().filter_map(|epoch| epoch.valid_loss);
        losses.collect()
    }

    /// Number, counted from 1, and row of the epoch with the lowest validation loss (training loss
    /// without validation images), or with the best value of another [`Monitor`]. None before the
    /// end of the first epoch.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// assert!(history.best().is_some_and(|(epoch, _)| (1..=2).contains(&epoch)));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn best(&self) -> Option<(usize, Epoch)> {
        let best = best_epoch(&self.epochs, &self.monitor)?;
        Some((best, self.epochs[best - 1].clone()))
    }

    /// Values of a metric, such as "PSNR", one for each epoch that has it.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Metric;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let fit = Fit { epochs: 2, metrics: vec![Metric::Mae], ..Default::default() };
    /// assert_eq!(ae.fit(&data, &fit)?.metric("MAE").len(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn metric(&self, name: &str) -> Vec<f64> {
        let values = self.epochs.iter().filter_map(|epoch| epoch.metric(name));
        values.collect()
    }

    /// Name of the loss that was minimized.
    pub(crate) fn loss_name(&self) -> String {
        loss_name(self.loss, self.custom_loss)
    }

    /// Validation loss of each epoch, or training losses without validation images.
    pub(crate) fn monitored_losses(&self) -> Vec<f32> {
        self.epochs.iter().map(Epoch::monitored_loss).collect()
    }

    /// Wall time of all epochs, in seconds.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// assert!(history.seconds() > 0.0);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }

    /// Loss curve with the best epoch marked.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// show(history.plot().log_y());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn plot(&self) -> Plot {
        let n = self.epochs.len();
        let mut plot = Plot::new()
            .title("Loss")
            .x_label("epoch")
            .y_label(self.loss_name());
        plot = plot.line("train", 1..n + 1, self.train_loss());
        let valid = self.valid_loss();
        if valid.len() == n {
            plot = plot.line("validation", 1..n + 1, valid);
        }
        match self.best() {
            Some((best, row)) if n > 1 => {
                let loss = row.monitored_loss();
                plot.scatter(format!("best, {loss:.5}"), [best], [loss])
                    .marker(Marker::Ring)
            }
            _ => plot,
        }
    }

    /// Table with one row per epoch.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let history = ae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// assert_eq!(history.table().len(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn table(&self) -> Table {
        let terms = self.epochs.first().map_or(&[][..], |epoch| &epoch.terms);
        let names = terms
            .iter()
            .flat_map(|term| [term.name.clone(), format!("validation {}", term.name)]);
        let columns = ["epoch", "train loss", "validation loss"].map(String::from);
        let metrics = metric_names(&self.epochs);
        let last = ["seconds", "images/s", ""].map(String::from);
        let columns = columns.into_iter().chain(names);
        let mut table = Table::new(columns.chain(metrics.iter().cloned()).chain(last));
        let best = self.best().map(|(number, _)| number);
        let loss = |loss: Option<f32>| loss.map_or("-".into(), |loss| format!("{loss:.5}"));
        for (number, epoch) in (1..).zip(&self.epochs) {
            let terms = epoch
                .terms
                .iter()
                .flat_map(|term| [Some(term.train), term.valid]);
            let losses = [Some(epoch.train_loss), epoch.valid_loss];
            let mut row = vec![number.to_string()];
            row.extend(losses.into_iter().chain(terms).map(loss));
            let values = metrics.iter().map(|name| epoch.metric(name));
            row.extend(values.map(|value| value.map_or("-".into(), metric_text)));
            row.push(format!("{:.1}", epoch.seconds));
            row.push(thousands(epoch.images_per_second as usize));
            row.push(if best == Some(number) { "best" } else { "" }.into());
            table = table.row(row);
        }
        table
    }
}

/// Number of the epoch with the best value, counted from 1; the first one of several.
pub(super) fn best_epoch(epochs: &[Epoch], monitor: &Monitor) -> Option<usize> {
    let costs = (1..)
        .zip(epochs)
        .filter_map(|(number, epoch)| Some((number, monitor.cost(epoch)?)));
    costs
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(number, _)| number)
}

/// Name of the loss that a run minimizes.
pub(super) fn loss_name(loss: Loss, is_custom: bool) -> String {
    if is_custom {
        "custom loss".into()
    } else {
        loss.to_string()
    }
}

/// Names of all metrics, in the order of their first epochs.
pub(crate) fn metric_names(epochs: &[Epoch]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for metric in epochs.iter().flat_map(|epoch| &epoch.metrics) {
        if !names.contains(&metric.name) {
            names.push(metric.name.clone());
        }
    }
    names
}

/// A metric in a table or a line: four significant digits or more.
pub(super) fn metric_text(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 1.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.5}")
    }
}

impl Show for History {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut text = self.table().to_text();
        if self.stopped {
            text.push_str("\nstopped early; the model keeps the weights of that moment");
        } else if self.ended != Ended::Epochs {
            text.push_str(&format!("\nended early: {}", self.ended.reason()));
        }
        if let Some(epoch) = self.restored {
            text.push_str(&format!("\nthe model has the weights of epoch {epoch}"));
        }
        let (width, height) = (640, 360);
        let canvas = self.canvas(width, height)?;
        let height = canvas.height() / DENSITY as usize;
        let png = canvas.to_png()?;
        Ok(vec![Content::text(text).png(&png, width, height)])
    }
}
evcxr_display!(History);
