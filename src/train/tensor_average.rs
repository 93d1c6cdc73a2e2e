//! Average of a model's variables and buffers, as tensors on their device.

use super::executor::Averaging;
use crate::dist::World;
use crate::error::Result;
use candle_core::{DType, Device, Tensor, Var};

/// Average of some variables, which hold either their weights or the average.
pub(crate) struct TensorAverage {
    averaging: Averaging,
    variables: Vec<Var>,
    /// Empty before the first weights.
    average: Vec<Tensor>,
    /// The weights, while the variables hold the average.
    weights: Option<Vec<Tensor>>,
}

impl TensorAverage {
    /// Average before the first step.
    pub(crate) fn new(averaging: Averaging, variables: Vec<Var>) -> Self {
        TensorAverage {
            averaging,
            variables,
            average: Vec::new(),
            weights: None,
        }
    }

    /// Takes in the weights after this number of steps.
    pub(crate) fn add(&mut self, steps: i32) -> Result<()> {
        let Some(share) = self.averaging.share(steps) else {
            return Ok(());
        };
        if share == 1.0 || self.average.is_empty() {
            self.average = copies(&self.variables)?;
            return Ok(());
        }
        for (average, var) in self.average.iter_mut().zip(&self.variables) {
            let change = ((var.as_tensor() - &*average)? * share)?;
            *average = (&*average + change)?;
        }
        Ok(())
    }

    /// Sets the variables to the average, if it has begun after this number of steps.
    pub(crate) fn put_in(&mut self, steps: i32) -> Result<()> {
        if self.weights.is_some() || !self.averaging.has_begun(steps) {
            return Ok(());
        }
        self.weights = Some(copies(&self.variables)?);
        set(&self.variables, &self.average)
    }

    /// Sets the variables to the weights, if they hold the average.
    pub(crate) fn take_out(&mut self) -> Result<()> {
        match self.weights.take() {
            Some(weights) => set(&self.variables, &weights),
            None => Ok(()),
        }
    }

    /// Values of the weights; empty before the average has begun.
    pub(crate) fn weights(&self, steps: i32) -> Result<Vec<Vec<f32>>> {
        if !self.averaging.has_begun(steps) {
            return Ok(Vec::new());
        }
        let values = |tensor: &Tensor| Ok(tensor.flatten_all()?.to_vec1()?);
        match &self.weights {
            Some(weights) => weights.iter().map(values).collect(),
            None => self.variables.iter().map(|var| values(var)).collect(),
        }
    }

    /// Gives all ranks the average, and the weights beside it, of rank 0.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn align(&mut self, world: &World) -> Result<()> {
        let tensors = self
            .average
            .iter_mut()
            .chain(self.weights.iter_mut().flatten());
        for tensor in tensors {
            *tensor = aligned(world, tensor)?;
        }
        Ok(())
    }

    /// Continues from variables that hold the average, unless `weights` is empty.
    pub(crate) fn restore(&mut self, weights: &[Vec<f32>]) -> Result<()> {
        if weights.is_empty() {
            return Ok(());
        }
        self.average = copies(&self.variables)?;
        let tensor = |(values, var): (&Vec<f32>, &Var)| -> Result<Tensor> {
            Ok(Tensor::from_slice(values, var.shape(), var.device())?)
        };
        let weights = weights.iter().zip(&self.variables).map(tensor);
        self.weights = Some(weights.collect::<Result<_>>()?);
        Ok(())
    }
}

/// Sets a variable to its value on rank 0.
///
/// # Errors
/// A rank that is gone.
pub(crate) fn align(world: &World, var: &Var) -> Result<()> {
    Ok(var.set(&aligned(world, var)?)?)
}

/// A tensor's value on rank 0.
fn aligned(world: &World, tensor: &Tensor) -> Result<Tensor> {
    let host = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
    let mut values = host.flatten_all()?.to_vec1::<f32>()?;
    world.copy_from_first(&mut values)?;
    let host = Tensor::from_vec(values, tensor.shape(), &Device::Cpu)?;
    Ok(host.to_device(tensor.device())?.to_dtype(tensor.dtype())?)
}

fn copies(variables: &[Var]) -> Result<Vec<Tensor>> {
    variables
        .iter()
        .map(|var| Ok(var.as_tensor().copy()?))
        .collect()
}

fn set(variables: &[Var], values: &[Tensor]) -> Result<()> {
    for (var, values) in variables.iter().zip(values) {
        var.set(values)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Average;
    use candle_core::Device;

    #[test]
    fn variables_hold_the_average_only_while_it_is_put_in() {
        let averaging = Averaging {
            average: Average::Ema { decay: 0.5 },
            steps_per_epoch: 1,
            first_step: 0,
        };
        let var = Var::new(&[1f32], &Device::Cpu).unwrap();
        let value = || var.to_vec1::<f32>().unwrap()[0];
        let set = |x: f32| var.set(&Tensor::new(&[x], &Device::Cpu).unwrap()).unwrap();
        let mut average = TensorAverage::new(averaging, vec![var.clone()]);
        average.put_in(0).unwrap();
        assert_eq!(value(), 1.0);
        for steps in 1..=3 {
            set(steps as f32);
            average.add(steps).unwrap();
        }
        average.put_in(3).unwrap();
        assert_eq!(
            (value(), average.weights(3).unwrap()),
            (2.25, vec![vec![3.0]])
        );
        let mut resumed = TensorAverage::new(averaging, vec![var.clone()]);
        resumed.restore(&[vec![3.0]]).unwrap();
        resumed.take_out().unwrap();
        assert_eq!(value(), 3.0);
        resumed.put_in(3).unwrap();
        assert_eq!(value(), 2.25);
    }
}
