//! Gradients of dense layers, over all shards.

use crate::layer::Number;
use crate::math::{Matrix, add_column_sums, matmul};
use crate::plan::shard::Shard;
use crate::plan::stage::Stage;
use std::ops::Range;

/// Computes, over all shards, the gradients of the weights and biases of some units of the dense
/// stage with index `i`.
///
/// # Shapes
/// `weights` is (units, inputs), `biases` is (units).
pub(crate) fn weight_gradients<T: Number>(
    shards: &[Shard<T>],
    i: usize,
    stage: &Stage,
    units: Range<usize>,
    weights: &mut [T],
    biases: &mut [T],
) {
    biases.fill(T::ZERO);
    for (nth, shard) in shards.iter().enumerate() {
        let x = Matrix::new(&shard.values[i], shard.rows, stage.inputs);
        let gradients = &shard.gradients[i][..shard.rows * stage.outputs];
        let dy = Matrix::new(gradients, shard.rows, stage.outputs);
        let dy = dy.narrow(units.start, units.len());
        matmul(dy.transposed(), x, weights, nth > 0); // (units, rows) x (rows, in)
        add_column_sums(biases, gradients, stage.outputs, units.start);
        if let Some(source) = stage.op.second_code() {
            add_second_gradients(shard, [source, i], stage, &units, weights);
        }
    }
}

/// Adds the gradients of weights that a second code was multiplied with.
fn add_second_gradients<T: Number>(
    shard: &Shard<T>,
    [source, i]: [usize; 2],
    stage: &Stage,
    units: &Range<usize>,
    weights: &mut [T],
) {
    let x = &shard.workspaces[source].second_code;
    if x.is_empty() {
        return;
    }
    let x = Matrix::new(x, shard.rows, stage.inputs);
    let dy = &shard.workspaces[i].second_gradient[..shard.rows * stage.outputs];
    let dy = Matrix::new(dy, shard.rows, stage.outputs).narrow(units.start, units.len());
    matmul(dy.transposed(), x, weights, true); // (units, rows) x (rows, in)
}
