//! Activations and losses over rows of numbers, in the widest instructions that the processor has: chosen when the program
//! runs, by the `pulp` crate.

use crate::loss::Loss;
use pulp::Arch;

/// A function of each value by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Activation {
    Relu,
    /// With its slope below zero.
    LeakyRelu(f32),
    /// With its alpha.
    Elu(f32),
    Sigmoid,
    Tanh,
}

impl Activation {
    /// Replaces each value by its function.
    pub(crate) fn forward(self, values: &mut [f32]) {
        match self {
            // A value that is no number stays what it is: training must see it.
            Activation::Relu => {
                Arch::new().dispatch(|| values.iter_mut().for_each(|v| *v = if *v < 0.0 { 0.0 } else { *v }));
            }
            Activation::LeakyRelu(slope) => {
                Arch::new().dispatch(|| values.iter_mut().for_each(|v| *v = if *v < 0.0 { *v * slope } else { *v }));
            }
            Activation::Elu(alpha) => Arch::new().dispatch(|| {
                values.iter_mut().for_each(|v| *v = if *v < 0.0 { alpha * (exp(*v) - 1.0) } else { *v });
            }),
            Activation::Sigmoid => {
                Arch::new().dispatch(|| values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + exp(-*v))));
            }
            Activation::Tanh => {
                Arch::new().dispatch(|| values.iter_mut().for_each(|v| *v = 1.0 - 2.0 / (1.0 + exp(2.0 * *v))));
            }
        }
    }

    /// Multiplies each gradient by the derivative, which is a function of what came out. `scale` is what dropout has
    /// multiplied that by since.
    pub(crate) fn backward(self, out: &[f32], gradients: &mut [f32], scale: f32) {
        let shrink = 1.0 / scale;
        let both = gradients.iter_mut().zip(out);
        match self {
            Activation::Relu => Arch::new().dispatch(|| both.for_each(|(g, &y)| *g = if y > 0.0 { *g } else { 0.0 })),
            Activation::LeakyRelu(slope) => {
                Arch::new().dispatch(|| both.for_each(|(g, &y)| *g *= if y > 0.0 { 1.0 } else { slope }));
            }
            Activation::Elu(alpha) => Arch::new().dispatch(|| {
                both.for_each(|(g, &y)| *g *= if y > 0.0 { 1.0 } else { y * shrink + alpha });
            }),
            Activation::Sigmoid => Arch::new().dispatch(|| {
                both.for_each(|(g, &y)| {
                    let y = y * shrink;
                    *g *= y * (1.0 - y);
                });
            }),
            Activation::Tanh => Arch::new().dispatch(|| {
                both.for_each(|(g, &y)| {
                    let y = y * shrink;
                    *g *= 1.0 - y * y;
                });
            }),
        }
    }
}

/// x times the normal distribution's probability of being below x.
pub(crate) fn gelu(x: &[f32], y: &mut [f32]) {
    Arch::new().dispatch(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * below(x)));
}

/// Multiplies each gradient by the derivative of [`gelu`] at what went in.
pub(crate) fn gelu_backward(x: &[f32], dy: &[f32], dx: &mut [f32]) {
    const DENSITY: f32 = 0.398_942_3;
    Arch::new().dispatch(|| {
        for ((dx, &dy), &x) in dx.iter_mut().zip(dy).zip(x) {
            *dx = dy * (below(x) + x * DENSITY * exp(-0.5 * x * x));
        }
    });
}

/// The normal distribution's probability of being below x, to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
fn below(x: f32) -> f32 {
    let far = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * far);
    let mut sum = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
        sum = sum * t + coefficient;
    }
    let tail = 0.5 * sum * t * exp(-far * far);
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// The sum of many values.
pub(crate) fn total(values: &[f32]) -> f32 {
    sum_of(values, values, |v, _| v)
}

/// The sum of the squares of many values about their mean.
pub(crate) fn squares_about(mean: f32, values: &[f32]) -> f32 {
    sum_of(values, values, |v, _| (v - mean) * (v - mean))
}

/// The sum of the products of values about their mean with others.
pub(crate) fn products_about(mean: f32, values: &[f32], others: &[f32]) -> f32 {
    sum_of(values, others, |v, other| (v - mean) * other)
}

/// The sum of a function of pairs, in lanes.
fn sum_of(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut sums = [0f32; LANES];
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
            for (a, b) in a.iter().zip(b) {
                sums.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += of(*a, *b));
            }
            let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| of(*a, *b)).sum();
            sums.iter().sum::<f32>() + rest
        },
    )
}

/// Multiplies value by value.
pub(crate) fn multiply_each(values: &mut [f32], by: &[f32]) {
    Arch::new().dispatch(|| values.iter_mut().zip(by).for_each(|(v, by)| *v *= by));
}

/// Adds a row to each row.
pub(crate) fn add_rows(values: &mut [f32], row: &[f32]) {
    Arch::new().dispatch(|| {
        for values in values.chunks_exact_mut(row.len()) {
            values.iter_mut().zip(row).for_each(|(v, add)| *v += add);
        }
    });
}

/// Adds every row to one.
pub(crate) fn sum_rows(sum: &mut [f32], values: &[f32], width: usize, first: usize) {
    Arch::new().dispatch(|| {
        for row in values.chunks_exact(width) {
            sum.iter_mut().zip(&row[first..]).for_each(|(sum, v)| *sum += v);
        }
    });
}

impl Loss {
    /// The sum of the losses of all values, and each one's gradient of the mean over `count` values.
    pub(crate) fn sum_and_gradients(self, out: &[f32], target: &[f32], gradients: &mut [f32], count: usize) -> f64 {
        /// Values whose losses are added in 32 bits before they join the sum in 64.
        const PART: usize = 4096;
        let scale = 1.0 / count as f32;
        let parts = out.chunks(PART).zip(target.chunks(PART)).zip(gradients.chunks_mut(PART));
        let sums = parts.map(|((out, target), gradients)| {
            f64::from(Arch::new().dispatch(|| match self {
                Loss::Mse => squares(out, target, gradients, scale),
                Loss::BinaryCrossEntropy => cross_entropies(out, target, gradients, scale),
                Loss::BinaryCrossEntropyWithLogits => cross_entropies_of_logits(out, target, gradients, scale),
            }))
        });
        sums.sum()
    }
}

/// Sums run in so many lanes, so that they can be vectors.
const LANES: usize = 32;

/// The sum of a loss of pairs, in lanes; the loss gives its value and its gradient.
#[inline(always)]
fn losses(out: &[f32], target: &[f32], gradients: &mut [f32], of: impl Fn(f32, f32) -> (f32, f32)) -> f32 {
    let mut sums = [0f32; LANES];
    let all = out.chunks(LANES).zip(target.chunks(LANES)).zip(gradients.chunks_mut(LANES));
    for ((out, target), gradients) in all {
        for (((&y, &t), g), sum) in out.iter().zip(target).zip(gradients).zip(&mut sums) {
            let (loss, gradient) = of(y, t);
            *sum += loss;
            *g = gradient;
        }
    }
    sums.iter().sum()
}

#[inline(always)]
fn squares(out: &[f32], target: &[f32], gradients: &mut [f32], scale: f32) -> f32 {
    losses(
        out,
        target,
        gradients,
        #[inline(always)]
        |y, t| {
            let apart = y - t;
            (apart * apart, 2.0 * scale * apart)
        },
    )
}

#[inline(always)]
fn cross_entropies(out: &[f32], target: &[f32], gradients: &mut [f32], scale: f32) -> f32 {
    losses(
        out,
        target,
        gradients,
        #[inline(always)]
        |y, t| {
            // The logarithm is cut off, and what is cut off does not pull.
            let log = |v: f32| ln(if v < SMALLEST { SMALLEST } else { v });
            let pull = |share: f32, v: f32| if v > SMALLEST { share / v } else { 0.0 };
            (-(t * log(y) + (1.0 - t) * log(1.0 - y)), scale * (pull(1.0 - t, 1.0 - y) - pull(t, y)))
        },
    )
}

#[inline(always)]
fn cross_entropies_of_logits(out: &[f32], target: &[f32], gradients: &mut [f32], scale: f32) -> f32 {
    losses(
        out,
        target,
        gradients,
        #[inline(always)]
        |y, t| {
            let small = exp(-y.abs()); // in (0, 1]
            let one_more = 1.0 + small;
            // What the addition lost of a small number is given back.
            let far = ln(one_more) + (small - (one_more - 1.0)) / one_more;
            let (above, share) = if y < 0.0 { (0.0, small) } else { (y, 1.0) };
            (above - y * t + far, scale * (share / one_more - t))
        },
    )
}

/// The natural logarithm of a positive number that is not denormal, without branches: the exponent's bits, and a polynomial
/// of the rest (Cephes' coefficients). Good to 2e-7, of its value or of 1, whichever is larger.
#[inline(always)]
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 126) as f32;
    let part = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000); // in [0.5, 1)
    let low = part < std::f32::consts::FRAC_1_SQRT_2;
    let exponent = if low { exponent - 1.0 } else { exponent };
    let m = if low { part + part - 1.0 } else { part - 1.0 };
    let mut sum = 7.037_684e-2;
    for coefficient in [
        -0.115_146_1,
        0.116_769_99,
        -0.124_201_41,
        0.142_493_23,
        -0.166_680_58,
        0.200_007_15,
        -0.249_999_94,
        0.333_333_3,
    ] {
        sum = sum * m + coefficient;
    }
    let square = m * m;
    let near = sum * m * square - 2.121_944_4e-4 * exponent - 0.5 * square;
    // A number that is none passes through.
    if x.is_nan() { x } else { m + near + 0.693_359_4 * exponent }
}

/// Where logarithms are cut off: see [`Loss::BinaryCrossEntropy`].
const SMALLEST: f32 = f32::MIN_POSITIVE;

/// The exponential function to 2e-7 of its value, without branches: powers of two by the exponent's bits, the rest by a
/// polynomial (Cephes' coefficients). Beyond ±87 it stays what it is there.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Added and taken away again, it rounds to a whole number, which its lowest bits then are.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    // ln 2 in two parts, so that the rest keeps its digits.
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let mut sum = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0, 1.0] {
        sum = sum * rest + coefficient;
    }
    sum * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_a_few_parts_in_ten_million() {
        for i in -8600..=8600 {
            let x = i as f32 / 100.0;
            let right = f64::from(x).exp();
            let apart = (f64::from(exp(x)) / right - 1.0).abs();
            assert!(apart < 2e-7, "{x}: {apart}");
        }
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite() && exp(f32::NEG_INFINITY) > 0.0);
    }

    #[test]
    fn the_logarithm_is_exact_to_a_few_parts_in_ten_million() {
        let mut x = SMALLEST;
        while x < 4.0 {
            let right = f64::from(x).ln();
            let apart = (f64::from(ln(x)) - right).abs() / right.abs().max(1.0);
            assert!(apart < 2e-7, "{x}: {apart}");
            x *= 1.003;
        }
        assert_eq!(ln(1.0), 0.0);
        assert!(ln(f32::NAN).is_nan());
    }

    #[test]
    fn values_that_are_no_numbers_are_not_hidden() {
        let others = [Activation::LeakyRelu(0.2), Activation::Elu(0.7)];
        for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh].into_iter().chain(others) {
            let mut values = [f32::NAN, 1.0];
            activation.forward(&mut values);
            assert!(values[0].is_nan() && values[1] > 0.0, "{activation:?}");
        }
        for loss in [Loss::Mse, Loss::BinaryCrossEntropy, Loss::BinaryCrossEntropyWithLogits] {
            for values in [[f32::NAN, 0.5], [0.5, f32::NAN]] {
                let sum = loss.sum_and_gradients(&values[..1], &values[1..], &mut [0.0], 1);
                assert!(sum.is_nan(), "{loss} of {values:?}");
            }
        }
    }

    #[test]
    fn derivatives_are_differences() {
        let others = [Activation::LeakyRelu(0.2), Activation::Elu(0.7)];
        for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh].into_iter().chain(others) {
            for x in [-3.0f32, -0.5, 0.3, 2.0] {
                let at = |x: f32| {
                    let mut v = [x];
                    activation.forward(&mut v);
                    v[0]
                };
                let h = 1e-2;
                let difference = (at(x + h) - at(x - h)) / (2.0 * h);
                for scale in [1.0, 1.25] {
                    let mut g = [1.0];
                    activation.backward(&[at(x) * scale], &mut g, scale);
                    assert!((g[0] - difference).abs() < 1e-3, "{activation:?} at {x}: {} for {difference}", g[0]);
                }
            }
        }
    }

    #[test]
    fn the_cross_entropy_of_logits_is_pytorchs_however_large_they_are() {
        // import torch, torch.nn.functional as F
        // y = torch.tensor([0, 2, -3, 20, 100, 100, -100, -100.], requires_grad=True)
        // x = torch.tensor([.3, 1, .25, .9, 0, 1, 1, 0])
        // l = F.binary_cross_entropy_with_logits(y, x, reduction="none"); l.sum().backward(); l, y.grad
        let y = [0.0f32, 2.0, -3.0, 20.0, 100.0, 100.0, -100.0, -100.0];
        let x = [0.3f32, 1.0, 0.25, 0.9, 0.0, 1.0, 1.0, 0.0];
        let right = [std::f64::consts::LN_2, 0.126_928, 0.798_587_3, 2.000_000_5, 100.0, 0.0, 100.0, 0.0];
        let slopes = [0.2, -0.119_202_97, -0.202_574_13, 0.1, 1.0, 0.0, -1.0, 0.0];
        for i in 0..y.len() {
            let mut slope = [0.0];
            let loss = Loss::BinaryCrossEntropyWithLogits.sum_and_gradients(&y[i..=i], &x[i..=i], &mut slope, 1);
            assert!((loss - right[i]).abs() < 1e-6 * right[i].max(1.0), "{loss} for {} at {}", right[i], y[i]);
            assert!((slope[0] - slopes[i]).abs() < 1e-6, "{} for {} at {}", slope[0], slopes[i], y[i]);
        }
        // ln(1 + e^-20), of which a sum with 1 in 32 bits keeps nothing.
        let sure = Loss::BinaryCrossEntropyWithLogits.sum_and_gradients(&[20.0], &[1.0], &mut [0.0], 1);
        assert!((sure / 2.061_153_6e-9 - 1.0).abs() < 0.02, "{sure}");
    }

    #[test]
    fn gelu_is_exact_to_a_few_parts_in_ten_million() {
        // import torch; x = torch.tensor([-6., -1.5, -.1, 0, .3, 2, 5], dtype=torch.float64, requires_grad=True)
        // y = torch.nn.functional.gelu(x); y.sum().backward(); y, x.grad
        let x = [-6.0, -1.5, -0.1, 0.0, 0.3, 2.0, 5.0];
        let right = [-5.919526e-9, -0.1002108, -0.0460172, 0.0, 0.18537343, 1.9544997, 4.9999986];
        let slopes = [-3.546871e-8, -0.1274692, 0.4204769, 0.5, 0.7323278, 1.0852318, 1.0000071];
        let (mut y, mut dx) = ([0.0; 7], [0.0; 7]);
        gelu(&x, &mut y);
        gelu_backward(&x, &[1.0; 7], &mut dx);
        for (got, right) in y.iter().chain(&dx).zip(right.iter().chain(&slopes)) {
            assert!((got - right).abs() < 1e-6, "{got} for {right}");
        }
        gelu(&[f32::NAN], &mut y[..1]);
        assert!(y[0].is_nan());
    }
}
