//! Charts of the parts of a loss: the reconstruction loss, and the terms that layers add to it.
//!
//! A chart for each part, with an axis of its own: parts often differ by orders of magnitude, and on a
//! common axis the smaller ones would be flat lines.

use super::epoch::Epoch;
use super::history::History;
use crate::error::Result;
use crate::show::{Canvas, LIGHT, Plot, Plots};

/// Charts in a row.
const COLUMNS: usize = 3;
/// Width of the charts of [`History::parts_plot`], in pixels.
const WIDTH: usize = 640;
/// Height of a chart, in pixels.
const HEIGHT: usize = 170;

impl History {
    /// Charts of the parts of the loss: the reconstruction loss, then each term that a layer adds, in
    /// the unit of the loss. A loss without terms has one chart.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let encoder = [Flatten, Linear(16), Gaussian(1.0)];
    /// let mut vae = Autoencoder::symmetric(data.image_shape(), &encoder)?;
    /// let history = vae.fit(&data, &Fit { epochs: 2, ..Default::default() })?;
    /// assert!(history.parts_plot().to_png()?.starts_with(b"\x89PNG"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn parts_plot(&self) -> Plots {
        self.part_plots(WIDTH)
    }

    /// The loss curve, above the charts of the parts if there are several, and those of the metrics.
    /// Sizes are in pixels on the page.
    pub(crate) fn canvas(&self, width: usize, height: usize) -> Result<Canvas> {
        let mut rows = vec![self.plot().size(width as u32, height as u32).canvas()?];
        if self.term_count() > 0 {
            rows.push(self.part_plots(width).canvas()?);
        }
        if self.has_metric_plots() {
            rows.push(self.metric_plots(width).canvas()?);
        }
        let height = rows.iter().map(Canvas::height).sum();
        let mut canvas = Canvas::new(rows[0].width(), height, LIGHT.background)?;
        let mut top = 0;
        for row in &rows {
            canvas.place(row, 0, top);
            top += row.height();
        }
        Ok(canvas)
    }

    /// The charts of the parts, of this width together.
    fn part_plots(&self, width: usize) -> Plots {
        let terms = self.term_count();
        let columns = COLUMNS.min(terms + 1);
        let size = ((width / columns) as u32, HEIGHT as u32);
        let plots = (0..=terms).map(|part| self.part_plot(part).size(size.0, size.1));
        Plots::new(plots).columns(columns)
    }

    /// Part 0 is the reconstruction loss. The lines have the colors of the loss curve, and its legend.
    fn part_plot(&self, part: usize) -> Plot {
        let name = match part.checked_sub(1) {
            Some(term) => self.epochs[0].terms[term].name.as_str(),
            None if self.custom_loss => "custom loss",
            None => "reconstruction",
        };
        let parts = self.epochs.iter().map(|epoch| LossPart::of(epoch, part));
        let parts: Vec<LossPart> = parts.collect();
        let n = parts.len();
        let train = parts.iter().map(|part| part.train).collect::<Vec<f64>>();
        let valid: Vec<f64> = parts.iter().filter_map(|part| part.valid).collect();
        let plot = Plot::new().title(name).legend(false);
        let plot = plot.line("train", 1..n + 1, train);
        if valid.len() == n {
            plot.line("validation", 1..n + 1, valid)
        } else {
            plot
        }
    }

    /// Number of terms that every epoch has.
    fn term_count(&self) -> usize {
        let counts = self.epochs.iter().map(|epoch| epoch.terms.len());
        counts.min().unwrap_or(0)
    }
}

/// One part of the losses of an epoch.
struct LossPart {
    train: f64,
    valid: Option<f64>,
}

impl LossPart {
    /// Part 0 is the loss without its terms, the others are the terms.
    fn of(epoch: &Epoch, part: usize) -> Self {
        if let Some(term) = part.checked_sub(1) {
            let term = &epoch.terms[term];
            return LossPart {
                train: term.train.into(),
                valid: term.valid.map(f64::from),
            };
        }
        let train = epoch.terms.iter().map(|term| f64::from(term.train));
        // Without a value for each term, the validation loss has no parts.
        let valid: Option<f64> = epoch
            .terms
            .iter()
            .map(|term| term.valid.map(f64::from))
            .sum();
        LossPart {
            train: f64::from(epoch.train_loss) - train.sum::<f64>(),
            valid: epoch
                .valid_loss
                .zip(valid)
                .map(|(loss, terms)| f64::from(loss) - terms),
        }
    }
}
