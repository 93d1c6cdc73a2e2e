//! Training: `ae.fit(&data, &Fit { epochs: 20, ..Default::default() })`.

use crate::cell::stopped;
use crate::compiled::{Compiled, Settings};
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::history::{Epoch, History};
use crate::loader::{Batch, Batches};
use crate::loss::Loss;
use crate::model::Autoencoder;
use crate::optim::{Adam, Optimizer};
use crate::rng::{Rng, Stream};
use crate::view::View;
use candle_core::{Tensor, Var};
use std::time::Instant;

/// How to train. Every setting has a default: `Fit { epochs: 20, ..Default::default() }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// How often every training picture is seen. Defaults to 10.
    pub epochs: usize,
    /// Pictures in a step; the last step of an epoch takes what is left. Defaults to 128.
    pub batch: usize,
    /// Adam's step size. Defaults to 0.001.
    pub learning_rate: f64,
    /// What is made small. Defaults to the mean squared error.
    pub loss: Loss,
    /// Share of the training pictures held out to watch the loss on, in [0, 1). Defaults to 0.1.
    pub validation: f64,
    /// Standard deviation of the normal noise added to the input, in pixel units of [0, 1]: the model learns to remove
    /// it (Vincent and others, "Extracting and composing robust features with denoising autoencoders", 2008). Defaults to
    /// 0, no noise.
    pub noise: f64,
    /// Decoupled weight decay, as PyTorch's `AdamW`. Defaults to 0, which is Adam.
    pub weight_decay: f64,
    /// What the order of pictures, the held-out pictures, dropout and noise are drawn from. Defaults to 0.
    pub seed: u64,
    /// Whether steps run compiled where they can: on the CPU, with layers that are known to the compiled step. Else, and
    /// where this is false, they run on candle's autograd; both give the same numbers but for rounding. Defaults to true.
    pub compiled: bool,
}

impl Default for Fit {
    fn default() -> Self {
        Fit {
            epochs: 10,
            batch: 128,
            learning_rate: 1e-3,
            loss: Loss::Mse,
            validation: 0.1,
            noise: 0.0,
            weight_decay: 0.0,
            seed: 0,
            compiled: true,
        }
    }
}

impl Fit {
    /// Finds what cannot be trained with, before anything is changed.
    fn check(&self, pictures: usize) -> Result<()> {
        let no = |name: &str, expected: &str, got: String, hint: &str| {
            Err(Error::setting(format!("Fit::{name}"), expected, got, hint))
        };
        if self.epochs == 0 {
            return no("epochs", "at least 1", "0".into(), "Choose how often every picture is seen");
        }
        if !(0.0..1.0).contains(&self.validation) {
            let hint = "0.1 holds out a tenth; 0 trains on everything";
            return no("validation", "a share in [0, 1)", self.validation.to_string(), hint);
        }
        let train = pictures - self.held_out(pictures);
        if self.batch == 0 || self.batch > train {
            let expected = format!("1 to {train}, the pictures left for training");
            return no("batch", &expected, self.batch.to_string(), "Choose a smaller batch or more data");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return no("learning_rate", "a positive number", self.learning_rate.to_string(), "0.001 is a good start");
        }
        for (name, value) in [("noise", self.noise), ("weight_decay", self.weight_decay)] {
            if !(value >= 0.0 && value.is_finite()) {
                return no(name, "zero or more", value.to_string(), "0 turns it off");
            }
        }
        Ok(())
    }

    fn held_out(&self, pictures: usize) -> usize {
        ((pictures as f64 * self.validation) as usize).min(pictures.saturating_sub(1))
    }
}

impl Autoencoder {
    /// Learns from the training pictures by Adam (Kingma and Ba, 2015), with progress under the cell.
    ///
    /// Called again, it goes on from the weights it finds. Stop ends it at the next batch; the model is kept as trained up
    /// to then, and the history says so.
    ///
    /// # Errors
    /// Pictures of another shape than the model's; a setting outside its range; a loss that is no longer finite, in
    /// which case the weights are those of the last good epoch.
    pub fn fit(&mut self, data: &Dataset, fit: &Fit) -> Result<History> {
        if data.image_shape() != self.image_shape() {
            return Err(Error::shape(
                "fit",
                format!("pictures of shape {:?}, as the model was built for", self.image_shape()),
                format!("{:?}", data.image_shape()),
                "Build the model with data.image_shape()",
            ));
        }
        fit.check(data.train.len())?;
        // Inside the pool of threads, so that a step does not have to wake it.
        rayon::scope(|_| Run::new(self, data, fit)?.all_epochs())
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
}

/// What runs the steps.
enum Executor {
    Compiled(Box<Compiled>),
    Autograd(Box<Autograd>),
}

/// What steps on candle's autograd need.
struct Autograd {
    optimizer: Optimizer,
    dropout: Rng,
    noise: Rng,
}

impl<'a> Run<'a> {
    fn new(model: &'a Autoencoder, data: &Dataset, fit: &'a Fit) -> Result<Self> {
        let n = data.train.len();
        let order = Rng::new(fit.seed, Stream::Split).permutation(n);
        let (valid, train) = data.train.divide(&order, fit.held_out(n));
        let variables: Vec<Var> = model.variables().into_iter().map(|(_, var)| var).collect();
        let adam = Adam { learning_rate: fit.learning_rate, weight_decay: fit.weight_decay, ..Default::default() };
        let (dropout, noise) = (Rng::new(fit.seed, Stream::Dropout), Rng::new(fit.seed, Stream::Noise));
        let settings = Settings {
            batch: fit.batch,
            loss: fit.loss,
            adam,
            noise: fit.noise as f32,
            dropout_draws: dropout.clone(),
            noise_draws: noise.clone(),
        };
        let compiled = if fit.compiled { Compiled::new(model, settings)? } else { None };
        let executor = match compiled {
            Some(compiled) => Executor::Compiled(Box::new(compiled)),
            None => {
                let optimizer = Optimizer::new(variables.clone(), adam)?;
                Executor::Autograd(Box::new(Autograd { optimizer, dropout, noise }))
            }
        };
        Ok(Run {
            model,
            fit,
            view: View::new(fit.epochs, train.len(), fit.batch, model.image_shape()),
            train,
            valid: Some(valid).filter(|valid| !valid.is_empty()),
            executor,
            variables,
            buffers: model.buffers().into_iter().map(|(_, var)| var).collect(),
            shuffle: Rng::new(fit.seed, Stream::Shuffle),
        })
    }

    fn all_epochs(mut self) -> Result<History> {
        let mut history = History { epochs: Vec::new(), loss: self.fit.loss, stopped: false };
        let mut good = self.weights()?;
        for epoch in 1..=self.fit.epochs {
            let ended = self.epoch(epoch).and_then(|row| {
                self.check_weights(epoch, row.is_some())?;
                Ok(row)
            });
            match ended {
                Ok(Some(row)) => history.epochs.push(row),
                Ok(None) => {
                    history.stopped = true;
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
            self.view.epoch_done(self.model, &history, self.valid.as_ref().unwrap_or(&self.train))?;
        }
        self.view.done(&history)?;
        Ok(history)
    }

    /// One pass over the training pictures; None where Stop was pressed.
    fn epoch(&mut self, epoch: usize) -> Result<Option<Epoch>> {
        let start = Instant::now();
        let order = self.shuffle.permutation(self.train.len());
        let (mut sum, mut seen) = (0.0, 0);
        let train = self.train.clone();
        for (i, batch) in Batches::new(&train, &order, self.fit.batch, Some((self.fit.seed, epoch)))?.enumerate() {
            if stopped() {
                self.store()?;
                return Ok(None);
            }
            let batch = batch?;
            let loss = self.step(&batch)?;
            if !loss.is_finite() {
                return Err(self.diverged(epoch, i + 1, loss));
            }
            sum += f64::from(loss) * batch.len() as f64;
            seen += batch.len();
            self.view.batch_done(seen, sum / seen as f64);
        }
        self.store()?;
        let training = start.elapsed().as_secs_f64();
        let valid_loss = match self.valid.as_ref().map(|valid| self.model.loss(valid, self.fit.loss)).transpose() {
            Err(Error::Stopped) => return Ok(None),
            other => other?,
        };
        if let Some(loss) = valid_loss.filter(|loss| !loss.is_finite()) {
            return Err(self.diverged(epoch, order.len().div_ceil(self.fit.batch), loss));
        }
        Ok(Some(Epoch {
            train_loss: (sum / seen as f64) as f32,
            valid_loss,
            seconds: start.elapsed().as_secs_f64(),
            images_per_second: seen as f64 / training,
        }))
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
    fn step(&mut self, batch: &Batch<'_>) -> Result<f32> {
        let (optimizer, dropout, noise) = match &mut self.executor {
            Executor::Compiled(compiled) => return compiled.step(batch),
            Executor::Autograd(autograd) => (&mut autograd.optimizer, &mut autograd.dropout, &mut autograd.noise),
        };
        let images = batch.images()?.to_device(self.model.device())?;
        let input = if self.fit.noise > 0.0 {
            let noise = noise.normal(images.elem_count(), self.fit.noise as f32);
            (&images + Tensor::from_vec(noise, images.shape(), images.device())?)?
        } else {
            images.clone()
        };
        let loss = self.fit.loss.of(&self.model.forward(&input, Some(dropout))?, &images)?;
        let value = loss.to_scalar::<f32>()?;
        if value.is_finite() {
            optimizer.backward_step(&loss)?;
        }
        Ok(value)
    }

    /// Brings the weights to the model, where the steps keep their own.
    fn store(&self) -> Result<()> {
        match &self.executor {
            Executor::Compiled(compiled) => compiled.store(self.model),
            Executor::Autograd(_) => Ok(()),
        }
    }

    fn weights(&self) -> Result<Vec<Tensor>> {
        self.variables.iter().chain(&self.buffers).map(|var| Ok(var.as_tensor().copy()?)).collect()
    }

    fn diverged(&self, epoch: usize, batch: usize, loss: f32) -> Error {
        Error::Diverged { epoch, batch, loss, kept: epoch - 1, learning_rate: self.fit.learning_rate }
    }
}
