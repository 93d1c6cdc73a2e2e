//! Training: `ae.fit(&data, &Fit { epochs: 20, ..Default::default() })`.

use crate::cell::stopped;
use crate::data::{Augment, Batch, Batches};
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::math::{Purpose, Rng};
use crate::model::Autoencoder;
use crate::optim::{Moments, Optimizer};
pub use crate::train::fit::Fit;
use crate::train::history::{Epoch, History};
use crate::train::state::State;
use crate::train::train_step::{Settings, TrainStep};
use crate::train::view::View;
use candle_core::{DType, Device, Tensor, Var};
use std::path::Path;
use std::time::Instant;

impl Autoencoder {
    /// Learns from the training pictures, by Adam unless [`Fit::optimizer`] says otherwise, with progress under the cell.
    ///
    /// Called again, it goes on from the weights it finds. Stop ends it at the next batch; the model is kept as trained up
    /// to then, and the history says so.
    ///
    /// # Errors
    /// Pictures of another shape than the model's; a setting outside its range; a loss that is no longer finite, in
    /// which case the weights are those of the last good epoch; a checkpoint that cannot be written.
    pub fn fit(&mut self, data: &Dataset, fit: &Fit) -> Result<History> {
        self.train(data, fit, None)
    }

    /// Goes on with a run that [`Fit::checkpoint`] kept, from the batch after the last that is in the file, with the settings
    /// that it began with: what comes out is what would have come without the break. Gives the model and the history of the
    /// whole run.
    ///
    /// # Errors
    /// A file that is not of such a run, or is of another data set than this; and as [`Autoencoder::fit`]: what was learned
    /// until then is in the file.
    ///
    /// # Examples
    /// ```no_run
    /// # use candlebook::prelude::*;
    /// let data = image_folder("photos", &PhotoSettings::default())?;
    /// let (ae, history) = Autoencoder::resume("run.safetensors", &data)?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn resume(path: impl AsRef<Path>, data: &Dataset) -> Result<(Self, History)> {
        Self::resume_on(path, data, &Device::Cpu)
    }

    /// [`Autoencoder::resume`] on a device.
    ///
    /// # Errors
    /// As there; and where the device has no room for the model.
    pub fn resume_on(
        path: impl AsRef<Path>,
        data: &Dataset,
        device: &Device,
    ) -> Result<(Self, History)> {
        let path = path.as_ref();
        let mut model = Autoencoder::load(path)?.to_device(device)?;
        let (state, moments) = State::read(path, &model)?;
        // The file may have been moved since.
        let fit = Fit {
            checkpoint: Some(path.to_owned()),
            ..state.fit.clone()
        };
        let history = model.train(data, &fit, Some((state, moments)))?;
        Ok((model, history))
    }

    fn train(
        &mut self,
        data: &Dataset,
        fit: &Fit,
        begun: Option<(State, Vec<Moments>)>,
    ) -> Result<History> {
        if data.image_shape() != self.image_shape() {
            return Err(Error::shape(
                "fit",
                format!(
                    "pictures of shape {:?}, as the model was built for",
                    self.image_shape()
                ),
                format!("{:?}", data.image_shape()),
                "Build the model with data.image_shape()",
            ));
        }
        fit.check(data.train.len())?;
        if fit.loss == Loss::BinaryCrossEntropyWithLogits {
            self.gives_logits()?;
        }
        // Inside the pool of threads, so that a step does not have to wake it.
        rayon::scope(|_| Run::new(self, data, fit, begun)?.all_epochs())
    }
}

impl Autoencoder {
    /// Refuses a decoder whose sigmoid would be taken a second time.
    fn gives_logits(&self) -> Result<()> {
        let shaping = |layer: &&Layer| matches!(layer, Layer::Flatten | Layer::Unflatten(..));
        if self.decoder().iter().rev().find(|layer| !shaping(layer)) != Some(&Layer::Sigmoid) {
            return Ok(());
        }
        let hint = "Build it by Autoencoder::new with a decoder without that Sigmoid, or choose Loss::BinaryCrossEntropy";
        Err(Error::setting(
            "Fit::loss",
            "for this loss a decoder that gives logits",
            "one that ends in Sigmoid",
            hint,
        ))
    }
}

/// One call of `fit`.
struct Run<'a> {
    model: &'a Autoencoder,
    fit: &'a Fit,
    train: Split,
    valid: Option<Split>,
    variables: Vec<Var>,
    /// What goes with the variables, and is not learned.
    buffers: Vec<Var>,
    executor: Executor,
    shuffle: Rng,
    view: View,
    /// Where the run is: what a checkpoint keeps besides weights and moments.
    state: State,
    written: Instant,
}

/// What runs the steps.
enum Executor {
    TrainStep(Box<TrainStep<f32>>),
    Autograd(Box<Autograd>),
}

/// What steps on candle's autograd need.
struct Autograd {
    optimizer: Optimizer,
    dropout: Rng,
    noise: Rng,
}

impl<'a> Run<'a> {
    fn new(
        model: &'a Autoencoder,
        data: &Dataset,
        fit: &'a Fit,
        begun: Option<(State, Vec<Moments>)>,
    ) -> Result<Self> {
        let n = data.train.len();
        let order = Rng::new(fit.seed, Purpose::Split).permutation(n);
        let (valid, train) = data.train.divide(&order, fit.held_out(n));
        let variables: Vec<Var> = model.variables().into_iter().map(|(_, var)| var).collect();
        let method = fit.optimizer.method(fit.learning_rate, fit.weight_decay);
        let (state, moments) = match begun {
            Some((state, moments)) => {
                state.check(train.len())?;
                (state, Some(moments))
            }
            None => (State::new(fit, train.len()), None),
        };
        let draws = |stream, position| Rng::new(fit.seed, stream).skipped(position);
        let (dropout, noise) = (
            draws(Purpose::Dropout, state.dropout),
            draws(Purpose::Noise, state.noise),
        );
        let settings = Settings {
            batch: fit.batch,
            loss: fit.loss,
            method,
            noise: fit.noise as f32,
            dropout_draws: dropout.clone(),
            noise_draws: noise.clone(),
        };
        let compiled = if fit.compiled {
            TrainStep::new(model, settings)?
        } else {
            None
        };
        let mut executor = match compiled {
            Some(compiled) => Executor::TrainStep(Box::new(compiled)),
            None => {
                let optimizer = Optimizer::with(variables.clone(), method)?;
                Executor::Autograd(Box::new(Autograd {
                    optimizer,
                    dropout,
                    noise,
                }))
            }
        };
        if let Some(moments) = moments {
            match &mut executor {
                Executor::TrainStep(compiled) => compiled.restore(&moments, state.steps),
                Executor::Autograd(autograd) => {
                    autograd.optimizer.restore(&moments, state.steps)?
                }
            }
        }
        let mut view = View::new(fit.epochs, train.len(), fit.batch, model.image_shape());
        view.begin_at(state.history.len(), state.batch * fit.batch);
        Ok(Run {
            model,
            fit,
            view,
            train,
            valid: Some(valid).filter(|valid| !valid.is_empty()),
            executor,
            variables,
            buffers: model.buffers().into_iter().map(|(_, var)| var).collect(),
            shuffle: draws(Purpose::Shuffle, state.shuffle),
            state,
            written: Instant::now(),
        })
    }

    fn all_epochs(mut self) -> Result<History> {
        let mut history = History {
            epochs: std::mem::take(&mut self.state.history),
            loss: self.fit.loss,
            stopped: false,
        };
        let mut good = self.weights()?;
        for epoch in history.epochs.len() + 1..=self.fit.epochs {
            let ended = self.epoch(epoch, &history).and_then(|row| {
                self.check_weights(epoch, row.is_some())?;
                Ok(row)
            });
            match ended {
                Ok(Some(row)) => history.epochs.push(row),
                Ok(None) => {
                    history.stopped = true;
                    self.keep(&history)?;
                    break;
                }
                Err(error) => {
                    for (var, weights) in self.variables.iter().chain(&self.buffers).zip(&good) {
                        var.set(weights)?;
                    }
                    return Err(error);
                }
            }
            good = self.weights()?;
            self.state.next_epoch(self.shuffle.position());
            self.keep(&history)?;
            self.view.epoch_done(
                self.model,
                &history,
                self.valid.as_ref().unwrap_or(&self.train),
            )?;
        }
        self.view.done(&history)?;
        Ok(history)
    }

    /// One pass over the training pictures, or what is left of it; None where Stop was pressed.
    fn epoch(&mut self, epoch: usize, history: &History) -> Result<Option<Epoch>> {
        let start = Instant::now();
        let before = self.state.seconds;
        let order = self.shuffle.permutation(self.train.len());
        let done = (self.state.batch * self.fit.batch).min(order.len());
        let (mut sum, mut seen) = (self.state.sum, done);
        for batch in Batches::new(
            &self.train,
            order[done..].to_vec(),
            self.fit.batch,
            Some(Augment {
                seed: self.fit.seed,
                epoch,
            }),
        )? {
            if stopped() {
                self.store()?;
                return Ok(None);
            }
            let batch = match batch {
                Err(Error::Stopped) => {
                    self.store()?;
                    return Ok(None);
                }
                other => other?,
            };
            let loss = self.step(&batch)?;
            if !loss.is_finite() {
                return Err(self.diverged(epoch, self.state.batch + 1, loss));
            }
            sum += f64::from(loss) * batch.len() as f64;
            seen += batch.len();
            self.state.batch += 1;
            (self.state.sum, self.state.seconds) = (sum, before + start.elapsed().as_secs_f64());
            self.view.batch_done(seen, sum / seen as f64);
            if self.fit.checkpoint.is_some()
                && self.written.elapsed().as_secs_f64() >= 60.0 * self.fit.checkpoint_every
            {
                self.store()?;
                self.keep(history)?;
            }
        }
        self.store()?;
        let training = before + start.elapsed().as_secs_f64();
        let valid_loss = match self
            .valid
            .as_ref()
            .map(|valid| self.model.loss(valid, self.fit.loss))
            .transpose()
        {
            Err(Error::Stopped) => return Ok(None),
            other => other?,
        };
        if let Some(loss) = valid_loss.filter(|loss| !loss.is_finite()) {
            return Err(self.diverged(epoch, order.len().div_ceil(self.fit.batch), loss));
        }
        Ok(Some(Epoch {
            train_loss: (sum / seen as f64) as f32,
            valid_loss,
            seconds: before + start.elapsed().as_secs_f64(),
            images_per_second: seen as f64 / training,
        }))
    }

    /// Writes the checkpoint, where one is wanted.
    fn keep(&mut self, history: &History) -> Result<()> {
        let Some(path) = &self.fit.checkpoint else {
            return Ok(());
        };
        let moments = match &self.executor {
            Executor::TrainStep(compiled) => {
                (self.state.dropout, self.state.noise, self.state.steps) = compiled.positions();
                compiled.moments(&self.variables)
            }
            Executor::Autograd(autograd) => {
                (self.state.dropout, self.state.noise) =
                    (autograd.dropout.position(), autograd.noise.position());
                self.state.steps = autograd.optimizer.steps();
                autograd.optimizer.moments()?
            }
        };
        self.state.history.clone_from(&history.epochs);
        self.state.write(path, self.model, moments)?;
        self.written = Instant::now();
        Ok(())
    }

    /// The step after which training ended was followed by no loss: a weight that is no number would go unseen, where no
    /// pictures are held out or Stop came.
    fn check_weights(&self, epoch: usize, whole: bool) -> Result<()> {
        if whole && self.valid.is_some() {
            return Ok(());
        }
        for var in &self.variables {
            let sum = var.as_tensor().sum_all()?.to_scalar::<f32>()?;
            if !sum.is_finite() {
                return Err(self.diverged(epoch, self.train.len().div_ceil(self.fit.batch), sum));
            }
        }
        Ok(())
    }

    /// One step of the optimizer; returns the loss before it.
    fn step(&mut self, batch: &Batch) -> Result<f32> {
        let (optimizer, dropout, noise) = match &mut self.executor {
            Executor::TrainStep(compiled) => return Ok(compiled.step(batch)? as f32),
            Executor::Autograd(autograd) => (
                &mut autograd.optimizer,
                &mut autograd.dropout,
                &mut autograd.noise,
            ),
        };
        let images = batch.images()?.to_device(self.model.device())?;
        let input = if self.fit.noise > 0.0 {
            let noise = noise.normal(images.elem_count(), self.fit.noise as f32);
            (&images + Tensor::from_vec(noise, images.shape(), images.device())?)?
        } else {
            images.clone()
        };
        let bf16 = self.fit.bf16 && !self.model.device().is_cpu();
        let input = if bf16 {
            input.to_dtype(DType::BF16)?
        } else {
            input
        };
        let drawn = self
            .model
            .forward(&input, Some(dropout))?
            .to_dtype(DType::F32)?;
        let loss = self.fit.loss.of(&drawn, &images)?;
        let value = loss.to_scalar::<f32>()?;
        if value.is_finite() {
            optimizer.backward_step(&loss)?;
        }
        Ok(value)
    }

    /// Brings the weights to the model, where the steps keep their own.
    fn store(&self) -> Result<()> {
        match &self.executor {
            Executor::TrainStep(compiled) => compiled.store(self.model),
            Executor::Autograd(_) => Ok(()),
        }
    }

    fn weights(&self) -> Result<Vec<Tensor>> {
        self.variables
            .iter()
            .chain(&self.buffers)
            .map(|var| Ok(var.as_tensor().copy()?))
            .collect()
    }

    fn diverged(&self, epoch: usize, batch: usize, loss: f32) -> Error {
        Error::Diverged {
            epoch,
            batch,
            loss,
            kept: epoch - 1,
            learning_rate: self.fit.learning_rate,
        }
    }
}
