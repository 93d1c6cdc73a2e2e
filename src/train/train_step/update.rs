//! Weight gradients and the optimizer's update in the planned step.
//!
//! If the optimizer sees the gradients as they are, both are one pass over blocks of parameters. Else
//! the gradients of all parameters come first, because their norm decides about each.

use super::TrainStep;
use crate::data::Batch;
use crate::error::Result;
use crate::layer::Number;
use crate::math::widest;
use crate::optim::{Moments, clip, scale};
use crate::plan::{Plan, Shard};
use crate::train::host_average::HostAverage;
use crate::train::weight_update::{GradientTask, GroupUpdates, ParamBlock, UnitBlock, run_tasks};
use std::ops::Range;

impl<T: Number> TrainStep<'_, T> {
    /// Computes the weight gradients of a batch and takes the optimizer step, block by block.
    pub(super) fn update_fused(&mut self, batch: usize) -> Result<()> {
        let shards = self.shard_count(batch);
        let share = self.average.share(self.rule.steps() + 1);
        let pass = GradientPass {
            average: fused_average(&self.plan, &mut self.average, share),
            plan: &self.plan,
            shards: &self.shards[..shards],
            parameters: &mut self.parameters,
            gradients: &mut self.gradients,
            moments: &mut self.moments,
        };
        let updates = GroupUpdates {
            updates: self.rule.next_updates(),
            spans: &self.spans,
            share: share.unwrap_or(0.0),
        };
        pass.run(&|block| block.step(updates));
        self.after_update(share)
    }

    /// Runs a batch forward and backward, and adds its gradients to those of the next step; returns
    /// the loss.
    pub(super) fn add_gradients(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f64> {
        let loss = self.both_passes(batch, terms)?;
        if !loss.is_finite() {
            return Ok(loss);
        }
        if self.pending.batches == 1 {
            self.gradient_sums.clone_from(&self.gradients);
            scale(&mut self.gradient_sums, self.pending.images as f64);
        }
        let shards = self.shard_count(batch.len());
        let pass = GradientPass {
            plan: &self.plan,
            shards: &self.shards[..shards],
            parameters: &mut self.parameters,
            gradients: &mut self.gradients,
            moments: &mut self.moments,
            average: &mut [],
        };
        pass.run(&|_| ());
        if batch.share().is_none() && !self.world.is_alone() {
            // Each rank has the gradients of the whole batch, and their sum comes later.
            scale(&mut self.gradients, 1.0 / self.world.size() as f64);
        }
        self.pending = self.pending.and(batch.total());
        if self.pending.batches > 1 {
            add_scaled(
                &mut self.gradient_sums,
                &self.gradients,
                batch.total() as f64,
            );
        }
        Ok(loss)
    }

    /// Makes [`TrainStep::gradients`] the mean over the images of all batches that wait.
    pub(super) fn join_gradients(&mut self) {
        if self.pending.batches > 1 {
            self.gradients.clone_from(&self.gradient_sums);
            scale(&mut self.gradients, 1.0 / self.pending.images as f64);
            self.pending.batches = 1;
        }
    }

    /// Takes the optimizer step with the gradients so far, if there are any.
    pub(super) fn update(&mut self) -> Result<()> {
        if self.pending.is_none() {
            return Ok(());
        }
        self.join_gradients();
        self.world.sum(&mut self.gradients)?;
        self.pending = Default::default();
        let (settings, n) = (&self.gradient_settings, self.parameters.len());
        let noise = settings.noise_of(self.seed, self.rule.steps(), n);
        let share = self.average.share(self.rule.steps() + 1);
        let average = fused_average(&self.plan, &mut self.average, share);
        let updates = GroupUpdates {
            updates: self.rule.next_updates(),
            spans: &self.spans,
            share: share.unwrap_or(0.0),
        };
        let (parameters, gradients) = (&mut self.parameters, &mut self.gradients);
        let mut factor = 1.0;
        if settings.clip_norm.is_some() || settings.clip_value.is_some() {
            let all = ParamBlock::new(parameters, gradients, &mut self.moments, &mut [], 0..n);
            let sum = all.over_chunks(&|block| clip(block.gradients, settings.clip_value));
            factor = settings.norm_factor(sum);
        }
        let all = ParamBlock::new(parameters, gradients, &mut self.moments, average, 0..n);
        all.over_chunks(&|block| {
            if factor != 1.0 {
                scale(block.gradients, factor);
            }
            if let Some(noise) = &noise {
                noise.add_to(block.start, block.gradients);
            }
            block.step(updates);
            0.0
        });
        self.after_update(share)
    }

    /// Restores the constraints of the weights, and takes weights and buffers into the average if they
    /// are not in it yet.
    fn after_update(&mut self, share: Option<f64>) -> Result<()> {
        for stage in self
            .plan
            .stages()
            .iter()
            .filter(|stage| stage.op.constrains())
        {
            let weights = &mut self.parameters[stage.parameters.clone()];
            let weights = &mut weights[..stage.parameters.len() - stage.biases];
            stage.arithmetic().constrain(stage.inputs, weights);
        }
        let Some(share) = share else { return Ok(()) };
        if constrains(&self.plan) {
            self.average.add_parameters(share, &self.parameters);
        }
        let buffers = self.measured()?;
        self.average.add_buffers(share, buffers);
        Ok(())
    }

    /// Values of all buffers, in the order of the model's.
    pub(super) fn measured(&self) -> Result<Vec<T>> {
        let mut measured = Vec::new();
        for (norm, buffers) in self.norms.iter().zip(&self.buffers) {
            measured.extend(norm.running_mean.iter().chain(&norm.running_variance));
            for buffer in buffers {
                let values = buffer.var.flatten_all()?.to_dtype(T::DTYPE)?;
                measured.extend(values.to_vec1::<T>()?);
            }
        }
        Ok(measured)
    }
}

/// Weight gradients of a batch: from the shards' values to blocks of parameters.
struct GradientPass<'a, T> {
    plan: &'a Plan,
    shards: &'a [Shard<T>],
    parameters: &'a mut [T],
    gradients: &'a mut [T],
    moments: &'a mut Moments<T>,
    average: &'a mut [T],
}

impl<T: Number> GradientPass<'_, T> {
    /// Computes all gradients, and hands each block to `then` while it is in the cache.
    fn run(self, then: &(impl Fn(ParamBlock<'_, T>) + Sync)) {
        let n = self.parameters.len();
        let (parameters, gradients) = (self.parameters, self.gradients);
        let mut rest = ParamBlock::new(parameters, gradients, self.moments, self.average, 0..n);
        let mut tasks = Vec::new();
        let stages = self.plan.stages().iter().enumerate();
        for (index, stage) in stages.filter(|(_, stage)| stage.has_weights()) {
            let Range { start, end } = stage.parameters;
            let (to_end, to_start) = (end - rest.start, start - rest.start);
            let (head, others) = rest.split_at(to_end);
            let (_, block) = head.split_at(to_start);
            rest = others;
            if !stage.op.dense() {
                tasks.push(GradientTask::Sums(index, block));
                continue;
            }
            let (weights, biases) = block.split_at(stage.inputs * stage.outputs);
            let units = UnitBlock {
                units: 0..stage.outputs,
                weights,
                biases,
            };
            tasks.push(GradientTask::Units(stage, index, units));
        }
        run_tasks(tasks, self.shards, self.shards.len(), then);
    }
}

/// True if weights have a constraint that is restored after each step.
fn constrains(plan: &Plan) -> bool {
    plan.stages().iter().any(|stage| stage.op.constrains())
}

/// The average that the update itself moves, while the weights are in the cache; empty if there is
/// none, or a constraint that is restored first.
fn fused_average<'a, T: Number>(
    plan: &Plan,
    average: &'a mut HostAverage<T>,
    share: Option<f64>,
) -> &'a mut [T] {
    match share.is_some() && !constrains(plan) {
        true => &mut average.parameters,
        false => &mut [],
    }
}

/// sums += factor * gradients
fn add_scaled<T: Number>(sums: &mut [T], gradients: &[T], factor: f64) {
    let factor = T::of(factor);
    widest!(|| {
        for (sum, &g) in sums.iter_mut().zip(gradients) {
            *sum += factor * g;
        }
    });
}
