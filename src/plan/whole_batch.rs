//! Layers that look at the whole batch in training. They run between two segments, by candle.

use crate::error::Result;
use crate::layer::{
    Arithmetic, BackwardArgs, CpuOp, ForwardArgs, ForwardContext, ForwardState, Layer, LayerVars,
    OpShape, OpTraining, Term, Workspace,
};
use crate::math::Real;
use candle_core::{Device, Tensor, Var};

/// CPU op of such a layer. Its evaluation is that of single images.
#[derive(Debug)]
pub(crate) struct WholeBatchOp {
    layer: Layer,
    /// Shape of the input, without the batch dimension.
    input: Vec<usize>,
}

/// A forward pass over a batch, kept for its backward pass.
#[derive(Debug)]
pub(crate) struct BatchPass {
    x: Var,
    y: Tensor,
    /// Mean over the images of the term that the layer adds to the loss.
    term: Option<Tensor>,
}

impl BatchPass {
    /// The term, 0 if the layer has none.
    pub(crate) fn term<T: Real>(&self) -> Result<f64> {
        let term = self.term.as_ref().map(Tensor::to_scalar::<T>);
        Ok(term.transpose()?.map_or(0.0, Into::into))
    }
}

impl WholeBatchOp {
    pub(crate) fn new(layer: Layer, input: &[usize]) -> Self {
        let input = input.to_vec();
        WholeBatchOp { layer, input }
    }

    /// Computes the outputs of a batch in training.
    ///
    /// # Shapes
    /// (b, inputs) -> (b, outputs)
    pub(crate) fn forward_batch<T: Real>(
        &self,
        x: Vec<T>,
        training: OpTraining,
    ) -> Result<(Vec<T>, BatchPass)> {
        let OpTraining { mut rng, step } = training;
        let x = Var::from_tensor(&self.tensor(x)?)?;
        let mut state = ForwardState {
            step,
            ..Default::default()
        };
        let mut context = ForwardContext {
            rng: Some(&mut rng),
            state: &mut state,
        };
        let y = self.candle_forward(x.as_tensor(), &mut context)?;
        let values = y.flatten_all()?.to_vec1()?;
        let term = state.terms.pop().map(|value| value.mean);
        Ok((values, BatchPass { x, y, term }))
    }

    /// Computes dL/dx from dL/dy. `term_scale` is the factor of the term in the loss.
    pub(crate) fn backward_batch<T: Real>(
        &self,
        pass: &BatchPass,
        dy: Vec<T>,
        term_scale: f64,
    ) -> Result<Vec<T>> {
        let dy = Tensor::from_vec(dy, pass.y.shape(), &Device::Cpu)?;
        let mut loss = (&pass.y * dy)?.sum_all()?;
        if let Some(term) = &pass.term {
            loss = (loss + (term * term_scale)?)?;
        }
        match loss.backward()?.get(&pass.x) {
            Some(dx) => Ok(dx.flatten_all()?.to_vec1()?),
            None => Ok(vec![T::ZERO; pass.x.elem_count()]),
        }
    }

    /// (b * inputs) -> (b, input shape)
    fn tensor<T: Real>(&self, x: Vec<T>) -> Result<Tensor> {
        let rows = x.len() / self.input.iter().product::<usize>().max(1);
        let shape = [&[rows], self.input.as_slice()].concat();
        Ok(Tensor::from_vec(x, shape, &Device::Cpu)?)
    }

    fn candle_forward(&self, x: &Tensor, context: &mut ForwardContext<'_>) -> Result<Tensor> {
        let vars = LayerVars {
            learned: None,
            running: None,
        };
        self.layer.kind().candle_forward(x, vars, context)
    }

    fn evaluate<T: Real>(&self, x: &[T]) -> Result<Vec<T>> {
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let y = self.candle_forward(&self.tensor(x.to_vec())?, &mut context)?;
        Ok(y.flatten_all()?.to_vec1()?)
    }
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
        _args: ForwardArgs<'_, T>,
        _workspaces: &mut [Workspace<T>],
    ) {
        match self.evaluate(x) {
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
