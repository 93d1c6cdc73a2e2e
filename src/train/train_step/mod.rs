//! Planned training step on the CPU. Buffers are allocated once, each thread processes a shard of
//! the batch, backward passes are hand-written, and the optimizer update is fused into the
//! weight-gradient pass.
//!
//! It computes what candle's autograd computes, from the same random numbers;
//! `tests/train/train_step.rs` compares the two.

use super::custom_loss::PlannedLoss;
use super::executor::StepSettings;
use super::executor_state::Pending;
use super::host_average::HostAverage;
use super::model_values::{buffers, norms, parameters};
use super::weight_update::{GroupSpan, group_spans};
use super::whole_batch;
use crate::data::Batch;
use crate::dist::World;
use crate::error::Result;
use crate::layer::{Number, Variable};
use crate::loss::Loss;
use crate::math::{BatchStats, Rng, ShardSums};
use crate::model::Autoencoder;
use crate::optim::{Gradients, Moments, UpdateRule};
use crate::plan::{BatchPass, MIN_PARALLEL_FLOPS, Plan, Shard, Stage, StepContext, segments};
use rayon::prelude::*;
use std::ops::Range;

mod executor;
mod update;

/// Training of one model by its plan.
pub(crate) struct TrainStep<'a, T> {
    plan: Plan,
    /// Weights and biases, in the order of the model's variables.
    parameters: Vec<T>,
    gradients: Vec<T>,
    /// Sums of the gradients of all images, if several batches wait for the update.
    gradient_sums: Vec<T>,
    pending: Pending,
    moments: Moments<T>,
    /// Groups of the parameters.
    spans: Vec<GroupSpan>,
    average: HostAverage<T>,
    /// Batch statistics of each stage; used where the stage is a normalization.
    norms: Vec<BatchStats<T>>,
    /// Buffers of each stage that looks at the whole batch.
    buffers: Vec<Vec<Variable>>,
    /// Parts of the plan that a shard runs without waiting for the others.
    segments: Vec<Range<usize>>,
    /// One for each thread.
    shards: Vec<Shard<T>>,
    /// The last pass of each stage that looks at the whole batch.
    passes: Vec<Option<BatchPass>>,
    rule: UpdateRule,
    gradient_settings: Gradients,
    /// Seed of the gradients' noise.
    seed: u64,
    loss: Loss,
    /// In place of `loss`.
    custom_loss: Option<PlannedLoss<'a>>,
    /// Random numbers of the layers.
    rng: Rng,
    /// Ranks that share each batch.
    world: World,
}

impl<'a, T: Number> TrainStep<'a, T> {
    /// Step of a model. None if the model is on another device, has
    /// nothing to compute, or a layer that the plan cannot run.
    ///
    /// # Errors
    /// A variable that cannot be read.
    pub(crate) fn new(model: &Autoencoder, settings: &StepSettings<'a>) -> Result<Option<Self>> {
        let plan = model.plan().clone();
        if !model.device().is_cpu() || plan.stages().is_empty() || plan.is_unplanned() {
            return Ok(None);
        }
        let n = plan.parameters();
        let count = shard_count(&plan, settings.batch_size);
        let rows = settings.batch_size.div_ceil(count);
        let rates = settings.grouping.rates.clone();
        let rule = UpdateRule::new(settings.optim, settings.learning_rate, rates);
        let variables = model.variables().into_iter();
        let sizes = variables.map(|(_, var)| var.elem_count());
        Ok(Some(TrainStep {
            parameters: parameters(model, n)?,
            gradients: vec![T::ZERO; n],
            gradient_sums: Vec::new(),
            pending: Pending::default(),
            moments: rule.initial_moments(n),
            spans: group_spans(sizes, &settings.grouping.group_of),
            average: HostAverage::new(settings.averaging, n),
            norms: norms(model, &plan)?,
            buffers: buffers(model, &plan)?,
            segments: segments(&plan, settings.custom_loss.is_some()),
            shards: (0..count).map(|_| Shard::new(&plan, rows)).collect(),
            passes: plan.stages().iter().map(|_| None).collect(),
            plan,
            rule,
            gradient_settings: settings.gradients,
            seed: settings.seed,
            loss: settings.loss,
            custom_loss: settings.custom_loss.map(|loss| PlannedLoss {
                loss,
                image: <[usize; 3]>::from(model.image_shape()).to_vec(),
                code: model.code_shape().to_vec(),
            }),
            rng: settings.rng.clone(),
            world: settings.world.clone(),
        }))
    }

    /// Trains on a batch, as [`Executor::step`](super::executor::Executor::step) describes.
    ///
    /// # Errors
    /// A position that the split does not have.
    pub(crate) fn step(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f64> {
        let unchanged = self.gradient_settings.unchanged() && self.pending.is_none();
        if !unchanged || !self.world.is_alone() {
            let loss = self.add_gradients(batch, terms)?;
            if loss.is_finite() && self.pending.batches >= self.gradient_settings.accumulate {
                self.update()?;
            }
            return Ok(loss);
        }
        let loss = self.both_passes(batch, terms)?;
        if loss.is_finite() {
            self.update_fused(batch.len())?;
        }
        Ok(loss)
    }

    /// Forward and backward pass; returns the loss with the terms of layers. The gradients of the
    /// weights follow from the shards' values.
    fn both_passes(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f64> {
        let shards = self.shard_count(batch.len());
        let world = self.world_of(batch);
        let values = batch.total() * input_size(&self.plan);
        let loss_sum = self.forward(batch, shards, &world)?;
        let mut loss = match &self.custom_loss {
            Some(own) => own.write_gradients(&mut self.shards[..shards], &self.plan)?,
            None => loss_sum / values as f64,
        };
        self.backward(batch.total(), shards, &world)?;
        self.advance_rng(batch.total());
        self.write_terms(batch.total(), shards, terms);
        sum_losses(&world, &mut loss, terms)?;
        let mean = loss + terms.iter().sum::<f64>();
        if mean.is_finite() {
            for pass in self.passes.iter_mut().flatten() {
                pass.update_buffers()?;
            }
            self.norms.iter_mut().for_each(BatchStats::update_running);
        }
        Ok(mean)
    }

    /// Ranks that share a batch: this one alone if it has all images.
    fn world_of(&self, batch: &Batch) -> World {
        match batch.share() {
            Some(_) => self.world.clone(),
            None => World::default(),
        }
    }

    /// Number of shards of a batch.
    fn shard_count(&self, batch: usize) -> usize {
        self.shards.len().min(batch)
    }

    /// Forward pass, and the backward pass of the last segment, which needs no other shard. Returns
    /// the sum of the losses of all values. A custom loss needs all shards: its backward pass
    /// comes later.
    fn forward(&mut self, batch: &Batch, shards: usize, world: &World) -> Result<f64> {
        let TrainStep {
            plan,
            parameters,
            norms,
            buffers,
            segments,
            loss,
            rng,
            rule,
            passes,
            custom_loss,
            ..
        } = self;
        let (plan, parameters, loss) = (&*plan, &*parameters, *loss);
        let labels = if plan.reads_labels() {
            batch.labels()?
        } else {
            None
        };
        let all = &mut self.shards[..shards];
        let first = batch.share().map_or(0, |share| share.first);
        let last = segments.len() - 1;
        let mut loss_sum = 0.0;
        for (nth, segment) in segments.iter().enumerate() {
            let context = StepContext {
                plan,
                parameters,
                norms,
                rng,
                step: rule.steps() as usize,
                labels: labels.as_ref(),
                batch: batch.total(),
            };
            let i = segment.start;
            if let Some(op) = plan.stages()[i].whole_batch() {
                let buffers = &buffers[i];
                passes[i] = Some(whole_batch::forward(all, op, context, i, buffers, world)?);
            } else {
                loss_sum += sum_over_shards(all, |n, shard| {
                    if nth == 0 {
                        let rows = n * batch.len() / shards..(n + 1) * batch.len() / shards;
                        batch.fill(rows.clone(), shard.input(plan, rows, first))?;
                    }
                    shard.forward(context, segment.clone());
                    if nth < last || custom_loss.is_some() {
                        return Ok(0.0);
                    }
                    let loss_sum = shard.loss_and_grad(plan, loss, batch.total());
                    shard.backward(context, segment.clone());
                    Ok(loss_sum)
                })?;
            }
            join_statistics(plan, parameters, all, norms, segment.end, world)?;
        }
        Ok(loss_sum)
    }

    /// Backward pass of all segments whose pass [`TrainStep::forward`] has not done, from the end to
    /// the beginning.
    fn backward(&mut self, batch: usize, shards: usize, world: &World) -> Result<()> {
        let all = &mut self.shards[..shards];
        let stages = self.plan.stages();
        let done = usize::from(self.custom_loss.is_none());
        for segment in self.segments.iter().rev().skip(done) {
            let next = stages.get(segment.end);
            if next.is_some_and(|stage| stage.op.channels().is_some()) {
                let norm = &mut self.norms[segment.end];
                norm.merge_grad_sums(all.iter().map(|shard| shard.stage_gradients(segment.end)));
                world.sum(&mut norm.grad_sums)?;
            }
            let context = StepContext {
                plan: &self.plan,
                parameters: &self.parameters,
                norms: &self.norms,
                rng: &self.rng,
                step: self.rule.steps() as usize,
                labels: None,
                batch,
            };
            let i = segment.start;
            if let (Some(op), Some(pass)) = (stages[i].whole_batch(), &self.passes[i]) {
                whole_batch::backward(all, op, context, i, pass, world)?;
                continue;
            }
            sum_over_shards(all, |_, shard| {
                shard.backward(context, segment.clone());
                Ok(0.0)
            })?;
        }
        Ok(())
    }

    /// Moves the random stream past the numbers that a batch used.
    fn advance_rng(&mut self, batch: usize) {
        let calls: usize = self.plan.stages().iter().map(Stage::rng_calls).sum();
        self.rng = self.rng.skipped((calls * batch) as u64);
    }

    /// Writes the terms that layers add to the mean loss of a batch.
    fn write_terms(&self, batch: usize, shards: usize, terms: &mut [f64]) {
        for (share, (stage, _)) in terms.iter_mut().zip(self.plan.term_stages()) {
            let sums = self.shards[..shards]
                .iter()
                .map(|shard| shard.term_sum(stage));
            *share = sums.sum::<f64>() * self.plan.term_scale(stage) / batch as f64;
        }
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

/// Joins the statistics of all shards and ranks of the normalization at a stage, if there is one.
fn join_statistics<T: Number>(
    plan: &Plan,
    parameters: &[T],
    shards: &[Shard<T>],
    norms: &mut [BatchStats<T>],
    index: usize,
    world: &World,
) -> Result<()> {
    let Some(stage) = plan.stages().get(index) else {
        return Ok(());
    };
    let Some(channels) = stage.op.channels() else {
        return Ok(());
    };
    let sums = shards
        .iter()
        .map(|shard| shard.channel_sums(index, channels.spatial));
    let (weight, bias) = stage.weight_and_bias(parameters);
    if world.is_alone() {
        norms[index].merge(sums, weight, bias);
        return Ok(());
    }
    let (count, sums) = ShardSums::joined(sums, channels.channels);
    let all = world.gather_equal(&[&[count as f64], &sums[..]].concat())?;
    let ranks = all.chunks_exact(1 + sums.len()).map(|rank| ShardSums {
        count: rank[0] as usize,
        sums: &rank[1..],
    });
    norms[index].merge(ranks, weight, bias);
    Ok(())
}

/// Sums loss and terms over the ranks.
fn sum_losses(world: &World, loss: &mut f64, terms: &mut [f64]) -> Result<()> {
    if world.is_alone() {
        return Ok(());
    }
    let mut sums = [&[*loss], &*terms].concat();
    world.sum(&mut sums)?;
    *loss = sums[0];
    terms.copy_from_slice(&sums[1..]);
    Ok(())
}

/// Runs `f` on every shard, in parallel if there is more than one, and sums the results.
fn sum_over_shards<T: Number>(
    shards: &mut [Shard<T>],
    f: impl Fn(usize, &mut Shard<T>) -> Result<f64> + Sync,
) -> Result<f64> {
    let f = |(n, shard): (usize, &mut Shard<T>)| f(n, shard);
    if shards.len() == 1 {
        return shards.iter_mut().enumerate().map(f).sum();
    }
    shards.par_iter_mut().enumerate().map(f).sum()
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
