//! View of a training run below the cell: one display, replaced in place.
//!
//! During training, it shows a progress bar, losses and times as text above the loss curve and a
//! strip of images with their reconstructions. The notebook keeps one image of all this, with the
//! table of epochs as its plain text.

use super::drawing::{Drawing, WIDTH};
use super::ended::Ended;
use super::epoch::Epoch;
use super::history::{History, metric_text};
use super::status::Status;
use crate::data::{ImageShape, Split};
use crate::error::{Error, Result};
use crate::model::Autoencoder;
use crate::show::{
    Content, DENSITY, Frontend, Handle, RESULT, UPDATE_EVERY, base64, duration, escape, note, show,
    sparkline, thousands,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// Minimum time between two drawings of curve and strip.
const DRAW_EVERY: Duration = Duration::from_millis(500);
/// Updates take at most 1 / `TIME_SHARE` of the training time.
const TIME_SHARE: u32 = 20;

/// View of one training run. A front end that cannot replace a display gets one line per epoch.
pub(crate) struct View {
    status: Status,
    drawing: Drawing,
    start: Instant,
    /// Earliest time of the next update.
    next_update: Instant,
    /// Earliest time of the next drawing.
    next_drawing: Instant,
    handle: Option<Handle>,
    /// Drawing as a PNG file in base64; empty before the end of an epoch.
    encoded: String,
    /// Nothing is shown.
    pub(super) silent: bool,
}

impl View {
    pub(crate) fn new(
        epochs: usize,
        images: usize,
        batch_size: usize,
        image_shape: ImageShape,
    ) -> Self {
        let now = Instant::now();
        View {
            status: Status::new(epochs, images, batch_size),
            drawing: Drawing::new(image_shape),
            start: now,
            next_update: now,
            next_drawing: now,
            handle: None,
            encoded: String::new(),
            silent: false,
        }
    }

    /// Begins after this number of finished epochs, and of images seen in the next one.
    pub(crate) fn begin_at(&mut self, finished_epochs: usize, seen: usize) {
        (self.status.finished_epochs, self.status.seen) = (finished_epochs, seen);
    }

    /// Reports a step: images seen in the epoch, their mean loss, and the step's learning rate.
    pub(crate) fn batch_done(&mut self, seen: usize, loss: f64, learning_rate: f64) {
        let elapsed = self.start.elapsed().as_secs_f64();
        self.status.learning_rate = learning_rate;
        self.status.batch_done(seen, loss, elapsed);
        if !self.silent && replaces_displays() && Instant::now() >= self.next_update {
            self.update();
        }
    }

    /// Reports an epoch: redraws curve and strip, or prints a line.
    pub(crate) fn epoch_done(
        &mut self,
        model: &Autoencoder,
        history: &History,
        images: &Split,
    ) -> Result<()> {
        let Some(epoch) = history.epochs.last().filter(|_| !self.silent) else {
            return Ok(());
        };
        self.status.finished_epochs = history.epochs.len();
        self.status.seen = 0;
        self.status.last_epoch = format!("{}{}", losses(epoch), best(history));
        if !replaces_displays() {
            note(self.line(epoch, history));
            return Ok(());
        }
        // An epoch may be shorter than the time that a drawing takes.
        let begin = Instant::now();
        if begin >= self.next_drawing || self.status.finished_epochs == self.status.epochs {
            match self.drawing.update(model, history, images) {
                Err(Error::Stopped) => {} // The next epoch will notice it.
                updated => updated?,
            }
            self.encoded = base64(&self.drawing.compose(history, 0)?.to_png()?);
            self.next_drawing = Instant::now() + DRAW_EVERY.max(begin.elapsed() * TIME_SHARE);
        }
        if Instant::now() >= self.next_update {
            self.update();
        }
        Ok(())
    }

    /// Reports the end: draws the summary above curve and strip, with the table as plain text.
    /// `activity` are lines about the model's units.
    pub(crate) fn done(&mut self, history: &History, activity: &[String]) -> Result<()> {
        if self.silent {
            return Ok(());
        }
        let summary = [&[self.summary(history)], activity].concat().join("\n");
        if !replaces_displays() {
            note(&summary);
            return Ok(());
        }
        let mut content = Content::text(summary.clone());
        if !history.epochs.is_empty() {
            let canvas = self.drawing.with_caption(history, &summary)?;
            let density = DENSITY as usize;
            let (width, height) = (canvas.width() / density, canvas.height() / density);
            let plain = format!("{summary}\n{}", history.table().to_text());
            content = Content::text(plain).png(&canvas.to_png()?, width, height);
        }
        let best = history.epochs.iter().map(Epoch::monitored_loss);
        let best = best.min_by(f32::total_cmp);
        let epochs = history.epochs.len();
        self.put(content.with(RESULT, json!({ "best_loss": best, "epochs": epochs })));
        Ok(())
    }

    /// One line about an epoch, for front ends that cannot replace a display.
    fn line(&self, epoch: &Epoch, history: &History) -> String {
        let train: Vec<f64> = history.train_loss().into_iter().map(f64::from).collect();
        format!(
            "epoch {}/{}  {}  {}  {} images/s  {}",
            self.status.finished_epochs,
            self.status.epochs,
            losses(epoch),
            duration(epoch.seconds),
            thousands(epoch.images_per_second as usize),
            sparkline(&train, 20)
        )
    }

    /// One line about the whole run.
    fn summary(&self, history: &History) -> String {
        let verb = if history.stopped {
            "stopped after"
        } else {
            "trained for"
        };
        let mut text = format!(
            "{verb} {} of {} epochs in {}",
            history.epochs.len(),
            self.status.epochs,
            duration(self.start.elapsed().as_secs_f64())
        );
        if !history.stopped && history.ended != Ended::Epochs {
            text.push_str(&format!(" ({})", history.ended.reason()));
        }
        if let Some((number, epoch)) = history.best() {
            let name = history.monitor.name(&epoch);
            let value = match history.monitor.metric() {
                Some(metric) => epoch.metric(metric).map_or("-".into(), metric_text),
                None => format!("{:.5}", history.monitor.value(&epoch).unwrap_or(f64::NAN)),
            };
            text.push_str(&format!("; best {name} {value} in epoch {number}"));
            if history.restored == Some(number) {
                text.push_str(", whose weights the model has");
            } else if number < history.epochs.len() {
                text.push_str(" (its weights: restore_best)");
            }
        }
        text
    }

    /// Shows the current text above the last drawing.
    fn update(&mut self) {
        let begin = Instant::now();
        let text = self.status.text(self.start.elapsed().as_secs_f64());
        let mut html = format!(
            "<pre style=\"margin:0;line-height:1.5;white-space:pre-wrap;word-break:normal\">{}</pre>",
            escape(&text)
        );
        if !self.encoded.is_empty() {
            // Synchronous decoding, or the image flickers at each update.
            let source = format!("data:image/png;base64,{}", self.encoded);
            html.push_str(&format!(
                "<img alt=\"\" decoding=\"sync\" width=\"{WIDTH}\" src=\"{source}\">"
            ));
        }
        self.put(Content::text(text).html(html));
        self.next_update = Instant::now() + UPDATE_EVERY.max(begin.elapsed() * TIME_SHARE);
    }

    fn put(&mut self, content: Content) {
        match &self.handle {
            Some(handle) => handle.update(content),
            None => self.handle = Some(show(content)),
        }
    }
}

/// True if the front end can replace a display.
fn replaces_displays() -> bool {
    Frontend::current() == Frontend::Candlebook
}

/// Losses and metrics of an epoch.
fn losses(epoch: &Epoch) -> String {
    let terms: Vec<String> = epoch
        .terms
        .iter()
        .map(|term| format!("{} {:.5}", term.name, term.train))
        .collect();
    let mut text = match terms.as_slice() {
        [] => format!("train {:.5}", epoch.train_loss),
        terms => format!("train {:.5} with {}", epoch.train_loss, terms.join(", ")),
    };
    if let Some(loss) = epoch.valid_loss {
        text.push_str(&format!("  validation {loss:.5}"));
    }
    for metric in &epoch.metrics {
        text.push_str(&format!("  {} {}", metric.name, metric_text(metric.value)));
    }
    text
}

/// Best epoch by validation loss; empty without validation.
fn best(history: &History) -> String {
    match history.best() {
        Some((
            number,
            Epoch {
                valid_loss: Some(loss),
                ..
            },
        )) => {
            format!("  best {loss:.5} in epoch {number}")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::Loss;

    fn history() -> History {
        let epoch = |valid_loss| Epoch {
            train_loss: 0.25,
            valid_loss,
            seconds: 1.0,
            images_per_second: 1234.0,
            ..Default::default()
        };
        History {
            epochs: vec![epoch(Some(0.125)), epoch(Some(0.5))],
            loss: Loss::Mse,
            custom_loss: false,
            stopped: true,
            ended: Ended::Stopped,
            ..Default::default()
        }
    }

    #[test]
    fn lines_name_losses_speed_and_the_best_epoch() {
        let history = history();
        let mut view = View::new(4, 100, 10, (1, 28, 28));
        view.begin_at(2, 0);
        let line = view.line(&history.epochs[1], &history);
        let expected = "epoch 2/4  train 0.25000  validation 0.50000  ";
        assert!(line.starts_with(expected), "{line}");
        assert!(line.contains("  1,234 images/s  "), "{line}");
        assert_eq!(best(&history), "  best 0.12500 in epoch 1");
        let summary = view.summary(&history);
        assert!(
            summary.starts_with("stopped after 2 of 4 epochs in "),
            "{summary}"
        );
        assert!(
            summary
                .ends_with("; best validation loss 0.12500 in epoch 1 (its weights: restore_best)"),
            "{summary}"
        );
        let early = History {
            stopped: false,
            ended: Ended::EarlyStopping,
            restored: Some(1),
            ..history
        };
        let summary = view.summary(&early);
        assert!(summary.contains(" (early stopping); best "), "{summary}");
        assert!(
            summary.ends_with("in epoch 1, whose weights the model has"),
            "{summary}"
        );
    }
}
