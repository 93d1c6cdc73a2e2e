//! The live view of a sweep: one table and one chart, replaced in place.

use super::point::Point;
use super::sortable::{SortableCell, sortable_table};
use super::trial::{Trial, TrialState};
use crate::error::Result;
use crate::show::{
    Content, Frontend, Handle, Plot, Show, Table, UPDATE_EVERY, duration, note, show,
};
use crate::train::Epoch;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Minimum time between two drawings.
const DRAW_EVERY: Duration = Duration::from_secs(1);
/// Drawings take at most 1 / `TIME_SHARE` of the time: the runs use all cores.
const TIME_SHARE: u32 = 20;
/// Curves of the chart: those of the best runs.
const MAX_CURVES: usize = 12;

/// News of a run.
pub(super) enum Update {
    State(usize, TrialState),
    Epoch(usize, Epoch),
    /// The model has the weights of this epoch, counted from 1.
    Restored(usize, usize),
}

/// The runs of a sweep so far, and their view.
pub(super) struct SweepView {
    trials: Vec<Trial>,
    handle: Option<Handle>,
    next_drawing: Instant,
}

impl SweepView {
    pub(super) fn new(trials: Vec<Trial>) -> Self {
        SweepView {
            trials,
            handle: None,
            next_drawing: Instant::now(),
        }
    }

    /// Shows the runs until the last sender is gone.
    pub(super) fn follow(&mut self, updates: &Receiver<Update>) {
        loop {
            match updates.recv_timeout(UPDATE_EVERY) {
                Ok(update) => self.apply(update),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            updates.try_iter().for_each(|update| self.apply(update));
            if replaces_displays() && Instant::now() >= self.next_drawing {
                self.draw();
            }
        }
    }

    /// Takes over the news of a run.
    pub(super) fn apply(&mut self, update: Update) {
        match update {
            Update::Epoch(index, epoch) => self.trials[index].epochs.push(epoch),
            Update::Restored(index, epoch) => self.trials[index].restored = Some(epoch),
            Update::State(index, state) => {
                let trial = &mut self.trials[index];
                let ended = !matches!(state, TrialState::Running | TrialState::Paused);
                trial.state = state;
                if ended && !replaces_displays() {
                    let all = self.trials.len();
                    note(line(&self.trials[index], all));
                }
            }
        }
    }

    /// Shows the final state, and returns it.
    pub(super) fn done(mut self) -> Vec<Trial> {
        if replaces_displays() {
            self.draw();
        }
        self.trials
    }

    fn draw(&mut self) {
        let begin = Instant::now();
        let drawn = Drawn(&self.trials);
        match &self.handle {
            Some(handle) => handle.update(drawn),
            None => self.handle = Some(show(drawn)),
        }
        self.next_drawing = Instant::now() + DRAW_EVERY.max(begin.elapsed() * TIME_SHARE);
    }
}

/// Table and chart while runs go on.
struct Drawn<'a>(&'a [Trial]);

impl Show for Drawn<'_> {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut contents = table(self.0).contents()?;
        let has_failed = |trial: &Trial| matches!(trial.state, TrialState::Failed(_));
        if !self.0.iter().all(has_failed) {
            contents.extend(plot(self.0).contents()?);
        }
        Ok(contents)
    }
}

/// One line about a run that has ended, for front ends that cannot replace a display.
fn line(trial: &Trial, all: usize) -> String {
    let loss = trial.loss().map_or("-".into(), |loss| format!("{loss:.5}"));
    format!(
        "{}/{all}  {}  loss {loss}  {}",
        trial.number, trial.point, trial.state
    )
}

/// One row per run.
pub(super) fn table(trials: &[Trial]) -> Table {
    let rows = cells(trials);
    rows.into_iter()
        .fold(Table::new(header(trials)), |table, row| {
            table.row(row.into_iter().map(|cell| cell.text))
        })
}

/// One row per run, as HTML that sorts and filters.
pub(super) fn html(trials: &[Trial]) -> String {
    let header = header(trials);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    sortable_table(&header, &cells(trials))
}

/// Curves of the best runs.
pub(super) fn plot(trials: &[Trial]) -> Plot {
    let mut best: Vec<&Trial> = trials
        .iter()
        .filter(|trial| trial.loss().is_some())
        .collect();
    best.sort_by(|a, b| {
        a.loss()
            .unwrap_or(f32::MAX)
            .total_cmp(&b.loss().unwrap_or(f32::MAX))
    });
    best.truncate(MAX_CURVES);
    let title = if best.len() < trials.len() {
        "Loss of the best runs"
    } else {
        "Loss"
    };
    let positive = best
        .iter()
        .all(|trial| losses(trial).iter().all(|loss| *loss > 0.0));
    let plot = Plot::new()
        .title(title)
        .x_label("epoch")
        .y_label("loss")
        .size(680, 320);
    let plot = best.into_iter().fold(plot, |plot, trial| {
        let losses = losses(trial);
        let loss = trial.loss().unwrap_or(f32::NAN);
        let name = format!("{}: {loss:.5}", trial.number);
        plot.line(name, 1..losses.len() + 1, losses)
    });
    if positive { plot.log_y() } else { plot }
}

fn losses(trial: &Trial) -> Vec<f32> {
    trial.epochs.iter().map(Epoch::monitored_loss).collect()
}

/// Names of the values, in the order of the first point that has them.
fn names(trials: &[Trial]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in trials.iter().flat_map(|trial| trial.point.iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn header(trials: &[Trial]) -> Vec<String> {
    let first = std::iter::once("point").chain(names(trials));
    let all = first.chain(["epochs", "loss", "time", "state"]);
    all.map(String::from).collect()
}

fn cells(trials: &[Trial]) -> Vec<Vec<SortableCell>> {
    let names = names(trials);
    let best = best(trials).map(|trial| trial.number);
    let number = |number: usize| SortableCell::number(Some(number as f64), |_| number.to_string());
    let row = |trial: &Trial| {
        let mut row = vec![number(trial.number)];
        row.extend(names.iter().map(|name| value(&trial.point, name)));
        row.push(number(trial.epochs.len()));
        let loss = trial.loss().map(f64::from);
        row.push(SortableCell::number(loss, |loss| format!("{loss:.5}")));
        // The sum of no numbers is -0.
        let seconds = trial.epochs.iter().map(|epoch| epoch.seconds).sum::<f64>() + 0.0;
        row.push(SortableCell::number(Some(seconds), duration));
        let state = trial.state.to_string();
        row.push(SortableCell::text(if best == Some(trial.number) {
            format!("{state}, best")
        } else {
            state
        }));
        row
    };
    trials.iter().map(row).collect()
}

fn value(point: &Point, name: &str) -> SortableCell {
    let Some(value) = point.get(name) else {
        return SortableCell::text("-");
    };
    match point.number(name) {
        Ok(number) => SortableCell::number(Some(number), |_| value.to_string()),
        Err(_) => SortableCell::text(value.to_string()),
    }
}

/// The run with the lowest loss that did not fail.
pub(super) fn best(trials: &[Trial]) -> Option<&Trial> {
    let good = trials
        .iter()
        .filter(|trial| !matches!(trial.state, TrialState::Failed(_)));
    let with_loss = good.filter_map(|trial| Some((trial.loss()?, trial)));
    let best = with_loss.min_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, trial)| trial)
}

/// True if the front end can replace a display.
fn replaces_displays() -> bool {
    Frontend::current() == Frontend::Candlebook
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: usize, losses: &[f32], state: TrialState) -> Trial {
        let epoch = |loss: &f32| Epoch {
            train_loss: 1.0,
            valid_loss: Some(*loss),
            seconds: 2.0,
            images_per_second: 100.0,
            ..Default::default()
        };
        let point = Point::default()
            .with("hidden", number * 8)
            .with("act", "<b>");
        Trial {
            epochs: losses.iter().map(epoch).collect(),
            state,
            ..Trial::new(number, point)
        }
    }

    #[test]
    fn the_table_has_values_losses_and_states() {
        let trials = [
            trial(1, &[0.5, 0.25], TrialState::Finished),
            trial(2, &[0.125], TrialState::Running),
            trial(3, &[0.0625], TrialState::Failed("no memory".into())),
            trial(4, &[], TrialState::Waiting),
        ];
        let text = table(&trials).to_text();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let expected = [
            "point act hidden epochs loss time state",
            "1 <b> 8 2 0.25000 4.0 s finished",
            "2 <b> 16 1 0.12500 2.0 s running, best",
            "3 <b> 24 1 0.06250 2.0 s no memory",
            "4 <b> 32 0 - 0.0 s waiting",
        ];
        let expected = expected.map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(rows, expected);
        assert!(!html(&trials).contains("<b>"));
        assert!(html(&trials).contains("data-number=\"1.6e1\">16</td>"));
        let line = line(&trials[0], 4);
        assert_eq!(line, "1/4  act <b>, hidden 8  loss 0.25000  finished");
    }

    #[test]
    fn the_chart_has_the_best_runs() {
        let trials: Vec<Trial> = (1..=20)
            .map(|i| trial(i, &[1.0 / i as f32], TrialState::Finished))
            .collect();
        let text = plot(&trials).contents().unwrap();
        let text = text[0].get("text/plain").unwrap();
        assert!(
            text.contains("20: 0.05000") && !text.contains("8: 0.12500"),
            "{text}"
        );
        assert!(plot(&trials[..0]).to_png().is_ok());
    }
}
