//! What happened in training: one row an epoch.

use crate::error::Result;
use crate::loss::Loss;
use crate::show::{Content, Plot, Show, Table, evcxr_display, thousands};
use serde::{Deserialize, Serialize};

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean loss over the training pictures while the weights moved, with dropout and noise.
    pub train_loss: f32,
    /// Mean loss over the held-out pictures at the end of the epoch, in evaluation mode. None where none are held out.
    pub valid_loss: Option<f32>,
    /// Wall time, in seconds, validation included.
    pub seconds: f64,
    /// Training pictures a second, validation not counted.
    pub images_per_second: f64,
}

/// The course of a call of `fit`. It shows itself as the loss curve, and in plain text as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The finished epochs, in order.
    pub epochs: Vec<Epoch>,
    /// Which loss the numbers are.
    pub loss: Loss,
    /// Whether Stop ended training early. The model is as trained up to then.
    pub stopped: bool,
}

impl History {
    /// The training loss of each epoch.
    pub fn train_loss(&self) -> Vec<f32> {
        self.epochs.iter().map(|epoch| epoch.train_loss).collect()
    }

    /// The validation loss of each epoch; empty where no pictures were held out.
    pub fn valid_loss(&self) -> Vec<f32> {
        self.epochs
            .iter()
            .filter_map(|epoch| epoch.valid_loss)
            .collect()
    }

    /// The number, counted from 1, and the row of the epoch with the lowest validation loss, or training loss where no
    /// pictures were held out.
    pub fn best(&self) -> Option<(usize, Epoch)> {
        let loss = |epoch: &Epoch| epoch.valid_loss.unwrap_or(epoch.train_loss);
        let best = self
            .epochs
            .iter()
            .enumerate()
            .min_by(|a, b| loss(a.1).total_cmp(&loss(b.1)));
        best.map(|(i, epoch)| (i + 1, epoch.clone()))
    }

    /// Wall time of all epochs, in seconds.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }

    /// The loss curve, with the best epoch marked.
    pub fn plot(&self) -> Plot {
        let n = self.epochs.len();
        let mut plot = Plot::new()
            .title("Loss")
            .x_label("epoch")
            .y_label(self.loss.to_string());
        plot = plot.line("train", 1..n + 1, self.train_loss());
        let valid = self.valid_loss();
        if valid.len() == n {
            plot = plot.line("validation", 1..n + 1, valid);
        }
        match self.best() {
            Some((best, row)) if n > 1 => {
                let loss = row.valid_loss.unwrap_or(row.train_loss);
                plot.scatter(format!("best, {loss:.5}"), [best], [loss])
                    .marker(crate::show::Marker::Triangle)
            }
            _ => plot,
        }
    }

    /// The epochs as a table.
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            "epoch",
            "train loss",
            "validation loss",
            "seconds",
            "images/s",
            "",
        ]);
        let best = self.best().map(|(n, _)| n);
        for (i, epoch) in self.epochs.iter().enumerate() {
            table = table.row([
                (i + 1).to_string(),
                format!("{:.5}", epoch.train_loss),
                epoch
                    .valid_loss
                    .map_or("-".into(), |loss| format!("{loss:.5}")),
                format!("{:.1}", epoch.seconds),
                thousands(epoch.images_per_second as usize),
                if best == Some(i + 1) {
                    "best".into()
                } else {
                    String::new()
                },
            ]);
        }
        table
    }
}

impl Show for History {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut text = self.table().to_text();
        if self.stopped {
            text.push_str("\nstopped early; the model is as trained up to then");
        }
        let (width, height) = (640, 360);
        let png = self.plot().size(width, height).to_png()?;
        Ok(vec![Content::text(text).png(
            &png,
            width as usize,
            height as usize,
        )])
    }
}
evcxr_display!(History);
