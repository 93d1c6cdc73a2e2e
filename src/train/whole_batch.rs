//! Stages of the planned step that look at the whole batch: the shards wait for each other, their
//! values are joined, and the results are divided again.

use crate::dist::World;
use crate::error::Result;
use crate::layer::{Number, OpTraining, Variable};
use crate::plan::{
    BatchInputs, BatchPass, OutputGradients, Shard, Stage, StepContext, WholeBatchOp,
};

/// Runs the stage with index `i` forward. Every rank computes a layer that joins images for the whole
/// batch.
pub(super) fn forward<T: Number>(
    shards: &mut [Shard<T>],
    op: &WholeBatchOp,
    context: StepContext<'_, T>,
    i: usize,
    buffers: &[Variable],
    world: &World,
) -> Result<BatchPass> {
    let stage = &context.plan.stages()[i];
    let rows = OpRows::of(shards, op, context.batch, world);
    let x = shards.iter().map(|shard| shard.stage_input(i, stage));
    let x = rows.gather(x.collect::<Vec<_>>().concat(), stage.inputs)?;
    let before = context.plan.stages()[..i]
        .iter()
        .map(Stage::rng_calls)
        .sum::<usize>();
    let drawn = before * context.batch + rows.first * stage.rng_calls();
    let training = OpTraining {
        rng: context.rng.skipped(drawn as u64),
        step: context.step,
    };
    let inputs = BatchInputs {
        parameters: &context.parameters[stage.parameters.clone()],
        buffers,
        // No layer that joins images reads labels.
        labels: context.labels.cloned(),
        training,
    };
    let (y, pass) = op.forward_batch(x, inputs)?;
    let second = pass.second_code()?;
    let mut first_row = rows.own * stage.outputs;
    for shard in &mut *shards {
        let values = first_row..first_row + shard.rows * stage.outputs;
        first_row = values.end;
        let output = &y[values.clone()];
        shard.stage_output_mut(i, stage).copy_from_slice(output);
        shard.set_second_code(i, second.get(values).unwrap_or_default());
        shard.set_term_sum(i, 0.0);
    }
    if let Some(first) = shards.first_mut().filter(|_| rows.counts) {
        first.set_term_sum(i, pass.term::<T>()? * rows.count as f64);
    }
    for shard in shards {
        shard.measure(context.plan, i + 1);
    }
    Ok(pass)
}

/// Runs it backward: from the gradients of its outputs to those of its inputs.
pub(super) fn backward<T: Number>(
    shards: &mut [Shard<T>],
    op: &WholeBatchOp,
    context: StepContext<'_, T>,
    i: usize,
    pass: &BatchPass,
    world: &World,
) -> Result<()> {
    let stage = &context.plan.stages()[i];
    for shard in &mut *shards {
        shard.complete_input_gradients(context, i + 1);
    }
    let rows = OpRows::of(shards, op, context.batch, world);
    let dy = shards.iter().map(|shard| shard.stage_gradient(i, stage));
    let dy = rows.gather(dy.collect::<Vec<_>>().concat(), stage.outputs)?;
    let second = shards.iter().map(|shard| shard.second_gradient(i, stage));
    let mut second = second.collect::<Vec<_>>().concat();
    if !second.is_empty() {
        second = rows.gather(second, stage.outputs)?;
    }
    let share = rows.count as f64 / context.batch as f64;
    let gradients = OutputGradients {
        dy,
        second_code: second,
        term_scale: context.plan.term_scale(i) * share,
    };
    let mut gradients = op.backward_batch(pass, gradients)?;
    if !rows.counts {
        gradients.parameters.fill(T::ZERO);
    }
    if let Some(first) = shards.first_mut() {
        first.set_stage_gradients(i, &gradients.parameters);
    }
    let mut rest = &gradients.input[rows.own * stage.inputs..];
    for shard in shards {
        let values;
        (values, rest) = rest.split_at(shard.rows * stage.inputs);
        shard.set_input_gradient(context.plan, i, values);
    }
    Ok(())
}

/// Rows of a batch for which this rank computes an op.
struct OpRows {
    /// Ranks whose rows are joined: this one alone if the op computes each image by itself.
    world: World,
    /// The first row in the batch.
    first: usize,
    count: usize,
    /// Number of the rank's own first row among them.
    own: usize,
    /// True if the term and the parameters' gradients enter the sums over the ranks.
    counts: bool,
}

impl OpRows {
    fn of<T: Number>(shards: &[Shard<T>], op: &WholeBatchOp, batch: usize, world: &World) -> Self {
        let first = shards.first().map_or(0, |shard| shard.first);
        if !world.is_alone() && op.joins_images() {
            return OpRows {
                world: world.clone(),
                first: 0,
                count: batch,
                own: first,
                counts: world.rank() == 0,
            };
        }
        OpRows {
            world: World::default(),
            first,
            count: shards.iter().map(|shard| shard.rows).sum(),
            own: 0,
            counts: true,
        }
    }

    /// Values of all rows, from those of the rank's own.
    fn gather<T: Number>(&self, own: Vec<T>, width: usize) -> Result<Vec<T>> {
        match self.world.is_alone() {
            true => Ok(own),
            false => self.world.gather_rows(&own, self.count, width),
        }
    }
}
