//! Progress of a training run, as text.

use crate::show::{bar, duration, thousands};

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
    /// Losses of the last finished epoch; empty before its end.
    pub(crate) last_epoch: String,
    /// Images that an interrupted run had seen before this one continued it.
    pub(crate) resumed_images: f64,
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
            last_epoch: String::new(),
            resumed_images: 0.0,
        }
    }

    /// Begins after this number of finished epochs, and of images seen in the next one.
    pub(crate) fn resume_at(&mut self, finished_epochs: usize, seen: usize) {
        self.finished_epochs = finished_epochs;
        self.resumed_images = finished_epochs as f64 * self.images as f64 + seen as f64;
    }

    /// Three lines: epoch and batch, speed and time, losses.
    pub(crate) fn text(&self, elapsed_seconds: f64) -> String {
        let done = self.finished_epochs as f64 * self.images as f64 + self.seen as f64;
        let total = self.epochs as f64 * self.images as f64;
        let speed = (done - self.resumed_images).max(0.0) / elapsed_seconds;
        format!(
            "epoch {}/{}  batch {}/{}  {} {:>3.0} %\n{} images/s  {} elapsed  {} left\n{}",
            (self.finished_epochs + 1).min(self.epochs),
            self.epochs,
            self.seen.div_ceil(self.batch_size),
            self.images.div_ceil(self.batch_size),
            bar(done / total),
            done / total * 100.0,
            thousands(speed as usize),
            duration(elapsed_seconds),
            duration((total - done).max(0.0) / speed.max(1e-9)),
            self.losses(),
        )
    }

    fn losses(&self) -> String {
        match (self.seen > 0, self.last_epoch.is_empty()) {
            (true, true) => format!("loss {:.5}", self.loss),
            (true, false) => format!("loss {:.5}  last epoch: {}", self.loss, self.last_epoch),
            _ => self.last_epoch.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_batch_the_speed_and_the_remaining_time() {
        let mut status = Status::new(4, 100, 10);
        status.resume_at(1, 0);
        (status.seen, status.loss) = (100, 0.25);
        let text = status.text(10.0);
        assert!(text.starts_with("epoch 2/4  batch 10/10  "), "{text}");
        assert!(text.contains("50 %\n10 images/s  "), "{text}");
        assert!(text.contains(&format!("{} left", duration(20.0))), "{text}");
        assert!(text.ends_with("\nloss 0.25000"), "{text}");
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
