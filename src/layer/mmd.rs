//! A penalty on the distance between the codes of a batch and samples of N(0, 1): the maximum mean
//! discrepancy with inverse multiquadratic kernels.
//!
//! k(a, b) = Σ c / (c + |a - b|²) with c = 2 d s for codes of d units and seven scales s. Tolstikhin and
//! others, "Wasserstein auto-encoders", 2018 (WAE-MMD).

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::LayerVars;
use crate::math::{Interval, Purpose, RNG_CALLS_PER_NORMAL, Rng};
use candle_core::{D, Tensor};

/// Passes codes on, and adds their discrepancy times this weight to the loss.
pub(crate) struct Mmd(pub(crate) f64);

const TERM: Term = Term {
    name: "MMD",
    unit: TermUnit::Image,
};

const SCALES: [f64; 7] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

impl LayerKind for Mmd {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(0.0..=1e6).contains(&self.0) {
            return reject("a weight in [0, 1000000]", self.0, "10 is common");
        }
        match input {
            [_] => Ok(input.to_vec()),
            _ => reject("flat features", shape(input), "Put Flatten before it"),
        }
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn rng_calls(&self, input: &[usize]) -> usize {
        RNG_CALLS_PER_NORMAL * input[0]
    }

    fn term(&self) -> Option<Term> {
        Some(TERM)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let samples = match &mut context.rng {
            Some(rng) => rng.normal(xs.elem_count(), 1.0),
            // Evaluation compares with the same samples each time.
            None => Rng::new(0, Purpose::Noise).normal(xs.elem_count(), 1.0),
        };
        let codes = full_precision(xs)?;
        let mean = if xs.dim(0)? > 1 {
            let samples = Tensor::from_vec(samples, xs.shape(), xs.device())?;
            (discrepancy(&codes, &samples.to_dtype(codes.dtype())?)? * self.0)?
        } else {
            // A single code has no distance from others.
            Tensor::zeros((), codes.dtype(), xs.device())?
        };
        context.state.terms.push(TermValue { term: TERM, mean });
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// Unbiased estimate of the squared discrepancy of two samples of one size.
///
/// # Shapes
/// (b, d), (b, d) -> ()
fn discrepancy(codes: &Tensor, samples: &Tensor) -> Result<Tensor> {
    let (n, d) = codes.dims2()?;
    let within = |xs: &Tensor| -> Result<Tensor> {
        // The kernel of a code with itself is 1 at each scale.
        let sum = (kernel_sum(xs, xs, d)? - (n * SCALES.len()) as f64)?;
        Ok((sum / (n * (n - 1)) as f64)?)
    };
    let between = (kernel_sum(codes, samples, d)? * (2.0 / (n * n) as f64))?;
    Ok(((within(codes)? + within(samples)?)? - between)?)
}

/// Sum of the kernel over all pairs.
fn kernel_sum(a: &Tensor, b: &Tensor, d: usize) -> Result<Tensor> {
    // |a - b|² = |a|² + |b|² - 2 a b, of shape (n, n)
    let squares = |xs: &Tensor| xs.sqr()?.sum_keepdim(D::Minus1);
    let products = (a.matmul(&b.t()?)? * 2.0)?;
    let sums = squares(a)?.broadcast_add(&squares(b)?.t()?)?;
    let distances = (sums - products)?.relu()?;
    let mut total = Tensor::zeros((), a.dtype(), a.device())?;
    for scale in SCALES {
        let c = 2.0 * d as f64 * scale;
        total = (total + ((&distances + c)?.recip()?.sum_all()? * c)?)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_discrepancy_matches_numpy() {
        // import numpy as np
        // a, b = np.array([[0., 1], [2, -1], [.5, .5]]), np.array([[1., 0], [0, 0], [-1, 2]])
        // def k(x, y): s = ((x[:, None] - y[None]) ** 2).sum(-1); return sum(4 * c / (4 * c + s) for c in
        //     (.1, .2, .5, 1, 2, 5, 10))
        // def off(m): return (m.sum() - np.trace(m)) / 6
        // off(k(a, a)) + off(k(b, b)) - 2 * k(a, b).mean() -> -0.7925264
        let tensor = |values: &[[f64; 2]; 3]| Tensor::new(values, &Device::Cpu).unwrap();
        let a = tensor(&[[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]]);
        let b = tensor(&[[1.0, 0.0], [0.0, 0.0], [-1.0, 2.0]]);
        let found = discrepancy(&a, &b).unwrap().to_scalar::<f64>().unwrap();
        assert!((found + 0.7925264).abs() < 1e-6, "{found}");
    }

    #[test]
    fn images_and_negative_weights_are_rejected() {
        assert!(Mmd(-1.0).output_shape(&[4]).is_err());
        assert!(Mmd(1.0).output_shape(&[1, 2, 2]).is_err());
    }
}
