//! Stages of the planned step that look at the whole batch: the shards wait for each other, their
//! values are joined, and the results are divided again.

use crate::error::Result;
use crate::layer::{Number, OpTraining, Variable};
use crate::plan::{
    BatchInputs, BatchPass, OutputGradients, Shard, Stage, StepContext, WholeBatchOp,
};

/// Runs the stage with index `i` forward.
pub(super) fn forward<T: Number>(
    shards: &mut [Shard<T>],
    op: &WholeBatchOp,
    context: StepContext<'_, T>,
    i: usize,
    buffers: &[Variable],
) -> Result<BatchPass> {
    let stage = &context.plan.stages()[i];
    let x = shards.iter().map(|shard| shard.stage_input(i, stage));
    let x = x.collect::<Vec<_>>().concat();
    let before = context.plan.stages()[..i]
        .iter()
        .map(Stage::rng_calls)
        .sum::<usize>();
    let training = OpTraining {
        rng: context.rng.skipped((before * context.batch) as u64),
        step: context.step,
    };
    let inputs = BatchInputs {
        parameters: &context.parameters[stage.parameters.clone()],
        buffers,
        labels: context.labels.cloned(),
        training,
    };
    let (y, pass) = op.forward_batch(x, inputs)?;
    let second = pass.second_code()?;
    let mut first_row = 0;
    for shard in &mut *shards {
        let rows = first_row..first_row + shard.rows * stage.outputs;
        first_row = rows.end;
        let values = &y[rows.clone()];
        shard.stage_output_mut(i, stage).copy_from_slice(values);
        shard.set_second_code(i, second.get(rows).unwrap_or_default());
        shard.set_term_sum(i, 0.0);
    }
    if let Some(first) = shards.first_mut() {
        first.set_term_sum(i, pass.term::<T>()? * context.batch as f64);
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
) -> Result<()> {
    let stage = &context.plan.stages()[i];
    for shard in &mut *shards {
        shard.complete_input_gradients(context, i + 1);
    }
    let dy = shards.iter().map(|shard| shard.stage_gradient(i, stage));
    let dy = dy.collect::<Vec<_>>().concat();
    let second = shards.iter().map(|shard| shard.second_gradient(i, stage));
    let gradients = OutputGradients {
        dy,
        second_code: second.collect::<Vec<_>>().concat(),
        term_scale: context.plan.term_scale(i),
    };
    let gradients = op.backward_batch(pass, gradients)?;
    if let Some(first) = shards.first_mut() {
        first.set_stage_gradients(i, &gradients.parameters);
    }
    let mut rest = gradients.input.as_slice();
    for shard in shards {
        let values;
        (values, rest) = rest.split_at(shard.rows * stage.inputs);
        shard.set_input_gradient(context.plan, i, values);
    }
    Ok(())
}
