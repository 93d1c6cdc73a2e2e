//! Normalization of each image by itself: y = (x - mean) / sqrt(var + eps) * weight + bias.
//!
//! Mean and variance are those of a group of channels, and do not depend on the batch. Wu and He,
//! "Group normalization", 2018. PyTorch: `nn.GroupNorm(groups, c)`.

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::variable::{LayerVars, VariableSpec};
use crate::math::{ChannelShape, Real, centered_dot, centered_sum_of_squares, sum, widest};
use candle_core::{D, DType, Tensor};
use std::sync::Arc;

/// Added to variances before the square root.
const EPS: f64 = 1e-5;

/// Normalization of this number of groups of channels.
pub(crate) struct GroupNorm(pub(crate) usize);

impl LayerKind for GroupNorm {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let (groups, channels) = (self.0, input[0]);
        if groups == 0 || !channels.is_multiple_of(groups) {
            return reject(
                format!("groups that divide the {channels} channels"),
                groups,
                "1 normalizes all of them together; 8 is common for 64 channels",
            );
        }
        check_group(input, groups)
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        VariableSpec::scale_and_shift(&input[..1])
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        candle_norm(xs, vars, self.0)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(NormOp {
            groups: self.0,
            scaled: ChannelShape {
                channels: shapes.before[0],
                spatial: shapes.before[1..].iter().product(),
            },
        }))
    }
}

/// Rejects groups of one value, which normalize to zero.
pub(crate) fn check_group(input: &[usize], groups: usize) -> ShapeResult {
    if input.iter().product::<usize>() < 2 * groups {
        return reject(
            "at least 2 values to normalize together",
            format!("1, as {groups} of {}", shape(input)),
            "A single value would always become the bias: choose fewer groups, or remove the layer",
        );
    }
    Ok(input.to_vec())
}

/// Normalizes groups, then multiplies by the weight and adds the bias of each channel or value.
pub(crate) fn candle_norm(xs: &Tensor, vars: LayerVars<'_>, groups: usize) -> Result<Tensor> {
    // Sums of half-precision numbers lose too many digits.
    let dtype = if xs.dtype() == DType::F64 {
        DType::F64
    } else {
        DType::F32
    };
    let b = xs.dim(0)?;
    // (b, c, h, w) or (b, c) -> (b, groups, c*h*w / groups)
    let flat = xs.to_dtype(dtype)?.reshape((b, groups, ()))?;
    let centered = flat.broadcast_sub(&flat.mean_keepdim(D::Minus1)?)?;
    let deviation = (centered.sqr()?.mean_keepdim(D::Minus1)? + EPS)?.sqrt()?;
    let normalized = centered.broadcast_div(&deviation)?;
    let (weight, bias) = vars.weight_and_bias(dtype)?;
    let scaled = weight.elem_count();
    // (b, groups, c*h*w / groups) -> (b, c, h*w), or (b, c*h*w, 1) for weights of each value
    let ys = normalized
        .reshape((b, scaled, ()))?
        .broadcast_mul(&weight.reshape((1, scaled, 1))?)?
        .broadcast_add(&bias.reshape((1, scaled, 1))?)?;
    Ok(ys.reshape(xs.shape())?.to_dtype(xs.dtype())?)
}

/// CPU op of [`GroupNorm`] and layer normalization.
#[derive(Debug)]
pub(crate) struct NormOp {
    pub(crate) groups: usize,
    /// Values that share a weight and a bias.
    pub(crate) scaled: ChannelShape,
}

impl NormOp {
    /// Values of a group.
    fn group_len(&self) -> usize {
        self.scaled.channels * self.scaled.spatial / self.groups
    }

    /// Computes `f(x, scale, shift)` of each value, with the numbers of its channel.
    #[inline(always)]
    fn map<T: Real>(
        &self,
        x: &[T],
        y: &mut [T],
        [scales, shifts]: [&[T]; 2],
        f: impl Fn(T, T, T) -> T,
    ) {
        widest!(|| {
            if self.scaled.spatial == 1 {
                let channels = scales.iter().zip(shifts);
                for ((y, x), (scale, shift)) in y.iter_mut().zip(x).zip(channels) {
                    *y = f(*x, *scale, *shift);
                }
                return;
            }
            let channels = x
                .chunks_exact(self.scaled.spatial)
                .zip(y.chunks_exact_mut(self.scaled.spatial));
            for ((x, y), (scale, shift)) in channels.zip(scales.iter().zip(shifts)) {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = f(*x, *scale, *shift);
                }
            }
        });
    }

    /// Adds a group's gradients of its weights and biases.
    fn add_gradients<T: Real>(
        &self,
        x: &[T],
        dy: &[T],
        (mean, inv_std): (T, T),
        [weights, biases]: [&mut [T]; 2],
    ) {
        let gradients = weights.iter_mut().zip(biases);
        if self.scaled.spatial == 1 {
            widest!(|| {
                for ((weight, bias), (x, dy)) in gradients.zip(x.iter().zip(dy)) {
                    *weight += inv_std * (*x - mean) * *dy;
                    *bias += *dy;
                }
            });
            return;
        }
        let channels = x
            .chunks_exact(self.scaled.spatial)
            .zip(dy.chunks_exact(self.scaled.spatial));
        for ((weight, bias), (x, dy)) in gradients.zip(channels) {
            *weight += inv_std * centered_dot(mean, x, dy);
            *bias += sum(dy);
        }
    }
}

impl CpuOp for NormOp {
    fn stands_alone(&self) -> bool {
        true
    }

    fn flops(&self) -> Option<usize> {
        Some(8 * self.scaled.channels * self.scaled.spatial)
    }
}

impl<T: Real> Arithmetic<T> for NormOp {
    /// Mean, then 1 / sqrt(var + eps), of each group.
    fn workspace(&self, shape: OpShape, _training: bool) -> Workspace<T> {
        let n = shape.rows * self.groups;
        Workspace::with_scratch([n, n])
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let [means, inv_stds, ..] = &mut workspaces[shape.stage].scratch;
        let (n, channels) = (self.group_len(), self.scaled.channels / self.groups);
        let groups = x.chunks_exact(n).zip(y.chunks_exact_mut(n)).enumerate();
        for (i, (x, y)) in groups {
            let mean = sum(x) / T::of(n as f64);
            let variance = centered_sum_of_squares(mean, x) / T::of(n as f64);
            let inv_std = T::ONE / (variance + T::of(EPS)).sqrt();
            (means[i], inv_stds[i]) = (mean, inv_std);
            let first = i % self.groups * channels;
            let affine = [args.weight, args.bias].map(|all| &all[first..first + channels]);
            self.map(x, y, affine, |x, weight, bias| {
                (x - mean) * inv_std * weight + bias
            });
        }
    }

    /// dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(var + eps), where g = dy weight and xhat is the
    /// normalized x.
    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Workspace {
            scratch: [means, inv_stds, ..],
            gradients,
            ..
        } = &mut workspaces[shape.stage];
        let (n, channels) = (self.group_len(), self.scaled.channels / self.groups);
        let (weights, biases) = gradients.split_at_mut(self.scaled.channels);
        let mut dx = args.dx;
        let groups = args.x.chunks_exact(n).zip(args.dy.chunks_exact(n));
        for (i, (x, dy)) in groups.enumerate() {
            let (mean, inv_std) = (means[i], inv_stds[i]);
            let first = i % self.groups * channels;
            let range = first..first + channels;
            let sums = [&mut weights[range.clone()], &mut biases[range.clone()]];
            self.add_gradients(x, dy, (mean, inv_std), sums);
            let Some(dx) = dx.as_deref_mut() else {
                continue;
            };
            let dx = &mut dx[i * n..(i + 1) * n];
            let weight = &args.weight[range];
            self.map(dy, dx, [weight, weight], |dy, weight, _| dy * weight);
            normalize_gradient(x, dx, mean, inv_std);
        }
    }
}

/// Turns the gradients at a group's normalized values into those at its inputs.
fn normalize_gradient<T: Real>(x: &[T], dx: &mut [T], mean: T, inv_std: T) {
    let n = T::of(x.len() as f64);
    let mean_g = sum(dx) / n;
    // Includes xhat's division by the deviation, which leaves x - mean below.
    let mean_g_xhat = inv_std * inv_std * centered_dot(mean, x, dx) / n;
    widest!(|| {
        for (dx, x) in dx.iter_mut().zip(x) {
            *dx = inv_std * (*dx - mean_g - (*x - mean) * mean_g_xhat);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_must_divide_the_channels_and_have_two_values() {
        assert_eq!(GroupNorm(2).output_shape(&[4, 3, 3]), Ok(vec![4, 3, 3]));
        assert_eq!(GroupNorm(2).output_shape(&[6]), Ok(vec![6]));
        for groups in [0, 3, 8] {
            let error = GroupNorm(groups).output_shape(&[4, 3, 3]).unwrap_err();
            assert_eq!(error.expected, "groups that divide the 4 channels");
            assert_eq!(error.got, groups.to_string());
        }
        let error = GroupNorm(4).output_shape(&[4]).unwrap_err();
        assert_eq!(error.expected, "at least 2 values to normalize together");
    }
}
