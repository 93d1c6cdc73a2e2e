//! Events of a training run, which a callback receives.

use super::executor::Executor;
use super::history::History;
use super::live_value::LiveValue;
use super::metric::mean_of;
use super::metric_value::MetricValue;
use crate::data::Split;
use crate::error::Result;
use crate::model::Autoencoder;
use crate::show::Show;
use candle_core::Tensor;
use std::cell::RefCell;
use std::ops::ControlFlow;

/// Kinds of events of a training run, by what has just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A batch. With [`Gradients::accumulate`](crate::optim::Gradients::accumulate), not every batch ends
    /// in an optimizer step.
    Batch,
    /// The validation at the end of an epoch, also if there are no validation images. The epoch is
    /// not in [`Event::history`] yet: [`Event::metric`] adds to it.
    Validation,
    /// The end of an epoch, which is now the last one of [`Event::history`].
    Epoch,
    /// The end of training, for any reason but an error.
    End,
}

/// Event of a training run, which the callback of
/// [`Autoencoder::fit_with`](crate::model::Autoencoder::fit_with) receives.
#[derive(Debug)]
pub struct Event<'a> {
    /// Kind of the event.
    pub kind: EventKind,
    /// Number of the current epoch, from 1. At the end, that of the last one.
    pub epoch: usize,
    /// Epochs of the run: [`Fit::epochs`](crate::train::Fit::epochs).
    pub epochs: usize,
    /// Finished batches of the current epoch.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Optimizer steps so far, those of earlier runs that this one continues included.
    pub step: usize,
    /// Loss of the last batch for [`EventKind::Batch`], otherwise the mean training loss of the
    /// epoch.
    pub loss: f32,
    /// Validation loss of the epoch. `None` for [`EventKind::Batch`], and without validation images.
    pub valid_loss: Option<f32>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Finished epochs.
    pub history: &'a History,
    pub(super) access: Access<'a>,
}

/// Access of an event to its run.
pub(super) struct Access<'a> {
    pub(super) model: &'a Autoencoder,
    /// Its weights are stored when the callback asks for the model, by shared reference.
    pub(super) executor: RefCell<&'a mut dyn Executor>,
    /// Images of the metrics.
    pub(super) images: &'a Split,
    /// Metrics of the current epoch.
    pub(super) metrics: &'a mut Vec<MetricValue>,
    pub(super) live: &'a mut LiveValue,
}

impl std::fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

/// Function of an event. [`ControlFlow::Break`] ends training.
pub(super) type Callback<'a> =
    Box<dyn FnMut(&mut Event<'_>) -> Result<ControlFlow<()>> + Send + 'a>;

impl Event<'_> {
    /// The model with the weights of this moment, or their average with
    /// [`Fit::average`](crate::train::Fit::average). After a batch, they are copied from the training step
    /// first.
    ///
    /// # Errors
    /// Weights that cannot be copied.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::EventKind;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let fit = Fit { epochs: 2, ..Default::default() };
    /// ae.fit_with(&data, &fit, |event| {
    ///     if event.kind == EventKind::Epoch {
    ///         println!("test loss {}", event.model()?.evaluate(&data.test)?);
    ///     }
    ///     Ok(ControlFlow::Continue(()))
    /// })?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn model(&self) -> Result<&Autoencoder> {
        if self.kind == EventKind::Batch {
            self.access.executor.borrow_mut().store(self.access.model)?;
        }
        Ok(self.access.model)
    }

    /// Adds your own metric to the epoch: the mean of a function of the images and the
    /// decoder's outputs, over the validation images (training images if there are none), in
    /// evaluation mode. It appears wherever [`Fit::metrics`](crate::train::Fit::metrics) do. Does
    /// nothing except for [`EventKind::Validation`], so that a callback can call it always. Keras: a
    /// function in `compile(metrics=[..])`.
    ///
    /// # Shapes
    /// `f`: (b, c, h, w), (b, c, h, w) -> (), the mean of the batch
    ///
    /// # Errors
    /// That of the function; a result that is not a scalar; on Stop.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let fit = Fit { epochs: 2, ..Default::default() };
    /// let history = ae.fit_with(&data, &fit, |event| {
    ///     event.metric("largest error", |input, output| Ok((input - output)?.abs()?.max_all()?))?;
    ///     Ok(ControlFlow::Continue(()))
    /// })?;
    /// assert_eq!(history.metric("largest error").len(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn metric(
        &mut self,
        name: &str,
        f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        if self.kind != EventKind::Validation {
            return Ok(());
        }
        let value = mean_of(self.access.model, self.access.images, f)?;
        let metrics = &mut *self.access.metrics;
        metrics.retain(|metric| metric.name != name);
        metrics.push(MetricValue::new(name, value));
        Ok(())
    }

    /// Shows a value below the cell, in place of the last one that the callback has shown: at most
    /// five times a second, and always after an epoch and at the end. Where displays cannot be
    /// replaced, only then.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let fit = Fit { epochs: 1, ..Default::default() };
    /// ae.fit_with(&data, &fit, |event| {
    ///     event.show(format!("step {}, loss {:.4}", event.step, event.loss));
    ///     Ok(ControlFlow::Continue(()))
    /// })?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn show(&mut self, value: impl Show) {
        if self.shows() {
            self.access.live.show(value);
        }
    }

    /// True if [`Event::show`] would show a value now. Ask before you compute a costly one.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let fit = Fit { epochs: 1, ..Default::default() };
    /// ae.fit_with(&data, &fit, |event| {
    ///     if event.shows() {
    ///         event.show(event.model()?.features()?);
    ///     }
    ///     Ok(ControlFlow::Continue(()))
    /// })?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn shows(&self) -> bool {
        let always = matches!(self.kind, EventKind::Epoch | EventKind::End);
        self.access.live.is_due(always)
    }
}
