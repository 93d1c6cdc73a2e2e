//! Dropout of whole channels. Neighboring pixels are alike, so dropping single ones removes little.
//!
//! Tompson and others, "Efficient object localization using convolutional networks", 2015.
//! PyTorch: `nn.Dropout2d(p)`.

use crate::error::Result;
use crate::layer::cpu::{
    Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, OpTraining, Workspace,
};
use crate::layer::dropout::Dropout;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, image_dims};
use crate::layer::variable::LayerVars;
use crate::math::{ChannelShape, Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// Dropout with this probability of setting a channel to zero.
pub(crate) struct SpatialDropout(pub(crate) f64);

impl LayerKind for SpatialDropout {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        image_dims(input)?;
        Dropout(self.0).output_shape(input)
    }

    fn output_range(&self, input: Interval) -> Interval {
        Dropout(self.0).output_range(input)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        match &mut context.rng {
            Some(rng) if self.0 > 0.0 => {
                let (b, c, _, _) = xs.dims4()?;
                let mask = rng.dropout_mask(b * c, self.0 as f32);
                let mask = Tensor::from_vec(mask, (b, c, 1, 1), xs.device())?;
                Ok(xs.broadcast_mul(&mask.to_dtype(xs.dtype())?)?)
            }
            _ => Ok(xs.clone()),
        }
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        if self.0 == 0.0 {
            return Lowered::Nothing;
        }
        Lowered::CpuOp(Arc::new(SpatialDropoutOp {
            p: self.0 as f32,
            shape: ChannelShape {
                channels: shapes.before[0],
                spatial: shapes.before[1..].iter().product(),
            },
        }))
    }
}

/// CPU op of [`SpatialDropout`].
#[derive(Debug)]
struct SpatialDropoutOp {
    p: f32,
    shape: ChannelShape,
}

impl SpatialDropoutOp {
    /// Multiplies each channel of each image by its number in the mask.
    fn multiply<T: Real>(&self, from: &[T], to: &mut [T], mask: &[T]) {
        let channels = from
            .chunks_exact(self.shape.spatial)
            .zip(to.chunks_exact_mut(self.shape.spatial));
        widest!(|| {
            for ((from, to), factor) in channels.zip(mask) {
                to.iter_mut()
                    .zip(from)
                    .for_each(|(to, from)| *to = *from * *factor);
            }
        });
    }
}

impl CpuOp for SpatialDropoutOp {
    fn rng_calls(&self) -> usize {
        self.shape.channels
    }
}

impl<T: Real> Arithmetic<T> for SpatialDropoutOp {
    /// A number for each channel of each image.
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let channels = if training { self.shape.channels } else { 0 };
        Workspace::with_scratch([shape.rows * channels])
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let Some(OpTraining { rng, .. }) = args.training else {
            y.copy_from_slice(x);
            return;
        };
        let mask = &mut workspaces[shape.stage].scratch[0][..shape.rows * self.shape.channels];
        rng.clone().fill_dropout_mask(mask, self.p);
        self.multiply(x, y, mask);
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        if let Some(dx) = args.dx {
            self.multiply(args.dy, dx, &workspaces[shape.stage].scratch[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::math::{Purpose, Rng};
    use candle_core::{DType, Device};

    #[test]
    fn channels_are_dropped_as_a_whole_in_training_only() {
        let xs = Tensor::ones((20, 10, 2, 3), DType::F32, &Device::Cpu).unwrap();
        let vars = LayerVars::default();
        let forward = |rng| {
            let mut state = ForwardState::default();
            let mut context = ForwardContext {
                rng,
                state: &mut state,
            };
            let ys = SpatialDropout(0.2)
                .candle_forward(&xs, vars, &mut context)
                .unwrap();
            ys.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let mut rng = Rng::new(0, Purpose::Dropout);
        let training = forward(Some(&mut rng));
        let channels = || training.chunks(6);
        assert!(channels().all(|c| c == [0.0; 6] || c == [1.25; 6]));
        let dropped = channels().filter(|c| c[0] == 0.0).count();
        assert!((20..60).contains(&dropped), "{dropped}");
        assert_eq!(forward(None), [1.0; 1200]);
    }

    #[test]
    fn features_and_certain_dropout_are_rejected() {
        assert_eq!(
            SpatialDropout(0.5).output_shape(&[4, 2, 2]),
            Ok(vec![4, 2, 2])
        );
        assert_eq!(
            SpatialDropout(0.5).output_shape(&[4]).unwrap_err().got,
            "4 values"
        );
        for p in [1.0, -0.1, f64::NAN] {
            let error = SpatialDropout(p).output_shape(&[4, 2, 2]).unwrap_err();
            assert_eq!(error.expected, "a probability in [0, 1)");
        }
    }
}
