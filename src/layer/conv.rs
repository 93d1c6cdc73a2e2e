//! Convolutions and transposed convolutions: what `correlation` computes for some pictures and one group, for all.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::misfit::Fitted;
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::layer::window::{Conv, ConvTranspose};
use crate::math::{ConvGeometry, Correlation, FeatureShape, Images, ImagesMut, Real, sum};
use candle_core::Tensor;
use std::sync::Arc;

impl LayerKind for Conv {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        self.narrowed(input)
    }

    fn parameter_shapes(&self, input: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        Some((
            vec![self.out, input[0] / self.groups, self.kernel, self.kernel],
            vec![self.out],
        ))
    }

    fn tensor(
        &self,
        xs: &Tensor,
        own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (weight, bias) = own.learned(xs.dtype())?;
        let ys = xs.contiguous()?.conv2d(
            &weight,
            self.padding,
            self.stride,
            self.dilation,
            self.groups,
        )?;
        Ok(ys.broadcast_add(&bias.reshape((1, (), 1, 1))?)?) // (out) -> (1, out, 1, 1)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Convolution::between(shapes, *self, false)))
    }
}

impl LayerKind for ConvTranspose {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        self.widened(input)
    }

    fn parameter_shapes(&self, input: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        let Conv {
            out,
            kernel,
            groups,
            ..
        } = self.conv;
        Some((vec![input[0], out / groups, kernel, kernel], vec![out]))
    }

    fn tensor(
        &self,
        xs: &Tensor,
        own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Conv {
            stride,
            padding,
            dilation,
            groups,
            ..
        } = self.conv;
        let (weight, bias) = own.learned(xs.dtype())?;
        let parts = xs
            .chunk(groups, 1)?
            .into_iter()
            .zip(weight.chunk(groups, 0)?)
            .map(|(xs, weight)| {
                let (xs, weight) = (xs.contiguous()?, weight.contiguous()?);
                xs.conv_transpose2d(&weight, padding, self.output_padding, stride, dilation)
            });
        let ys = Tensor::cat(&parts.collect::<candle_core::Result<Vec<_>>>()?, 1)?;
        Ok(ys.broadcast_add(&bias.reshape((1, (), 1, 1))?)?) // (out) -> (1, out, 1, 1)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Convolution::between(shapes, self.conv, true)))
    }
}

/// A convolution between a wide side and a narrow one. A transposed convolution goes from the narrow side to the wide.
///
/// Weights are (narrow, wide / groups, kernel, kernel), which is PyTorch's layout for both.
#[derive(Clone, Debug)]
struct Convolution {
    transposed: bool,
    groups: usize,
    /// Of one group: the maps that go in and those that come out.
    input: FeatureShape,
    output: FeatureShape,
    forward: Correlation,
    backward: Correlation,
    window: ConvGeometry,
}

impl Convolution {
    fn between(shapes: LayerShapes<'_>, conv: Conv, transposed: bool) -> Self {
        let maps = |shape: &[usize]| FeatureShape {
            channels: shape[0],
            height: shape[1],
            width: shape[2],
        };
        let Conv {
            kernel,
            stride,
            padding,
            dilation,
            groups,
            ..
        } = conv;
        let window = ConvGeometry {
            kernel_size: kernel,
            stride,
            padding,
            dilation,
        };
        let (input, output) = (maps(shapes.before), maps(shapes.after));
        let group = |maps: FeatureShape| FeatureShape {
            channels: maps.channels / groups,
            ..maps
        };
        let (input, output) = (group(input), group(output));
        let (forward, backward) = if transposed {
            (
                Correlation::transposed(input, output, window),
                Correlation::convolution(output, input, window),
            )
        } else {
            (
                Correlation::convolution(input, output, window),
                Correlation::transposed(output, input, window),
            )
        };
        Convolution {
            transposed,
            groups,
            input,
            output,
            forward,
            backward,
            window,
        }
    }

    /// The direction from wide to narrow, and the narrow maps.
    fn narrowing(&self) -> (&Correlation, FeatureShape) {
        if self.transposed {
            (&self.backward, self.input)
        } else {
            (&self.forward, self.output)
        }
    }

    /// How many weights a group has.
    fn weights(&self) -> usize {
        self.input.channels
            * self.output.channels
            * self.window.kernel_size
            * self.window.kernel_size
    }

    /// Where the weight of a map that goes in, one that comes out, and a place in the kernel stands in its group.
    fn at(&self, input: usize, output: usize, k: usize) -> usize {
        let (narrow, wide, count) = if self.transposed {
            (input, output, self.output.channels)
        } else {
            (output, input, self.input.channels)
        };
        (narrow * count + wide) * self.window.kernel_size * self.window.kernel_size + k
    }
}

impl CpuOp for Convolution {
    fn operations(&self) -> Option<usize> {
        let narrow = if self.transposed {
            self.input
        } else {
            self.output
        };
        Some(2 * narrow.height * narrow.width * self.weights() * self.groups)
    }
}

impl<T: Real> Arithmetic<T> for Convolution {
    /// Its scratch: what goes in, and the gradients of what comes out, as correlations read them; their results; the narrow
    /// maps for the weights' gradients; the weights in the order in which they are used.
    fn workspace(&self, _here: OpShape, training: bool) -> Workspace<T> {
        let zeros = |n: usize| vec![T::ZERO; n];
        let back = |n: usize| zeros(if training { n } else { 0 });
        let (narrowing, narrow) = self.narrowing();
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
                back(self.backward.packed_len()),
                zeros(results),
                back(narrow.channels * narrowing.output_channel_len()),
                Vec::with_capacity(self.weights()),
            ],
            ..Workspace::default()
        }
    }

    fn forward(
        &self,
        here: OpShape,
        x: &[T],
        y: &mut [T],
        given: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let [packed, _, flat, _, arranged] = &mut workspaces[here.stage].scratch;
        let (inputs, outputs) = (self.input.elem_count(), self.output.elem_count());
        for group in 0..self.groups {
            let weight = &given.weight[group * self.weights()..][..self.weights()];
            let bias = &given.bias[group * self.output.channels..][..self.output.channels];
            self.forward.reorder_weights(
                weight,
                |output, input, k| self.at(input, output, k),
                arranged,
            );
            let (across, along) = (self.groups * inputs, self.groups * outputs);
            let stack = self.forward.max_images();
            for (x, y) in x.chunks(stack * across).zip(y.chunks_mut(stack * along)) {
                let images = Images {
                    values: &x[group * inputs..],
                    stride: across,
                };
                self.forward.pack(images, packed);
                self.forward.run(
                    packed,
                    arranged,
                    Some(bias),
                    flat,
                    ImagesMut {
                        values: &mut y[group * outputs..],
                        stride: along,
                    },
                );
            }
        }
    }

    fn backward(&self, here: OpShape, back: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let BackwardArgs {
            x,
            dy,
            mut dx,
            weight,
            ..
        } = back;
        let Workspace {
            scratch: [packed, packed_back, flat, narrow_flat, arranged],
            gradients,
            ..
        } = &mut workspaces[here.stage];
        let (inputs, outputs) = (self.input.elem_count(), self.output.elem_count());
        let (weight_gradients, bias_gradients) =
            gradients.split_at_mut(self.groups * self.weights());
        let map = self.output.height * self.output.width;
        for picture in dy.chunks_exact(self.groups * outputs) {
            for (bias, map) in bias_gradients.iter_mut().zip(picture.chunks_exact(map)) {
                *bias += sum(map);
            }
        }
        let (narrowing, _) = self.narrowing();
        for group in 0..self.groups {
            let weight = &weight[group * self.weights()..][..self.weights()];
            let own = &mut weight_gradients[group * self.weights()..][..self.weights()];
            if dx.is_some() {
                self.backward.reorder_weights(
                    weight,
                    |input, output, k| self.at(input, output, k),
                    arranged,
                );
            }
            let (across, along) = (self.groups * inputs, self.groups * outputs);
            let stack = self.forward.max_images().min(self.backward.max_images());
            let pictures = x.chunks(stack * across).zip(dy.chunks(stack * along));
            for (nth, (x, dy)) in pictures.enumerate() {
                let count = x.len() / across;
                let x = Images {
                    values: &x[group * inputs..],
                    stride: across,
                };
                let dy = Images {
                    values: &dy[group * outputs..],
                    stride: along,
                };
                if dx.is_some() || self.transposed {
                    self.backward.pack(dy, packed_back);
                }
                if let Some(dx) = dx.as_deref_mut() {
                    let dx = &mut dx[nth * stack * across..][..count * across];
                    let dx = ImagesMut {
                        values: &mut dx[group * inputs..],
                        stride: across,
                    };
                    self.backward.run(packed_back, arranged, None, flat, dx);
                }
                // Wide values by narrow gradients, or the other way round.
                let (narrow, wide) = if self.transposed {
                    (x, &*packed_back)
                } else {
                    self.forward.pack(x, packed);
                    (dy, &*packed)
                };
                narrowing.pack_gradients(narrow, narrow_flat);
                narrowing.weight_gradients(wide, narrow_flat, count, own);
            }
        }
    }
}
