//! Shards: one thread's images of a training batch, with their forward and backward pass.
//!
//! All shards synchronize between two segments of the plan.

use crate::layer::{BackwardArgs, ForwardArgs, Number, OpTraining, Workspace};
use crate::loss::Loss;
use crate::math::{BatchStats, Rng, ShardSums, add_to_rows, dropout_scale, mul_assign};
use crate::plan::plan::Plan;
use crate::plan::stage::Stage;
use candle_core::Tensor;
use std::ops::Range;

/// Inputs of a training step that all shards share.
#[derive(Clone, Copy)]
pub(crate) struct StepContext<'a, T> {
    pub(crate) plan: &'a Plan,
    pub(crate) parameters: &'a [T],
    /// One per stage; empty unless the stage is a batch normalization.
    pub(crate) norms: &'a [BatchStats<T>],
    /// Positioned at the batch's first random number. Stages draw numbers in order, image by
    /// image, so that the numbers do not depend on the number of shards.
    pub(crate) rng: &'a Rng,
    /// Steps of the optimizer so far.
    pub(crate) step: usize,
    /// Labels of the batch's images: (b), u32.
    pub(crate) labels: Option<&'a Tensor>,
    /// Images in the batch, over all shards.
    pub(crate) batch: usize,
}

/// One thread's images of a batch: activations, gradients, dropout masks and workspaces.
#[derive(Debug)]
pub(crate) struct Shard<T> {
    /// Images in the shard.
    pub(crate) rows: usize,
    /// Index in the batch of its first image.
    pub(crate) first: usize,
    /// Input of the first stage, then the output of each stage.
    pub(super) values: Vec<Vec<T>>,
    /// dL/d(pre-activation) of each stage.
    pub(super) gradients: Vec<Vec<T>>,
    /// dL/d(code) of a loss that reads the code; empty if it does not.
    code_gradient: Vec<T>,
    /// Dropout mask of each stage; empty for stages without dropout.
    masks: Vec<Vec<T>>,
    pub(super) workspaces: Vec<Workspace<T>>,
}

impl<T: Number> Shard<T> {
    /// Allocates buffers for up to `rows` images.
    pub(crate) fn new(plan: &Plan, rows: usize) -> Self {
        let stages = plan.stages();
        let zeros = |values: usize| vec![T::ZERO; rows * values];
        let outputs = || stages.iter().map(|stage| zeros(stage.outputs));
        let inputs = stages.first().map_or(0, |stage| stage.inputs);
        let masks = stages.iter().map(|stage| zeros(stage.dropout_rng_calls()));
        Shard {
            rows: 0,
            first: 0,
            values: std::iter::once(zeros(inputs)).chain(outputs()).collect(),
            gradients: outputs().collect(),
            code_gradient: Vec::new(),
            masks: masks.collect(),
            workspaces: plan.workspaces(rows, true),
        }
    }

    /// Selects images of the process's part of the batch, and returns the buffer for them. The part
    /// begins with image `first` of the batch.
    pub(crate) fn input(&mut self, plan: &Plan, rows: Range<usize>, first: usize) -> &mut [T] {
        (self.rows, self.first) = (rows.len(), first + rows.start);
        &mut self.values[0][..rows.len() * plan.stages()[0].inputs]
    }

    /// Sums the loss over all output values, and stores the gradient of the batch's mean loss.
    pub(crate) fn loss_and_grad(&mut self, plan: &Plan, loss: Loss, batch: usize) -> f64 {
        let last = plan.stages().len() - 1;
        let outputs = plan.stages()[last].outputs;
        let n = self.rows * outputs;
        loss.sum_and_gradients(
            &self.values[last + 1][..n],
            &self.values[0][..n],
            &mut self.gradients[last][..n],
            T::of(1.0 / (batch * outputs) as f64),
        )
    }

    /// Runs a segment forward, and measures the input of the batch normalization after it.
    pub(crate) fn forward(&mut self, context: StepContext<'_, T>, segment: Range<usize>) {
        let stages = context.plan.stages();
        let mut drawn: usize = stages[..segment.start]
            .iter()
            .map(|stage| context.batch * stage.rng_calls())
            .sum();
        for i in segment.clone() {
            let stage = &stages[i];
            let op_calls = stage.op.rng_calls();
            let rng = context.rng.skipped((drawn + self.first * op_calls) as u64);
            let step = context.step;
            self.stage_forward(context, i, &OpTraining { rng, step });
            drawn += context.batch * op_calls;
            if let Some(p) = stage.dropout {
                let outputs = stage.outputs;
                let mask = &mut self.masks[i][..self.rows * outputs];
                context
                    .rng
                    .skipped((drawn + self.first * outputs) as u64)
                    .fill_dropout_mask(mask, p as f32);
                mul_assign(&mut self.values[i + 1][..self.rows * outputs], mask);
                drawn += context.batch * outputs;
            }
        }
        self.measure(context.plan, segment.end);
    }

    /// Measures the input of the stage with index `i`, if it is a batch normalization.
    pub(crate) fn measure(&mut self, plan: &Plan, i: usize) {
        if let Some(stage) = plan.stages().get(i) {
            stage.arithmetic().measure(
                &self.values[i][..self.rows * stage.inputs],
                &mut self.workspaces[i].channel_sums,
            );
        }
    }

    /// Runs the op and the activation of one stage.
    fn stage_forward(&mut self, context: StepContext<'_, T>, i: usize, training: &OpTraining) {
        let stage = &context.plan.stages()[i];
        let (before, after) = self.values.split_at_mut(i + 1);
        let x = &before[i][..self.rows * stage.inputs];
        let y = &mut after[0][..self.rows * stage.outputs];
        let skip_input = match stage.op.skip_source() {
            Some(source) => &before[source][..self.rows * stage.outputs],
            None => &[],
        };
        let (weight, bias) = match stage.op.channels() {
            Some(_) => {
                let norm = &context.norms[i];
                (norm.scale.as_slice(), norm.shift.as_slice())
            }
            None => stage.weight_and_bias(context.parameters),
        };
        let args = ForwardArgs {
            weight,
            bias,
            skip_input,
            training: Some(training),
        };
        let shape = stage.op_shape(i, self.rows);
        stage.forward(shape, x, y, args, &mut self.workspaces);
    }

    /// Propagates gradients from the end of a segment to its start. If the segment starts with a
    /// batch normalization, stops at the gradient sums that it needs of the whole batch.
    pub(crate) fn backward(&mut self, context: StepContext<'_, T>, segment: Range<usize>) {
        let stages = context.plan.stages();
        self.complete_input_gradients(context, segment.end);
        for i in segment.rev() {
            let stage = &stages[i];
            self.activation_backward(stage, i);
            self.workspaces[i].gradients.fill(T::ZERO);
            if stage.op.channels().is_some() {
                let n = self.rows * stage.outputs;
                stage.arithmetic().grad_sums(
                    &self.values[i][..n],
                    &self.gradients[i][..n],
                    &context.norms[i],
                    &mut self.workspaces[i].gradients,
                );
            } else {
                self.op_backward(context, i);
            }
        }
    }

    /// Completes the gradients of the input of the stage with index `i`, with which a segment starts:
    /// runs the backward pass of a batch normalization, whose gradient sums of all shards are complete,
    /// and adds the gradient of a loss that reads the code.
    pub(crate) fn complete_input_gradients(&mut self, context: StepContext<'_, T>, i: usize) {
        let stage = context.plan.stages().get(i);
        if stage.is_some_and(|stage| stage.op.channels().is_some()) {
            self.op_backward(context, i);
        }
        if i == context.plan.encoder_stages() && !self.code_gradient.is_empty() {
            self.add_code_gradient(i);
        }
    }

    /// Turns dL/d(output) of a stage into dL/d(pre-activation): dropout, then activation.
    fn activation_backward(&mut self, stage: &Stage, i: usize) {
        let n = self.rows * stage.outputs;
        let gradients = &mut self.gradients[i][..n];
        if stage.dropout.is_some() {
            mul_assign(gradients, &self.masks[i][..n]);
        }
        if let Some(activation) = stage.pointwise() {
            let scale = stage
                .dropout
                .map_or(T::ONE, |p| dropout_scale(p as f32).into());
            activation.backward(&self.values[i + 1][..n], gradients, scale);
        }
    }

    /// Runs the backward pass of a stage's op, and adds the gradients of the residual blocks that
    /// read the same input.
    fn op_backward(&mut self, context: StepContext<'_, T>, i: usize) {
        let stages = context.plan.stages();
        let stage = &stages[i];
        let (weight, _) = stage.weight_and_bias(context.parameters);
        let (earlier, current) = self.gradients.split_at_mut(i);
        let dx = earlier
            .last_mut()
            .map(|dx| &mut dx[..self.rows * stage.inputs]);
        let args = BackwardArgs {
            x: &self.values[i][..self.rows * stage.inputs],
            dy: &current[0][..self.rows * stage.outputs],
            dx,
            weight,
            stats: &context.norms[i],
            term_scale: T::of(context.plan.term_scale(i) / context.batch as f64),
            step: context.step,
        };
        let shape = stage.op_shape(i, self.rows);
        stage
            .arithmetic()
            .backward(shape, args, &mut self.workspaces);
        self.add_skip_gradients(context.plan, i);
    }

    /// Adds to the gradients of a stage's input those of the residual blocks that read it too.
    fn add_skip_gradients(&mut self, plan: &Plan, i: usize) {
        let (earlier, current) = self.gradients.split_at_mut(i);
        let Some(dx) = earlier.last_mut() else { return };
        for (later, skip_add) in plan.stages().iter().enumerate().skip(i) {
            if skip_add.op.skip_source() == Some(i) {
                let n = self.rows * skip_add.outputs;
                add_to_rows(&mut dx[..n], &current[later - i][..n]);
            }
        }
    }

    /// Input of a stage.
    pub(crate) fn stage_input(&self, i: usize, stage: &Stage) -> &[T] {
        &self.values[i][..self.rows * stage.inputs]
    }

    /// Output of a stage.
    pub(crate) fn stage_output_mut(&mut self, i: usize, stage: &Stage) -> &mut [T] {
        &mut self.values[i + 1][..self.rows * stage.outputs]
    }

    /// dL/d(output) of a stage.
    pub(crate) fn stage_gradient(&self, i: usize, stage: &Stage) -> &[T] {
        &self.gradients[i][..self.rows * stage.outputs]
    }

    /// The code of the shard's images.
    pub(crate) fn code(&self, plan: &Plan) -> &[T] {
        let stages = plan.encoder_stages();
        let outputs = match stages {
            0 => plan.stages().first().map_or(0, |first| first.inputs),
            n => plan.stages()[n - 1].outputs,
        };
        &self.values[stages][..self.rows * outputs]
    }

    /// Images of the shard.
    pub(crate) fn images(&self, plan: &Plan) -> &[T] {
        let inputs = plan.stages().first().map_or(0, |first| first.inputs);
        &self.values[0][..self.rows * inputs]
    }

    /// Output of the last stage.
    pub(crate) fn output(&self, plan: &Plan) -> &[T] {
        let outputs = plan.stages().last().map_or(0, |last| last.outputs);
        &self.values[plan.stages().len()][..self.rows * outputs]
    }

    /// Sets the gradients of a loss at code and output; `None` if it does not depend on them.
    pub(crate) fn set_gradients(&mut self, output: Option<&[T]>, code: Option<&[T]>) {
        if let Some(last) = self.gradients.last_mut() {
            match output {
                Some(output) => last[..output.len()].copy_from_slice(output),
                None => last.fill(T::ZERO),
            }
        }
        self.code_gradient.clear();
        self.code_gradient
            .extend_from_slice(code.unwrap_or_default());
    }

    /// Adds the gradient of a loss that reads the code, the input of stage `i`.
    fn add_code_gradient(&mut self, i: usize) {
        if let Some(last) = i.checked_sub(1) {
            let n = self.code_gradient.len();
            add_to_rows(&mut self.gradients[last][..n], &self.code_gradient);
        }
    }

    /// Sets dL/d(input) of a stage, without the residual blocks that read the input too.
    pub(crate) fn set_input_gradient(&mut self, plan: &Plan, i: usize, dx: &[T]) {
        if i > 0 {
            self.gradients[i - 1][..dx.len()].copy_from_slice(dx);
            self.add_skip_gradients(plan, i);
        }
    }

    /// Sets the second code that a stage leaves.
    pub(crate) fn set_second_code(&mut self, i: usize, values: &[T]) {
        let code = &mut self.workspaces[i].second_code;
        code.clear();
        code.extend_from_slice(values);
    }

    /// Gradients of the second code that a stage leaves; empty without dead units.
    pub(crate) fn second_gradient(&self, i: usize, stage: &Stage) -> &[T] {
        let workspace = &self.workspaces[i];
        let n = workspace.second_code.len().min(self.rows * stage.outputs);
        workspace.second_gradient.get(..n).unwrap_or_default()
    }

    /// Channel sums that a batch normalization measured. `values` counts the values of a channel in
    /// one image.
    pub(crate) fn channel_sums(&self, i: usize, values: usize) -> ShardSums<'_> {
        ShardSums {
            count: self.rows * values,
            sums: &self.workspaces[i].channel_sums,
        }
    }

    /// The term of a stage's op, summed over the shard's images.
    pub(crate) fn term_sum(&self, i: usize) -> f64 {
        self.workspaces[i].term
    }

    /// Sets the gradients of the parameters of a stage that looks at the whole batch.
    pub(crate) fn set_stage_gradients(&mut self, i: usize, gradients: &[T]) {
        self.workspaces[i].gradients.copy_from_slice(gradients);
    }

    pub(crate) fn set_term_sum(&mut self, i: usize, sum: f64) {
        self.workspaces[i].term = sum;
    }

    /// Gradients of weight, then bias, of a stage that is not dense.
    pub(crate) fn stage_gradients(&self, i: usize) -> &[T] {
        &self.workspaces[i].gradients
    }
}

/// Sums over all shards the gradients of weight, then bias, of a stage that is not dense.
pub(crate) fn summed_gradients<T: Number>(shards: &[Shard<T>], i: usize, gradients: &mut [T]) {
    for (nth, shard) in shards.iter().enumerate() {
        let shard_gradients = shard.stage_gradients(i);
        if nth == 0 {
            gradients.copy_from_slice(shard_gradients);
        } else {
            add_to_rows(gradients, shard_gradients);
        }
    }
}
