//! Activations: functions of each value by itself.

use crate::error::Result;
use crate::layer::cpu::{
    Activation, Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, Pointwise, Workspace,
};
use crate::layer::misfit::{Fitted, misfit};
use crate::layer::operation::{
    ForwardContext, LayerKind, LayerShapes, LayerVars, LowerContext, Lowered,
};
use crate::math::{Real, widest};
use candle_core::Tensor;
use std::sync::Arc;

/// One whose derivative is a function of what came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    Relu,
    /// With its slope below zero.
    LeakyRelu(f64),
    /// With its alpha.
    Elu(f64),
    Sigmoid,
    Tanh,
}

impl LayerKind for Function {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        match *self {
            Function::LeakyRelu(slope) if !(0.0..1.0).contains(&slope) => misfit(
                "a slope in [0, 1)",
                slope,
                "0.01 is PyTorch's, 0.2 is common",
            ),
            Function::Elu(alpha) if !(alpha > 0.0 && alpha <= 100.0) => {
                misfit("an alpha above 0, up to 100", alpha, "1 is PyTorch's")
            }
            _ => Ok(input.to_vec()),
        }
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(match *self {
            Function::Relu => xs.relu()?,
            Function::LeakyRelu(slope) => {
                // A value that is no number stays what it is: training must see it.
                let below = xs.lt(0f64)?;
                below.where_cond(&(xs * slope)?, xs)?
            }
            Function::Elu(alpha) => xs.elu(alpha)?,
            Function::Sigmoid => candle_nn::ops::sigmoid(xs)?,
            Function::Tanh => xs.tanh()?,
        })
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::Activation(Arc::new(*self))
    }
}

impl Activation for Function {}

impl<T: Real> Pointwise<T> for Function {
    fn forward(&self, values: &mut [T]) {
        let (one, two) = (T::ONE, T::of(2.0));
        match *self {
            // A value that is no number stays what it is: training must see it.
            Function::Relu => {
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = if *v < T::ZERO { T::ZERO } else { *v }));
            }
            Function::LeakyRelu(slope) => {
                let slope = T::of(slope);
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = if *v < T::ZERO { *v * slope } else { *v }));
            }
            Function::Elu(alpha) => {
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
            Function::Sigmoid => {
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = one / (one + (-*v).exp())));
            }
            Function::Tanh => {
                widest!(|| values
                    .iter_mut()
                    .for_each(|v| *v = one - two / (one + (two * *v).exp())));
            }
        }
    }

    fn backward(&self, out: &[T], gradients: &mut [T], scale: T) {
        let shrink = T::ONE / scale;
        let both = gradients.iter_mut().zip(out);
        match *self {
            Function::Relu => {
                widest!(|| both.for_each(|(g, &y)| *g = if y > T::ZERO { *g } else { T::ZERO }));
            }
            Function::LeakyRelu(slope) => {
                let slope = T::of(slope);
                widest!(|| both.for_each(|(g, &y)| *g *= if y > T::ZERO { T::ONE } else { slope }));
            }
            Function::Elu(alpha) => {
                let alpha = T::of(alpha);
                widest!(|| {
                    both.for_each(|(g, &y)| {
                        *g *= if y > T::ZERO {
                            T::ONE
                        } else {
                            y * shrink + alpha
                        }
                    });
                });
            }
            Function::Sigmoid => widest!(|| {
                both.for_each(|(g, &y)| {
                    let y = y * shrink;
                    *g *= y * (T::ONE - y);
                });
            }),
            Function::Tanh => widest!(|| {
                both.for_each(|(g, &y)| {
                    let y = y * shrink;
                    *g *= T::ONE - y * y;
                });
            }),
        }
    }
}

/// x times the normal distribution's probability of being below x (Hendrycks and Gimpel, 2016). Its derivative needs what went
/// in.
#[derive(Debug)]
pub(crate) struct Gelu;

impl LayerKind for Gelu {
    fn output_shape(&self, input: &[usize]) -> Fitted {
        Ok(input.to_vec())
    }

    fn tensor(
        &self,
        xs: &Tensor,
        _own: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.gelu_erf()?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _links: &mut LowerContext) -> Lowered {
        Lowered::CpuOp(Arc::new(Gelu))
    }
}

impl CpuOp for Gelu {}

impl<T: Real> Arithmetic<T> for Gelu {
    fn forward(
        &self,
        _here: OpShape,
        x: &[T],
        y: &mut [T],
        _given: ForwardArgs<'_, T>,
        _rooms: &mut [Workspace<T>],
    ) {
        widest!(|| y
            .iter_mut()
            .zip(x)
            .for_each(|(y, &x)| *y = x * x.normal_cdf()));
    }

    fn backward(&self, _here: OpShape, back: BackwardArgs<'_, T>, _rooms: &mut [Workspace<T>]) {
        let BackwardArgs {
            x,
            dy,
            dx: Some(dx),
            ..
        } = back
        else {
            return;
        };
        // 1 / sqrt(2 pi)
        let (density, half) = (
            T::of(0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2),
            T::of(0.5),
        );
        widest!(|| {
            for ((dx, &dy), &x) in dx.iter_mut().zip(dy).zip(x) {
                *dx = dy * (x.normal_cdf() + x * density * (-half * x * x).exp());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::BatchStats;

    const ALL: [Function; 5] = [
        Function::Relu,
        Function::Sigmoid,
        Function::Tanh,
        Function::LeakyRelu(0.2),
        Function::Elu(0.7),
    ];

    #[test]
    fn values_that_are_no_numbers_are_not_hidden() {
        for activation in ALL {
            let mut values = [f32::NAN, 1.0];
            activation.forward(&mut values);
            assert!(values[0].is_nan() && values[1] > 0.0, "{activation:?}");
        }
    }

    #[test]
    fn derivatives_are_differences() {
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
                        "{activation:?} at {x}: {} for {difference}",
                        g[0]
                    );
                    let mut single = [1f32];
                    activation.backward(&[(at(x) * scale) as f32], &mut single, scale as f32);
                    assert!(
                        (f64::from(single[0]) - g[0]).abs() < 1e-6,
                        "{activation:?} at {x} in 32 bits"
                    );
                }
            }
        }
    }

    #[test]
    fn gelu_is_exact_to_a_few_parts_in_ten_million() {
        // import torch; x = torch.tensor([-6., -1.5, -.1, 0, .3, 2, 5], dtype=torch.float64, requires_grad=True)
        // y = torch.nn.functional.gelu(x); y.sum().backward(); y, x.grad
        let x = [-6.0, -1.5, -0.1, 0.0, 0.3, 2.0, 5.0];
        let right = [
            -5.919526e-9,
            -0.1002108,
            -0.0460172,
            0.0,
            0.18537343,
            1.9544997,
            4.9999986,
        ];
        let slopes = [
            -3.546871e-8,
            -0.1274692,
            0.4204769,
            0.5,
            0.7323278,
            1.0852318,
            1.0000071,
        ];
        let (mut y, mut dx) = ([0.0; 7], [0.0; 7]);
        let here = OpShape {
            stage: 0,
            rows: 1,
            inputs: 7,
            outputs: 7,
        };
        let given = ForwardArgs {
            weight: &[],
            bias: &[],
            added: &[],
        };
        Gelu.forward(here, &x, &mut y, given, &mut []);
        let known = BatchStats::default();
        let back = BackwardArgs {
            x: &x,
            dy: &[1.0; 7],
            dx: Some(&mut dx),
            weight: &[],
            known: &known,
        };
        Gelu.backward(here, back, &mut []);
        for (got, right) in y.iter().chain(&dx).zip(right.iter().chain(&slopes)) {
            assert!((got - right).abs() < 1e-6, "{got} for {right}");
        }
        Gelu.forward(here, &[f32::NAN], &mut y[..1], given, &mut []);
        assert!(y[0].is_nan());
    }
}
