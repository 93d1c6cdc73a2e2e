//! Result of training: one row per epoch.

use super::fit::Fit;
use crate::error::Result;
use crate::loss::Loss;
use crate::show::{Content, DENSITY, Marker, Plot, Show, Table, evcxr_display, thousands};
use serde::{Deserialize, Serialize};

/// Losses and speed of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// Losses of a training run. It renders itself as the loss curve, above a chart of each part of the
/// loss if layers add terms to it, and in plain text as a table.
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
#[derive(Clone, Debug, PartialEq)]
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
    /// without validation images). None before the end of the first epoch.
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
        let numbered = (1..).zip(&self.epochs);
        let best =
            numbered.min_by(|(_, a), (_, b)| a.monitored_loss().total_cmp(&b.monitored_loss()));
        best.map(|(number, epoch)| (number, epoch.clone()))
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
            .y_label(if self.custom_loss {
                "custom loss".into()
            } else {
                self.loss.to_string()
            });
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
        let last = ["seconds", "images/s", ""].map(String::from);
        let mut table = Table::new(columns.into_iter().chain(names).chain(last));
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
            row.push(format!("{:.1}", epoch.seconds));
            row.push(thousands(epoch.images_per_second as usize));
            row.push(if best == Some(number) { "best" } else { "" }.into());
            table = table.row(row);
        }
        table
    }
}

impl Show for History {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut text = self.table().to_text();
        if self.stopped {
            text.push_str("\nstopped early; the model keeps the weights of that moment");
        }
        let (width, height) = (640, 360);
        let canvas = self.canvas(width, height)?;
        let height = canvas.height() / DENSITY as usize;
        let png = canvas.to_png()?;
        Ok(vec![Content::text(text).png(&png, width, height)])
    }
}
evcxr_display!(History);
