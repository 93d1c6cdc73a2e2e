//! A layer of candle: any module, built from its variables.
//!
//! The variables belong to the model, as those of other layers do: they are drawn from its seed, trained,
//! copied and saved. The module is built anew from them in each pass.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{LayerError, ShapeResult, reject, shape};
use crate::layer::variable::{FirstValues, LayerVars, Variable, VariableSpec};
use crate::lock::lock;
use candle_core::{DType, Device, Module, Shape, Tensor};
use candle_nn::init::NormalOrUniform;
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use std::fmt;
use std::sync::{Arc, Mutex};

type Build = dyn Fn(VarBuilder<'static>) -> candle_core::Result<Box<dyn Module>> + Send + Sync;

/// A module of candle as a layer, from [`Layer::module`](crate::layer::Layer::module).
#[derive(Clone)]
pub struct ModuleLayer {
    pub(crate) name: String,
    build: Arc<Build>,
}

impl ModuleLayer {
    pub(crate) fn new<M: Module + 'static>(
        name: String,
        build: impl Fn(VarBuilder<'static>) -> candle_core::Result<M> + Send + Sync + 'static,
    ) -> Self {
        let build = move |vb: VarBuilder<'static>| -> candle_core::Result<Box<dyn Module>> {
            Ok(Box::new(build(vb)?))
        };
        ModuleLayer {
            name,
            build: Arc::new(build),
        }
    }

    /// Builds the module on zeros, runs it on an image of zeros, and returns the specifications of its
    /// variables and the shape of its output.
    fn described(&self, input: &[usize]) -> candle_core::Result<(Vec<VariableSpec>, Vec<usize>)> {
        let specs = Arc::new(Mutex::new(Vec::new()));
        let recorder = Recorder(specs.clone());
        let vb = VarBuilder::from_backend(Box::new(recorder), DType::F32, Device::Cpu);
        let module = (self.build)(vb)?;
        let specs = lock(&specs).clone();
        let batch = [&[1], input].concat();
        let output = module.forward(&Tensor::zeros(batch, DType::F32, &Device::Cpu)?)?;
        match output.dims() {
            [1, rest @ ..] => Ok((specs, rest.to_vec())),
            dims => candle_core::bail!("the output of one image has shape {dims:?}"),
        }
    }
}

/// Two layers are equal if they share their function.
impl PartialEq for ModuleLayer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.build, &other.build)
    }
}

impl fmt::Debug for ModuleLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModuleLayer").field(&self.name).finish()
    }
}

impl LayerKind for ModuleLayer {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        match self.described(input) {
            Ok((_, output)) if !output.is_empty() => Ok(output),
            Ok(_) => reject(
                "features, images or sequences",
                "a single number for the batch",
                "Keep the batch dimension",
            ),
            Err(error) => Err(LayerError {
                expected: format!("a module that takes {}", shape(input)),
                got: error.to_string(),
                hint: "Build it for this shape".into(),
            }),
        }
    }

    fn parameters(&self, input: &[usize]) -> Vec<VariableSpec> {
        self.described(input)
            .map(|(specs, _)| specs)
            .unwrap_or_default()
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let variables = Variables(vars.learned.to_vec());
        let device = xs.device().clone();
        let vb = VarBuilder::from_backend(Box::new(variables), xs.dtype(), device);
        // The layers after it have the model's type.
        let ys = (self.build)(vb)?.forward(xs)?;
        Ok(ys.to_dtype(xs.dtype())?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// Writes down the variables that a module asks for, and gives it zeros.
struct Recorder(Arc<Mutex<Vec<VariableSpec>>>);

impl SimpleBackend for Recorder {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let spec = VariableSpec::new(name, shape.dims(), first_values(init, &shape));
        let mut specs = lock(&self.0);
        if !specs.iter().any(|known: &VariableSpec| known.name == name) {
            specs.push(spec);
        }
        Tensor::zeros(shape, dtype, device)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("the shape of {name} is not known")
    }

    fn contains_tensor(&self, _name: &str) -> bool {
        true
    }
}

/// Gives a module the variables of the model.
struct Variables(Vec<Variable>);

impl SimpleBackend for Variables {
    fn get(
        &self,
        _shape: Shape,
        name: &str,
        _init: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        self.get_unchecked(name, dtype, device)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, _: &Device) -> candle_core::Result<Tensor> {
        match self.0.iter().find(|variable| variable.name == name) {
            Some(variable) => variable.var.as_tensor().to_dtype(dtype),
            None => candle_core::bail!("the module has no variable {name}"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.iter().any(|variable| variable.name == name)
    }
}

/// First values as candle describes them.
fn first_values(init: Init, shape: &Shape) -> FirstValues {
    match init {
        Init::Const(value) => FirstValues::Constant(value as f32),
        Init::Randn { mean, stdev } => FirstValues::Normal(mean, stdev),
        Init::Uniform { lo, up } => FirstValues::Uniform(lo, up),
        Init::Kaiming {
            dist,
            fan,
            non_linearity,
        } => {
            let deviation = non_linearity.gain() / (fan.for_shape(shape) as f64).sqrt();
            let bound = 3f64.sqrt() * deviation;
            match dist {
                NormalOrUniform::Normal => FirstValues::Normal(0.0, deviation),
                NormalOrUniform::Uniform => FirstValues::Uniform(-bound, bound),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense() -> ModuleLayer {
        ModuleLayer::new("dense".into(), |vb| candle_nn::linear(4, 3, vb.pp("inner")))
    }

    #[test]
    fn variables_and_shape_are_those_of_the_module() {
        let layer = dense();
        assert_eq!(layer.output_shape(&[4]), Ok(vec![3]));
        let specs = layer.parameters(&[4]);
        let described: Vec<_> = specs
            .iter()
            .map(|spec| (spec.name.as_str(), spec.shape.as_slice()))
            .collect();
        assert_eq!(
            described,
            [("inner.weight", &[3, 4][..]), ("inner.bias", &[3])]
        );
        // candle_nn::linear: uniform within 1 / sqrt(inputs).
        let FirstValues::Uniform(low, high) = specs[1].first_values else {
            unreachable!("{specs:?}")
        };
        assert_eq!((low, high), (-0.5, 0.5));
    }

    #[test]
    fn a_module_of_another_shape_is_an_error_with_candles_words() {
        let error = dense().output_shape(&[5]).unwrap_err();
        assert_eq!(error.expected, "a module that takes 5 values");
        assert!(
            error.got.contains("shape mismatch in matmul"),
            "{}",
            error.got
        );
    }

    #[test]
    fn copies_are_equal_and_other_functions_are_not() {
        let layer = dense();
        assert_eq!(layer.clone(), layer);
        assert_ne!(dense(), layer);
    }
}
