//! Custom losses: a function of the input, the code and the output.

use crate::error::{Error, Result};
use crate::layer::Number;
use crate::plan::{Plan, Shard};
use candle_core::{Device, Tensor, Var};

/// (input, code, output) -> (). All have the batch dimension first.
pub(crate) type CustomLoss<'a> = &'a (dyn Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Sync);

/// A custom loss in the planned step.
pub(super) struct PlannedLoss<'a> {
    pub(super) loss: CustomLoss<'a>,
    /// Shapes without the batch dimension.
    pub(super) image: Vec<usize>,
    pub(super) code: Vec<usize>,
}

impl PlannedLoss<'_> {
    /// Writes the gradients at code and output to the shards; returns the loss.
    pub(super) fn write_gradients<T: Number>(
        &self,
        shards: &mut [Shard<T>],
        plan: &Plan,
    ) -> Result<f64> {
        let images: usize = shards.iter().map(|shard| shard.rows).sum();
        type Values<T> = for<'a> fn(&'a Shard<T>, &Plan) -> &'a [T];
        // Variables from the start: making one of a tensor would copy it again.
        let joined = |shape: &[usize], of: Values<T>| -> Result<Var> {
            let values: Vec<&[T]> = shards.iter().map(|shard| of(shard, plan)).collect();
            let values = values.concat();
            let shape = [&[images], shape].concat();
            Ok(Var::from_vec(values, shape, &Device::Cpu)?)
        };
        let input = joined(&self.image, Shard::images)?.as_detached_tensor();
        let (code, output) = (
            joined(&self.code, Shard::code)?,
            joined(&self.image, Shard::output)?,
        );
        let counts = [output.elem_count(), code.elem_count()];
        let gradients = gradients(self.loss, &input, code, output)?;
        let (output, code) = (
            values(gradients.output, counts[0])?,
            values(gradients.code, counts[1])?,
        );
        let sizes = counts.map(|count| count.checked_div(images).unwrap_or(0));
        let (mut output, mut code) = (&output[..], &code[..]);
        for shard in shards {
            let [outputs, codes] = sizes.map(|size| shard.rows * size);
            let (of_output, of_code);
            (of_output, output) = output.split_at(outputs);
            (of_code, code) = code.split_at(codes);
            shard.set_gradients(of_output, of_code);
        }
        Ok(gradients.value.to_scalar::<T>()?.into())
    }
}

/// Values of a gradient; zeros if the loss does not depend on the tensor.
fn values<T: Number>(gradient: Option<Tensor>, count: usize) -> Result<Vec<T>> {
    match gradient {
        Some(gradient) => Ok(gradient.flatten_all()?.to_vec1()?),
        None => Ok(vec![T::ZERO; count]),
    }
}

/// Value and gradients of a custom loss.
pub(super) struct Gradients {
    pub(super) value: Tensor,
    /// `None` if the loss does not depend on it.
    pub(super) code: Option<Tensor>,
    pub(super) output: Option<Tensor>,
}

/// Calls the loss with code and output.
///
/// # Errors
/// That of the loss; a result that is not a scalar, or has no gradient.
pub(super) fn gradients(
    loss: CustomLoss<'_>,
    input: &Tensor,
    code: Var,
    output: Var,
) -> Result<Gradients> {
    let value = call(loss, input, &code, &output)?;
    let store = value.backward()?;
    let gradients = Gradients {
        code: store.get(&code).cloned(),
        output: store.get(&output).cloned(),
        value,
    };
    if gradients.code.is_none() && gradients.output.is_none() {
        let hint = "Compute it from them with candle's operations, without detach or to_vec";
        let expected = "a loss that depends on the code or the output";
        return Err(Error::shape(
            "fit_with_loss",
            expected,
            "one without a gradient",
            hint,
        ));
    }
    Ok(gradients)
}

/// Calls the loss, and checks that it is a scalar.
pub(super) fn call(
    loss: CustomLoss<'_>,
    input: &Tensor,
    code: &Tensor,
    output: &Tensor,
) -> Result<Tensor> {
    let value = loss(input, code, output)?;
    if value.rank() > 0 {
        let got = format!("a tensor of shape {:?}", value.dims());
        let hint = "End the loss with .mean_all()?";
        return Err(Error::shape("fit_with_loss", "a scalar", got, hint));
    }
    Ok(value.to_dtype(output.dtype())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    fn zeros() -> Var {
        Var::zeros((2, 3), DType::F32, &Device::Cpu).unwrap()
    }

    fn result(loss: CustomLoss<'_>) -> Result<Gradients> {
        gradients(loss, &zeros(), zeros(), zeros())
    }

    #[test]
    fn each_gradient_is_that_of_the_loss() {
        let both = result(&|_, code, output| Ok(((code * 2.0)? + output)?.sum_all()?)).unwrap();
        let first = |gradient: Option<Tensor>| gradient.unwrap().to_vec2::<f32>().unwrap()[0][0];
        assert_eq!((first(both.code), first(both.output)), (2.0, 1.0));
        let output = result(&|_, _, output| Ok(output.mean_all()?)).unwrap();
        assert!(output.code.is_none() && output.output.is_some());
    }

    #[test]
    fn losses_that_cannot_train_are_rejected() {
        let error = |loss: CustomLoss<'_>| result(loss).err().unwrap().to_string();
        assert_eq!(
            error(&|input, _, output| Ok((output - input)?.sqr()?)),
            "fit_with_loss: expected a scalar, got a tensor of shape [2, 3]. End the loss with \
             .mean_all()?"
        );
        let constant = error(&|_, _, output| Ok(output.detach().sum_all()?));
        assert!(
            constant.starts_with("fit_with_loss: expected a loss that depends on the code"),
            "{constant}"
        );
    }
}
