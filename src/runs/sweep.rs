//! Sweeps: a model for each point of a search.

use super::point::Point;
use super::rounds::Rounds;
use super::search::Search;
use super::seats::Seats;
use super::sweep_view::{SweepView, Update, html, plot, table};
use super::trial::Trial;
use super::trial_job::{BestModel, SweepContext, TrialJob};
use super::workers::{Workers, work};
use crate::cell::stopped;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::model::Autoencoder;
use crate::show::{Content, Show, Table, evcxr_display};
use crate::train::Fit;
use std::sync::Mutex;
use std::sync::mpsc::Sender;

/// Builds and trains a model for each point of a search, several at a time, and returns all losses
/// and the best model. One table and one chart under the cell show all runs.
///
/// `build` returns the untrained model of a point and the settings of its training. Each run has
/// one core (more if there are fewer runs than cores), because several cores share the work of a
/// small step badly. On a GPU, one model is trained at a time. The run log has each run, with the tag
/// "sweep". An error at one point ends its run, and the others go on. Stop ends the sweep, and
/// keeps what is trained.
///
/// # Errors
/// A search without points or with settings outside their range; threads that cannot be started; no run
/// finished an epoch, although Stop was not pressed.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(200, 20);
/// let points = runs::Grid::new().values("hidden", [4, 16]).values("learning_rate", [1e-3, 1e-2]);
/// let found = sweep(&data, &points, |point| {
///     let layers = [Flatten, Linear(point.integer("hidden")?), Relu];
///     let ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
///     let learning_rate = point.number("learning_rate")?;
///     Ok((ae, Fit { epochs: 2, learning_rate, ..Default::default() }))
/// })?;
/// assert_eq!(found.trials.len(), 4);
/// let ae = found.into_best_model()?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn sweep(
    data: &Dataset,
    search: &impl Search,
    build: impl Fn(&Point) -> Result<(Autoencoder, Fit)> + Sync,
) -> Result<Sweep> {
    let points = search.points()?;
    let halving = search.halving();
    let n = points.len();
    let workers = Workers::for_jobs(n);
    let context = SweepContext {
        data,
        build: &build,
        threads: workers.threads,
        seats: Seats::new(workers.seats),
        rounds: Rounds::new(halving, n),
        best: Mutex::default(),
    };
    let trials = (1..).zip(points.clone());
    let trials = trials.map(|(number, point)| Trial::new(number, point));
    let mut view = SweepView::new(trials.collect());
    let jobs = points.into_iter().enumerate();
    let jobs = jobs.map(|(index, point)| TrialJob { index, point });
    // Runs that wait for the end of a round need a thread each, but no seat.
    let threads = if halving.is_some() { n } else { workers.seats };
    let run = |job: TrialJob, updates: &Sender<Update>| context.run(&job, updates);
    work(threads, jobs.collect(), run, |updates| view.follow(updates))?;
    let sweep = Sweep {
        trials: view.done(),
        stopped: stopped(),
        best: context.best.into_inner().unwrap_or_default(),
    };
    match sweep.best.is_none() && !sweep.stopped {
        true => Err(sweep.without_model()),
        false => Ok(sweep),
    }
}

/// All runs of a sweep, and the best model. It renders itself as a table that sorts and filters,
/// above the loss curves. Returned by [`sweep`].
#[derive(Debug)]
pub struct Sweep {
    /// The runs, in the order of their points.
    pub trials: Vec<Trial>,
    /// True if Stop ended the sweep early.
    pub stopped: bool,
    best: Option<BestModel>,
}

impl Sweep {
    /// The run with the lowest loss, that of [`Sweep::best_model`]. `None` if no run has finished an
    /// epoch.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # let data = mnist_embedded()?.take(200, 20);
    /// # let points = runs::Grid::new().values("hidden", [4]);
    /// # let found = sweep(&data, &points, |point| {
    /// #     let layers = [Flatten, Linear(point.integer("hidden")?)];
    /// #     let ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
    /// #     Ok((ae, Fit { epochs: 1, ..Default::default() }))
    /// # })?;
    /// let best = found.best().unwrap();
    /// println!("{}: {:?}", best.point, best.loss());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn best(&self) -> Option<&Trial> {
        self.best.as_ref().map(|best| &self.trials[best.index])
    }

    /// The trained model of the best run.
    ///
    /// # Errors
    /// No run has finished an epoch.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # let data = mnist_embedded()?.take(200, 20);
    /// # let points = runs::Grid::new().values("hidden", [4]);
    /// # let found = sweep(&data, &points, |point| {
    /// #     let layers = [Flatten, Linear(point.integer("hidden")?)];
    /// #     let ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
    /// #     Ok((ae, Fit { epochs: 1, ..Default::default() }))
    /// # })?;
    /// show(found.best_model()?.reconstructions(&data.test, 8)?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn best_model(&self) -> Result<&Autoencoder> {
        let best = self.best.as_ref().map(|best| &best.model);
        best.ok_or_else(|| self.without_model())
    }

    /// The trained model of the best run, to keep or to train further.
    ///
    /// # Errors
    /// As [`Sweep::best_model`].
    ///
    /// # Examples
    /// See [`sweep`].
    pub fn into_best_model(self) -> Result<Autoencoder> {
        let error = self.without_model();
        self.best.map(|best| best.model).ok_or(error)
    }

    /// Table with one row per run.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # let data = mnist_embedded()?.take(200, 20);
    /// # let points = runs::Grid::new().values("hidden", [4]);
    /// # let found = sweep(&data, &points, |point| {
    /// #     let layers = [Flatten, Linear(point.integer("hidden")?)];
    /// #     let ae = Autoencoder::symmetric(data.image_shape(), &layers)?;
    /// #     Ok((ae, Fit { epochs: 1, ..Default::default() }))
    /// # })?;
    /// assert_eq!(found.table().len(), 1);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn table(&self) -> Table {
        table(&self.trials)
    }

    fn without_model(&self) -> Error {
        let first = self.trials.first().map(|trial| trial.state.to_string());
        let got = format!("none. The first run: {}", first.unwrap_or_default());
        Error::setting(
            "sweep",
            "a run with a finished epoch",
            got,
            "Correct the runs' errors",
        )
    }
}

impl Show for Sweep {
    fn contents(&self) -> Result<Vec<Content>> {
        let text = self.table().to_text();
        let mut contents = vec![Content::text(text).html(html(&self.trials))];
        contents.extend(plot(&self.trials).contents()?);
        Ok(contents)
    }
}
evcxr_display!(Sweep);
