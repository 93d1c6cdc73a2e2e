//! A penalty on codes that a discriminator tells from samples of N(0, 1).
//!
//! The discriminator D learns to tell codes z from samples p: softplus(D(z)) + softplus(-D(p)), with z
//! as a constant. The encoder learns to deceive it: weight softplus(-D(z)), with D as a constant. One
//! optimizer trains both, because its moments belong to single variables. Makhzani and others,
//! "Adversarial autoencoders", 2015.

use crate::error::Result;
use crate::layer::kind::{
    ForwardContext, ForwardState, LayerKind, LayerShapes, LowerContext, Lowered,
};
use crate::layer::layer_error::{ShapeResult, reject, shape};
use crate::layer::term::{Term, TermUnit, TermValue, full_precision};
use crate::layer::variable::{LayerVars, Variable, VariableSpec};
use crate::math::{Interval, Purpose, RNG_CALLS_PER_NORMAL, Rng};
use candle_core::{Tensor, Var};

/// Passes codes on, and adds the losses of discriminator and encoder to the loss.
pub(crate) struct Adversarial {
    pub(crate) discriminator: Vec<DiscriminatorLayer>,
    /// Weight of the encoder's loss.
    pub(crate) weight: f64,
}

/// A layer of the discriminator.
pub(crate) struct DiscriminatorLayer {
    /// As written in code.
    pub(crate) name: String,
    pub(crate) kind: Box<dyn LayerKind>,
    /// False for layers that need more than a forward pass: random numbers, the whole batch, or a term.
    pub(crate) supported: bool,
}

const TERM: Term = Term {
    name: "adversarial",
    unit: TermUnit::Image,
};

const HINT: &str = "vec![Linear(64), Relu, Linear(1)] is a discriminator";

impl Adversarial {
    /// Checks the discriminator, and returns the shape of its output.
    fn discriminator_output(&self, input: &[usize]) -> ShapeResult {
        let mut features = input.to_vec();
        for layer in &self.discriminator {
            if !layer.supported {
                let expected = "a discriminator of Linear, LayerNorm and activations";
                return reject(expected, &layer.name, HINT);
            }
            features = layer.kind.output_shape(&features)?;
        }
        Ok(features)
    }

    /// Parameters of each layer of the discriminator.
    fn parameters_by_layer(&self, input: &[usize]) -> Vec<Vec<VariableSpec>> {
        let mut features = input.to_vec();
        let mut lists = Vec::new();
        for layer in &self.discriminator {
            lists.push(layer.kind.parameters(&features));
            features = layer.kind.output_shape(&features).unwrap_or(features);
        }
        lists
    }

    /// Logits of codes: positive for samples of the prior.
    ///
    /// # Shapes
    /// (b, n) -> (b, 1)
    fn logits(&self, codes: &Tensor, variables: &[Variable]) -> Result<Tensor> {
        let lists = self.parameters_by_layer(&codes.dims()[1..]);
        let mut state = ForwardState::default();
        let (mut xs, mut rest) = (codes.clone(), variables);
        for (layer, specs) in self.discriminator.iter().zip(lists) {
            let learned;
            (learned, rest) = rest.split_at(specs.len());
            let vars = LayerVars {
                learned,
                buffers: &[],
                tied: None,
            };
            let mut context = ForwardContext {
                rng: None,
                state: &mut state,
            };
            xs = layer.kind.candle_forward(&xs, vars, &mut context)?;
        }
        Ok(xs)
    }

    /// Losses of discriminator and encoder, as means over the images.
    fn losses(&self, codes: &Tensor, samples: &Tensor, variables: &[Variable]) -> Result<Tensor> {
        let of_codes = softplus(&self.logits(&codes.detach(), variables)?)?.mean_all()?;
        let of_samples = softplus(&self.logits(samples, variables)?.neg()?)?.mean_all()?;
        let frozen = frozen(variables)?;
        let deceived = softplus(&self.logits(codes, &frozen)?.neg()?)?.mean_all()?;
        Ok(((of_codes + of_samples)? + (deceived * self.weight)?)?)
    }
}

impl LayerKind for Adversarial {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if !(0.0..=1e6).contains(&self.weight) {
            return reject(
                "a weight in [0, 1000000]",
                self.weight,
                "1 to 50 are common",
            );
        }
        if input.len() != 1 {
            return reject("flat features", shape(input), "Put Flatten before it");
        }
        match self.discriminator_output(input)?.as_slice() {
            [1] => Ok(input.to_vec()),
            output => reject("a discriminator of one output", shape(output), HINT),
        }
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        let lists = self.parameters_by_layer(input).into_iter().enumerate();
        let named = lists.flat_map(|(i, specs)| {
            specs.into_iter().map(move |spec| VariableSpec {
                name: format!("{i}.{}", spec.name),
                ..spec
            })
        });
        named.collect()
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
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let samples = match &mut context.rng {
            Some(rng) => rng.normal(xs.elem_count(), 1.0),
            // Evaluation compares with the same samples each time.
            None => Rng::new(0, Purpose::Noise).normal(xs.elem_count(), 1.0),
        };
        let codes = full_precision(xs)?;
        let samples =
            Tensor::from_vec(samples, xs.shape(), xs.device())?.to_dtype(codes.dtype())?;
        let mean = self.losses(&codes, &samples, vars.learned)?;
        context.state.terms.push(TermValue { term: TERM, mean });
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// Copies of variables, whose gradients reach no optimizer.
fn frozen(variables: &[Variable]) -> Result<Vec<Variable>> {
    let copy = |variable: &Variable| {
        Ok(Variable {
            name: variable.name.clone(),
            var: Var::from_tensor(&variable.var.detach())?,
        })
    };
    variables.iter().map(copy).collect()
}

/// ln(1 + exp(x)), without overflow.
fn softplus(xs: &Tensor) -> Result<Tensor> {
    Ok((xs.relu()? + (xs.abs()?.neg()?.exp()? + 1.0)?.log()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::activation::ActivationFn;
    use crate::layer::linear::Linear;
    use candle_core::{DType, Device};

    fn adversarial(outputs: usize) -> Adversarial {
        let layer = |name: &str, kind: Box<dyn LayerKind>| DiscriminatorLayer {
            name: name.into(),
            kind,
            supported: true,
        };
        Adversarial {
            discriminator: vec![
                layer("Linear(3)", Box::new(Linear(3))),
                layer("Tanh", Box::new(ActivationFn::Tanh)),
                layer("Linear", Box::new(Linear(outputs))),
            ],
            weight: 2.0,
        }
    }

    fn close(found: &Tensor, expected: &[f64]) {
        let found = found.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{found:?}, expected {expected:?}");
        }
        assert_eq!(found.len(), expected.len());
    }

    /// sin(1), sin(2) and so on, times `scale`.
    fn sines(n: usize, scale: f64) -> Vec<f64> {
        (1..=n).map(|i| scale * (i as f64).sin()).collect()
    }

    #[test]
    fn losses_and_gradients_match_pytorch() {
        // import torch; from torch.nn.functional import softplus as sp
        // torch.set_default_dtype(torch.float64)
        // def sines(n, s): return s * torch.arange(1., n + 1).sin()
        // z = sines(8, 1.5).reshape(4, 2).requires_grad_(); p = sines(16, 2)[8:].reshape(4, 2)
        // ws = [sines(n, .7).reshape(s).requires_grad_() for n, s in ((6, (3, 2)), (3, 3), (3, (1, 3)), (1, 1))]
        // def d(x, w): return (x @ w[0].T + w[1]).tanh() @ w[2].T + w[3]
        // loss = sp(d(z.detach(), ws)).mean() + sp(-d(p, ws)).mean() + 2 * sp(-d(z, [w.detach() for w in ws])).mean()
        // loss.backward()
        let layer = adversarial(1);
        let specs = layer.parameters(&[2]).into_iter();
        let variables: Vec<Variable> = specs
            .map(|spec| {
                let values = sines(spec.len(), 0.7);
                let var = Var::from_vec(values, spec.shape, &Device::Cpu).unwrap();
                Variable {
                    name: spec.name,
                    var,
                }
            })
            .collect();
        let names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        let codes = Var::from_vec(sines(8, 1.5), (4, 2), &Device::Cpu).unwrap();
        let samples = sines(16, 2.0)[8..].to_vec();
        let samples = Tensor::from_vec(samples, (4, 2), &Device::Cpu).unwrap();
        let loss = layer.losses(&codes, &samples, &variables).unwrap();
        close(&loss, &[2.250_061_97]);
        let gradients = loss.backward().unwrap();
        close(
            gradients.get(&codes).unwrap(),
            &[
                -0.00645518,
                0.04041067,
                -0.03627912,
                -0.03180092,
                -0.04463991,
                -0.01129862,
                -0.00616018,
                0.04184181,
            ],
        );
        close(
            gradients.get(&variables[0].var).unwrap(),
            &[
                -0.08652719,
                -0.09550542,
                0.1650387,
                0.22953979,
                0.00594272,
                0.00252386,
            ],
        );
        close(
            gradients.get(&variables[2].var).unwrap(),
            &[0.22700991, 0.14056814, -0.08915217],
        );
    }

    #[test]
    fn large_logits_do_not_overflow() {
        let logits = Tensor::new(&[-800.0, 0.0, 800.0], &Device::Cpu).unwrap();
        close(&softplus(&logits).unwrap(), &[0.0, 2f64.ln(), 800.0]);
        assert_eq!(logits.dtype(), DType::F64);
    }

    #[test]
    fn other_discriminators_are_rejected() {
        assert_eq!(adversarial(1).output_shape(&[2]), Ok(vec![2]));
        let error = adversarial(2).output_shape(&[2]).unwrap_err();
        assert_eq!(error.expected, "a discriminator of one output");
        assert_eq!(error.got, "2 values");
        let mut unsupported = adversarial(1);
        unsupported.discriminator[1].supported = false;
        assert_eq!(unsupported.output_shape(&[2]).unwrap_err().got, "Tanh");
        assert!(adversarial(1).output_shape(&[1, 2, 2]).is_err());
    }
}
