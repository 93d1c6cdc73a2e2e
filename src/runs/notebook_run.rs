//! A run of a sweep over notebooks.

use super::point::{Point, PointValue};
use std::path::PathBuf;

/// A run of a sweep over notebooks.
#[derive(Clone, Debug, PartialEq)]
pub struct NotebookRun {
    /// The parameters. Rust expressions that are not literals are texts.
    pub point: Point,
    /// Lowest loss of an epoch in the notebook's last `fit`: the validation loss, or the training
    /// loss without validation images. `None` if the notebook has no `fit`.
    pub best_loss: Option<f64>,
    /// Finished epochs of that `fit`.
    pub epochs: Option<usize>,
    /// Time of all cells, in seconds.
    pub seconds: Option<f64>,
    /// The notebook's own values, see [`result`](crate::runs::result()).
    pub results: Point,
    /// True if all cells ran without an error.
    pub finished: bool,
    /// The error of a run that failed.
    pub error: Option<String>,
    /// The executed notebook.
    pub notebook: PathBuf,
}

impl NotebookRun {
    /// The loss by which runs are sorted; infinite for those that failed.
    pub(super) fn rank(&self) -> f64 {
        let loss = self.best_loss.filter(|_| self.finished);
        loss.unwrap_or(f64::INFINITY)
    }

    /// A parameter or, if none has the name, a value of the notebook.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// for run in &sweep_results("runs")?.runs {
    ///     println!("{:?} {:?}", run.value("hidden"), run.value("test loss"));
    /// }
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn value(&self, name: &str) -> Option<&PointValue> {
        self.point.get(name).or_else(|| self.results.get(name))
    }

    /// A value that is a number, of a run that finished.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        let point = [&self.point, &self.results];
        let mut numbers = point.iter().filter_map(|point| point.number(name).ok());
        numbers.next().filter(|_| self.finished)
    }
}

/// The run with the lowest loss, among runs that are sorted by it.
pub(super) fn best(runs: &[NotebookRun]) -> Option<&NotebookRun> {
    runs.first().filter(|run| run.rank().is_finite())
}
