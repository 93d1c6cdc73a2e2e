//! Adam in one pass over each variable.
//!
//! Candle's own `AdamW` walks over every variable a dozen times and makes a tensor each time; and the moments of weights
//! that get no gradient (a pixel that is always black) decay into denormal numbers, which slow the processor down more
//! and more. Here both are mended on the CPU. Other devices use candle's tensor operations.

use crate::error::{Error, Result};
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Tensor, Var};
use pulp::Arch;
use std::sync::Mutex;

/// Settings of Adam, with PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step size. Defaults to 0.001.
    pub learning_rate: f64,
    /// How much of the mean gradient is kept from step to step. Defaults to 0.9.
    pub beta1: f64,
    /// How much of the mean squared gradient is kept. Defaults to 0.999.
    pub beta2: f64,
    /// Keeps the division finite. Defaults to 1e-8.
    pub eps: f64,
    /// Share of each weight that is taken away, times the step size, as PyTorch's `AdamW` (Loshchilov and Hutter, 2019).
    /// Defaults to 0, which is Adam (Kingma and Ba, 2015).
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
    }
}

/// Adam at work on some variables: its moments, and the count of steps.
#[derive(Debug)]
pub struct Optimizer {
    adam: Adam,
    step: i32,
    states: Vec<State>,
}

/// Mean and mean square of the gradient of each value of a variable.
pub(crate) type Moments = [Vec<f32>; 2];

#[derive(Debug)]
struct State {
    var: Var,
    moments: Place,
}

#[derive(Debug)]
enum Place {
    /// Mean and mean square of the gradient of each value.
    Host(Mutex<Moments>),
    Device(Tensor, Tensor),
}

impl Optimizer {
    /// An optimizer of variables, before its first step.
    ///
    /// # Errors
    /// Where memory for the moments cannot be had on the variables' device.
    pub fn new(variables: Vec<Var>, adam: Adam) -> Result<Self> {
        let state = |var: Var| -> Result<State> {
            let moments = match (var.device(), var.dtype()) {
                (Device::Cpu, DType::F32) => {
                    Place::Host(Mutex::new([vec![0.0; var.elem_count()], vec![0.0; var.elem_count()]]))
                }
                _ => Place::Device(var.zeros_like()?, var.zeros_like()?),
            };
            Ok(State { var, moments })
        };
        Ok(Optimizer { adam, step: 0, states: variables.into_iter().map(state).collect::<Result<_>>()? })
    }

    /// How many steps were made.
    pub(crate) fn steps(&self) -> i32 {
        self.step
    }

    /// The moments of each variable.
    pub(crate) fn moments(&self) -> Result<Vec<Moments>> {
        let host = |tensor: &Tensor| -> Result<Vec<f32>> { Ok(tensor.flatten_all()?.to_vec1()?) };
        let of = |state: &State| match &state.moments {
            Place::Host(moments) => Ok(moments.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()),
            Place::Device(mean, square) => Ok([host(mean)?, host(square)?]),
        };
        self.states.iter().map(of).collect()
    }

    /// Goes on from moments of another time.
    pub(crate) fn restore(&mut self, moments: &[Moments], steps: i32) -> Result<()> {
        self.step = steps;
        for (state, moments) in self.states.iter_mut().zip(moments) {
            let shape = state.var.shape();
            let tensor = |values: &[f32]| Tensor::from_slice(values, shape, state.var.device());
            state.moments = match state.moments {
                Place::Host(_) => Place::Host(Mutex::new(moments.clone())),
                Place::Device(..) => Place::Device(tensor(&moments[0])?, tensor(&moments[1])?),
            };
        }
        Ok(())
    }

    /// Moves every variable that has a gradient by one step.
    ///
    /// # Errors
    /// A gradient that is not of its variable's shape.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.step += 1;
        // With the corrections for the first steps folded in: x -= rate * m / (sqrt(v) / root + eps)
        let rate = self.adam.learning_rate / (1.0 - self.adam.beta1.powi(self.step));
        let root = (1.0 - self.adam.beta2.powi(self.step)).sqrt();
        for state in &mut self.states {
            let Some(gradient) = gradients.get(&state.var) else { continue };
            match &mut state.moments {
                Place::Host(moments) => {
                    let pass = OnePass { rates: self.adam.rates(self.step), moments };
                    state.var.inplace_op2(&gradient.contiguous()?, &pass)?;
                }
                Place::Device(mean, square) => {
                    let Adam { learning_rate, beta1, beta2, eps, weight_decay } = self.adam;
                    *mean = ((&*mean * beta1)? + (gradient * (1.0 - beta1))?)?;
                    *square = ((&*square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
                    let change = (&*mean * rate)?.div(&((square.sqrt()? / root)? + eps)?)?;
                    let kept = (state.var.as_tensor() * (1.0 - learning_rate * weight_decay))?;
                    state.var.set(&(kept - change)?)?;
                }
            }
        }
        Ok(())
    }

    /// The gradients of a loss, and a step along them.
    ///
    /// # Errors
    /// As [`Optimizer::step`]; and a loss of more than one value.
    pub fn backward_step(&mut self, loss: &Tensor) -> Result<()> {
        if loss.elem_count() != 1 {
            let hint = "Take the mean with .mean_all()";
            return Err(Error::shape("loss", "one value", format!("{:?}", loss.dims()), hint));
        }
        let gradients = loss.backward()?;
        self.step(&gradients)
    }
}

/// What one step multiplies by. The corrections for the first steps are folded in:
/// x -= rate * m / (sqrt(v) / root + eps).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    beta1: f32,
    beta2: f32,
    rate: f32,
    inverse_root: f32,
    eps: f32,
    keep: f32,
}

impl Adam {
    /// The rates of a step, counted from 1.
    pub(crate) fn rates(&self, step: i32) -> Rates {
        Rates {
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            rate: (self.learning_rate / (1.0 - self.beta1.powi(step))) as f32,
            inverse_root: (1.0 / (1.0 - self.beta2.powi(step)).sqrt()) as f32,
            eps: self.eps as f32,
            keep: (1.0 - self.learning_rate * self.weight_decay) as f32,
        }
    }
}

/// Moments smaller than this are zero: far below what could move a weight, far above the denormal numbers.
const NOTHING: f32 = 1e-30;

/// One step, in one pass over values, gradients and moments.
pub(crate) fn adam_step(values: &mut [f32], gradients: &[f32], means: &mut [f32], squares: &mut [f32], rates: &Rates) {
    let Rates { beta1, beta2, rate, inverse_root, eps, keep } = *rates;
    Arch::new().dispatch(|| {
        let all = values.iter_mut().zip(gradients).zip(means.iter_mut()).zip(squares.iter_mut());
        for (((x, &g), m), v) in all {
            let mean = *m * beta1 + g * (1.0 - beta1);
            let square = *v * beta2 + g * g * (1.0 - beta2);
            *m = if mean.abs() < NOTHING { 0.0 } else { mean };
            *v = if square < NOTHING { 0.0 } else { square };
            *x = *x * keep - rate * *m / (v.sqrt() * inverse_root + eps);
        }
    });
}

/// One step of one variable on the CPU.
struct OnePass<'a> {
    rates: Rates,
    moments: &'a Mutex<Moments>,
}

impl InplaceOp2 for OnePass<'_> {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), CpuStorage::F32(gradient)) = (values, gradient) else {
            candle_core::bail!("adam: expected f32 variables and gradients");
        };
        let (Some((start, end)), Some((g_start, g_end))) =
            (layout.contiguous_offsets(), gradient_layout.contiguous_offsets())
        else {
            candle_core::bail!("adam: expected contiguous variables and gradients");
        };
        let mut moments = self.moments.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let [means, squares] = &mut *moments;
        if end - start != g_end - g_start || end - start != means.len() {
            candle_core::bail!("adam: expected {} gradients, got {}", means.len(), g_end - g_start);
        }
        adam_step(&mut values[start..end], &gradient[g_start..g_end], means, squares, &self.rates);
        Ok(())
    }
}
