//! Inference by a plan: forward passes in micro-batches, on all threads.

use crate::layer::{ForwardArgs, Number, Workspace};
use crate::plan::plan::{MIN_PARALLEL_FLOPS, Plan};
use crate::plan::stage::Stage;
use rayon::prelude::*;

/// Maximum images per micro-batch. Fewer would read dense weights too often.
const MAX_MICRO_BATCH: usize = 64;

/// Maximum values after a stage, for a micro-batch of more than one image, so that activations
/// stay in the cache.
const MAX_MICRO_BATCH_VALUES: usize = 1 << 20;

/// Parameters of one stage. For a batch normalization: its scale and shift. For a layer of the whole
/// batch: its parameters and its buffers.
#[derive(Clone, Copy, Default)]
pub(crate) struct StageParams<'a, T> {
    pub(crate) weight: &'a [T],
    pub(crate) bias: &'a [T],
}

impl Plan {
    /// Computes the outputs of `images`, in evaluation mode, on all threads.
    ///
    /// # Shapes
    /// (n, inputs) -> (n, outputs)
    pub(crate) fn infer<T: Number>(&self, params: &[StageParams<'_, T>], images: &[T]) -> Vec<T> {
        let Some((first, last)) = self.stages().first().zip(self.stages().last()) else {
            return images.to_vec();
        };
        let (inputs, outputs) = (first.inputs, last.outputs);
        let rows = images.len() / inputs;
        let mut out = vec![T::ZERO; rows * outputs];
        if rows * self.flops() < MIN_PARALLEL_FLOPS {
            self.infer_shard(params, images, &mut out);
        } else {
            let shard = rows.div_ceil(rayon::current_num_threads()).max(1);
            let shards = out
                .par_chunks_mut(shard * outputs)
                .zip(images.par_chunks(shard * inputs));
            shards.for_each(|(out, images)| self.infer_shard(params, images, out));
        }
        out
    }

    /// Computes one thread's images, one micro-batch after another.
    fn infer_shard<T: Number>(&self, params: &[StageParams<'_, T>], images: &[T], out: &mut [T]) {
        let stages = self.stages();
        let Some((first, last)) = stages.first().zip(stages.last()) else {
            return;
        };
        let micro_batch = (MAX_MICRO_BATCH_VALUES / max_outputs(stages).max(1))
            .clamp(1, MAX_MICRO_BATCH)
            .min((images.len() / first.inputs).max(1));
        let mut workspaces = self.workspaces(micro_batch, false);
        // The last stage writes to `out`.
        let values = micro_batch * max_outputs(&stages[..stages.len() - 1]);
        let mut buffers = [(); 2].map(|()| vec![T::ZERO; values]);
        for (images, out) in images
            .chunks(micro_batch * first.inputs)
            .zip(out.chunks_mut(micro_batch * last.outputs))
        {
            self.infer_micro_batch(params, images, out, &mut buffers, &mut workspaces);
        }
    }

    /// Runs all stages on a micro-batch. Stages read from one of the buffers and write to the
    /// other.
    fn infer_micro_batch<T: Number>(
        &self,
        params: &[StageParams<'_, T>],
        images: &[T],
        out: &mut [T],
        buffers: &mut [Vec<T>; 2],
        workspaces: &mut [Workspace<T>],
    ) {
        let stages = self.stages();
        let rows = images.len() / stages[0].inputs;
        let [from, to] = buffers;
        for (i, stage) in stages.iter().enumerate() {
            let x = if i == 0 {
                images
            } else {
                &from[..rows * stage.inputs]
            };
            save_skip_inputs(stages, i, x, workspaces);
            let skip_input = std::mem::take(&mut workspaces[i].skip_input);
            let StageParams { weight, bias } = params.get(i).copied().unwrap_or_default();
            let args = ForwardArgs {
                weight,
                bias,
                skip_input: if skip_input.is_empty() {
                    &[]
                } else {
                    &skip_input[..rows * stage.outputs]
                },
                training: None,
            };
            let y = if i + 1 == stages.len() {
                &mut *out
            } else {
                &mut to[..rows * stage.outputs]
            };
            stage.forward(stage.op_shape(i, rows), x, y, args, workspaces);
            workspaces[i].skip_input = skip_input;
            std::mem::swap(from, to);
        }
    }
}

/// Copies the input of stage `i` for the residual blocks that add it later.
fn save_skip_inputs<T: Number>(
    stages: &[Stage],
    i: usize,
    x: &[T],
    workspaces: &mut [Workspace<T>],
) {
    for (stage, workspace) in stages.iter().zip(workspaces) {
        if stage.op.skip_source() == Some(i) {
            workspace.skip_input[..x.len()].copy_from_slice(x);
        }
    }
}

/// Maximum output values per image of any of the stages.
fn max_outputs(stages: &[Stage]) -> usize {
    stages.iter().map(|stage| stage.outputs).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Layer, nodes, shapes};

    #[test]
    fn micro_batches_give_the_outputs_of_single_images() {
        let layers = [
            Layer::Linear(3),
            Layer::Residual(vec![Layer::Tanh, Layer::Linear(3)]),
        ];
        let nodes = nodes(&layers);
        let plan = Plan::new(&nodes, &shapes(&nodes, &[4]).unwrap());
        let sines = |n: usize| (0..n).map(|i| (i as f64).sin()).collect::<Vec<f64>>();
        let (weight, bias, images) = (sines(12), sines(3), sines(4 * (MAX_MICRO_BATCH + 9)));
        let params: Vec<_> = plan
            .stages()
            .iter()
            .map(|stage| StageParams {
                weight: &weight[..stage.parameters.len().saturating_sub(stage.biases)],
                bias: &bias[..stage.biases],
            })
            .collect();
        let together = plan.infer(&params, &images);
        let singles: Vec<f64> = images
            .chunks(4)
            .flat_map(|image| plan.infer(&params, image))
            .collect();
        assert_eq!(together.len(), singles.len());
        for (a, b) in together.iter().zip(&singles) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }
}
