//! Training steps for your own loop.

use super::executor::Executor;
use super::executor_state::Positions;
use super::fit::Fit;
use super::step_settings::{executor, step_settings};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::model::Autoencoder;
use crate::optim::{Average, Schedule};
use candle_core::Tensor;
use std::sync::Arc;

/// Training steps of a model in your own loop, at the speed of
/// [`fit`](crate::model::Autoencoder::fit): the planned step on the CPU, autograd on other devices.
///
/// It trains a copy of the model with optimizer, gradients, parameter groups, EMA, loss and seed of a
/// [`Fit`]. [`Trainer::store`] copies the weights to a model. Batches have at most
/// [`Fit::batch_size`] images; the number of epochs, the validation split and the checkpoint do not
/// matter.
///
/// # Examples
/// ```
/// use candlebook::optim::{Cosine, RunLength, Schedule};
/// use candlebook::prelude::*;
/// use candlebook::train::Trainer;
/// let data = mnist_embedded()?.take(500, 50);
/// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16), Relu])?;
/// let fit = Fit { batch_size: 50, ..Default::default() };
/// let mut trainer = Trainer::new(&ae, &fit)?;
/// let length = RunLength { steps_per_epoch: 10, epochs: 2 };
/// let schedule = Schedule::Cosine(Cosine::default());
/// for epoch in 0..length.epochs as u64 {
///     for batch in data.train.batches(fit.batch_size, epoch)? {
///         let (images, _) = batch?;
///         let factor = schedule.factor(trainer.steps(), length, &[]);
///         trainer.set_learning_rate(fit.learning_rate * factor)?;
///         let loss = trainer.step(&images)?;
///         assert!(loss.is_finite());
///     }
///     trainer.store(&mut ae)?;
///     println!("epoch {epoch}: test loss {}", ae.evaluate(&data.test)?);
/// }
/// # Ok::<(), candlebook::Error>(())
/// ```
pub struct Trainer {
    executor: Box<dyn Executor>,
    pub(super) model: Arc<Autoencoder>,
    pub(super) batch_size: usize,
    pub(super) loss: Loss,
    learning_rate: f64,
    /// Terms that layers add to the loss of the last batch.
    terms: Vec<f64>,
}

impl Trainer {
    /// Trainer of a copy of a model, before its first step.
    ///
    /// # Errors
    /// A setting outside its range; a schedule other than `Constant`, because it needs the length of the
    /// run ([`Trainer::set_learning_rate`] changes the rate); stochastic weight averaging, which needs
    /// epochs; a team; a loss that is not defined for the decoder's output; not enough memory on the model's
    /// device.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Trainer;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let trainer = Trainer::new(&ae, &Fit::default())?;
    /// assert_eq!(trainer.steps(), 0);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new(model: &Autoencoder, fit: &Fit) -> Result<Self> {
        fit.check(usize::MAX)?; // Any number of images.
        check_lengths(fit)?;
        let model = Arc::new(model.copy()?);
        let settings = step_settings(&model, fit, None, fit.batch_size, Positions::default())?;
        Ok(Trainer {
            executor: executor(Arc::clone(&model), settings)?,
            batch_size: fit.batch_size,
            loss: fit.loss,
            learning_rate: fit.learning_rate,
            terms: vec![0.0; model.term_names().len()],
            model,
        })
    }

    /// Trains on a batch; returns its mean loss before the update, with the terms that layers add.
    ///
    /// # Shapes
    /// `images` is (b, c, h, w), with at most [`Fit::batch_size`] images.
    ///
    /// # Errors
    /// Images of another shape than the model's, or outside [0, 1] unless they are vectors; too many
    /// images; a loss that is not finite, after which the weights are those before the step; a model
    /// that reads labels (see [`Trainer::step_with_labels`]).
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Trainer;
    /// let images = mnist_embedded()?.train.first(100)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let mut trainer = Trainer::new(&ae, &Fit::default())?;
    /// let first = trainer.step(&images)?;
    /// assert!(trainer.step(&images)? < first);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn step(&mut self, images: &Tensor) -> Result<f32> {
        let batch = self.batch(images, None)?;
        self.run(|executor, terms| executor.step(&batch, terms))
    }

    /// Trains as [`Trainer::step`] does, a model with [`Condition`](crate::layer::Layer::Condition).
    ///
    /// # Shapes
    /// `images` is (b, c, h, w), `labels` is (b), of integers.
    ///
    /// # Errors
    /// As [`Trainer::step`]; another number of labels than images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Trainer;
    /// let data = mnist_embedded()?.take(100, 10);
    /// let encoder = [Flatten, Linear(16), Condition(10)];
    /// let ae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// let mut trainer = Trainer::new(&ae, &Fit::default())?;
    /// for batch in data.train.batches(50, 0)? {
    ///     let (images, labels) = batch?;
    ///     trainer.step_with_labels(&images, &labels.unwrap())?;
    /// }
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn step_with_labels(&mut self, images: &Tensor, labels: &Tensor) -> Result<f32> {
        let batch = self.batch(images, Some(labels))?;
        self.run(|executor, terms| executor.step(&batch, terms))
    }

    /// Adds the gradients of a batch to those of the next step, without a step; returns the loss.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    ///
    /// # Examples
    /// The gradients of a layer are multiplied by 10:
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Trainer;
    /// let images = mnist_embedded()?.train.first(100)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let mut trainer = Trainer::new(&ae, &Fit::default())?;
    /// trainer.backward(&images)?;
    /// let mut gradients = trainer.gradients()?;
    /// gradients.retain(|(name, _)| name.starts_with("encoder.1."));
    /// for (_, gradient) in &mut gradients {
    ///     *gradient = (&*gradient * 10.0)?;
    /// }
    /// trainer.set_gradients(&gradients)?;
    /// trainer.update()?;
    /// assert_eq!(trainer.steps(), 1);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn backward(&mut self, images: &Tensor) -> Result<f32> {
        let batch = self.batch(images, None)?;
        self.run(|executor, terms| executor.backward(&batch, terms))
    }

    /// Mean gradient of each variable over the images of all [`Trainer::backward`] calls since the last
    /// step, by the names of [`Autoencoder::variables`]. Before the first call, they are zero.
    ///
    /// # Errors
    /// Candle's, on other devices.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Trainer;
    /// let images = mnist_embedded()?.train.first(100)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let mut trainer = Trainer::new(&ae, &Fit::default())?;
    /// trainer.backward(&images)?;
    /// let (name, gradient) = &trainer.gradients()?[0];
    /// assert_eq!((name.as_str(), gradient.dims()), ("encoder.1.weight", &[16, 784][..]));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn gradients(&self) -> Result<Vec<(String, Tensor)>> {
        let names = self.model.variables().into_iter().map(|(name, _)| name);
        Ok(names.zip(self.executor.gradients(&self.model)?).collect())
    }

    /// Replaces the gradients of some variables, before [`Trainer::update`].
    ///
    /// # Errors
    /// A name that no variable has; a gradient of another shape than its variable's; no
    /// [`Trainer::backward`] before.
    ///
    /// # Examples
    /// See [`Trainer::backward`].
    pub fn set_gradients(&mut self, gradients: &[(String, Tensor)]) -> Result<()> {
        if self.executor.pending().is_none() {
            let hint = "Call trainer.backward(&images)? first";
            let expected = "gradients of a batch";
            return Err(Error::setting("set_gradients", expected, "none", hint));
        }
        let mut all = self.gradients()?;
        for (name, gradient) in gradients {
            let names = all.iter().map(|(name, _)| name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            let Some((_, place)) = all.iter_mut().find(|(other, _)| other == name) else {
                let (expected, hint) = (format!("one of {names}"), "See ae.variables()");
                return Err(Error::setting("set_gradients", expected, name, hint));
            };
            if gradient.dims() != place.dims() {
                let (expected, got) = (format!("{:?}", place.dims()), gradient.dims());
                let hint = "A gradient has the shape of its variable";
                return Err(Error::shape(
                    name.clone(),
                    expected,
                    format!("{got:?}"),
                    hint,
                ));
            }
            *place = gradient.to_dtype(place.dtype())?;
        }
        let all: Vec<Tensor> = all.into_iter().map(|(_, gradient)| gradient).collect();
        self.executor.set_gradients(&all)
    }

    /// Takes the optimizer's step with the gradients of the [`Trainer::backward`] calls since the last
    /// one. Without any, nothing changes.
    ///
    /// # Errors
    /// Candle's, on other devices.
    ///
    /// # Examples
    /// See [`Trainer::backward`].
    pub fn update(&mut self) -> Result<()> {
        let executor = &mut self.executor;
        rayon::scope(|_| executor.update())
    }

    /// Changes the learning rate of the following steps.
    ///
    /// # Errors
    /// A rate that is negative or not finite.
    ///
    /// # Examples
    /// See [`Trainer`].
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        if !(learning_rate >= 0.0 && learning_rate.is_finite()) {
            let hint = "Multiply fit.learning_rate by Schedule::factor";
            let expected = "zero or more";
            return Err(Error::setting(
                "learning_rate",
                expected,
                learning_rate,
                hint,
            ));
        }
        self.learning_rate = learning_rate;
        self.executor.set_learning_rate(learning_rate);
        Ok(())
    }

    /// Learning rate of the next step.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Trainer;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let mut trainer = Trainer::new(&ae, &Fit::default())?;
    /// trainer.set_learning_rate(0.5 * trainer.learning_rate())?;
    /// assert_eq!(trainer.learning_rate(), 0.0005);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Steps of the optimizer so far.
    ///
    /// # Examples
    /// See [`Trainer`].
    pub fn steps(&self) -> usize {
        self.executor.steps() as usize
    }

    /// Copies the weights and running statistics to a model, or their average with
    /// [`Average::Ema`]. The following steps go on from the weights.
    ///
    /// # Errors
    /// A model with other variables than the trainer's.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Trainer;
    /// let images = mnist_embedded()?.train.first(100)?;
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let mut trainer = Trainer::new(&ae, &Fit::default())?;
    /// let loss = trainer.step(&images)?;
    /// trainer.store(&mut ae)?;
    /// assert!(trainer.step(&images)? < loss);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn store(&mut self, model: &mut Autoencoder) -> Result<()> {
        self.executor.store(&self.model)?;
        let list = |model: &Autoencoder| [model.variables(), model.buffers()].concat();
        let (from, to) = (list(&self.model), list(model));
        let same = from.len() == to.len()
            && from
                .iter()
                .zip(&to)
                .all(|((a, x), (b, y))| a == b && x.dims() == y.dims());
        if !same {
            let hint = "Store into the model that the trainer was made of, or a copy";
            let expected = "a model with the trainer's variables";
            return Err(Error::setting("store", expected, "another", hint));
        }
        for ((_, from), (_, to)) in from.iter().zip(&to) {
            to.set(&from.as_tensor().to_device(to.device())?.copy()?)?;
        }
        model.set_trained_loss(self.loss);
        Ok(())
    }

    /// Runs a step inside the thread pool, so that it need not wake the pool.
    fn run(
        &mut self,
        step: impl FnOnce(&mut dyn Executor, &mut [f64]) -> Result<f32> + Send,
    ) -> Result<f32> {
        let (executor, terms) = (&mut *self.executor, &mut *self.terms);
        let loss = rayon::scope(|_| step(executor, terms))?;
        if loss.is_finite() {
            return Ok(loss);
        }
        let got = format!("{loss} at a learning rate of {}", self.learning_rate);
        let hint = "Lower the learning rate, or clip the gradients with Gradients::clip_norm";
        Err(Error::setting("loss", "a finite number", got, hint))
    }
}

/// Rejects settings that need the length of the run.
fn check_lengths(fit: &Fit) -> Result<()> {
    if fit.schedule != Schedule::Constant {
        let hint = "Call trainer.set_learning_rate(fit.learning_rate * schedule.factor(..))";
        let (name, expected) = ("Fit::schedule", "Schedule::Constant for a Trainer");
        return Err(Error::setting(name, expected, "another schedule", hint));
    }
    if fit.team.is_some() {
        let hint = "Autoencoder::fit trains by a team";
        return Err(Error::setting(
            "Fit::team",
            "None for a Trainer",
            "a team",
            hint,
        ));
    }
    if matches!(fit.average, Average::Swa { .. }) {
        let hint = "A Trainer knows no epochs; Average::Ema { decay: 0.99 } works by steps";
        let (name, expected) = ("Fit::average", "Average::None or Average::Ema");
        return Err(Error::setting(name, expected, "Average::Swa", hint));
    }
    Ok(())
}
