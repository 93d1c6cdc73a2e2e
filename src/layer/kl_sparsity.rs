//! A penalty that pulls the mean activity of each code unit, over a batch, to a low rate.
//!
//! weight Σ KL(rate || mean) over the units, of Bernoulli distributions. Ng, "Sparse autoencoder",
//! CS294A lecture notes, 2011.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::{D, Tensor};

/// Passes values on, and adds the divergence of their means from the rate to the loss.
pub(crate) struct KlSparsity {
    pub(crate) rate: f64,
    pub(crate) weight: f64,
}

const TERM: Term = Term {
    name: "sparsity",
    unit: TermUnit::Value,
};

/// Means are kept this far from 0 and 1, where the divergence is infinite.
const MARGIN: f64 = 1e-6;

impl LayerKind for KlSparsity {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(self.rate > 0.0 && self.rate < 1.0) {
            let hint = "0.05 is common: each unit is active for a twentieth of the images";
            return reject("a rate in (0, 1)", self.rate, hint);
        }
        if !(0.0..=1e6).contains(&self.weight) {
            return reject(
                "a weight in [0, 1000000]",
                self.weight,
                "0.001 is a good start",
            );
        }
        Ok(input.to_vec())
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
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
        // (b, units) or (b, c, h, w) -> (b, units) -> (units)
        let means = full_precision(xs)?.flatten_from(1)?.mean(0)?;
        let means = means.maximum(MARGIN)?.minimum(1.0 - MARGIN)?;
        let (rate, rest) = (self.rate, 1.0 - self.rate);
        let active = (means.log()? * -rate)?;
        let inactive = (means.affine(-1.0, 1.0)?.log()? * -rest)?;
        let constant = rate * rate.ln() + rest * rest.ln();
        let divergences = ((active + inactive)? + constant)?;
        let mean = (divergences.sum(D::Minus1)? * self.weight)?;
        context.state.terms.push(TermValue { term: TERM, mean });
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::Device;

    #[test]
    fn the_divergence_of_the_means_is_the_term() {
        // from math import log; r = 0.1
        // sum(r * log(r / m) + (1 - r) * log((1 - r) / (1 - m)) for m in (0.1, 0.4)) -> 0.22628916
        let xs = Tensor::new(&[[0.0f64, 0.3], [0.2, 0.5]], &Device::Cpu).unwrap();
        let vars = LayerVars::default();
        let mut state = ForwardState::default();
        let mut context = ForwardContext {
            rng: None,
            state: &mut state,
        };
        let layer = KlSparsity {
            rate: 0.1,
            weight: 2.0,
        };
        layer.candle_forward(&xs, vars, &mut context).unwrap();
        let term = state.terms[0].mean.to_scalar::<f64>().unwrap();
        assert!((term - 2.0 * 0.226_289_16).abs() < 1e-7, "{term}");
    }

    #[test]
    fn rates_outside_their_range_are_rejected() {
        for (rate, weight) in [(0.0, 1.0), (1.0, 1.0), (f64::NAN, 1.0), (0.1, -1.0)] {
            assert!(KlSparsity { rate, weight }.output_shape(&[4]).is_err());
        }
    }
}
