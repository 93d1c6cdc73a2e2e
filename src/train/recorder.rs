//! The record of a training run in the run log.

use super::epoch::Epoch;
use super::fit::Fit;
use super::history::{History, loss_name};
use super::observer::Observer;
use super::state::Resumed;
use crate::data::Dataset;
use crate::device;
use crate::error::Result;
use crate::export::Architecture;
use crate::layer::Layer;
use crate::lock::lock;
use crate::model::Autoencoder;
use crate::run_log::{Ending, EpochRow, NewRun, RunWriter, log_file};
use crate::show::note;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

/// Records one run. Nothing that happens to the file reaches the run, except for a note at its end.
pub(super) struct Recorder {
    /// The file and its writer; `None` if the run is not recorded.
    log: Option<(PathBuf, RunWriter)>,
    start: Instant,
}

impl Recorder {
    /// Begins a run, with the epochs of the run that it resumes.
    pub(super) fn begin(
        model: &Autoencoder,
        data: &Dataset,
        fit: &Fit,
        custom_loss: bool,
        resumed: Option<&Resumed>,
    ) -> Self {
        let path = log_file().filter(|_| fit.log);
        let run = || NewRun {
            kind: if resumed.is_some() { "resume" } else { "fit" }.into(),
            loss: loss_name(fit.loss, custom_loss),
            ..new_run(model, data, fit)
        };
        let log = path.map(|path| {
            let writer = RunWriter::begin(path.clone(), run(), data.train.clone());
            (path, writer)
        });
        let recorder = Recorder {
            log,
            start: Instant::now(),
        };
        let epochs = resumed.map_or(&[][..], |resumed| &resumed.state.history);
        for (number, epoch) in (1..).zip(epochs) {
            recorder.record(number, epoch);
        }
        recorder
    }

    /// Records a finished epoch. Returns at once.
    pub(super) fn record(&self, number: usize, epoch: &Epoch) {
        let Some((_, writer)) = &self.log else {
            return;
        };
        writer.epoch(EpochRow {
            number: number as u64,
            train_loss: f64::from(epoch.train_loss),
            valid_loss: epoch.valid_loss.map(f64::from),
            seconds: epoch.seconds,
            json: json(epoch),
        });
    }

    /// Records how the run has ended.
    pub(super) fn end(mut self, result: &Result<History>) {
        match result {
            Ok(history) => self.end_with(history.ended.word()),
            Err(error) => self.end_with(&error.to_string()),
        }
    }

    /// Records why the run has ended.
    pub(super) fn end_with(&mut self, reason: &str) {
        let Some((path, writer)) = self.log.take() else {
            return;
        };
        let ending = Ending {
            reason: reason.to_owned(),
            seconds: self.start.elapsed().as_secs_f64(),
        };
        if let Err(reason) = writer.end(ending) {
            let path = path.display();
            note_once(format!("This run is not in the run log, {path}: {reason}."));
        }
    }
}

impl Drop for Recorder {
    /// A panic ends a run, too.
    fn drop(&mut self) {
        self.end_with("interrupted");
    }
}

impl Observer for Recorder {
    fn epoch(&mut self, number: usize, epoch: &Epoch) -> ControlFlow<()> {
        self.record(number, epoch);
        ControlFlow::Continue(())
    }

    fn has_view(&self) -> bool {
        true
    }
}

fn new_run(model: &Autoencoder, data: &Dataset, fit: &Fit) -> NewRun {
    let (c, h, w) = data.image_shape();
    let folder = std::env::current_dir().unwrap_or_default();
    let threads = match rayon::current_num_threads() {
        1 => "1 thread".to_owned(),
        n => format!("{n} threads"),
    };
    NewRun {
        folder: folder.to_string_lossy().into_owned(),
        settings: json(fit),
        tags: json(&fit.tags),
        architecture: json(&Architecture::of(model)),
        layers: layers(model),
        parameters: model.count_params() as u64,
        data_name: data.name.clone(),
        images: data.train.len() as u64,
        image_shape: format!("{c} x {h} x {w}"),
        device: format!("{}, {threads}", device::name(model.device())),
        ..Default::default()
    }
}

/// The layers of both parts as written in code.
fn layers(model: &Autoencoder) -> String {
    let list = |layers: &[Layer]| {
        let layers: Vec<String> = layers.iter().map(Layer::to_string).collect();
        layers.join(", ")
    };
    format!("{} -> {}", list(model.encoder()), list(model.decoder()))
}

/// JSON, or `null` of a value without a JSON form, such as a module of candle.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

/// Shows a note, unless the last run has shown it.
fn note_once(text: String) {
    static LAST: Mutex<String> = Mutex::new(String::new());
    let mut last = lock(&LAST);
    if *last != text {
        note(&text);
        *last = text;
    }
}
