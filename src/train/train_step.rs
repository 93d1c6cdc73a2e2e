//! The training step compiled for the processor: memory that is there from the start, a part of the batch on each thread,
//! gradients by hand, and the optimizer in the same pass over the weights.
//!
//! It computes what candle's autograd computes, from the same random draws; `tests/compiled.rs` compares the two.

use crate::data::Batch;
use crate::error::Result;
use crate::layer::Number;
use crate::loss::Loss;
use crate::math::{BatchStats, Rng};
use crate::model::Autoencoder;
use crate::optim::{Method, Moments, Rates, one_step};
use crate::plan::{
    MIN_PARALLEL_FLOPS, Plan, Shard, Stage, StepContext, segments, summed_gradients,
    weight_gradients,
};
use candle_core::{Tensor, Var};
use rayon::prelude::*;
use std::ops::Range;

/// Training of one model by its plan.
#[derive(Debug)]
pub(crate) struct TrainStep<T> {
    plan: Plan,
    /// Every weight and bias, in the order of the model's variables; their gradients, and the optimizer's moments.
    parameters: Vec<T>,
    gradients: Vec<T>,
    moments: Moments<T>,
    /// For each stage; of use where it is a normalization.
    norms: Vec<BatchStats<T>>,
    /// Parts of the plan that a pass runs by itself.
    segments: Vec<Range<usize>>,
    /// One for each thread.
    passes: Vec<Shard<T>>,
    /// What each pass should draw; the input may have noise.
    targets: Vec<Vec<T>>,
    method: Method,
    steps: i32,
    loss: Loss,
    noise: f32,
    dropout_draws: Rng,
    noise_draws: Rng,
    /// How many numbers the dropout of one picture takes.
    dropped: usize,
}

/// What the steps need besides the model: batch size, loss, optimizer, and where draws come from.
pub(crate) struct Settings {
    pub(crate) batch: usize,
    pub(crate) loss: Loss,
    pub(crate) method: Method,
    pub(crate) noise: f32,
    pub(crate) dropout_draws: Rng,
    pub(crate) noise_draws: Rng,
}

impl<T: Number> TrainStep<T> {
    /// The steps of a model; none where it is on another device, or there is nothing to compute.
    ///
    /// # Errors
    /// Only where a variable cannot be read.
    pub(crate) fn new(model: &Autoencoder, settings: Settings) -> Result<Option<Self>> {
        let plan = model.plan().clone();
        if !model.device().is_cpu() || plan.stages().is_empty() {
            return Ok(None);
        }
        let n = plan.parameters();
        let values =
            |var: &Var| -> Result<Vec<T>> { Ok(var.flatten_all()?.to_dtype(T::DTYPE)?.to_vec1()?) };
        let mut parameters = Vec::with_capacity(n);
        for (_, variable) in model.variables() {
            parameters.extend(values(&variable)?);
        }
        let mut running = model.buffers().into_iter();
        let mut next = || {
            running
                .next()
                .map_or(Ok(Vec::new()), |(_, var)| values(&var))
        };
        let norm = |stage: &Stage| match stage.op.channels() {
            Some(_) => Ok(BatchStats::new(next()?, next()?)),
            None => Ok(BatchStats::default()),
        };
        let norms = plan.stages().iter().map(norm).collect::<Result<_>>()?;
        let Settings {
            batch,
            loss,
            method,
            noise,
            dropout_draws,
            noise_draws,
        } = settings;
        // Forward once, backward twice.
        let small = 3 * plan.flops() * batch < MIN_PARALLEL_FLOPS;
        let threads = if small {
            1
        } else {
            rayon::current_num_threads().clamp(1, batch)
        };
        let rows = batch.div_ceil(threads);
        let inputs = plan.stages().first().map_or(0, |stage| stage.inputs);
        Ok(Some(TrainStep {
            norms,
            segments: segments(&plan),
            gradients: vec![T::ZERO; n],
            moments: method.moments(n),
            passes: (0..threads).map(|_| Shard::new(&plan, rows)).collect(),
            targets: vec![vec![T::ZERO; if noise > 0.0 { rows * inputs } else { 0 }]; threads],
            dropped: plan.stages().iter().map(Stage::dropout_samples).sum(),
            plan,
            parameters,
            method,
            steps: 0,
            loss,
            noise,
            dropout_draws,
            noise_draws,
        }))
    }

    /// One step with some pictures; returns the loss before it. Where that is not finite, nothing moves.
    ///
    /// # Errors
    /// A position that the split does not have.
    pub(crate) fn step(&mut self, pictures: &Batch) -> Result<f64> {
        let batch = pictures.len();
        let threads = self.passes.len().min(batch);
        let TrainStep {
            plan,
            parameters,
            norms,
            segments,
            passes,
            targets,
            loss,
            noise,
            ..
        } = self;
        let (plan, parameters, loss, noise) = (&*plan, &*parameters, *loss, *noise);
        let (dropout, noise_draws) = (&self.dropout_draws, &self.noise_draws);
        let inputs = plan.stages().first().map_or(0, |stage| stage.inputs);
        let (passes, targets) = (&mut passes[..threads], &mut targets[..threads]);
        let last = segments.len() - 1;
        let mut sum = 0.0;
        for (nth, segment) in segments.iter().enumerate() {
            let common = StepContext {
                plan,
                parameters,
                norms,
                dropout,
                batch,
            };
            sum += each(passes, targets, |n, pass, target| {
                if nth == 0 {
                    let rows = n * batch / threads..(n + 1) * batch / threads;
                    let input = pass.input(plan, rows.clone());
                    pictures.fill(rows.clone(), input)?;
                    if noise > 0.0 {
                        target[..input.len()].copy_from_slice(input);
                        noise_draws
                            .skipped((2 * rows.start * inputs) as u64)
                            .add_normal(input, noise);
                    }
                }
                pass.forward(common, segment.clone());
                if nth < last {
                    return Ok(0.0);
                }
                let clean = if noise > 0.0 {
                    Some(target.as_slice())
                } else {
                    None
                };
                let sum = pass.loss_and_grad(plan, loss, clean, batch);
                pass.backward(common, segment.clone());
                Ok(sum)
            })?;
            let Some(stage) = plan.stages().get(segment.end) else {
                continue;
            };
            if let Some(channels) = stage.op.channels() {
                let parts = passes
                    .iter()
                    .map(|pass| pass.channel_sums(segment.end, channels.spatial));
                let (weight, bias) = stage.weight_and_bias(parameters);
                norms[segment.end].merge(parts, weight, bias);
            }
        }
        for segment in segments[..last].iter().rev() {
            norms[segment.end]
                .merge_grad_sums(passes.iter().map(|pass| pass.stage_gradients(segment.end)));
            let common = StepContext {
                plan,
                parameters,
                norms,
                dropout,
                batch,
            };
            each(passes, targets, |_, pass, _| {
                pass.backward(common, segment.clone());
                Ok(0.0)
            })?;
        }
        self.dropout_draws = self.dropout_draws.skipped((self.dropped * batch) as u64);
        if noise > 0.0 {
            self.noise_draws = self.noise_draws.skipped((2 * batch * inputs) as u64);
        }
        let mean = sum / (batch * inputs) as f64;
        if mean.is_finite() {
            self.learn(threads);
        }
        Ok(mean)
    }

    /// Gradients of the weights and the optimizer's step, some units at a time, so that both find them in the cache.
    fn learn(&mut self, threads: usize) {
        self.steps += 1;
        self.norms.iter_mut().for_each(BatchStats::update_running);
        let rates = self.method.rates(self.steps);
        let passes = &self.passes[..threads];
        let [first, second] = &mut self.moments;
        for (i, stage) in self
            .plan
            .stages()
            .iter()
            .enumerate()
            .filter(|(_, stage)| stage.has_weights())
        {
            let own = stage.parameters.clone();
            let units = Units {
                values: &mut self.parameters[own.clone()],
                gradients: &mut self.gradients[own.clone()],
                first: kept(first, own.clone()),
                second: kept(second, own),
            };
            if stage.op.dense() {
                let both = units.split_at(stage.inputs * stage.outputs);
                learn_units(
                    passes,
                    (i, stage),
                    (0, stage.outputs),
                    both,
                    &rates,
                    threads,
                );
            } else {
                summed_gradients(passes, i, units.gradients);
                units.step(&rates);
            }
        }
    }

    /// Draws made by dropout and by noise, and steps made.
    pub(crate) fn positions(&self) -> (u64, u64, i32) {
        (
            self.dropout_draws.position(),
            self.noise_draws.position(),
            self.steps,
        )
    }

    /// The moments of each of the model's variables.
    pub(crate) fn moments(&self, variables: &[Var]) -> Vec<Moments<T>> {
        let mut at = 0;
        let of = |variable: &Var| {
            let own = at..at + variable.elem_count();
            at = own.end;
            self.moments
                .each_ref()
                .map(|all| all.get(own.clone()).unwrap_or_default().to_vec())
        };
        variables.iter().map(of).collect()
    }

    /// Goes on from moments of another time.
    pub(crate) fn restore(&mut self, moments: &[Moments<T>], steps: i32) {
        self.steps = steps;
        for (nth, all) in self.moments.iter_mut().enumerate() {
            let values = moments.iter().flat_map(|own| &own[nth]);
            all.iter_mut()
                .zip(values)
                .for_each(|(to, from)| *to = *from);
        }
    }

    /// Copies the weights to the model's variables, and the running numbers to its buffers.
    ///
    /// # Errors
    /// Where memory for the copies cannot be had.
    pub(crate) fn store(&self, model: &Autoencoder) -> Result<()> {
        let running = self
            .norms
            .iter()
            .flat_map(|norm| norm.running_mean.iter().chain(&norm.running_variance));
        let running: Vec<T> = running.copied().collect();
        for (values, variables) in [
            (&self.parameters, model.variables()),
            (&running, model.buffers()),
        ] {
            let mut at = 0;
            for (_, variable) in variables {
                let n = variable.elem_count();
                let values =
                    Tensor::from_slice(&values[at..at + n], variable.shape(), variable.device())?;
                variable.set(&values.to_dtype(variable.dtype())?)?;
                at += n;
            }
        }
        Ok(())
    }
}

/// Runs a part of the work for each pass, on its own thread where there are several; returns the sum.
fn each<T: Number>(
    passes: &mut [Shard<T>],
    targets: &mut [Vec<T>],
    part: impl Fn(usize, &mut Shard<T>, &mut Vec<T>) -> Result<f64> + Sync,
) -> Result<f64> {
    let part = |(n, (pass, target)): (usize, (&mut Shard<T>, &mut Vec<T>))| part(n, pass, target);
    if passes.len() == 1 {
        return passes.iter_mut().zip(targets).enumerate().map(part).sum();
    }
    passes
        .par_iter_mut()
        .zip(targets)
        .enumerate()
        .map(part)
        .sum()
}

/// Some parameters with what the optimizer needs to move them.
struct Units<'a, T> {
    values: &'a mut [T],
    gradients: &'a mut [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

/// The moments of some parameters; none where the optimizer keeps none.
fn kept<T>(moments: &mut [T], own: Range<usize>) -> &mut [T] {
    moments.get_mut(own).unwrap_or_default()
}

impl<'a, T: Number> Units<'a, T> {
    fn split_at(self, at: usize) -> (Units<'a, T>, Units<'a, T>) {
        let (values, more_values) = self.values.split_at_mut(at);
        let (gradients, more_gradients) = self.gradients.split_at_mut(at);
        let (first, more_first) = self.first.split_at_mut(at.min(self.first.len()));
        let (second, more_second) = self.second.split_at_mut(at.min(self.second.len()));
        let rest = Units {
            values: more_values,
            gradients: more_gradients,
            first: more_first,
            second: more_second,
        };
        (
            Units {
                values,
                gradients,
                first,
                second,
            },
            rest,
        )
    }

    fn step(self, rates: &Rates) {
        one_step(self.values, self.gradients, self.first, self.second, rates);
    }
}

/// Splits a stage's units in halves until there is a part for each thread.
fn learn_units<T: Number>(
    passes: &[Shard<T>],
    stage: (usize, &Stage),
    (first, count): (usize, usize),
    (weights, biases): (Units<'_, T>, Units<'_, T>),
    rates: &Rates,
    threads: usize,
) {
    if threads <= 1 || count < 2 {
        weight_gradients(
            passes,
            stage.0,
            stage.1,
            first..first + count,
            weights.gradients,
            biases.gradients,
        );
        weights.step(rates);
        biases.step(rates);
        return;
    }
    let half = count * (threads / 2) / threads;
    let half = half.max(1);
    let (weights, more_weights) = weights.split_at(half * stage.1.inputs);
    let (biases, more_biases) = biases.split_at(half);
    rayon::join(
        || {
            learn_units(
                passes,
                stage,
                (first, half),
                (weights, biases),
                rates,
                threads / 2,
            )
        },
        || {
            let rest = (first + half, count - half);
            learn_units(
                passes,
                stage,
                rest,
                (more_weights, more_biases),
                rates,
                threads - threads / 2,
            );
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;
    use crate::layer::Layer::{self, *};
    use crate::layer::{Conv2d, ConvTranspose2d};
    use crate::math::Purpose;
    use crate::optim::Sgd;

    /// The loss at some weights, and its gradients: a step that does not move.
    fn at(compiled: &mut TrainStep<f64>, pictures: &Batch) -> f64 {
        compiled.dropout_draws = Rng::new(4, Purpose::Dropout);
        compiled.noise_draws = Rng::new(4, Purpose::Noise);
        compiled.step(pictures).unwrap()
    }

    #[test]
    fn gradients_of_all_layers_are_differences_of_the_loss() {
        let bytes = (0..5 * 2 * 8 * 8)
            .map(|i| (i * i * 31 % 251) as u8)
            .collect();
        let pictures = Batch::Positions(
            Split::from_bytes(bytes, (2, 8, 8), None).unwrap(),
            (0..5).collect(),
        );
        let conv = |out| Conv2d(out, 3).padding(1);
        let up = ConvTranspose2d(2, 3).stride(2).padding(1).output_padding(1);
        let dense = vec![Linear(128), Sigmoid, Unflatten(2, 8, 8)];
        let block = vec![
            conv(2),
            BatchNorm,
            Residual(vec![Tanh, Dropout(0.2)]),
            conv(2),
        ];
        let models: Vec<(Vec<Layer>, Vec<Layer>, Loss)> = vec![
            (
                vec![Flatten, Linear(9), Relu, Dropout(0.3), Linear(5), Tanh],
                dense.clone(),
                Loss::Mse,
            ),
            (
                vec![Flatten, Linear(7), BatchNorm, Gelu],
                dense.clone(),
                Loss::BinaryCrossEntropy,
            ),
            (
                vec![conv(4).stride(2).groups(2), LeakyRelu(0.2)],
                vec![up],
                Loss::Mse,
            ),
            (
                vec![conv(3).padding(2).dilation(2), MaxPool2d(2), Elu(0.7)],
                vec![MaxUnpool2d(2), conv(2)],
                Loss::BinaryCrossEntropyWithLogits,
            ),
            (
                vec![BatchNorm, AvgPool2d(4), conv(3)],
                vec![Upsample(4), conv(2), Sigmoid],
                Loss::Mse,
            ),
            (
                vec![conv(2), Residual(block), BatchNorm],
                vec![MaxUnpool2d(1), conv(2)],
                Loss::Mse,
            ),
        ];
        for (encoder, decoder, loss) in models {
            let model = Autoencoder::new((2, 8, 8), &encoder, &decoder).unwrap();
            for parts in [1, 3] {
                let draws = || Rng::new(0, Purpose::Noise);
                let method = Method::Sgd(Sgd {
                    learning_rate: 0.0,
                    ..Default::default()
                });
                let (dropout_draws, noise_draws) = (draws(), draws());
                let settings = Settings {
                    batch: 5,
                    loss,
                    method,
                    noise: 0.1,
                    dropout_draws,
                    noise_draws,
                };
                let mut compiled = TrainStep::<f64>::new(&model, settings).unwrap().unwrap();
                // However few operations there are.
                compiled.passes = (0..parts).map(|_| Shard::new(&compiled.plan, 5)).collect();
                compiled.targets = vec![vec![0.0; 5 * 128]; parts];
                at(&mut compiled, &pictures);
                let known = compiled.gradients.clone();
                for i in (0..known.len()).step_by(known.len().div_ceil(150)) {
                    let start = compiled.parameters[i];
                    let mut moved = |by: f64| {
                        compiled.parameters[i] = start + by;
                        at(&mut compiled, &pictures)
                    };
                    let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    moved(0.0);
                    let apart = (difference - known[i]).abs();
                    assert!(
                        apart < 1e-6 * known[i].abs() + 1e-10,
                        "{encoder:?} {decoder:?} in {parts}: {} for {difference} at {i}",
                        known[i]
                    );
                }
            }
        }
    }
}
