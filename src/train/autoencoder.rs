//! The training methods of [`Autoencoder`].

use super::checks::{check, check_batches};
use super::event::Event;
use super::fit::Fit;
use super::history::History;
use super::hooks::Hooks;
use super::observer::Observer;
use super::recorder::Recorder;
use super::resume::Resume;
use super::run::Run;
use super::state::{Resumed, RunState};
use super::team::{team_of, train_by};
use crate::data::Dataset;
use crate::dist::{Team, World};
use crate::error::{Error, Result};
use crate::model::{Autoencoder, LastRun};
use candle_core::Tensor;
use std::ops::ControlFlow;
use std::path::Path;

impl Autoencoder {
    /// Trains on the training images, with progress under the cell.
    ///
    /// Stop ends training at the next batch; the model keeps the weights of that moment, and
    /// [`History::stopped`] is true. [`History::ended`] says why training ended. From then on,
    /// [`Autoencoder::evaluate`] reports the loss of `fit`.
    ///
    /// Another call goes on, as `model.fit` of Keras does: with the current weights, the optimizer as
    /// it was, and the next random numbers. With a constant learning rate and no average, two calls of 5
    /// epochs give the weights of one call of 10. Schedules, early stopping and averages begin anew in
    /// each call, and an interrupted epoch is not finished, as [`Autoencoder::resume`] does. The optimizer
    /// begins anew if its settings, the loss or the weights have changed, and a line says so. It is
    /// kept in memory, not in the file of [`Autoencoder::save`].
    ///
    /// The model also keeps the weights of the best epoch, for [`Autoencoder::restore_best`].
    /// [`Fit::early_stopping`] restores them by itself.
    ///
    /// # Errors
    /// Images of another shape than the model's; a setting outside its range; a loss that is not
    /// defined for the data or the decoder's output; a decoder that cannot output the data; batch
    /// normalization of a single image's features; weights that are not finite; a loss that is not
    /// finite, after which the model has the weights of the last good epoch; a checkpoint that
    /// cannot be written.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16), Relu])?;
    /// let before = ae.evaluate(&data.test)?;
    /// ae.fit(&data, &Fit { epochs: 1, batch_size: 20, ..Default::default() })?;
    /// assert!(ae.evaluate(&data.test)? < before);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn fit(&mut self, data: &Dataset, fit: &Fit) -> Result<History> {
        self.train(data, fit, Hooks::default(), None)
    }

    /// Trains as [`Autoencoder::fit`] does, and calls a function after every batch, after the
    /// validation, after every epoch and at the end. PyTorch Lightning and Keras: callbacks.
    ///
    /// The [`Event`] gives read access to the model, the losses, the learning rate and the history. It
    /// can show a value below the cell ([`Event::show`]), and add your own metric
    /// ([`Event::metric`]). `ControlFlow::Break(())` ends training after this batch or epoch, with
    /// [`Ended::Callback`](crate::train::Ended::Callback); the model keeps the weights of that moment.
    ///
    /// # Errors
    /// As [`Autoencoder::fit`]. An error of the function ends training like `Break` and is returned;
    /// the model keeps the weights of that moment, and the checkpoint is written, so that nothing is
    /// lost.
    ///
    /// # Examples
    /// The loss of every step:
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::EventKind;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16), Relu])?;
    /// let fit = Fit { epochs: 2, batch_size: 20, ..Default::default() };
    /// let mut losses = Vec::new();
    /// ae.fit_with(&data, &fit, |event| {
    ///     if event.kind == EventKind::Batch {
    ///         losses.push(event.loss);
    ///     }
    ///     Ok(ControlFlow::Continue(()))
    /// })?;
    /// assert_eq!(losses.len(), 2 * 9);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn fit_with(
        &mut self,
        data: &Dataset,
        fit: &Fit,
        callback: impl FnMut(&mut Event<'_>) -> Result<ControlFlow<()>> + Send,
    ) -> Result<History> {
        self.fit_with_hooks(data, fit, Hooks::default().callback(callback))
    }

    /// Trains as [`Autoencoder::fit`] does, on a custom loss in place of [`Fit::loss`].
    ///
    /// `loss` gets the input, the code and the output of a batch, and returns a scalar, by candle's
    /// operations. Only the loss runs on autograd: its gradients at code and output enter the
    /// planned step. Terms of layers are added to it. [`Autoencoder::evaluate`] still reports
    /// [`Fit::loss`]. No file holds the loss: a checkpoint is resumed by
    /// [`Autoencoder::resume_with_hooks`].
    ///
    /// # Shapes
    /// `loss`: (b, c, h, w), (b, code), (b, c, h, w) -> ()
    ///
    /// # Errors
    /// As [`Autoencoder::fit`]; an error of the loss; a loss that is not a scalar or has no
    /// gradient.
    ///
    /// # Examples
    /// A squared error with a penalty on the code:
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16), Relu])?;
    /// let fit = Fit { epochs: 1, batch_size: 20, ..Default::default() };
    /// let history = ae.fit_with_loss(&data, &fit, |input, code, output| {
    ///     let error = (output - input)?.sqr()?.mean_all()?;
    ///     Ok((error + (code.abs()?.mean_all()? * 0.01)?)?)
    /// })?;
    /// assert!(history.custom_loss);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn fit_with_loss(
        &mut self,
        data: &Dataset,
        fit: &Fit,
        loss: impl Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Sync,
    ) -> Result<History> {
        self.fit_with_hooks(data, fit, Hooks::default().loss(&loss))
    }

    /// Trains as [`Autoencoder::fit`] does, with your loss, your callback, or both.
    ///
    /// # Errors
    /// As [`Autoencoder::fit_with_loss`] and [`Autoencoder::fit_with`].
    ///
    /// # Examples
    /// See [`Hooks`].
    pub fn fit_with_hooks(
        &mut self,
        data: &Dataset,
        fit: &Fit,
        hooks: Hooks<'_>,
    ) -> Result<History> {
        self.train(data, fit, hooks, None)
    }

    /// Continues a run from its checkpoint ([`Fit::checkpoint`]), with the run's settings, from the
    /// batch after the last one in the file. The result equals that of an uninterrupted run.
    /// Returns the model and the history of the whole run.
    ///
    /// A run that is complete is returned as it is, with a note. [`Autoencoder::resume_with`] trains
    /// it for more epochs.
    ///
    /// # Errors
    /// A file without a training run; other training images than the run's; and as
    /// [`Autoencoder::fit`].
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// let checkpoint = Some(file("run.safetensors"));
    /// ae.fit(&data, &Fit { epochs: 1, batch_size: 20, checkpoint, ..Default::default() })?;
    /// let (ae, history) = Autoencoder::resume(file("run.safetensors"), &data)?;
    /// assert_eq!(history.epochs.len(), 1);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn resume(path: impl AsRef<Path>, data: &Dataset) -> Result<(Self, History)> {
        Self::resume_with(path, data, &Resume::default())
    }

    /// Continues a run like [`Autoencoder::resume`], for more epochs or on another device.
    ///
    /// # Errors
    /// As [`Autoencoder::resume`]; fewer epochs than the run has finished; not enough memory on the
    /// device.
    ///
    /// # Examples
    /// Two more epochs, with the optimizer as it was:
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// let checkpoint = Some(file("run.safetensors"));
    /// ae.fit(&data, &Fit { epochs: 1, batch_size: 20, checkpoint, ..Default::default() })?;
    /// let more = Resume { epochs: Some(3), ..Default::default() };
    /// let (ae, history) = Autoencoder::resume_with(file("run.safetensors"), &data, &more)?;
    /// assert_eq!(history.epochs.len(), 3);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn resume_with(
        path: impl AsRef<Path>,
        data: &Dataset,
        resume: &Resume,
    ) -> Result<(Self, History)> {
        Self::resume_with_hooks(path, data, resume, Hooks::default())
    }

    /// Continues a run like [`Autoencoder::resume_with`], with its own loss and callback, which no file
    /// holds.
    ///
    /// # Errors
    /// As [`Autoencoder::resume_with`] and [`Autoencoder::fit_with_hooks`]; a loss for a run that had
    /// none.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// # use candlebook::train::Hooks;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = |name: &str| folder.path().join(name);
    /// let loss = |input: &Tensor, _code: &Tensor, output: &Tensor| Ok((output - input)?.abs()?.mean_all()?);
    /// let checkpoint = Some(file("run.safetensors"));
    /// ae.fit_with_loss(&data, &Fit { epochs: 1, batch_size: 20, checkpoint, ..Default::default() }, loss)?;
    /// let more = Resume { epochs: Some(2), ..Default::default() };
    /// let hooks = Hooks::default().loss(loss);
    /// let (ae, history) = Autoencoder::resume_with_hooks(file("run.safetensors"), &data, &more, hooks)?;
    /// assert_eq!(history.epochs.len(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn resume_with_hooks(
        path: impl AsRef<Path>,
        data: &Dataset,
        resume: &Resume,
        hooks: Hooks<'_>,
    ) -> Result<(Self, History)> {
        let path = path.as_ref();
        let mut model = Autoencoder::load(path)?.to_device(&resume.device)?;
        let mut resumed = RunState::read(path, &model)?;
        check_loss(path, resumed.state.custom_loss, hooks.loss.is_some())?;
        let fit = Fit {
            checkpoint: Some(path.to_owned()), // It may have been moved.
            epochs: resume.epochs(path, &resumed.state)?,
            team: resume.team.clone(),
            ..resumed.state.fit
        };
        resumed.state.fit = fit.clone();
        let history = model.train(data, &fit, hooks, Some(resumed))?;
        Ok((model, history))
    }

    fn train(
        &mut self,
        data: &Dataset,
        fit: &Fit,
        hooks: Hooks<'_>,
        resumed: Option<Resumed>,
    ) -> Result<History> {
        check(self, data, fit, hooks.callback.is_some())?;
        if resumed.is_none() {
            // An earlier version may have begun the run.
            check_batches(self, data, fit)?;
        }
        let team = team_of(self, fit, &hooks)?;
        let custom_loss = hooks.loss.is_some();
        let mut recorder = Recorder::begin(self, data, fit, custom_loss, resumed.as_ref());
        let history = match team {
            Some(team) => self.train_by(&team, data, fit, resumed, &mut recorder),
            None => {
                let world = World::default();
                self.train_observed(data, fit, hooks, resumed, &mut recorder, world)
            }
        };
        recorder.end(&history);
        history
    }

    /// Rejects data and settings that a new run cannot train on.
    pub(super) fn check_run(&self, data: &Dataset, fit: &Fit) -> Result<()> {
        check(self, data, fit, false)?;
        check_batches(self, data, fit)
    }

    /// Trains with settings that have been checked.
    pub(super) fn train_observed(
        &mut self,
        data: &Dataset,
        fit: &Fit,
        mut hooks: Hooks<'_>,
        resumed: Option<Resumed>,
        observer: &mut dyn Observer,
        world: World,
    ) -> Result<History> {
        self.set_trained_loss(fit.loss);
        // Inside the thread pool, so that steps need not wake it.
        let (history, last_run) = rayon::scope(|_| {
            let run = Run::new(self, data, fit, &mut hooks, resumed, observer, world)?;
            Ok::<_, Error>(run.all_epochs())
        })?;
        self.after_run(data, history, last_run)
    }

    /// Trains by the ranks of a team, with settings that have been checked.
    fn train_by(
        &mut self,
        team: &Team,
        data: &Dataset,
        fit: &Fit,
        resumed: Option<Resumed>,
        observer: &mut dyn Observer,
    ) -> Result<History> {
        self.set_trained_loss(fit.loss);
        let (history, last_run) = train_by(team, self, data, fit, resumed, observer)?;
        self.after_run(data, history, last_run)
    }

    /// Keeps what a run leaves.
    fn after_run(
        &mut self,
        data: &Dataset,
        history: Result<History>,
        mut last_run: LastRun,
    ) -> Result<History> {
        // The best epoch of an earlier run stays until another one has an epoch.
        last_run.best = last_run.best.or(self.last_run().best.clone());
        self.set_last_run(last_run);
        let history = history?;
        self.measure_dead_units(&data.train);
        Ok(history)
    }
}

/// Rejects a run on a custom loss without the loss, and a loss for another run.
fn check_loss(path: &Path, had_loss: bool, has_loss: bool) -> Result<()> {
    let (expected, got, hint) = match (had_loss, has_loss) {
        (true, false) => (
            "the custom loss of this training run",
            "none",
            "Give it to Autoencoder::resume_with_hooks, or open the model with Autoencoder::load",
        ),
        (false, true) => (
            "no custom loss, as this training run is on Fit::loss",
            "one",
            "Leave it out, or open the model with Autoencoder::load and call fit_with_loss",
        ),
        _ => return Ok(()),
    };
    Err(Error::file(path, expected, got, hint))
}
