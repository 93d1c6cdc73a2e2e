//! Softmax over the features, or over the channels at each pixel: y = exp(x) / Σ exp(x).
//!
//! PyTorch: `nn.Softmax(dim=1)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// Softmax. Each derivative needs all outputs, so it is a stage of its own.
pub(crate) struct Softmax;

impl LayerKind for Softmax {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        Ok(input.to_vec())
    }

    fn output_range(&self, _input: Interval) -> Interval {
        Interval::UNIT
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(candle_nn::ops::softmax(xs, 1)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(SoftmaxOp {
            pixels: shapes.before[1..].iter().product(),
        }))
    }
}

/// CPU op of [`Softmax`].
#[derive(Debug)]
struct SoftmaxOp {
    /// Values of a channel; 1 for features.
    pixels: usize,
}

impl CpuOp for SoftmaxOp {
    fn stands_alone(&self) -> bool {
        true
    }
}

impl<T: Real> Arithmetic<T> for SoftmaxOp {
    /// A number for each pixel, and the outputs for the backward pass.
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let n = if training {
            shape.rows * shape.outputs
        } else {
            0
        };
        Workspace::with_scratch([self.pixels, n])
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let [pixel_values, outputs, ..] = &mut workspaces[shape.stage].scratch;
        for (x, y) in x
            .chunks_exact(shape.inputs)
            .zip(y.chunks_exact_mut(shape.inputs))
        {
            softmax(x, y, pixel_values);
        }
        if args.training.is_some() {
            outputs[..y.len()].copy_from_slice(y);
        }
    }

    /// dx = y (dy - Σ dy y)
    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        let [sums, outputs, ..] = &mut workspaces[shape.stage].scratch;
        let images = outputs
            .chunks_exact(shape.inputs)
            .zip(args.dy.chunks_exact(shape.inputs))
            .zip(dx.chunks_exact_mut(shape.inputs));
        for ((y, dy), dx) in images {
            sums.fill(T::ZERO);
            widest!(|| {
                for (y, dy) in y
                    .chunks_exact(self.pixels)
                    .zip(dy.chunks_exact(self.pixels))
                {
                    let values = sums.iter_mut().zip(y).zip(dy);
                    values.for_each(|((sum, y), dy)| *sum += *y * *dy);
                }
                let channels = y
                    .chunks_exact(self.pixels)
                    .zip(dy.chunks_exact(self.pixels))
                    .zip(dx.chunks_exact_mut(self.pixels));
                for ((y, dy), dx) in channels {
                    for (((dx, y), dy), sum) in dx.iter_mut().zip(y).zip(dy).zip(&*sums) {
                        *dx = *y * (*dy - *sum);
                    }
                }
            });
        }
    }
}

/// Softmax of one image. `pixel_values` has one number for each pixel.
fn softmax<T: Real>(x: &[T], y: &mut [T], pixel_values: &mut [T]) {
    let pixels = pixel_values.len();
    widest!(|| {
        // Subtracting the maximum keeps the exponential from overflowing.
        pixel_values.copy_from_slice(&x[..pixels]);
        for x in x.chunks_exact(pixels) {
            for (max, x) in pixel_values.iter_mut().zip(x) {
                *max = if *x > *max { *x } else { *max };
            }
        }
        for (y, x) in y.chunks_exact_mut(pixels).zip(x.chunks_exact(pixels)) {
            for ((y, x), max) in y.iter_mut().zip(x).zip(&*pixel_values) {
                *y = (*x - *max).exp();
            }
        }
        pixel_values.fill(T::ZERO);
        for y in y.chunks_exact(pixels) {
            for (sum, y) in pixel_values.iter_mut().zip(y) {
                *sum += *y;
            }
        }
        for y in y.chunks_exact_mut(pixels) {
            for (y, sum) in y.iter_mut().zip(&*pixel_values) {
                *y /= *sum;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pixel_is_a_distribution_over_the_channels() {
        // import torch; x = torch.tensor([[[1., 1000.], [2., 1000.], [4., -1000.]]])
        // torch.softmax(x, 1)
        let x = [1f32, 1000.0, 2.0, 1000.0, 4.0, -1000.0];
        let expected = [0.04201007, 0.5, 0.1141952, 0.5, 0.8437947, 0.0];
        let mut y = [0.0; 6];
        softmax(&x, &mut y, &mut [0.0; 2]);
        for (got, expected) in y.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "got {y:?}");
        }
    }

    #[test]
    fn nan_stays_visible() {
        for x in [[f32::NAN, 1.0], [1.0, f32::NAN]] {
            let mut y = [0.0; 2];
            softmax(&x, &mut y, &mut [0.0]);
            assert!(y.iter().all(|y| y.is_nan()), "{x:?}: {y:?}");
        }
    }
}
