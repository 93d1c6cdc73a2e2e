//! Long short-term memory over the steps of a sequence.
//!
//! i, f, g, o = W_ih x + b_ih + W_hh h + b_hh; c' = sigmoid(f) c + sigmoid(i) tanh(g);
//! h' = sigmoid(o) tanh(c'). Hochreiter and Schmidhuber, "Long short-term memory", 1997.
//! PyTorch: `nn.LSTM(in, units, batch_first=True)`.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::sequence::sequence_shape;
use crate::layer::variable::{FirstValues, LayerVars, VariableSpec};
use crate::math::Interval;
use candle_core::{D, Tensor};
use candle_nn::ops::sigmoid;

/// LSTM with this many units.
pub(crate) struct Lstm {
    pub(crate) units: usize,
    /// Outputs the hidden state of each step, not only the last one.
    pub(crate) all_steps: bool,
}

impl LayerKind for Lstm {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let (steps, _) = sequence_shape(input)?;
        if self.units == 0 {
            return reject(
                "at least one unit",
                0,
                "Choose a positive size, such as Lstm(64)",
            );
        }
        Ok(match self.all_steps {
            true => vec![steps, self.units],
            false => vec![self.units],
        })
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        let gates = 4 * self.units;
        let spec = VariableSpec::new;
        vec![
            spec("weight_ih_l0", &[gates, input[1]], FirstValues::Weight),
            spec(
                "weight_hh_l0",
                &[gates, self.units],
                FirstValues::Recurrent(4),
            ),
            spec("bias_ih_l0", &[gates], FirstValues::ForgetGate),
            spec("bias_hh_l0", &[gates], FirstValues::Bias),
        ]
    }

    fn output_range(&self, _input: Interval) -> Interval {
        Interval::new(-1.0, 1.0)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let (b, steps, features) = xs.dims3()?;
        let variable = |i| vars.learned(i, xs.dtype());
        let bias = (variable(2)? + variable(3)?)?;
        // All steps at once: (b*steps, features) x (features, gates)
        let inputs = xs
            .reshape((b * steps, features))?
            .matmul(&variable(0)?.t()?)?;
        let inputs = inputs.broadcast_add(&bias)?.reshape((b, steps, ()))?;
        let recurrent = variable(1)?.t()?;
        let mut hidden = Tensor::zeros((b, self.units), xs.dtype(), xs.device())?;
        let mut cell = hidden.clone();
        let mut states = Vec::with_capacity(steps);
        for step in 0..steps {
            let gates = (inputs.narrow(1, step, 1)?.squeeze(1)? + hidden.matmul(&recurrent)?)?;
            let gate = |i: usize| gates.narrow(D::Minus1, i * self.units, self.units);
            let kept = (sigmoid(&gate(1)?)? * &cell)?;
            cell = (kept + (sigmoid(&gate(0)?)? * gate(2)?.tanh()?)?)?;
            hidden = (sigmoid(&gate(3)?)? * cell.tanh()?)?;
            if self.all_steps {
                states.push(hidden.clone());
            }
        }
        if self.all_steps {
            return Ok(Tensor::stack(&states, 1)?);
        }
        Ok(hidden)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::layer::variable::cosines;
    use candle_core::Device;

    /// ```python
    /// lstm = nn.LSTM(2, 2, batch_first=True)
    /// for k, p in enumerate(lstm.parameters()):
    ///     p.data = torch.cos(0.9 * (torch.arange(p.numel()) + k)).reshape(p.shape)
    /// y, _ = lstm(torch.sin(0.7 * torch.arange(12.)).reshape(2, 3, 2)); y.tolist()
    /// ```
    #[test]
    fn states_are_those_of_pytorch() {
        let lstm = Lstm {
            units: 2,
            all_steps: true,
        };
        let learned = cosines(lstm.parameters(&[3, 2]));
        let vars = LayerVars {
            learned: &learned,
            ..Default::default()
        };
        let values: Vec<f32> = (0..12).map(|i| (0.7 * i as f32).sin()).collect();
        let xs = Tensor::from_vec(values, (2, 3, 2), &Device::Cpu).unwrap();
        let forward = |lstm: &Lstm| {
            let mut context = ForwardContext {
                rng: None,
                state: &mut ForwardState::default(),
            };
            lstm.candle_forward(&xs, vars, &mut context).unwrap()
        };
        let ys = forward(&lstm);
        assert_eq!(ys.dims(), [2, 3, 2]);
        let ys = ys.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected: [f32; 12] = [
            0.1953723, 0.0206939, 0.3938939, 0.0290865, 0.2349783, 0.0426073, 0.0282327, 0.0216682,
            0.0923976, 0.0450653, 0.3545478, 0.1458912,
        ];
        for (y, expected) in ys.iter().zip(expected) {
            assert!((y - expected).abs() < 1e-6, "{ys:?}");
        }
        let last = forward(&Lstm {
            all_steps: false,
            ..lstm
        });
        assert_eq!(last.to_vec2::<f32>().unwrap()[1], ys[10..]);
    }

    #[test]
    fn a_sequence_is_needed() {
        let lstm = Lstm {
            units: 3,
            all_steps: false,
        };
        assert_eq!(lstm.output_shape(&[28, 28]), Ok(vec![3]));
        let error = lstm.output_shape(&[1, 28, 28]).unwrap_err();
        assert_eq!(error.expected, "a sequence");
    }
}
