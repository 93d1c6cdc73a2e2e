//! Corruption of a denoising autoencoder's input, in training only.
//!
//! The model learns to restore the clean image: the loss compares its output with the image before
//! the first layer. Vincent and others, "Extracting and composing robust features with denoising
//! autoencoders", 2008.

use crate::error::Result;
use crate::layer::cpu::{
    Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, OpTraining, Workspace,
};
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, RNG_CALLS_PER_NORMAL, Real, Rng, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// A kind of corruption.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noise {
    /// Adds normal noise of this standard deviation.
    Gaussian(f64),
    /// Sets values to 0 with this probability.
    Masking(f64),
    /// Sets values to 0 or 1 with this probability.
    SaltAndPepper(f64),
}

impl Noise {
    /// True if it changes nothing.
    fn is_off(self) -> bool {
        let (Noise::Gaussian(amount) | Noise::Masking(amount) | Noise::SaltAndPepper(amount)) =
            self;
        amount == 0.0
    }

    fn rng_calls_per_value(self) -> usize {
        match self {
            Noise::Gaussian(_) => RNG_CALLS_PER_NORMAL,
            Noise::Masking(_) | Noise::SaltAndPepper(_) => 1,
        }
    }

    /// A factor and a summand for each value. Normal noise needs no factors.
    fn fill<T: Real>(self, rng: &mut Rng, factors: &mut [T], summands: &mut [T]) {
        match self {
            Noise::Gaussian(std) => {
                summands.fill(T::ZERO);
                rng.add_normal(summands, std as f32);
            }
            Noise::Masking(p) => {
                let p = p as f32;
                rng.fill(factors, |unit| if unit < p { 0.0 } else { 1.0 });
                summands.fill(T::ZERO);
            }
            Noise::SaltAndPepper(p) => {
                let p = p as f32;
                rng.fill(summands, |unit| unit);
                let (half, whole) = (T::from(0.5 * p), T::from(p));
                widest!(|| {
                    for (factor, summand) in factors.iter_mut().zip(&mut *summands) {
                        let unit = *summand;
                        *factor = if unit < whole { T::ZERO } else { T::ONE };
                        *summand = if unit < half { T::ONE } else { T::ZERO };
                    }
                });
            }
        }
    }

    /// True if it needs factors.
    fn has_factors(self) -> bool {
        !matches!(self, Noise::Gaussian(_))
    }
}

impl LayerKind for Noise {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        match *self {
            Noise::Gaussian(std) if !(0.0..=1e6).contains(&std) => reject(
                "a standard deviation in [0, 1000000]",
                std,
                "0 turns it off; 0.1 to 0.5 are common for pixels in [0, 1]",
            ),
            Noise::Masking(p) | Noise::SaltAndPepper(p) if !(0.0..1.0).contains(&p) => reject(
                "a probability in [0, 1)",
                p,
                "0 turns it off; 0.3 changes about a third of the values",
            ),
            _ => Ok(input.to_vec()),
        }
    }

    fn output_range(&self, input: Interval) -> Interval {
        match *self {
            _ if self.is_off() => input,
            Noise::Gaussian(_) => Interval::UNBOUNDED,
            Noise::Masking(_) => input.with(0.0),
            Noise::SaltAndPepper(_) => input.with(0.0).with(1.0),
        }
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Some(rng) = context.rng.as_mut().filter(|_| !self.is_off()) else {
            return Ok(xs.clone());
        };
        let n = xs.elem_count();
        let (mut factors, mut summands) = (vec![1f32; n], vec![0f32; n]);
        self.fill(rng, &mut factors, &mut summands);
        let tensor = |values: Vec<f32>| -> Result<Tensor> {
            Ok(Tensor::from_vec(values, xs.shape(), xs.device())?.to_dtype(xs.dtype())?)
        };
        let kept = if self.has_factors() {
            (xs * tensor(factors)?)?
        } else {
            xs.clone()
        };
        Ok((kept + tensor(summands)?)?)
    }

    fn lower(&self, shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        if self.is_off() {
            return Lowered::Nothing;
        }
        Lowered::CpuOp(Arc::new(NoiseOp {
            noise: *self,
            values: shapes.before.iter().product(),
        }))
    }
}

/// CPU op of a [`Noise`].
#[derive(Debug)]
struct NoiseOp {
    noise: Noise,
    /// Values of an image.
    values: usize,
}

impl CpuOp for NoiseOp {
    fn flops(&self) -> Option<usize> {
        Some(20 * self.values)
    }

    fn rng_calls(&self) -> usize {
        self.noise.rng_calls_per_value() * self.values
    }
}

impl<T: Real> Arithmetic<T> for NoiseOp {
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let mut workspace = Workspace::default();
        if training && self.noise.has_factors() {
            workspace.scratch[0] = vec![T::ONE; shape.rows * shape.outputs];
        }
        workspace
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
        let factors = &mut workspaces[shape.stage].scratch[0];
        if !self.noise.has_factors() {
            self.noise.fill(&mut rng.clone(), &mut [], y);
            widest!(|| y.iter_mut().zip(x).for_each(|(y, x)| *y += *x));
            return;
        }
        let factors = &mut factors[..x.len()];
        self.noise.fill(&mut rng.clone(), factors, y);
        widest!(|| {
            let inputs = factors.iter().zip(x);
            y.iter_mut()
                .zip(inputs)
                .for_each(|(y, (f, x))| *y += *f * *x);
        });
    }

    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        dx.copy_from_slice(args.dy);
        if self.noise.has_factors() {
            let factors = &workspaces[shape.stage].scratch[0];
            widest!(|| dx.iter_mut().zip(factors).for_each(|(dx, f)| *dx *= *f));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::math::Purpose;
    use candle_core::{DType, Device};

    /// Noise on 10,000 values of 0.5.
    fn noisy(noise: Noise, train: bool) -> Vec<f32> {
        let xs = (Tensor::ones((10, 1000), DType::F32, &Device::Cpu).unwrap() * 0.5).unwrap();
        let vars = LayerVars::default();
        let mut rng = Rng::new(0, Purpose::Dropout);
        let mut context = ForwardContext {
            rng: train.then_some(&mut rng),
            state: &mut ForwardState::default(),
        };
        let ys = noise.candle_forward(&xs, vars, &mut context).unwrap();
        ys.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn share(values: &[f32], value: f32) -> f64 {
        values.iter().filter(|&&v| v == value).count() as f64 / values.len() as f64
    }

    #[test]
    fn each_kind_changes_its_share_of_values_in_training_only() {
        let all = [
            Noise::Gaussian(0.2),
            Noise::Masking(0.3),
            Noise::SaltAndPepper(0.4),
        ];
        for noise in all {
            assert_eq!(noisy(noise, false), [0.5; 10_000], "{noise:?}");
        }
        let gaussian = noisy(all[0], true);
        let mean = gaussian.iter().sum::<f32>() / 1e4;
        let variance = gaussian.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 1e4;
        assert!((mean - 0.5).abs() < 0.01 && (variance.sqrt() - 0.2).abs() < 0.01);
        let masked = noisy(all[1], true);
        assert!((share(&masked, 0.0) - 0.3).abs() < 0.02);
        assert!((share(&masked, 0.5) - 0.7).abs() < 0.02);
        let salted = noisy(all[2], true);
        for (value, expected) in [(0.0, 0.2), (1.0, 0.2), (0.5, 0.6)] {
            assert!((share(&salted, value) - expected).abs() < 0.02, "{value}");
        }
    }

    #[test]
    fn amounts_outside_their_range_are_rejected() {
        for noise in [
            Noise::Gaussian(-0.1),
            Noise::Gaussian(f64::NAN),
            Noise::Masking(1.0),
            Noise::SaltAndPepper(-0.5),
        ] {
            assert!(noise.output_shape(&[4]).is_err(), "{noise:?}");
        }
        assert_eq!(Noise::Masking(0.0).output_shape(&[4]), Ok(vec![4]));
    }
}
