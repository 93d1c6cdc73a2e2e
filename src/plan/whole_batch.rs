//! Layers that look at the whole batch in training. They run between two segments, by candle.

use crate::error::Result;
use crate::layer::{
    Arithmetic, BackwardArgs, CpuOp, ForwardArgs, ForwardContext, ForwardState, Layer, LayerVars,
    OpShape, OpTraining, Term, Variable, VariableSpec, Workspace,
};
use crate::math::Real;
use candle_core::{Device, Tensor, Var};

/// CPU op of such a layer. Its evaluation is that of single images.
#[derive(Debug)]
pub(crate) struct WholeBatchOp {
    layer: Layer,
    /// Shape of the input, without the batch dimension.
    input: Vec<usize>,
    parameters: Vec<VariableSpec>,
    buffers: Vec<VariableSpec>,
}

/// Inputs of a forward pass over a batch, besides its values.
pub(crate) struct BatchInputs<'a, T> {
    /// Values of the layer's parameters, one after another.
    pub(crate) parameters: &'a [T],
    pub(crate) buffers: &'a [Variable],
    pub(crate) labels: Option<Tensor>,
    pub(crate) training: OpTraining,
}

/// A forward pass over a batch, kept for its backward pass.
#[derive(Debug)]
pub(crate) struct BatchPass {
    x: Var,
    parameters: Vec<Variable>,
    y: Tensor,
    /// Code of dead units for a later stage.
    second_code: Option<Tensor>,
    /// Mean over the images of the term that the layer adds to the loss.
    term: Option<Tensor>,
    /// New values of buffers.
    state: ForwardState,
}

/// Gradients from which a backward pass over a batch begins.
pub(crate) struct OutputGradients<T> {
    /// dL/dy
    pub(crate) dy: Vec<T>,
    /// Those of the second code, empty if there is none.
    pub(crate) second_code: Vec<T>,
    /// Factor of the term in the loss.
    pub(crate) term_scale: f64,
}

/// Gradients of a backward pass over a batch.
pub(crate) struct BatchGradients<T> {
    /// dL/dx
    pub(crate) input: Vec<T>,
    /// dL/dp of the layer's parameters, one after another.
    pub(crate) parameters: Vec<T>,
}

impl BatchPass {
    /// Values of the second code, empty if there is none.
    pub(crate) fn second_code<T: Real>(&self) -> Result<Vec<T>> {
        let code = self.second_code.as_ref();
        let values = code.map(|code| Ok(code.flatten_all()?.to_vec1()?));
        values.unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Takes over the new values of buffers.
    pub(crate) fn update_buffers(&mut self) -> Result<()> {
        self.state.update_buffers()
    }

    /// The term, 0 if the layer has none.
    pub(crate) fn term<T: Real>(&self) -> Result<f64> {
        let term = self.term.as_ref().map(Tensor::to_scalar::<T>);
        Ok(term.transpose()?.map_or(0.0, Into::into))
    }
}

impl WholeBatchOp {
    pub(crate) fn new(layer: Layer, input: &[usize]) -> Self {
        let kind = layer.kind();
        let (parameters, buffers) = (kind.parameters(input), kind.buffers(input));
        let input = input.to_vec();
        WholeBatchOp {
            layer,
            input,
            parameters,
            buffers,
        }
    }

    pub(crate) fn parameters(&self) -> &[VariableSpec] {
        &self.parameters
    }

    /// True if the layer reads the labels of the images.
    pub(crate) fn reads_labels(&self) -> bool {
        self.layer.reads_labels()
    }

    /// True if the output of an image depends on the others.
    pub(crate) fn joins_images(&self) -> bool {
        self.layer.kind().joins_images()
    }

    /// True if the layer has buffers.
    pub(crate) fn has_buffers(&self) -> bool {
        !self.buffers.is_empty()
    }

    /// Computes the outputs of a batch in training.
    ///
    /// # Shapes
    /// (b, inputs) -> (b, outputs)
    pub(crate) fn forward_batch<T: Real>(
        &self,
        x: Vec<T>,
        inputs: BatchInputs<'_, T>,
    ) -> Result<(Vec<T>, BatchPass)> {
        let OpTraining { mut rng, step } = inputs.training;
        let x = Var::from_tensor(&self.tensor(x)?)?;
        let parameters = variables(&self.parameters, inputs.parameters)?;
        let mut state = ForwardState {
            step,
            labels: inputs.labels,
            ..Default::default()
        };
        let mut context = ForwardContext {
            rng: Some(&mut rng),
            state: &mut state,
        };
        let vars = LayerVars {
            learned: &parameters,
            buffers: inputs.buffers,
            tied: None,
        };
        let y = self
            .layer
            .kind()
            .candle_forward(x.as_tensor(), vars, &mut context)?;
        let values = y.flatten_all()?.to_vec1()?;
        let term = state.terms.pop().map(|value| value.mean);
        let pass = BatchPass {
            x,
            parameters,
            y,
            second_code: state.second_code.take(),
            term,
            state,
        };
        Ok((values, pass))
    }

    /// Computes the gradients from those of the outputs.
    pub(crate) fn backward_batch<T: Real>(
        &self,
        pass: &BatchPass,
        outputs: OutputGradients<T>,
    ) -> Result<BatchGradients<T>> {
        let OutputGradients {
            dy,
            second_code,
            term_scale,
        } = outputs;
        let dy = Tensor::from_vec(dy, pass.y.shape(), &Device::Cpu)?;
        let mut loss = (&pass.y * dy)?.sum_all()?;
        if let Some(code) = pass
            .second_code
            .as_ref()
            .filter(|_| !second_code.is_empty())
        {
            let gradient = Tensor::from_vec(second_code, code.shape(), &Device::Cpu)?;
            loss = (loss + (code * gradient)?.sum_all()?)?;
        }
        if let Some(term) = &pass.term {
            loss = (loss + (term * term_scale)?)?;
        }
        let gradients = loss.backward()?;
        let of = |var: &Var| -> Result<Vec<T>> {
            match gradients.get(var) {
                Some(gradient) => Ok(gradient.flatten_all()?.to_vec1()?),
                None => Ok(vec![T::ZERO; var.elem_count()]),
            }
        };
        let mut parameters = Vec::new();
        for variable in &pass.parameters {
            parameters.extend(of(&variable.var)?);
        }
        Ok(BatchGradients {
            input: of(&pass.x)?,
            parameters,
        })
    }

    /// (b * inputs) -> (b, input shape)
    fn tensor<T: Real>(&self, x: Vec<T>) -> Result<Tensor> {
        let rows = x.len() / self.input.iter().product::<usize>().max(1);
        let shape = [&[rows], self.input.as_slice()].concat();
        Ok(Tensor::from_vec(x, shape, &Device::Cpu)?)
    }

    /// Evaluates images with the layer's parameters and buffers.
    fn evaluate<T: Real>(&self, x: &[T], parameters: &[T], buffers: &[T]) -> Result<Vec<T>> {
        let kind = self.layer.kind();
        let learned = variables(&self.parameters, parameters)?;
        let buffers = variables(&self.buffers, buffers)?;
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let vars = LayerVars {
            learned: &learned,
            buffers: &buffers,
            tied: None,
        };
        let y = kind.candle_forward(&self.tensor(x.to_vec())?, vars, &mut context)?;
        Ok(y.flatten_all()?.to_vec1()?)
    }
}

/// Variables with these values, one after another.
fn variables<T: Real>(specs: &[VariableSpec], mut values: &[T]) -> Result<Vec<Variable>> {
    let mut variables = Vec::with_capacity(specs.len());
    for spec in specs {
        let (head, rest) = values.split_at(spec.len());
        values = rest;
        variables.push(Variable {
            name: spec.name.clone(),
            var: Var::from_slice(head, spec.shape.as_slice(), &Device::Cpu)?,
        });
    }
    Ok(variables)
}

impl CpuOp for WholeBatchOp {
    fn rng_calls(&self) -> usize {
        self.layer.kind().rng_calls(&self.input)
    }

    fn term(&self) -> Option<Term> {
        self.layer.kind().term()
    }
}

impl<T: Real> Arithmetic<T> for WholeBatchOp {
    fn forward(
        &self,
        _shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        match self.evaluate(x, args.weight, args.bias) {
            Ok(values) => y.copy_from_slice(&values),
            // Out of memory, at most. No loss of these values is finite.
            Err(_) => y.fill(T::of(f64::NAN)),
        }
    }

    /// The pass over the batch computes the gradients.
    fn backward(
        &self,
        _shape: OpShape,
        _args: BackwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
    }
}
