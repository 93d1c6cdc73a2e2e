//! CPU op of convolutions and transposed convolutions: `math::convolution` for all groups and images.

use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::LayerShapes;
use crate::math::{ConvGeometry, Correlation, Maps, Real, total};

/// A convolution between a wide side (its input) and a narrow side (its output). A transposed
/// convolution maps the narrow side to the wide side.
///
/// Weights are (narrow, wide / groups, kernel, kernel), PyTorch's layout for both.
#[derive(Clone, Debug)]
pub(crate) struct ConvOp {
    transposed: bool,
    groups: usize,
    /// Input of one group.
    input: Maps,
    /// Output of one group.
    output: Maps,
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
        let group = |shape: &[usize]| Maps {
            count: shape[0] / groups,
            height: shape[1],
            width: shape[2],
        };
        let (input, output) = (group(shapes.before), group(shapes.after));
        let (forward, backward) = if transposed {
            (
                Correlation::widening(input, output, geometry),
                Correlation::narrowing(output, input, geometry),
            )
        } else {
            (
                Correlation::narrowing(input, output, geometry),
                Correlation::widening(output, input, geometry),
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

    /// The direction from the wide to the narrow side, which weight gradients are computed in.
    fn narrowing(&self) -> &Correlation {
        if self.transposed {
            &self.backward
        } else {
            &self.forward
        }
    }

    /// Channels of the narrow side.
    fn narrow(&self) -> Maps {
        if self.transposed {
            self.input
        } else {
            self.output
        }
    }

    /// Weights of one group.
    fn group_weights(&self) -> usize {
        self.input.count * self.output.count * self.geometry.kernel * self.geometry.kernel
    }

    /// Input values of one image, all groups.
    fn image_inputs(&self) -> usize {
        self.groups * self.input.size()
    }

    /// Output values of one image, all groups.
    fn image_outputs(&self) -> usize {
        self.groups * self.output.size()
    }

    /// Index of a weight in its group, by input channel, output channel and kernel element.
    fn weight_index(&self, input: usize, output: usize, k: usize) -> usize {
        let (narrow, wide, wide_count) = if self.transposed {
            (input, output, self.output.count)
        } else {
            (output, input, self.input.count)
        };
        (narrow * wide_count + wide) * self.geometry.kernel * self.geometry.kernel + k
    }

    /// Adds dL/db: the sum of dy over each output channel.
    fn add_bias_gradients<T: Real>(&self, dy: &[T], gradients: &mut [T]) {
        let channel = self.output.height * self.output.width;
        for image in dy.chunks_exact(self.image_outputs()) {
            for (sum, dy) in gradients.iter_mut().zip(image.chunks_exact(channel)) {
                *sum += total(dy);
            }
        }
    }

    /// Computes one group's dx, and adds its weight gradients.
    fn group_backward<T: Real>(
        &self,
        group: usize,
        args: &mut BackwardArgs<'_, T>,
        scratch: &mut [Vec<T>; 5],
        gradients: &mut [T],
    ) {
        let [packed_x, packed_dy, flat, narrow_flat, arranged] = scratch;
        let (x_stride, dy_stride) = (self.image_inputs(), self.image_outputs());
        let (x_start, dy_start) = (group * self.input.size(), group * self.output.size());
        if args.dx.is_some() {
            let weight = &args.weight[group * self.group_weights()..][..self.group_weights()];
            self.backward.arrange(
                weight,
                |input, output, k| self.weight_index(input, output, k),
                arranged,
            );
        }
        let stack = self.forward.stack().min(self.backward.stack());
        let stacks = args
            .x
            .chunks(stack * x_stride)
            .zip(args.dy.chunks(stack * dy_stride));
        for (nth, (x, dy)) in stacks.enumerate() {
            let images = x.len() / x_stride;
            let (x, dy) = (&x[x_start..], &dy[dy_start..]);
            if args.dx.is_some() || self.transposed {
                self.backward.pack(dy, dy_stride, packed_dy);
            }
            if let Some(dx) = args.dx.as_deref_mut() {
                let dx = &mut dx[nth * stack * x_stride..][..images * x_stride];
                let dx = (&mut dx[x_start..], x_stride);
                self.backward.run(packed_dy, arranged, None, flat, dx);
            }
            // The weight gradient correlates wide values with narrow gradients, or, transposed,
            // wide gradients with narrow values.
            let (narrow, narrow_stride, wide) = if self.transposed {
                (x, x_stride, &*packed_dy)
            } else {
                self.forward.pack(x, x_stride, packed_x);
                (dy, dy_stride, &*packed_x)
            };
            let narrowing = self.narrowing();
            narrowing.flatten(narrow, narrow_stride, narrow_flat);
            narrowing.weight_gradients(wide, narrow_flat, images, gradients);
        }
    }
}

impl CpuOp for ConvOp {
    fn flops(&self) -> Option<usize> {
        let narrow = self.narrow();
        Some(2 * narrow.height * narrow.width * self.group_weights() * self.groups)
    }
}

impl<T: Real> Arithmetic<T> for ConvOp {
    /// Scratch buffers: packed x, packed dy, results of a correlation, the narrow side as the
    /// weight gradients read it, and the weights in the order of use.
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
                zeros(self.forward.packed()),
                training_zeros(self.backward.packed()),
                zeros(results),
                training_zeros(self.narrow().count * self.narrowing().flat()),
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
        let [packed, _, flat, _, arranged] = &mut workspaces[shape.stage].scratch;
        let (x_stride, y_stride) = (self.image_inputs(), self.image_outputs());
        let stack = self.forward.stack();
        for group in 0..self.groups {
            let weight = &args.weight[group * self.group_weights()..][..self.group_weights()];
            let bias = &args.bias[group * self.output.count..][..self.output.count];
            let (x_start, y_start) = (group * self.input.size(), group * self.output.size());
            self.forward.arrange(
                weight,
                |output, input, k| self.weight_index(input, output, k),
                arranged,
            );
            let stacks = x
                .chunks(stack * x_stride)
                .zip(y.chunks_mut(stack * y_stride));
            for (x, y) in stacks {
                self.forward.pack(&x[x_start..], x_stride, packed);
                let y = (&mut y[y_start..], y_stride);
                self.forward.run(packed, arranged, Some(bias), flat, y);
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
