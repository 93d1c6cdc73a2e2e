//! Batch normalization: y = (x - mean) / sqrt(var + eps) * weight + bias, per channel.
//!
//! Ioffe and Szegedy, "Batch normalization", 2015. PyTorch: `nn.BatchNorm1d`, `nn.BatchNorm2d`.

use crate::error::Result;
use crate::layer::batch_rows::BatchRows;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::ShapeResult;
use crate::layer::variable::{FirstValues, LayerVars, Variable, VariableSpec};
use crate::math::{
    BATCH_NORM_EPS, BATCH_NORM_MOMENTUM, BatchStats, ChannelShape, Real, centered_dot, sum, widest,
};
use candle_core::{DType, Tensor, Var};
use std::sync::Arc;

/// Batch normalization of channels or features.
pub(crate) struct BatchNorm;

impl LayerKind for BatchNorm {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        Ok(input.to_vec())
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        VariableSpec::scale_and_shift(&input[..1])
    }

    fn buffers(&self, input: &[usize]) -> Vec<VariableSpec> {
        vec![
            VariableSpec::new("running_mean", &input[..1], FirstValues::Constant(0.0)),
            VariableSpec::new("running_var", &input[..1], FirstValues::Constant(1.0)),
        ]
    }

    /// Uses the batch statistics in training mode, which also updates the running statistics.
    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let [Variable { var: mean, .. }, Variable { var: variance, .. }] = vars.buffers else {
            return Ok(xs.clone());
        };
        let (b, c) = (xs.dim(0)?, xs.dim(1)?);
        // Sums of half-precision numbers lose too many digits.
        let dtype = if xs.dtype() == DType::F64 {
            DType::F64
        } else {
            DType::F32
        };
        // (b, c, h, w) or (b, c) -> (b, c, h*w)
        let flat = xs.to_dtype(dtype)?.reshape((b, c, ()))?;
        let per_channel = |values: &Tensor| values.reshape((1, c, 1));
        let (mean, variance) = if context.rng.is_some() {
            let rows = context.state.rows.as_ref();
            let images = rows.map_or(b, |rows| rows.total);
            let values = images * (flat.elem_count() / (b * c));
            let stats = batch_stats(&flat, values, rows)?;
            let updates = updated_running_stats([mean, variance], &stats, values)?;
            context.state.updates.extend(updates);
            (stats.mean, stats.variance)
        } else {
            (
                per_channel(&mean.to_dtype(dtype)?)?,
                per_channel(&variance.to_dtype(dtype)?)?,
            )
        };
        let deviation = (variance + BATCH_NORM_EPS)?.sqrt()?;
        let normalized = flat.broadcast_sub(&mean)?.broadcast_div(&deviation)?;
        let (weight, bias) = vars.weight_and_bias(dtype)?;
        let ys = normalized
            .broadcast_mul(&per_channel(&weight)?)?
            .broadcast_add(&per_channel(&bias)?)?;
        Ok(ys.reshape(xs.shape())?.to_dtype(xs.dtype())?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(BatchNormOp(ChannelShape {
            channels: shapes.before[0],
            spatial: shapes.before[1..].iter().product(),
        })))
    }
}

/// Batch statistics of each channel, of shape (1, c, 1).
struct TensorStats {
    mean: Tensor,
    /// Biased: divided by n.
    variance: Tensor,
}

/// Mean and variance of each channel of a tensor of shape (b, c, h*w), over `n` values each. Of `rows`,
/// the other ranks have the rest.
fn batch_stats(flat: &Tensor, n: usize, rows: Option<&BatchRows>) -> Result<TensorStats> {
    let mean = |values: &Tensor| -> Result<Tensor> {
        let Some(rows) = rows else {
            return Ok(values.mean_keepdim((0, 2))?);
        };
        Ok((rows.sum(&values.sum_keepdim((0, 2))?)? / n as f64)?)
    };
    let means = mean(flat)?;
    let variance = mean(&flat.broadcast_sub(&means)?.sqr()?)?;
    Ok(TensorStats {
        mean: means,
        variance,
    })
}

/// Running mean and variance, moved toward the batch's, of `n` values per channel. The running variance
/// is the unbiased estimate, as in PyTorch.
fn updated_running_stats(
    [mean, variance]: [&Var; 2],
    batch: &TensorStats,
    n: usize,
) -> Result<Vec<(Var, Tensor)>> {
    // A single value has no variance. Runs of earlier versions may have such batches.
    if n < 2 {
        return Ok(Vec::new());
    }
    let n = n as f64;
    let moved = |running: &Var, batch: &Tensor, correction: f64| -> Result<(Var, Tensor)> {
        let batch = batch.detach().flatten_all()?.to_dtype(DType::F32)?;
        let update = (batch * (BATCH_NORM_MOMENTUM * correction))?;
        let kept = (running.as_tensor() * (1.0 - BATCH_NORM_MOMENTUM))?;
        Ok((running.clone(), (kept + update)?))
    };
    Ok(vec![
        moved(mean, &batch.mean, 1.0)?,
        moved(variance, &batch.variance, n / (n - 1.0))?,
    ])
}

/// CPU op of [`BatchNorm`]: y = x * scale + shift, with the scale as weight and the shift as bias.
#[derive(Debug)]
struct BatchNormOp(ChannelShape);

impl CpuOp for BatchNormOp {
    fn channels(&self) -> Option<ChannelShape> {
        Some(self.0)
    }
}

impl<T: Real> Arithmetic<T> for BatchNormOp {
    fn workspace(&self, _shape: OpShape, training: bool) -> Workspace<T> {
        let n = if training { 2 * self.0.channels } else { 0 };
        Workspace {
            channel_sums: vec![0.0; n],
            ..Workspace::default()
        }
    }

    fn measure(&self, x: &[T], sums: &mut [f64]) {
        self.0.measure(x, sums);
    }

    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        widest!(|| {
            for ((c, x), y) in self.0.iter(x).zip(y.chunks_exact_mut(self.0.spatial)) {
                let (scale, shift) = (args.weight[c], args.bias[c]);
                y.iter_mut()
                    .zip(x)
                    .for_each(|(y, x)| *y = *x * scale + shift);
            }
        });
    }

    fn grad_sums(&self, x: &[T], dy: &[T], stats: &BatchStats<T>, gradients: &mut [T]) {
        let (weights, biases) = gradients.split_at_mut(self.0.channels);
        for ((c, x), dy) in self.0.iter(x).zip(dy.chunks_exact(self.0.spatial)) {
            weights[c] += stats.inv_std[c] * centered_dot(stats.mean[c], x, dy);
            biases[c] += sum(dy);
        }
    }

    /// dx = scale (dy - mean(dy) - xhat mean(dy xhat)), where xhat is the normalized x.
    fn backward(
        &self,
        _shape: OpShape,
        args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        let BackwardArgs {
            x,
            dy,
            dx: Some(dx),
            stats,
            ..
        } = args
        else {
            return;
        };
        let (weight_sums, bias_sums) = stats.grad_sums.split_at(self.0.channels);
        let mean_factor = T::of(1.0 / stats.count as f64);
        widest!(|| {
            let channels = self
                .0
                .iter(x)
                .zip(dy.chunks_exact(self.0.spatial))
                .zip(dx.chunks_exact_mut(self.0.spatial));
            for (((c, x), dy), dx) in channels {
                let (mean, scale) = (stats.mean[c], stats.scale[c]);
                // Includes xhat's division by the deviation, which leaves x - mean below.
                let mean_dy_xhat = stats.inv_std[c] * weight_sums[c] * mean_factor;
                let mean_dy = bias_sums[c] * mean_factor;
                for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                    *dx = scale * (*dy - mean_dy - (*x - mean) * mean_dy_xhat);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::math::{Purpose, Rng};
    use candle_core::Device;

    #[test]
    fn training_updates_the_running_statistics_as_pytorch_does() {
        // import torch; bn = torch.nn.BatchNorm1d(1); bn(torch.tensor([[1.], [2.], [3.], [6.]]))
        // bn.running_mean, bn.running_var: 0.3, 1.3667
        let var = |value: f32| Var::new(&[value], &Device::Cpu).unwrap();
        let variable = |value: f32| Variable {
            name: String::new(),
            var: var(value),
        };
        let learned = [variable(1.0), variable(0.0)];
        let buffers = [variable(0.0), variable(1.0)];
        let vars = LayerVars {
            learned: &learned,
            buffers: &buffers,
            tied: None,
        };
        let xs = Tensor::new(&[[1f32], [2.0], [3.0], [6.0]], &Device::Cpu).unwrap();
        let mut context = ForwardContext {
            rng: Some(&mut Rng::new(0, Purpose::Dropout)),
            state: &mut ForwardState::default(),
        };
        let ys = BatchNorm.candle_forward(&xs, vars, &mut context).unwrap();
        assert!(ys.sum_all().unwrap().to_scalar::<f32>().unwrap().abs() < 1e-5);
        let value = |i: usize| buffers[i].var.to_vec1::<f32>().unwrap()[0];
        assert_eq!((value(0), value(1)), (0.0, 1.0), "before the step is taken");
        context.state.update_buffers().unwrap();
        assert!((value(0) - 0.3).abs() < 1e-6);
        assert!((value(1) - 1.366_666_7).abs() < 1e-6);
    }
}
