//! Custom losses: a function of the input, the code and the output.

use crate::data::floats;
use crate::error::{Error, Result};
use crate::layer::Number;
use crate::plan::{Plan, Shard};
use candle_core::{Device, Layout, Storage, Tensor, Var};
use rayon::prelude::*;
use std::ops::{Deref, Range};

/// (input, code, output) -> (). All have the batch dimension first.
pub(crate) type CustomLoss<'a> =
    &'a (dyn Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'a);

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
        type Values<T> = for<'a> fn(&'a Shard<T>, &Plan) -> &'a [T];
        let images: usize = shards.iter().map(|shard| shard.rows).sum();
        // Variables from the start: making one of a tensor would copy it again.
        let joined = |shape: &[usize], of: Values<T>| -> Result<Var> {
            let values: Vec<&[T]> = shards.iter().map(|shard| of(shard, plan)).collect();
            let values = values.concat();
            let shape = [&[images], shape].concat();
            Ok(Var::from_vec(values, shape, &Device::Cpu)?)
        };
        // The copies take as long as a small loss, so they run in parallel.
        let (input, read) = rayon::join(
            || joined(&self.image, Shard::images),
            || {
                let output = joined(&self.image, Shard::output)?;
                Ok::<_, Error>((joined(&self.code, Shard::code)?, output))
            },
        );
        let (input, (code, output)) = (input?.as_detached_tensor(), read?);
        let gradients = gradients(self.loss, &input, code, output)?;
        let contiguous = |gradient: Option<Tensor>| gradient.map(|g| g.contiguous()).transpose();
        let (output, code) = (contiguous(gradients.output)?, contiguous(gradients.code)?);
        let output = output.as_ref().map(Tensor::storage_and_layout);
        let code = code.as_ref().map(Tensor::storage_and_layout);
        let (output, code) = (values(&output), values(&code));
        let mut rows = 0;
        let parts = shards.iter_mut().map(|shard| {
            let first = rows;
            rows += shard.rows;
            (shard, first..rows)
        });
        let parts: Vec<_> = parts.collect();
        parts.into_par_iter().for_each(|(shard, rows)| {
            let [output, code] = [output, code].map(|values| rows_of(values?, images, &rows));
            shard.set_gradients(output, code);
        });
        Ok(gradients.value.to_scalar::<T>()?.into())
    }
}

/// Values of a contiguous gradient, if the loss depends on the tensor.
fn values<'a, T: Number>(
    gradient: &'a Option<(impl Deref<Target = Storage>, &Layout)>,
) -> Option<&'a [T]> {
    let (storage, layout) = gradient.as_ref()?;
    floats(storage, layout)
}

/// Values of some of the images.
fn rows_of<'a, T>(values: &'a [T], images: usize, rows: &Range<usize>) -> Option<&'a [T]> {
    let size = values.len() / images;
    values.get(rows.start * size..rows.end * size)
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
