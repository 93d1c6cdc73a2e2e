//! Planned training step on the CPU. Buffers are allocated once, each thread processes a shard of
//! the batch, backward passes are hand-written, and the optimizer update is fused into the
//! weight-gradient pass.
//!
//! It computes what candle's autograd computes, from the same random numbers;
//! `tests/train/train_step.rs` compares the two.

use super::executor::{Executor, Positions, StepSettings};
use super::model_values::{norms, parameters, store_values};
use super::noise::Noise;
use super::weight_update::{DenseUpdate, ParamBlock, UnitBlock};
use crate::data::Batch;
use crate::error::Result;
use crate::layer::Number;
use crate::loss::Loss;
use crate::math::{BatchStats, Rng};
use crate::model::Autoencoder;
use crate::optim::{Moments, UpdateRule};
use crate::plan::{
    MIN_PARALLEL_FLOPS, Plan, Shard, Stage, StepContext, segments, summed_gradients,
};
use candle_core::Var;
use rayon::prelude::*;
use std::ops::Range;

/// Training of one model by its plan.
#[derive(Debug)]
pub(crate) struct TrainStep<T> {
    plan: Plan,
    /// Weights and biases, in the order of the model's variables.
    parameters: Vec<T>,
    gradients: Vec<T>,
    moments: Moments<T>,
    /// Batch statistics of each stage; used where the stage is a normalization.
    norms: Vec<BatchStats<T>>,
    /// Parts of the plan that a shard runs without waiting for the others.
    segments: Vec<Range<usize>>,
    /// One for each thread.
    shards: Vec<Shard<T>>,
    /// Each shard's input without noise, which is its target; empty if there is no noise.
    clean: Vec<Vec<T>>,
    rule: UpdateRule,
    loss: Loss,
    noise: Noise,
    dropout: Rng,
}

impl<T: Number> TrainStep<T> {
    /// Step of a model. None if the model is on another device, or has nothing to compute.
    ///
    /// # Errors
    /// A variable that cannot be read.
    pub(crate) fn new(model: &Autoencoder, settings: &StepSettings) -> Result<Option<Self>> {
        let plan = model.plan().clone();
        if !model.device().is_cpu() || plan.stages().is_empty() {
            return Ok(None);
        }
        let n = plan.parameters();
        let count = shard_count(&plan, settings.batch_size);
        let rows = settings.batch_size.div_ceil(count);
        let clean = if settings.noise.is_on() {
            rows * input_size(&plan)
        } else {
            0
        };
        let rule = UpdateRule::new(settings.optim, settings.rates);
        Ok(Some(TrainStep {
            parameters: parameters(model, n)?,
            gradients: vec![T::ZERO; n],
            moments: rule.zero_moments(n),
            norms: norms(model, &plan)?,
            segments: segments(&plan),
            shards: (0..count).map(|_| Shard::new(&plan, rows)).collect(),
            clean: vec![vec![T::ZERO; clean]; count],
            plan,
            rule,
            loss: settings.loss,
            noise: settings.noise.clone(),
            dropout: settings.dropout.clone(),
        }))
    }

    /// Trains on a batch; returns the loss before the update. A loss that is not finite changes no
    /// weight.
    ///
    /// # Errors
    /// A position that the split does not have.
    pub(crate) fn step(&mut self, batch: &Batch) -> Result<f64> {
        let shards = self.shards.len().min(batch.len());
        let values = batch.len() * input_size(&self.plan);
        let loss_sum = self.forward(batch, shards)?;
        self.backward(batch.len(), shards)?;
        self.advance_rngs(batch.len());
        let mean = loss_sum / values as f64;
        if mean.is_finite() {
            self.update_weights(shards);
        }
        Ok(mean)
    }

    /// Forward pass, and the backward pass of the last segment, which needs no other shard. Returns
    /// the sum of the losses of all values.
    fn forward(&mut self, batch: &Batch, shards: usize) -> Result<f64> {
        let TrainStep {
            plan,
            parameters,
            norms,
            segments,
            loss,
            noise,
            dropout,
            ..
        } = self;
        let (plan, parameters, noise, loss) = (&*plan, &*parameters, &*noise, *loss);
        let (all, clean) = (&mut self.shards[..shards], &mut self.clean[..shards]);
        let last = segments.len() - 1;
        let mut loss_sum = 0.0;
        for (nth, segment) in segments.iter().enumerate() {
            let context = StepContext {
                plan,
                parameters,
                norms,
                dropout,
                batch: batch.len(),
            };
            loss_sum += sum_over_shards(all, clean, |n, shard, clean| {
                if nth == 0 {
                    let rows = n * batch.len() / shards..(n + 1) * batch.len() / shards;
                    read_input(plan, shard, batch, rows, noise, clean)?;
                }
                shard.forward(context, segment.clone());
                if nth < last {
                    return Ok(0.0);
                }
                let target = noise.is_on().then_some(clean.as_slice());
                let loss_sum = shard.loss_and_grad(plan, loss, target, batch.len());
                shard.backward(context, segment.clone());
                Ok(loss_sum)
            })?;
            join_statistics(plan, parameters, all, norms, segment.end);
        }
        Ok(loss_sum)
    }

    /// Backward pass of all segments but the last, from the end to the beginning.
    fn backward(&mut self, batch: usize, shards: usize) -> Result<()> {
        let (all, clean) = (&mut self.shards[..shards], &mut self.clean[..shards]);
        for segment in self.segments.iter().rev().skip(1) {
            self.norms[segment.end]
                .merge_grad_sums(all.iter().map(|shard| shard.stage_gradients(segment.end)));
            let context = StepContext {
                plan: &self.plan,
                parameters: &self.parameters,
                norms: &self.norms,
                dropout: &self.dropout,
                batch,
            };
            sum_over_shards(all, clean, |_, shard, _| {
                shard.backward(context, segment.clone());
                Ok(0.0)
            })?;
        }
        Ok(())
    }

    /// Moves the random streams past the numbers that a batch used.
    fn advance_rngs(&mut self, batch: usize) {
        let samples: usize = self.plan.stages().iter().map(Stage::dropout_samples).sum();
        self.dropout = self.dropout.skipped((samples * batch) as u64);
        self.noise.skip(batch * input_size(&self.plan));
    }

    /// Computes the weight gradients and takes the optimizer step, stage by stage.
    fn update_weights(&mut self, shards: usize) {
        self.norms.iter_mut().for_each(BatchStats::update_running);
        let update = &self.rule.next_update();
        let threads = shards;
        let shards = &self.shards[..shards];
        for (index, stage) in self.plan.stages().iter().enumerate() {
            if !stage.has_weights() {
                continue;
            }
            let block = ParamBlock::new(
                &mut self.parameters,
                &mut self.gradients,
                &mut self.moments,
                stage.parameters.clone(),
            );
            if stage.op.dense() {
                let (weights, biases) = block.split_at(stage.inputs * stage.outputs);
                let dense = DenseUpdate {
                    shards,
                    index,
                    stage,
                    update,
                };
                let units = 0..stage.outputs;
                let block = UnitBlock {
                    units,
                    weights,
                    biases,
                };
                dense.run(block, threads);
            } else {
                summed_gradients(shards, index, block.gradients);
                block.step(update);
            }
        }
    }
}

impl Executor for TrainStep<f32> {
    fn step(&mut self, batch: &Batch) -> Result<f32> {
        Ok(TrainStep::step(self, batch)? as f32)
    }

    fn positions(&self) -> Positions {
        Positions {
            dropout: self.dropout.position(),
            noise: self.noise.position(),
            steps: self.rule.steps(),
        }
    }

    fn moments(&self, variables: &[Var]) -> Result<Vec<Moments>> {
        let mut start = 0;
        let of = |variable: &Var| {
            let range = start..start + variable.elem_count();
            start = range.end;
            self.moments
                .each_ref()
                .map(|moment| moment.get(range.clone()).unwrap_or_default().to_vec())
        };
        Ok(variables.iter().map(of).collect())
    }

    fn restore(&mut self, moments: &[Moments], steps: i32) -> Result<()> {
        self.rule.resume_at(steps);
        for (nth, moment) in self.moments.iter_mut().enumerate() {
            let values = moments.iter().flat_map(|saved| &saved[nth]);
            for (to, from) in moment.iter_mut().zip(values) {
                *to = *from;
            }
        }
        Ok(())
    }

    fn store(&self, model: &Autoencoder) -> Result<()> {
        let running = self
            .norms
            .iter()
            .flat_map(|norm| norm.running_mean.iter().chain(&norm.running_variance));
        let running: Vec<f32> = running.copied().collect();
        store_values(&self.parameters, &model.variables())?;
        store_values(&running, &model.buffers())
    }
}

/// Values of one image.
fn input_size(plan: &Plan) -> usize {
    plan.stages().first().map_or(0, |stage| stage.inputs)
}

/// Number of shards of a batch: one for each thread, or one alone if waking threads costs more than
/// it saves.
fn shard_count(plan: &Plan, batch_size: usize) -> usize {
    // A backward pass costs as much as two forward passes.
    if 3 * plan.flops() * batch_size < MIN_PARALLEL_FLOPS {
        1
    } else {
        rayon::current_num_threads().clamp(1, batch_size)
    }
}

/// Reads these rows of a batch into a shard. If there is noise, adds it and keeps the clean values.
fn read_input<T: Number>(
    plan: &Plan,
    shard: &mut Shard<T>,
    batch: &Batch,
    rows: Range<usize>,
    noise: &Noise,
    clean: &mut [T],
) -> Result<()> {
    let input = shard.input(plan, rows.clone());
    batch.fill(rows.clone(), input)?;
    if noise.is_on() {
        clean[..input.len()].copy_from_slice(input);
        noise.add_to(input, rows.start * input_size(plan));
    }
    Ok(())
}

/// Joins the shards' statistics of the normalization at a stage, if there is one.
fn join_statistics<T: Number>(
    plan: &Plan,
    parameters: &[T],
    shards: &[Shard<T>],
    norms: &mut [BatchStats<T>],
    index: usize,
) {
    let Some(stage) = plan.stages().get(index) else {
        return;
    };
    if let Some(channels) = stage.op.channels() {
        let sums = shards
            .iter()
            .map(|shard| shard.channel_sums(index, channels.spatial));
        let (weight, bias) = stage.weight_and_bias(parameters);
        norms[index].merge(sums, weight, bias);
    }
}

/// Runs `f` on every shard, in parallel if there is more than one, and sums the results.
fn sum_over_shards<T: Number>(
    shards: &mut [Shard<T>],
    clean: &mut [Vec<T>],
    f: impl Fn(usize, &mut Shard<T>, &mut Vec<T>) -> Result<f64> + Sync,
) -> Result<f64> {
    let f = |(n, (shard, clean)): (usize, (&mut Shard<T>, &mut Vec<T>))| f(n, shard, clean);
    if shards.len() == 1 {
        return shards.iter_mut().zip(clean).enumerate().map(f).sum();
    }
    shards.par_iter_mut().zip(clean).enumerate().map(f).sum()
}

#[cfg(test)]
mod tests;
