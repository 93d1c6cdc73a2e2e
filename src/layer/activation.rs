//! Element-wise activations: ReLU, leaky ReLU, ELU, softplus, sigmoid, tanh and clamp.
//!
//! Their derivatives are functions of the output, so they are fused into the stage before them.

use crate::error::Result;
use crate::layer::cpu::{Activation, Pointwise};
use crate::layer::dense_output::OutputSlope;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// An activation whose derivative is a function of its output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ActivationFn {
    Relu,
    /// With the slope for negative inputs.
    LeakyRelu(f64),
    /// With alpha.
    Elu(f64),
    Softplus,
    Sigmoid,
    Tanh,
    /// With the lowest and the highest output.
    Clamp(f64, f64),
}

impl ActivationFn {
    /// Derivative of the activations that a penalty on slopes knows.
    fn slope(self) -> OutputSlope {
        match self {
            ActivationFn::Sigmoid => OutputSlope::Sigmoid,
            ActivationFn::Tanh => OutputSlope::Tanh,
            ActivationFn::Relu => OutputSlope::Relu,
            _ => OutputSlope::One,
        }
    }
}

impl LayerKind for ActivationFn {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        match *self {
            ActivationFn::LeakyRelu(slope) if !(0.0..1.0).contains(&slope) => reject(
                "a slope in [0, 1)",
                slope,
                "PyTorch defaults to 0.01; 0.2 is common",
            ),
            ActivationFn::Elu(alpha) if !(alpha > 0.0 && alpha <= 100.0) => reject(
                "an alpha above 0, up to 100",
                alpha,
                "PyTorch defaults to 1",
            ),
            ActivationFn::Clamp(low, high)
                if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) =>
            {
                reject(
                    "a lower bound below the upper bound",
                    format!("{low} and {high}"),
                    "Clamp(0.0, 1.0) keeps values in the range of pixels",
                )
            }
            _ => Ok(input.to_vec()),
        }
    }

    fn output_range(&self, input: Interval) -> Interval {
        match *self {
            ActivationFn::Relu => input.map(|x| x.max(0.0)),
            ActivationFn::LeakyRelu(slope) => input.map(|x| if x < 0.0 { slope * x } else { x }),
            ActivationFn::Elu(alpha) => input.map(|x| if x < 0.0 { alpha * x.exp_m1() } else { x }),
            ActivationFn::Softplus => Interval::new(0.0, f64::INFINITY),
            ActivationFn::Sigmoid => Interval::UNIT,
            ActivationFn::Tanh => Interval::new(-1.0, 1.0),
            ActivationFn::Clamp(low, high) => input.map(|x| x.clamp(low, high)),
        }
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        if let Some(dense) = &mut context.state.dense {
            dense.slope = self.slope();
        }
        Ok(match *self {
            // NaN passes through, so that training detects it. At 0 the slope is PyTorch's, that of
            // negative inputs; candle's own relu has 1.
            ActivationFn::Relu => xs.le(0f64)?.where_cond(&xs.zeros_like()?, xs)?,
            ActivationFn::LeakyRelu(slope) => xs.le(0f64)?.where_cond(&(xs * slope)?, xs)?,
            ActivationFn::Elu(alpha) => xs.elu(alpha)?,
            ActivationFn::Softplus => {
                // At 0 candle's slopes of relu and of abs are both 1. Only together do they give
                // the right one.
                let small = xs.abs()?.neg()?.exp()?;
                (xs.relu()? + (small + 1.0)?.log()?)?
            }
            ActivationFn::Sigmoid => candle_nn::ops::sigmoid(xs)?,
            ActivationFn::Tanh => xs.tanh()?,
            ActivationFn::Clamp(low, high) => {
                // No gradient at the bounds, as in PyTorch.
                let inside = (xs.gt(low)? * xs.lt(high)?)?;
                let clamped = xs.detach().clamp(low, high)?;
                inside.where_cond(xs, &clamped)?
            }
        })
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Activation(Arc::new(*self))
    }
}

impl Activation for ActivationFn {}

impl<T: Real> Pointwise<T> for ActivationFn {
    fn forward(&self, values: &mut [T]) {
        let (one, two) = (T::ONE, T::of(2.0));
        match *self {
            // NaN passes through, so that training detects it.
            ActivationFn::Relu => {
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = if *v < T::ZERO { T::ZERO } else { *v }));
            }
            ActivationFn::LeakyRelu(slope) => {
                let slope = T::of(slope);
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = if *v < T::ZERO { *v * slope } else { *v }));
            }
            ActivationFn::Elu(alpha) => {
                let alpha = T::of(alpha);
                widest!(|| {
                    values.iter_mut().for_each(|v| {
                        *v = if *v < T::ZERO {
                            alpha * (v.exp() - one)
                        } else {
                            *v
                        }
                    });
                });
            }
            ActivationFn::Softplus => {
                widest!(|| values.iter_mut().for_each(|v| *v = softplus(*v)));
            }
            ActivationFn::Sigmoid => {
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = one / (one + (-*v).exp())));
            }
            ActivationFn::Tanh => {
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = one - two / (one + (two * *v).exp())));
            }
            // NaN passes through, so that training detects it.
            ActivationFn::Clamp(low, high) => {
                let (low, high) = (T::of(low), T::of(high));
                widest!(|| values.iter_mut().for_each(|v| {
                    *v = if *v < low { low } else { *v };
                    *v = if *v > high { high } else { *v };
                }));
            }
        }
    }

    fn backward(&self, outputs: &[T], gradients: &mut [T], scale: T) {
        let unscale = T::ONE / scale;
        let pairs = gradients.iter_mut().zip(outputs);
        match *self {
            ActivationFn::Relu => {
                widest!(|| pairs.for_each(|(g, &y)| *g = if y > T::ZERO { *g } else { T::ZERO }));
            }
            ActivationFn::LeakyRelu(slope) => {
                let slope = T::of(slope);
                widest!(|| pairs.for_each(|(g, &y)| *g *= if y > T::ZERO { T::ONE } else { slope }));
            }
            ActivationFn::Elu(alpha) => {
                let alpha = T::of(alpha);
                widest!(|| {
                    pairs.for_each(|(g, &y)| {
                        *g *= if y > T::ZERO {
                            T::ONE
                        } else {
                            y * unscale + alpha
                        }
                    });
                });
            }
            ActivationFn::Softplus => {
                widest!(|| pairs.for_each(|(g, &y)| *g *= softplus_derivative(y * unscale)));
            }
            ActivationFn::Sigmoid => widest!(|| {
                pairs.for_each(|(g, &y)| {
                    let y = y * unscale;
                    *g *= y * (T::ONE - y);
                });
            }),
            ActivationFn::Tanh => widest!(|| {
                pairs.for_each(|(g, &y)| {
                    let y = y * unscale;
                    *g *= T::ONE - y * y;
                });
            }),
            ActivationFn::Clamp(low, high) => {
                let (low, high) = (T::of(low) * scale, T::of(high) * scale);
                widest!(|| pairs.for_each(|(g, &y)| {
                    *g = if y > low && y < high { *g } else { T::ZERO };
                }));
            }
        }
    }
}

/// max(x, 0) + ln(1 + exp(-|x|)), which does not overflow.
#[inline(always)]
fn softplus<T: Real>(x: T) -> T {
    let small = (-x.abs()).exp(); // in (0, 1]
    let positive = if x < T::ZERO { T::ZERO } else { x };
    positive + small.ln_1p()
}

/// Derivative sigmoid(x) of softplus, from the output y: 1 - exp(-y).
#[inline(always)]
fn softplus_derivative<T: Real>(y: T) -> T {
    if y < T::of(1.0 / 128.0) {
        // The Taylor series, because the subtraction would leave few digits.
        let series = T::ONE - y * T::of(0.25) * (T::ONE - y * T::of(0.2));
        let series = T::ONE - y * T::of(1.0 / 3.0) * series;
        y * (T::ONE - y * T::of(0.5) * series)
    } else {
        T::ONE - (-y).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::{DType, Device, Var};

    const ALL: [ActivationFn; 7] = [
        ActivationFn::Relu,
        ActivationFn::Sigmoid,
        ActivationFn::Tanh,
        ActivationFn::LeakyRelu(0.2),
        ActivationFn::Elu(0.7),
        ActivationFn::Softplus,
        ActivationFn::Clamp(-1.0, 1.0),
    ];

    #[test]
    fn nan_passes_through() {
        for activation in ALL {
            let mut values = [f32::NAN, 1.0];
            activation.forward(&mut values);
            assert!(values[0].is_nan() && values[1] > 0.0, "{activation:?}");
        }
    }

    #[test]
    fn derivatives_match_finite_differences() {
        for activation in ALL {
            for x in [-3.0, -0.5, 0.3, 2.0] {
                let at = |x: f64| {
                    let mut v = [x];
                    activation.forward(&mut v);
                    v[0]
                };
                let h = 1e-5;
                let difference = (at(x + h) - at(x - h)) / (2.0 * h);
                for scale in [1.0, 1.25] {
                    let mut g = [1.0];
                    activation.backward(&[at(x) * scale], &mut g, scale);
                    assert!(
                        (g[0] - difference).abs() < 1e-9,
                        "{activation:?} at {x}: got {}, expected {difference}",
                        g[0]
                    );
                    let mut f32_grad = [1f32];
                    activation.backward(&[(at(x) * scale) as f32], &mut f32_grad, scale as f32);
                    assert!(
                        (f64::from(f32_grad[0]) - g[0]).abs() < 1e-6,
                        "{activation:?} at {x} in f32"
                    );
                }
            }
        }
    }

    #[test]
    fn slopes_at_zero_are_those_of_pytorch() {
        // import torch; from torch.nn import *
        // for f in [ReLU(), Sigmoid(), Tanh(), LeakyReLU(.2), ELU(.7), Softplus()]:
        //     x = torch.zeros(1, requires_grad=True); f(x).backward(); print(x.grad)
        let slopes = [0.0, 0.25, 1.0, 0.2, 0.7, 0.5];
        for (activation, expected) in ALL.into_iter().zip(slopes) {
            let mut y = [0f64];
            Pointwise::forward(&activation, &mut y);
            let mut planned = [1.0];
            activation.backward(&y, &mut planned, 1.0);
            let x = Var::zeros(1, DType::F64, &Device::Cpu).unwrap();
            let vars = LayerVars::default();
            let mut context = ForwardContext {
                rng: None,
                state: &mut ForwardState::default(),
            };
            let y = activation.candle_forward(&x, vars, &mut context).unwrap();
            let gradients = y.backward().unwrap();
            let candle = gradients.get(&x).unwrap().to_vec1::<f64>().unwrap();
            for (executor, slope) in [("planned", planned[0]), ("candle", candle[0])] {
                let difference: f64 = slope - expected;
                assert!(
                    difference.abs() < 1e-12,
                    "{activation:?}, {executor}: {slope}"
                );
            }
        }
    }

    #[test]
    fn softplus_and_its_derivative_are_precise_far_from_zero() {
        // import math
        // for x in [-30, -6, -1.5, 0, .3, 5, 25, 100]:
        //     print(f"{math.log1p(math.exp(x)):.8g} {1 / (1 + math.exp(-x)):.8g}")
        let cases = [
            (-30.0, 9.357623e-14, 9.357623e-14),
            (-6.0, 0.0024756851, 0.0024726232),
            (-1.5, 0.20141328, 0.18242552),
            (0.0, std::f64::consts::LN_2, 0.5),
            (0.3, 0.85435524, 0.57444252),
            (5.0, 5.0067153, 0.99330715),
            (25.0, 25.0, 1.0),
            (100.0, 100.0, 1.0),
        ];
        for (x, output, derivative) in cases {
            let (mut y, mut g) = ([x as f32], [1f32]);
            ActivationFn::Softplus.forward(&mut y);
            ActivationFn::Softplus.backward(&y, &mut g, 1.0);
            for (got, expected) in [(y[0], output), (g[0], derivative)] {
                assert!(
                    (f64::from(got) / expected - 1.0).abs() < 1e-5,
                    "at {x}: got {got}, expected {expected}"
                );
            }
        }
    }
}
