//! The view of training under the cell: one display, replaced in place.
//!
//! While it runs: a bar, losses and times as text, and below them the loss curve over a strip of pictures and their
//! reconstructions. What stays in the notebook is a picture of the same with the table of epochs as its plain text.

use crate::data::{ImageShape, Split};
use crate::error::{Error, Result};
use crate::model::Autoencoder;
use crate::show::{
    Canvas, Content, DENSITY, Frontend, Handle, LIGHT, UPDATE_EVERY, bar, base64, duration, escape,
    note, show, sparkline, thousands,
};
use crate::train::history::History;
use plotters::style::text_anchor::HPos;
use std::time::{Duration, Instant};

/// Width of the view on the page, in pixels, and height of its loss curve and of its line of text.
const WIDTH: usize = 680;
const CURVE: usize = 260;
const LINE: usize = 28;
/// What the labels of the strip need.
const LABELS: usize = 130;
/// How often the curve and the strip are drawn, at most.
const PICTURE_EVERY: Duration = Duration::from_millis(500);
/// Changing the page takes no more than one part in so many of the time.
const SHARE: u32 = 20;

/// The view of one call of `fit`. Where the page cannot be changed, it is one line an epoch.
pub(crate) struct View {
    epochs: usize,
    pictures: usize,
    batch: usize,
    /// How many pictures the strip has, enlarged so many times.
    strip: (usize, usize),
    start: Instant,
    /// When the page may be changed next, and when the picture may be drawn next.
    next: Instant,
    next_picture: Instant,
    handle: Option<Handle>,
    /// What is known of the epochs that are done.
    losses: String,
    finished: usize,
    seen: usize,
    loss: f64,
    /// How many pictures were seen before this view began.
    before: f64,
    /// The pictures and their reconstructions, and curve and strip as a file in base64, once an epoch is done.
    drawn: Option<Canvas>,
    encoded: String,
}

impl View {
    pub(crate) fn new(epochs: usize, pictures: usize, batch: usize, (_, h, w): ImageShape) -> Self {
        let zoom = ((48.0 / h as f64).round() as usize).max(1);
        let columns = ((WIDTH - LABELS) / (w * zoom + zoom)).clamp(1, 12);
        let now = Instant::now();
        View {
            epochs,
            pictures,
            batch,
            strip: (columns, zoom),
            start: now,
            next: now,
            next_picture: now,
            handle: None,
            losses: String::new(),
            finished: 0,
            seen: 0,
            loss: f64::NAN,
            before: 0.0,
            drawn: None,
            encoded: String::new(),
        }
    }

    /// Begins with a run that has finished so many epochs, and seen so many pictures of the next.
    pub(crate) fn begin_at(&mut self, finished: usize, seen: usize) {
        self.finished = finished;
        self.before = finished as f64 * self.pictures as f64 + seen as f64;
    }

    fn live(&self) -> bool {
        Frontend::current() == Frontend::Candlebook
    }

    /// After a step: how many pictures of the epoch were seen, and their mean loss.
    pub(crate) fn batch_done(&mut self, seen: usize, loss: f64) {
        (self.seen, self.loss) = (seen, loss);
        if self.live() && Instant::now() >= self.next {
            self.update();
        }
    }

    /// After an epoch: the curve and the strip anew, or a line of text.
    pub(crate) fn epoch_done(
        &mut self,
        model: &Autoencoder,
        history: &History,
        pictures: &Split,
    ) -> Result<()> {
        let Some(epoch) = history.epochs.last() else {
            return Ok(());
        };
        self.finished = history.epochs.len();
        self.seen = 0;
        let valid = epoch
            .valid_loss
            .map_or(String::new(), |loss| format!("  validation {loss:.5}"));
        let best = history.best().filter(|(_, row)| row.valid_loss.is_some());
        let best = best.map_or(String::new(), |(n, row)| {
            let loss = row.valid_loss.unwrap_or(row.train_loss);
            format!("  best {loss:.5} in epoch {n}")
        });
        self.losses = format!("train {:.5}{valid}{best}", epoch.train_loss);
        if !self.live() {
            let train: Vec<f64> = history.train_loss().into_iter().map(f64::from).collect();
            let (seconds, speed) = (
                duration(epoch.seconds),
                thousands(epoch.images_per_second as usize),
            );
            note(format_args!(
                "epoch {}/{}  train {:.5}{valid}  {seconds}  {speed} images/s  {}",
                self.finished,
                self.epochs,
                epoch.train_loss,
                sparkline(&train, 20)
            ));
            return Ok(());
        }
        // Epochs may be shorter than what a picture of each would take.
        let begun = Instant::now();
        if begun >= self.next_picture || self.finished == self.epochs {
            let (columns, zoom) = self.strip;
            match model.reconstructions_for(pictures, columns, history.loss) {
                // The next epoch sees that Stop was pressed.
                Err(Error::Stopped) => {}
                strip => self.drawn = Some(strip?.zoom(zoom).draw(DENSITY as usize)?),
            }
            self.encoded = base64(&self.picture(history, 0)?.to_png()?);
            self.next_picture = Instant::now() + PICTURE_EVERY.max(begun.elapsed() * SHARE);
        }
        if Instant::now() >= self.next {
            self.update();
        }
        Ok(())
    }

    /// At the end: the picture with the summary above it, and the table in plain text.
    pub(crate) fn done(&mut self, history: &History) -> Result<()> {
        let n = history.epochs.len();
        let how = if history.stopped {
            "stopped after"
        } else {
            "trained for"
        };
        let mut text = format!(
            "{how} {n} of {} epochs in {}",
            self.epochs,
            duration(self.start.elapsed().as_secs_f64())
        );
        if let Some((best, row)) = history.best() {
            let (name, loss) = row
                .valid_loss
                .map_or(("train", row.train_loss), |loss| ("validation", loss));
            text.push_str(&format!("; best {name} loss {loss:.5} in epoch {best}"));
        }
        if !self.live() {
            note(&text);
            return Ok(());
        }
        let mut content = Content::text(text.clone());
        if n > 0 {
            let density = DENSITY as usize;
            let mut picture = self.picture(history, LINE * density)?;
            let middle = (8 * density as i32, (LINE * density / 2) as i32);
            picture.text(&text, middle, 14.0 * density as f64, HPos::Left, LIGHT.ink)?;
            let plain = format!("{text}\n{}", history.table().to_text());
            let (width, height) = (picture.width() / density, picture.height() / density);
            content = Content::text(plain).png(&picture.to_png()?, width, height);
        }
        self.put(content);
        Ok(())
    }

    /// Puts the text of this moment above the last picture.
    fn update(&mut self) {
        let begun = Instant::now();
        let text = self.text();
        let mut html = format!(
            "<pre style=\"margin:0;line-height:1.5\">{}</pre>",
            escape(&text)
        );
        if !self.encoded.is_empty() {
            // Decoded at once, or the picture would flicker at each change.
            let source = format!("data:image/png;base64,{}", self.encoded);
            html.push_str(&format!(
                "<img alt=\"\" decoding=\"sync\" width=\"{WIDTH}\" src=\"{source}\">"
            ));
        }
        self.put(Content::text(text).html(html));
        self.next = Instant::now() + UPDATE_EVERY.max(begun.elapsed() * SHARE);
    }

    fn text(&self) -> String {
        let epoch = (self.finished + 1).min(self.epochs);
        let done = self.finished as f64 * self.pictures as f64 + self.seen as f64;
        let all = self.epochs as f64 * self.pictures as f64;
        let share = done / all;
        let elapsed = self.start.elapsed().as_secs_f64();
        let speed = (done - self.before).max(0.0) / elapsed;
        let left = duration((all - done).max(0.0) / speed.max(1e-9));
        let (batch, batches) = (
            self.seen.div_ceil(self.batch),
            self.pictures.div_ceil(self.batch),
        );
        let speed = thousands(speed as usize);
        let mut text = format!(
            "epoch {epoch}/{}  batch {batch}/{batches}  {} {:>3.0} %\n{speed} images/s  {} elapsed  {left} left\n",
            self.epochs,
            bar(share),
            share * 100.0,
            duration(elapsed),
        );
        match (self.seen > 0, self.losses.is_empty()) {
            (true, true) => text.push_str(&format!("loss {:.5}", self.loss)),
            (true, false) => text.push_str(&format!(
                "loss {:.5}  last epoch: {}",
                self.loss, self.losses
            )),
            _ => text.push_str(&self.losses),
        }
        text
    }

    fn put(&mut self, content: Content) {
        match &self.handle {
            Some(handle) => handle.update(content),
            None => self.handle = Some(show(content)),
        }
    }

    /// The curve over the strip, below some free lines of pixels.
    fn picture(&self, history: &History, top: usize) -> Result<Canvas> {
        let curve = history.plot().size(WIDTH as u32, CURVE as u32).canvas()?;
        let strip = self.drawn.as_ref().map_or(0, Canvas::height);
        let mut canvas = Canvas::new(
            curve.width(),
            top + curve.height() + strip,
            LIGHT.background,
        )?;
        canvas.place(&curve, 0, top);
        if let Some(strip) = &self.drawn {
            canvas.place(strip, 0, top + curve.height());
        }
        Ok(canvas)
    }
}
