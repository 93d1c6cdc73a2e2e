//! Batch normalization: each channel less its mean over the batch, by its deviation (Ioffe and Szegedy, 2015).

use crate::error::Result;
use crate::layer::cpu::{Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Workspace};
use crate::layer::misfit::Fitted;
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::math::{
    BATCH_NORM_EPS, BATCH_NORM_MOMENTUM, BatchStats, ChannelShape, Real, centered_dot, sum, widest,
};
use candle_core::{DType, Tensor};
use std::sync::Arc;

pub(crate) struct BatchNorm;

impl LayerKind for BatchNorm {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        Ok(input.to_vec())
    }

    fn parameter_shapes(&self, input: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        Some((vec![input[0]], vec![input[0]]))
    }

    fn running(&self) -> bool {
        true
    }

    /// In training by the batch's own mean and variance, which also move the running ones.
    fn tensor(
        &self,
        xs: &Tensor,
        own: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Some((running_mean, running_variance)) = own.running else {
            return Ok(xs.clone());
        };
        let training = context.draws.is_some();
        let (b, c) = (xs.dim(0)?, xs.dim(1)?);
        // Sums need the digits.
        let wide = if xs.dtype() == DType::F64 {
            DType::F64
        } else {
            DType::F32
        };
        let flat = xs.to_dtype(wide)?.reshape((b, c, ()))?; // (b, c, h, w) or (b, c) -> (b, c, h*w)
        let along = |channel: &Tensor| channel.reshape((1, c, 1));
        let (mean, variance) = if training {
            let mean = flat.mean_keepdim((0, 2))?;
            (
                mean.clone(),
                flat.broadcast_sub(&mean)?.sqr()?.mean_keepdim((0, 2))?,
            )
        } else {
            (
                along(&running_mean.to_dtype(wide)?)?,
                along(&running_variance.to_dtype(wide)?)?,
            )
        };
        let count = (flat.elem_count() / c) as f64;
        // One value has no variance to tell of.
        if training && count > 1.0 {
            // The running variance is that of the whole of which the batch is a sample.
            for (running, own, factor) in [
                (running_mean, &mean, 1.0),
                (running_variance, &variance, count / (count - 1.0)),
            ] {
                let own = (own.detach().flatten_all()?.to_dtype(DType::F32)?
                    * (BATCH_NORM_MOMENTUM * factor))?;
                running.set(&((running.as_tensor() * (1.0 - BATCH_NORM_MOMENTUM))? + own)?)?;
            }
        }
        let deviation = (variance + BATCH_NORM_EPS)?.sqrt()?;
        let normal = flat.broadcast_sub(&mean)?.broadcast_div(&deviation)?;
        let (weight, bias) = own.learned(wide)?;
        let scaled = normal
            .broadcast_mul(&along(&weight)?)?
            .broadcast_add(&along(&bias)?)?;
        Ok(scaled.reshape(xs.shape())?.to_dtype(xs.dtype())?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        let channels = ChannelShape {
            channels: shapes.before[0],
            spatial: shapes.before[1..].iter().product(),
        };
        Lowered::CpuOp(Arc::new(Norm(channels)))
    }
}

/// Computes with scale and shift for weight and bias.
#[derive(Debug)]
struct Norm(ChannelShape);

impl CpuOp for Norm {
    fn channels(&self) -> Option<ChannelShape> {
        Some(self.0)
    }
}

impl<T: Real> Arithmetic<T> for Norm {
    fn workspace(&self, _here: OpShape, training: bool) -> Workspace<T> {
        let n = if training { 2 * self.0.channels } else { 0 };
        Workspace {
            sums: vec![0.0; n],
            ..Workspace::default()
        }
    }

    fn measure(&self, x: &[T], sums: &mut [f64]) {
        self.0.measure(x, sums);
    }

    fn forward(
        &self,
        _here: OpShape,
        x: &[T],
        y: &mut [T],
        given: ForwardArgs<'_, T>,
        _rooms: &mut [Workspace<T>],
    ) {
        widest!(|| {
            for ((c, x), y) in self.0.iter(x).zip(y.chunks_exact_mut(self.0.spatial)) {
                let (scale, shift) = (given.weight[c], given.bias[c]);
                y.iter_mut()
                    .zip(x)
                    .for_each(|(y, x)| *y = *x * scale + shift);
            }
        });
    }

    fn pull(&self, x: &[T], dy: &[T], known: &BatchStats<T>, gradients: &mut [T]) {
        let (weights, biases) = gradients.split_at_mut(self.0.channels);
        for ((c, x), dy) in self.0.iter(x).zip(dy.chunks_exact(self.0.spatial)) {
            weights[c] += known.inv_std[c] * centered_dot(known.mean[c], x, dy);
            biases[c] += sum(dy);
        }
    }

    fn backward(&self, _here: OpShape, back: BackwardArgs<'_, T>, _rooms: &mut [Workspace<T>]) {
        let BackwardArgs {
            x,
            dy,
            dx: Some(dx),
            known,
            ..
        } = back
        else {
            return;
        };
        let (weights, biases) = known.grad_sums.split_at(self.0.channels);
        let part = T::of(1.0 / known.count as f64);
        widest!(|| {
            let all = self
                .0
                .iter(x)
                .zip(dy.chunks_exact(self.0.spatial))
                .zip(dx.chunks_exact_mut(self.0.spatial));
            for (((c, x), dy), dx) in all {
                let (mean, scale) = (known.mean[c], known.scale[c]);
                // dx = scale (dy - mean(dy) - normalized mean(dy normalized))
                let lean = known.inv_std[c] * weights[c] * part;
                let level = biases[c] * part;
                for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                    *dx = scale * (*dy - level - (*x - mean) * lean);
                }
            }
        });
    }
}
