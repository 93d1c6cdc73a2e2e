//! CPU op of convolutions and transposed convolutions: `math`'s correlations for all groups and
//! images.

use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::LayerShapes;
use crate::math::{ConvGeometry, Correlation, FeatureShape, Images, ImagesMut, Real, sum};

/// A convolution between a wide side (its input) and a narrow side (its output). A transposed
/// convolution maps the narrow side to the wide side.
///
/// Weights are (narrow, wide / groups, kernel, kernel), PyTorch's layout for both.
#[derive(Clone, Debug)]
pub(crate) struct ConvOp {
    transposed: bool,
    groups: usize,
    /// Input of one group.
    input: FeatureShape,
    /// Output of one group.
    output: FeatureShape,
    forward: Correlation,
    backward: Correlation,
    geometry: ConvGeometry,
}

impl ConvOp {
    pub(crate) fn new(
        shapes: LayerShapes<'_>,
        geometry: ConvGeometry,
        groups: usize,
        transposed: bool,
    ) -> Self {
        let group = |shape: &[usize]| FeatureShape {
            channels: shape[0] / groups,
            height: shape[1],
            width: shape[2],
        };
        let (input, output) = (group(shapes.before), group(shapes.after));
        let (forward, backward) = if transposed {
            (
                Correlation::transposed(input, output, geometry),
                Correlation::convolution(output, input, geometry),
            )
        } else {
            (
                Correlation::convolution(input, output, geometry),
                Correlation::transposed(output, input, geometry),
            )
        };
        ConvOp {
            transposed,
            groups,
            input,
            output,
            forward,
            backward,
            geometry,
        }
    }

    /// Channels of the narrow side.
    fn narrow(&self) -> FeatureShape {
        if self.transposed {
            self.input
        } else {
            self.output
        }
    }

    /// Weights of one group.
    fn group_weights(&self) -> usize {
        self.input.channels
            * self.output.channels
            * self.geometry.kernel_size
            * self.geometry.kernel_size
    }

    /// Input values of one image, all groups.
    fn image_inputs(&self) -> usize {
        self.groups * self.input.elem_count()
    }

    /// Output values of one image, all groups.
    fn image_outputs(&self) -> usize {
        self.groups * self.output.elem_count()
    }

    /// Index of a weight in its group, by input channel, output channel and window element.
    fn weight_index(&self, input: usize, output: usize, k: usize) -> usize {
        let (narrow, wide, wide_channels) = if self.transposed {
            (input, output, self.output.channels)
        } else {
            (output, input, self.input.channels)
        };
        (narrow * wide_channels + wide) * self.geometry.kernel_size * self.geometry.kernel_size + k
    }

    /// Adds dL/db: the sum of dy over each output channel.
    fn add_bias_gradients<T: Real>(&self, dy: &[T], gradients: &mut [T]) {
        let channel = self.output.height * self.output.width;
        for image in dy.chunks_exact(self.image_outputs()) {
            for (bias, dy) in gradients.iter_mut().zip(image.chunks_exact(channel)) {
                *bias += sum(dy);
            }
        }
    }

    /// Computes one group's dx, and adds its weight gradients.
    fn group_backward<T: Real>(
        &self,
        group: usize,
        args: &mut BackwardArgs<'_, T>,
        scratch: &mut [Vec<T>; 4],
        gradients: &mut [T],
    ) {
        if args.dx.is_some() {
            let weight = &args.weight[group * self.group_weights()..][..self.group_weights()];
            let [.., ordered_weights] = &mut *scratch;
            self.backward.reorder_weights(
                weight,
                |input, output, k| self.weight_index(input, output, k),
                ordered_weights,
            );
        }
        let (x_stride, dy_stride) = (self.image_inputs(), self.image_outputs());
        let stack = self.forward.max_images();
        let stacks = args
            .x
            .chunks(stack * x_stride)
            .zip(args.dy.chunks(stack * dy_stride));
        let [packed_x, packed_dy, results, ordered_weights] = scratch;
        for (nth, (x, dy)) in stacks.enumerate() {
            let images = x.len() / x_stride;
            self.forward.pack(self.group_input(group, x), packed_x);
            self.backward.pack(self.group_output(group, dy), packed_dy);
            if let Some(dx) = args.dx.as_deref_mut() {
                let dx = &mut dx[nth * stack * x_stride..][..images * x_stride];
                let dx = ImagesMut {
                    values: &mut dx[group * self.input.elem_count()..],
                    stride: x_stride,
                };
                self.backward
                    .run(packed_dy, ordered_weights, None, results, dx);
            }
            let (convolution, wide, narrow) = if self.transposed {
                (&self.backward, &*packed_dy, &mut *packed_x)
            } else {
                (&self.forward, &*packed_x, &mut *packed_dy)
            };
            convolution.weight_gradients(wide, narrow, images, gradients);
        }
    }

    /// One group of a stack of inputs.
    fn group_input<'a, T>(&self, group: usize, x: &'a [T]) -> Images<'a, T> {
        Images {
            values: &x[group * self.input.elem_count()..],
            stride: self.image_inputs(),
        }
    }

    /// One group of a stack of outputs.
    fn group_output<'a, T>(&self, group: usize, y: &'a [T]) -> Images<'a, T> {
        Images {
            values: &y[group * self.output.elem_count()..],
            stride: self.image_outputs(),
        }
    }
}

impl CpuOp for ConvOp {
    fn stands_alone(&self) -> bool {
        true
    }

    fn keeps_workspace(&self) -> bool {
        false
    }

    fn flops(&self) -> Option<usize> {
        let narrow = self.narrow();
        Some(2 * narrow.height * narrow.width * self.group_weights() * self.groups)
    }
}

impl<T: Real> Arithmetic<T> for ConvOp {
    /// Scratch buffers: packed x, packed dy, results of a correlation, and the weights in the order of
    /// use.
    fn workspace(&self, _shape: OpShape, training: bool) -> Workspace<T> {
        let zeros = |n: usize| vec![T::ZERO; n];
        let training_zeros = |n: usize| zeros(if training { n } else { 0 });
        let results = if training {
            self.forward
                .workspace_len()
                .max(self.backward.workspace_len())
        } else {
            self.forward.workspace_len()
        };
        Workspace {
            scratch: [
                zeros(self.forward.packed_len()),
                training_zeros(self.backward.packed_len()),
                zeros(results),
                Vec::with_capacity(self.group_weights()),
            ],
            ..Workspace::default()
        }
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let [packed_x, _, results, ordered_weights] = &mut workspaces[shape.stage].scratch;
        let (x_stride, y_stride) = (self.image_inputs(), self.image_outputs());
        let stack = self.forward.max_images();
        for group in 0..self.groups {
            let weight = &args.weight[group * self.group_weights()..][..self.group_weights()];
            let bias = &args.bias[group * self.output.channels..][..self.output.channels];
            self.forward.reorder_weights(
                weight,
                |output, input, k| self.weight_index(input, output, k),
                ordered_weights,
            );
            for (x, y) in x
                .chunks(stack * x_stride)
                .zip(y.chunks_mut(stack * y_stride))
            {
                let y = ImagesMut {
                    values: &mut y[group * self.output.elem_count()..],
                    stride: y_stride,
                };
                self.forward.pack(self.group_input(group, x), packed_x);
                self.forward
                    .run(packed_x, ordered_weights, Some(bias), results, y);
            }
        }
    }

    fn backward(
        &self,
        shape: OpShape,
        mut args: BackwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let Workspace {
            scratch, gradients, ..
        } = &mut workspaces[shape.stage];
        let n = self.group_weights();
        let (weight_gradients, bias_gradients) = gradients.split_at_mut(self.groups * n);
        self.add_bias_gradients(args.dy, bias_gradients);
        for (group, gradients) in weight_gradients.chunks_exact_mut(n).enumerate() {
            self.group_backward(group, &mut args, scratch, gradients);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flops_count_two_per_weight_and_position_of_the_narrow_side() {
        let geometry = ConvGeometry {
            kernel_size: 3,
            stride: 2,
            padding: 1,
            dilation: 1,
        };
        let shapes = LayerShapes {
            before: &[4, 8, 8],
            after: &[6, 4, 4],
        };
        let conv = ConvOp::new(shapes, geometry, 2, false);
        assert_eq!(conv.flops(), Some(2 * 4 * 4 * (4 / 2) * 6 * 3 * 3));
        let shapes = LayerShapes {
            before: shapes.after,
            after: shapes.before,
        };
        let transposed = ConvOp::new(shapes, geometry, 2, true);
        assert_eq!(transposed.flops(), conv.flops());
    }
}
