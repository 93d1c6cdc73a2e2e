//! Progress of a training run, as text.

use crate::show::{Mark, Pace, bar, duration, thousands};

/// Progress of a training run.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) epochs: usize,
    /// Training images per epoch.
    pub(crate) images: usize,
    pub(crate) batch_size: usize,
    pub(crate) finished_epochs: usize,
    /// Images seen in the current epoch.
    pub(crate) seen: usize,
    /// Mean loss over the images seen in the current epoch.
    pub(crate) loss: f64,
    /// Learning rate of the last step.
    pub(crate) learning_rate: f64,
    /// Losses of the last finished epoch; empty before its end.
    pub(crate) last_epoch: String,
    /// Speed in images.
    pace: Pace,
}

impl Status {
    pub(crate) fn new(epochs: usize, images: usize, batch_size: usize) -> Self {
        Status {
            epochs,
            images,
            batch_size,
            finished_epochs: 0,
            seen: 0,
            loss: f64::NAN,
            learning_rate: f64::NAN,
            last_epoch: String::new(),
            pace: Pace::default(),
        }
    }

    /// Reports a step: images seen in the epoch, and their mean loss.
    pub(crate) fn batch_done(&mut self, seen: usize, loss: f64, elapsed_seconds: f64) {
        (self.seen, self.loss) = (seen, loss);
        self.pace.step(self.now(elapsed_seconds));
    }

    fn now(&self, seconds: f64) -> Mark {
        let done = self.finished_epochs as f64 * self.images as f64 + self.seen as f64;
        Mark { done, seconds }
    }

    /// Three lines: epoch and batch, speed and time, losses.
    pub(crate) fn text(&self, elapsed_seconds: f64) -> String {
        let now = self.now(elapsed_seconds);
        let total = self.epochs as f64 * self.images as f64;
        format!(
            "epoch {}/{}  batch {}/{}  {} {:>3.0} %\n{}\n{}",
            (self.finished_epochs + 1).min(self.epochs),
            self.epochs,
            self.seen.div_ceil(self.batch_size),
            self.images.div_ceil(self.batch_size),
            bar(now.done / total),
            now.done / total * 100.0,
            self.times(now, total),
            self.losses(),
        )
    }

    fn times(&self, now: Mark, total: f64) -> String {
        let elapsed = format!("{} elapsed", duration(now.seconds));
        match (self.pace.speed(now), self.pace.seconds_left(now, total)) {
            (Some(speed), Some(left)) => {
                let (speed, left) = (thousands(speed as usize), duration(left));
                format!("{speed} images/s  {elapsed}  {left} left")
            }
            _ => elapsed,
        }
    }

    fn losses(&self) -> String {
        if self.seen == 0 {
            return self.last_epoch.clone();
        }
        let mut text = format!("loss {:.5}", self.loss);
        if self.learning_rate.is_finite() {
            text.push_str(&format!("  learning rate {}", rounded(self.learning_rate)));
        }
        if !self.last_epoch.is_empty() {
            text.push_str(&format!("  last epoch: {}", self.last_epoch));
        }
        text
    }
}

/// A number with three significant digits: 0.001, 0.00123, 1.23e-7.
fn rounded(value: f64) -> String {
    let digits = format!("{value:.2e}");
    digits
        .parse::<f64>()
        .map_or(digits, |value| format!("{value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_batch_the_speed_and_the_remaining_time() {
        let mut status = Status::new(4, 100, 10);
        status.finished_epochs = 1;
        status.batch_done(10, 0.5, 6.0);
        let text = status.text(6.0);
        assert!(text.contains("28 %\n6.0 s elapsed\n"), "{text}");
        status.batch_done(100, 0.25, 15.0);
        let text = status.text(15.0);
        assert!(text.starts_with("epoch 2/4  batch 10/10  "), "{text}");
        assert!(
            text.contains("50 %\n10 images/s  15 s elapsed  20 s left\n"),
            "{text}"
        );
        assert!(text.ends_with("\nloss 0.25000"), "{text}");
    }

    #[test]
    fn it_shows_the_learning_rate() {
        let mut status = Status::new(2, 100, 10);
        (status.seen, status.loss, status.learning_rate) = (10, 0.5, 1e-3);
        let text = status.text(1.0);
        assert!(
            text.ends_with("\nloss 0.50000  learning rate 0.001"),
            "{text}"
        );
        let texts = [0.001_234_5, 1.234_5e-7, 0.1, 2.0].map(rounded);
        assert_eq!(texts, ["0.00123", "1.23e-7", "0.1", "2.0"]);
    }

    #[test]
    fn between_epochs_it_shows_the_losses_of_the_last() {
        let mut status = Status::new(2, 100, 10);
        status.last_epoch = "train 0.1".into();
        assert!(status.text(1.0).ends_with("\ntrain 0.1"));
        (status.seen, status.loss) = (10, 0.5);
        assert!(
            status
                .text(1.0)
                .ends_with("\nloss 0.50000  last epoch: train 0.1")
        );
    }
}
