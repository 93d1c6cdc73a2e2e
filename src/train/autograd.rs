//! Training step on candle's autograd, for every device.

use super::custom_loss::call;
use super::executor::{Executor, StepSettings};
use super::executor_state::{ExecutorState, Pending, Positions};
use super::tensor_average::{TensorAverage, align};
use crate::data::Batch;
use crate::error::Result;
use crate::layer::{BatchRows, ForwardState};
use crate::model::Autoencoder;
use crate::optim::{GradientSum, Optimizer, TensorGradients};
use candle_core::{DType, Tensor, Var};
use std::borrow::Borrow;

/// Training of a model by candle's autograd.
pub(crate) struct Autograd<'a, M> {
    model: M,
    optimizer: Optimizer,
    average: TensorAverage,
    sum: GradientSum,
    settings: StepSettings<'a>,
}

impl<'a, M: Borrow<Autoencoder>> Autograd<'a, M> {
    /// Executor before its first step.
    ///
    /// # Errors
    /// Not enough memory for the optimizer's moments on the model's device.
    pub(crate) fn new(model: M, settings: StepSettings<'a>) -> Result<Self> {
        let variables = model.borrow().parameters();
        let (rate, grouping) = (settings.learning_rate, settings.grouping.clone());
        let mut optimizer = Optimizer::of(variables, &settings.optim, rate, grouping)?;
        optimizer.set_gradients(settings.gradients, settings.seed)?;
        let buffers = model.borrow().buffers().into_iter();
        let buffers = buffers.map(|(_, var)| var);
        let all = model.borrow().parameters().into_iter().chain(buffers);
        Ok(Autograd {
            sum: GradientSum::new(settings.world.clone(), model.borrow().device())?,
            optimizer,
            average: TensorAverage::new(settings.averaging, all.collect()),
            model,
            settings,
        })
    }

    /// Labels of a batch, if a layer reads them.
    fn labels(&self, batch: &Batch) -> Result<Option<Tensor>> {
        let model = self.model.borrow();
        if !model.plan().reads_labels() {
            return Ok(None);
        }
        let labels = batch.labels()?;
        let labels = labels.map(|labels| labels.to_device(model.device()));
        Ok(labels.transpose()?)
    }

    /// This rank's images of a batch that several share.
    fn rows(&self, batch: &Batch) -> Option<BatchRows> {
        batch.share().map(|share| BatchRows {
            world: self.settings.world.clone(),
            first: share.first,
            count: batch.len(),
            total: share.total,
        })
    }

    /// Type of the activations.
    fn dtype(&self) -> DType {
        if self.settings.bf16 && !self.model.borrow().device().is_cpu() {
            DType::BF16
        } else {
            DType::F32
        }
    }
}

impl<M: Borrow<Autoencoder> + Send> Executor for Autograd<'_, M> {
    fn step(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32> {
        let loss = self.backward(batch, terms)?;
        let pending = self.optimizer.gradients().batches;
        if loss.is_finite() && pending >= self.settings.gradients.accumulate {
            self.update()?;
        }
        Ok(loss)
    }

    fn backward(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32> {
        self.average.take_out()?;
        let model = self.model.borrow();
        let images = batch.images()?.to_device(model.device())?;
        let input = images.to_dtype(self.dtype())?;
        let rows = self.rows(batch);
        let share = rows.as_ref().map_or(1.0, BatchRows::share);
        let mut state = ForwardState {
            step: self.optimizer.steps() as usize,
            labels: self.labels(batch)?,
            images: Some(input.clone()),
            rows: rows.clone(),
            ..Default::default()
        };
        let rng = &mut self.settings.rng;
        let (encoder, decoder) = (model.encoder_net(), model.decoder_net());
        let code = encoder.forward(&input, Some(&mut *rng), &mut state)?;
        let output = decoder.forward(&code, Some(rng), &mut state)?;
        let output = output.to_dtype(DType::F32)?;
        let mut loss = match self.settings.custom_loss {
            Some(own) => call(own, &images, &code.to_dtype(DType::F32)?, &output)?,
            None => (self.settings.loss.mean(&output, &images)? * share)?,
        };
        for (share, term) in terms.iter_mut().zip(model.shares(&state)?) {
            *share = term.to_scalar::<f32>()?.into();
            loss = (loss + term)?;
        }
        let mut sums = [&[f64::from(loss.to_scalar::<f32>()?)], &*terms].concat();
        if let Some(rows) = &rows {
            rows.world.sum(&mut sums)?;
            terms.copy_from_slice(&sums[1..]);
        }
        let value = sums[0] as f32;
        if value.is_finite() {
            state.update_buffers()?;
            if rows.is_none() {
                // Every rank has the gradients of the whole batch, and their sum comes later.
                loss = (loss / self.settings.world.size() as f64)?;
            }
            self.optimizer.add(&loss.backward()?, batch.total())?;
        }
        Ok(value)
    }

    fn update(&mut self) -> Result<()> {
        self.average.take_out()?;
        if self.optimizer.gradients().batches == 0 {
            return Ok(());
        }
        self.optimizer.gradients_mut().sum_over(&self.sum)?;
        self.optimizer.update()?;
        self.model.borrow().encoder_net().constrain()?;
        self.model.borrow().decoder_net().constrain()?;
        self.average.add(self.optimizer.steps())
    }

    fn pending(&self) -> Pending {
        let gradients = self.optimizer.gradients();
        Pending {
            batches: gradients.batches,
            images: gradients.images,
        }
    }

    fn gradients(&self, model: &Autoencoder) -> Result<Vec<Tensor>> {
        let mean = self.optimizer.gradients().mean()?.into_iter();
        let all = mean.zip(model.parameters());
        all.map(|(gradient, var)| Ok(gradient.map_or_else(|| var.zeros_like(), Ok)?))
            .collect()
    }

    fn set_gradients(&mut self, gradients: &[Tensor]) -> Result<()> {
        let device = self.model.borrow().device();
        let gradients = gradients
            .iter()
            .map(|tensor| Ok(Some(tensor.to_device(device)?)));
        let images = self.optimizer.gradients().images;
        let gradients = TensorGradients::resumed(gradients.collect::<Result<_>>()?, 1, images);
        self.optimizer.replace_gradients(gradients);
        Ok(())
    }

    fn steps(&self) -> i32 {
        self.optimizer.steps()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.optimizer.set_rate(learning_rate);
    }

    fn state(&self, model: &Autoencoder) -> Result<ExecutorState> {
        let gradients = self.optimizer.gradients();
        let of = |(gradient, var): (&Option<Tensor>, Var)| match gradient {
            Some(gradient) => values(gradient),
            None => Ok(vec![0.0; var.elem_count()]),
        };
        let sums = gradients.sums().iter().zip(model.parameters());
        Ok(ExecutorState {
            positions: Positions {
                rng: self.settings.rng.position(),
                steps: self.optimizer.steps(),
            },
            pending: self.pending(),
            moments: self.optimizer.moments()?,
            weights: self.average.weights(self.optimizer.steps())?,
            gradients: sums.map(of).collect::<Result<_>>()?,
        })
    }

    fn restore(&mut self, model: &Autoencoder, state: &ExecutorState) -> Result<()> {
        self.optimizer
            .restore(&state.moments, state.positions.steps)?;
        self.average.restore(&state.weights)?;
        let Pending { batches, images } = state.pending;
        let tensor = |(values, var): (&Vec<f32>, Var)| -> Result<Option<Tensor>> {
            Ok(Some(Tensor::from_slice(values, var.shape(), var.device())?))
        };
        let sums = state.gradients.iter().zip(model.parameters()).map(tensor);
        let mut sums = TensorGradients::resumed(sums.collect::<Result<_>>()?, batches, images);
        if self.settings.world.rank() > 0 {
            sums.scale(0.0)?; // Rank 0 has them, and the update sums all ranks.
        }
        self.optimizer.replace_gradients(sums);
        Ok(())
    }

    fn store(&mut self, _model: &Autoencoder) -> Result<()> {
        self.average.put_in(self.optimizer.steps()) // Otherwise, the model has the weights already.
    }

    fn align(&mut self, model: &Autoencoder) -> Result<()> {
        let world = self.settings.world.clone();
        if world.is_alone() {
            return Ok(());
        }
        // Rank 0 alone has put the average in, for a checkpoint.
        self.average.take_out()?;
        let all = [model.variables(), model.buffers()].concat();
        for (_, var) in &all {
            align(&world, var)?;
        }
        self.average.align(&world)?;
        let mut moments = self.optimizer.moments()?;
        let mut each = moments.iter_mut().flatten();
        each.try_for_each(|moment| world.copy_from_first(moment))?;
        self.optimizer.restore(&moments, self.optimizer.steps())?;
        self.optimizer.gradients_mut().sum_over(&self.sum)?;
        if world.rank() > 0 {
            self.optimizer.gradients_mut().scale(0.0)?;
        }
        Ok(())
    }
}

/// Values of a tensor, on the CPU.
fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}
