//! Variables of a layer: what it needs, and what it has.

use candle_core::{DType, Result, Tensor, Var};

/// A variable that a layer needs: its name, shape and first values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VariableSpec {
    /// As PyTorch's module names it, such as "weight".
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) first_values: FirstValues,
}

/// First values of a variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FirstValues {
    /// As the model's scheme of weights says.
    Weight,
    /// As the scheme says for the bias of the weight before it.
    Bias,
    /// The recurrent weights of a number of gates: those of each gate are orthogonal.
    Recurrent(usize),
    /// Biases of an LSTM, with 1 for the forget gate, the second of four.
    ForgetGate,
    Constant(f32),
    /// Normal with this mean and standard deviation.
    Normal(f64, f64),
    /// Uniform between these bounds.
    Uniform(f64, f64),
}

impl VariableSpec {
    pub(crate) fn new(name: &str, shape: &[usize], first_values: FirstValues) -> Self {
        VariableSpec {
            name: name.into(),
            shape: shape.to_vec(),
            first_values,
        }
    }

    /// A weight of the model's scheme, and a bias for each of its outputs.
    pub(crate) fn weight_and_bias(weight: &[usize], outputs: usize) -> Vec<Self> {
        vec![
            Self::new("weight", weight, FirstValues::Weight),
            Self::new("bias", &[outputs], FirstValues::Bias),
        ]
    }

    /// A factor and a summand of normalized values.
    pub(crate) fn scale_and_shift(shape: &[usize]) -> Vec<Self> {
        vec![
            Self::new("weight", shape, FirstValues::Constant(1.0)),
            Self::new("bias", shape, FirstValues::Constant(0.0)),
        ]
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A variable with its name.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) var: Var,
}

/// Variables of one layer, in the order in which it describes them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LayerVars<'a> {
    /// Trained by the optimizer.
    pub(crate) learned: &'a [Variable],
    /// Measured in training, such as a running mean.
    pub(crate) buffers: &'a [Variable],
    /// Weights of a layer of the encoder, for a layer that is tied to it.
    pub(crate) tied: Option<&'a Var>,
}

impl LayerVars<'_> {
    /// Weight and bias, converted to the input's type.
    pub(crate) fn weight_and_bias(&self, dtype: DType) -> Result<(Tensor, Tensor)> {
        Ok((self.learned(0, dtype)?, self.learned(1, dtype)?))
    }

    /// All learned variables, converted to the input's type.
    pub(crate) fn all_learned(&self, dtype: DType) -> Result<Vec<Tensor>> {
        let all = 0..self.learned.len();
        all.map(|i| self.learned(i, dtype)).collect()
    }

    /// A learned variable, converted to the input's type.
    pub(crate) fn learned(&self, i: usize, dtype: DType) -> Result<Tensor> {
        let Some(Variable { var, .. }) = self.learned.get(i) else {
            unreachable!("a layer is created with the variables that it describes")
        };
        var.as_tensor().to_dtype(dtype)
    }
}

/// Variables whose k-th one holds cos(0.9 (i + k)), as those of the PyTorch programs in tests.
#[cfg(test)]
pub(crate) fn cosines(specs: Vec<VariableSpec>) -> Vec<Variable> {
    let variable = |(k, spec): (usize, VariableSpec)| {
        let value = |i: usize| (0.9 * (i + k) as f32).cos();
        let values: Vec<f32> = (0..spec.len()).map(value).collect();
        Variable {
            name: spec.name,
            var: Var::from_vec(values, spec.shape, &candle_core::Device::Cpu).unwrap(),
        }
    };
    specs.into_iter().enumerate().map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn variables_are_read_in_the_type_of_the_input() {
        let specs = VariableSpec::weight_and_bias(&[2, 3], 2);
        assert_eq!((specs[0].len(), specs[1].len()), (6, 2));
        let learned: Vec<Variable> = specs
            .into_iter()
            .map(|spec| Variable {
                var: Var::zeros(spec.shape, DType::F32, &Device::Cpu).unwrap(),
                name: spec.name,
            })
            .collect();
        let vars = LayerVars {
            learned: &learned,
            ..Default::default()
        };
        let (weight, bias) = vars.weight_and_bias(DType::F64).unwrap();
        assert_eq!((weight.dtype(), weight.dims()), (DType::F64, &[2, 3][..]));
        assert_eq!(bias.dims(), [2]);
    }
}
