//! The planned step as an executor.

use super::TrainStep;
use crate::data::Batch;
use crate::error::Result;
use crate::model::Autoencoder;
use crate::optim::Moments;
use crate::train::executor::Executor;
use crate::train::executor_state::{ExecutorState, Pending, Positions};
use crate::train::model_values::store_values;
use candle_core::{Device, Tensor, Var};

impl Executor for TrainStep<'_, f32> {
    fn step(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32> {
        Ok(TrainStep::step(self, batch, terms)? as f32)
    }

    fn backward(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32> {
        Ok(self.add_gradients(batch, terms)? as f32)
    }

    fn update(&mut self) -> Result<()> {
        TrainStep::update(self)
    }

    fn pending(&self) -> Pending {
        self.pending
    }

    fn gradients(&self, model: &Autoencoder) -> Result<Vec<Tensor>> {
        let (values, images) = match self.pending.batches {
            0 | 1 => (&self.gradients, 1.0),
            _ => (&self.gradient_sums, self.pending.images as f64),
        };
        let variables = model.variables();
        let tensors = slices(values, &variables).zip(&variables);
        let tensor = |(values, (_, var)): (&[f32], &(String, Var))| {
            let tensor = Tensor::from_slice(values, var.shape(), &Device::Cpu)?;
            Ok((tensor / images)?)
        };
        tensors.map(tensor).collect()
    }

    fn set_gradients(&mut self, gradients: &[Tensor]) -> Result<()> {
        self.join_gradients();
        let mut start = 0;
        for gradient in gradients {
            let values = gradient.flatten_all()?.to_vec1::<f32>()?;
            self.gradients[start..start + values.len()].copy_from_slice(&values);
            start += values.len();
        }
        Ok(())
    }

    fn steps(&self) -> i32 {
        self.rule.steps()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.rule.set_learning_rate(learning_rate);
    }

    fn state(&self, model: &Autoencoder) -> Result<ExecutorState> {
        let (variables, buffers) = (model.variables(), model.buffers());
        let mut moments = vec![Moments::default(); variables.len()];
        for (nth, moment) in self.moments.iter().enumerate() {
            if !moment.is_empty() {
                let values = slices(moment, &variables).map(<[f32]>::to_vec);
                moments
                    .iter_mut()
                    .zip(values)
                    .for_each(|(to, values)| to[nth] = values);
            }
        }
        let list = |values: &[f32], variables: &[(String, Var)]| -> Vec<Vec<f32>> {
            slices(values, variables).map(<[f32]>::to_vec).collect()
        };
        let steps = self.rule.steps();
        let weights = match self.average.has_begun(steps) {
            true => {
                let buffers = list(&self.measured()?, &buffers);
                [list(&self.parameters, &variables), buffers].concat()
            }
            false => Vec::new(),
        };
        let gradients = match self.pending.batches {
            0 => Vec::new(),
            1 => list(&self.gradients, &variables),
            _ => list(&self.gradient_sums, &variables),
        };
        let rng = self.rng.position();
        Ok(ExecutorState {
            positions: Positions { rng, steps },
            pending: self.pending,
            moments,
            weights,
            gradients,
        })
    }

    fn restore(&mut self, model: &Autoencoder, state: &ExecutorState) -> Result<()> {
        self.rule.resume_at(state.positions.steps);
        for (nth, moment) in self.moments.iter_mut().enumerate() {
            copy(state.moments.iter().map(|moments| &moments[nth]), moment);
        }
        self.pending = state.pending;
        let sums = match state.pending.batches {
            0 | 1 => &mut self.gradients,
            _ => {
                self.gradient_sums.resize(self.parameters.len(), 0.0);
                &mut self.gradient_sums
            }
        };
        copy(&state.gradients, sums);
        if self.world.rank() > 0 {
            sums.fill(0.0); // Rank 0 has them, and the update sums all ranks.
        }
        if !state.weights.is_empty() {
            // The model holds their average.
            self.average.parameters.clone_from(&self.parameters);
            self.average.buffers = self.measured()?;
            let (weights, buffers) = state.weights.split_at(model.variables().len());
            copy(weights, &mut self.parameters);
            self.set_measured(&buffers.concat())?;
        }
        Ok(())
    }

    fn store(&mut self, model: &Autoencoder) -> Result<()> {
        let (variables, buffers) = (model.variables(), model.buffers());
        if self.average.has_begun(self.rule.steps()) {
            store_values(&self.average.parameters, &variables)?;
            return store_values(&self.average.buffers, &buffers);
        }
        store_values(&self.parameters, &variables)?;
        store_values(&self.measured()?, &buffers)
    }

    fn align(&mut self, _model: &Autoencoder) -> Result<()> {
        if self.world.is_alone() {
            return Ok(());
        }
        let world = &self.world;
        world.copy_from_first(&mut self.parameters)?;
        let mut moments = self.moments.iter_mut();
        moments.try_for_each(|moment| world.copy_from_first(moment))?;
        world.copy_from_first(&mut self.average.parameters)?;
        world.copy_from_first(&mut self.average.buffers)?;
        let sums = match self.pending.batches {
            0 => &mut Vec::new(),
            1 => &mut self.gradients,
            _ => &mut self.gradient_sums,
        };
        world.sum(sums)?;
        if world.rank() > 0 {
            sums.fill(0.0);
        }
        let mut measured = self.measured()?;
        self.world.copy_from_first(&mut measured)?;
        self.set_measured(&measured)
    }
}

impl TrainStep<'_, f32> {
    /// Sets the values of all buffers, in the order of the model's.
    fn set_measured(&mut self, mut values: &[f32]) -> Result<()> {
        for (norm, buffers) in self.norms.iter_mut().zip(&self.buffers) {
            for statistics in [&mut norm.running_mean, &mut norm.running_variance] {
                let head;
                (head, values) = values.split_at(statistics.len());
                statistics.copy_from_slice(head);
            }
            for buffer in buffers {
                let head;
                (head, values) = values.split_at(buffer.var.elem_count());
                let tensor = Tensor::from_slice(head, buffer.var.shape(), &Device::Cpu)?;
                buffer.var.set(&tensor.to_dtype(buffer.var.dtype())?)?;
            }
        }
        Ok(())
    }
}

/// Values of each variable.
fn slices<'a>(
    mut values: &'a [f32],
    variables: &'a [(String, Var)],
) -> impl Iterator<Item = &'a [f32]> {
    variables.iter().map(move |(_, var)| {
        let head;
        (head, values) = values.split_at(var.elem_count());
        head
    })
}

/// Copies lists of values one after the other.
fn copy<'a>(from: impl IntoIterator<Item = &'a Vec<f32>>, to: &mut [f32]) {
    let values = from.into_iter().flatten();
    to.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
}
