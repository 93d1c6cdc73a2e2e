//! Adam and gradient descent in one pass over each variable.
//!
//! Candle's own `AdamW` walks over every variable a dozen times and makes a tensor each time; and the moments of weights
//! that get no gradient (a pixel that is always black) decay into denormal numbers, which slow the processor down more
//! and more. Here both are mended on the CPU. Other devices use candle's tensor operations.

use crate::error::{Error, Result};
use crate::lock::lock;
use crate::math::{Real, widest};
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Tensor, Var};
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// How [`Fit`](crate::Fit) moves the weights; its learning rate and weight decay go with either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Optim {
    /// Adam (Kingma and Ba, 2015), with decoupled weight decay. PyTorch: `torch.optim.AdamW(weight_decay=0)`.
    #[default]
    Adam,
    /// Stochastic gradient descent. PyTorch: `torch.optim.SGD(momentum=...)`. Losses are means over all pixels, so that it
    /// wants a far larger learning rate than Adam: 1 is a good start, 0.1 with a momentum of 0.9.
    Sgd {
        /// How much of the last step's direction is kept, in [0, 1). 0 follows the gradient alone; 0.9 is usual.
        momentum: f64,
    },
}

impl Optim {
    /// Settings of the optimizer with a learning rate and a weight decay.
    pub(crate) fn method(self, learning_rate: f64, weight_decay: f64) -> Method {
        match self {
            Optim::Adam => Method::Adam(Adam {
                learning_rate,
                weight_decay,
                ..Default::default()
            }),
            Optim::Sgd { momentum } => Method::Sgd(Sgd {
                learning_rate,
                momentum,
                weight_decay,
            }),
        }
    }

    /// How many of a variable's [`Moments`] are kept from step to step.
    pub(crate) fn kept(self) -> usize {
        match self {
            Optim::Adam => 2,
            Optim::Sgd { momentum } => usize::from(momentum != 0.0),
        }
    }
}

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
        Adam {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// Settings of stochastic gradient descent, with the meaning of PyTorch's `torch.optim.SGD`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Step size. Defaults to 0.001.
    pub learning_rate: f64,
    /// How much of the last step's direction is kept, in [0, 1). Defaults to 0.
    pub momentum: f64,
    /// What of each weight is added to its gradient: the penalty of half its square, times this. Defaults to 0.
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Sgd {
            learning_rate: 1e-3,
            momentum: 0.0,
            weight_decay: 0.0,
        }
    }
}

/// One of the two, with its settings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Adam(Adam),
    Sgd(Sgd),
}

impl Method {
    /// Moments of so many values, before the first step.
    pub(crate) fn moments<T: Real>(self, values: usize) -> Moments<T> {
        let kept = match self {
            Method::Adam(_) => Optim::Adam.kept(),
            Method::Sgd(Sgd { momentum, .. }) => Optim::Sgd { momentum }.kept(),
        };
        [0, 1].map(|nth| vec![T::ZERO; if nth < kept { values } else { 0 }])
    }
}

/// An optimizer at work on some variables: its moments, and the count of steps.
#[derive(Debug)]
pub struct Optimizer {
    method: Method,
    step: i32,
    states: Vec<State>,
}

/// Mean and mean square of the gradient of each value of a variable; for gradient descent, the direction in place of the
/// mean where there is momentum. What the optimizer does not keep is empty.
pub(crate) type Moments<T = f32> = [Vec<T>; 2];

#[derive(Debug)]
struct State {
    var: Var,
    moments: Place,
}

#[derive(Debug)]
enum Place {
    Host(Mutex<Moments>),
    Device([Option<Tensor>; 2]),
}

impl Optimizer {
    /// Adam on some variables, before its first step.
    ///
    /// # Errors
    /// Where memory for the moments cannot be had on the variables' device.
    pub fn new(variables: Vec<Var>, adam: Adam) -> Result<Self> {
        Self::with(variables, Method::Adam(adam))
    }

    /// Stochastic gradient descent on some variables, before its first step.
    ///
    /// # Errors
    /// As [`Optimizer::new`].
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// use candlebook::optim::{Optimizer, Sgd};
    /// let w = Var::new(&[3f32], &Device::Cpu)?;
    /// let mut sgd = Optimizer::sgd(vec![w.clone()], Sgd { learning_rate: 0.1, momentum: 0.9, ..Default::default() })?;
    /// sgd.backward_step(&w.sqr()?.sum_all()?)?;
    /// assert!((w.to_vec1::<f32>()?[0] - 2.4).abs() < 1e-6);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn sgd(variables: Vec<Var>, sgd: Sgd) -> Result<Self> {
        Self::with(variables, Method::Sgd(sgd))
    }

    pub(crate) fn with(variables: Vec<Var>, method: Method) -> Result<Self> {
        let state = |var: Var| -> Result<State> {
            let moments = match (var.device(), var.dtype()) {
                (Device::Cpu, DType::F32) => {
                    Place::Host(Mutex::new(method.moments(var.elem_count())))
                }
                _ => {
                    let [first, second] = method
                        .moments::<f32>(1)
                        .map(|kept| kept.first().map(|_| var.zeros_like()).transpose());
                    Place::Device([first?, second?])
                }
            };
            Ok(State { var, moments })
        };
        Ok(Optimizer {
            method,
            step: 0,
            states: variables.into_iter().map(state).collect::<Result<_>>()?,
        })
    }

    /// How many steps were made.
    pub(crate) fn steps(&self) -> i32 {
        self.step
    }

    /// The moments of each variable.
    pub(crate) fn moments(&self) -> Result<Vec<Moments>> {
        let host = |tensor: &Option<Tensor>| -> Result<Vec<f32>> {
            tensor.as_ref().map_or(Ok(Vec::new()), |tensor| {
                Ok(tensor.flatten_all()?.to_vec1()?)
            })
        };
        let of = |state: &State| match &state.moments {
            Place::Host(moments) => Ok(lock(moments).clone()),
            Place::Device([first, second]) => Ok([host(first)?, host(second)?]),
        };
        self.states.iter().map(of).collect()
    }

    /// Goes on from moments of another time.
    pub(crate) fn restore(&mut self, moments: &[Moments], steps: i32) -> Result<()> {
        self.step = steps;
        for (state, moments) in self.states.iter_mut().zip(moments) {
            let shape = state.var.shape();
            let tensor = |values: &Vec<f32>| -> Result<Option<Tensor>> {
                let some = Some(values).filter(|values| !values.is_empty());
                Ok(some
                    .map(|values| Tensor::from_slice(values, shape, state.var.device()))
                    .transpose()?)
            };
            state.moments = match state.moments {
                Place::Host(_) => Place::Host(Mutex::new(moments.clone())),
                Place::Device(_) => Place::Device([tensor(&moments[0])?, tensor(&moments[1])?]),
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
        for state in &mut self.states {
            let Some(gradient) = gradients.get(&state.var) else {
                continue;
            };
            match &mut state.moments {
                Place::Host(moments) => {
                    let pass = OnePass {
                        rates: self.method.rates(self.step),
                        moments,
                    };
                    state.var.inplace_op2(&gradient.contiguous()?, &pass)?;
                }
                Place::Device(moments) => {
                    let moved = moved(&state.var, gradient, self.method, self.step, moments)?;
                    state.var.set(&moved)?;
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
            return Err(Error::shape(
                "loss",
                "one value",
                format!("{:?}", loss.dims()),
                hint,
            ));
        }
        let gradients = loss.backward()?;
        self.step(&gradients)
    }
}

/// A variable after one step, by candle's operations.
fn moved(
    var: &Var,
    gradient: &Tensor,
    method: Method,
    step: i32,
    [first, second]: &mut [Option<Tensor>; 2],
) -> Result<Tensor> {
    let value = var.as_tensor();
    /// What is kept of the last step, and what is added to it.
    fn next(last: &mut Option<Tensor>, keep: f64, added: Tensor) -> Result<Tensor> {
        let sum = match last {
            Some(last) => ((&*last * keep)? + added)?,
            None => return Ok(added),
        };
        *last = Some(sum.clone());
        Ok(sum)
    }
    match method {
        Method::Adam(Adam {
            learning_rate,
            beta1,
            beta2,
            eps,
            weight_decay,
        }) => {
            // With the corrections for the first steps folded in: x -= rate * m / (sqrt(v) / root + eps)
            let rate = learning_rate / (1.0 - beta1.powi(step));
            let root = (1.0 - beta2.powi(step)).sqrt();
            let mean = next(first, beta1, (gradient * (1.0 - beta1))?)?;
            let square = next(second, beta2, (gradient.sqr()? * (1.0 - beta2))?)?;
            let change = (mean * rate)?.div(&((square.sqrt()? / root)? + eps)?)?;
            Ok(((value * (1.0 - learning_rate * weight_decay))? - change)?)
        }
        Method::Sgd(Sgd {
            learning_rate,
            momentum,
            weight_decay,
        }) => {
            let direction = next(first, momentum, (gradient + (value * weight_decay)?)?)?;
            Ok((value - (direction * learning_rate)?)?)
        }
    }
}

/// What one step multiplies by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rates {
    /// The corrections for the first steps are folded in: x -= rate * m / (sqrt(v) / root + eps).
    Adam {
        beta1: f64,
        beta2: f64,
        rate: f64,
        inverse_root: f64,
        eps: f64,
        keep: f64,
    },
    Sgd {
        momentum: f64,
        rate: f64,
        decay: f64,
    },
}

impl Method {
    /// The rates of a step, counted from 1.
    pub(crate) fn rates(&self, step: i32) -> Rates {
        match *self {
            Method::Adam(Adam {
                learning_rate,
                beta1,
                beta2,
                eps,
                weight_decay,
            }) => Rates::Adam {
                beta1,
                beta2,
                rate: learning_rate / (1.0 - beta1.powi(step)),
                inverse_root: 1.0 / (1.0 - beta2.powi(step)).sqrt(),
                eps,
                keep: 1.0 - learning_rate * weight_decay,
            },
            Method::Sgd(Sgd {
                learning_rate,
                momentum,
                weight_decay,
            }) => Rates::Sgd {
                momentum,
                rate: learning_rate,
                decay: weight_decay,
            },
        }
    }
}

/// Moments smaller than this are zero: far below what could move a weight, far above the denormal numbers.
const NOTHING: f64 = 1e-30;

/// One step, in one pass over values, gradients and moments; those that the method does not keep are empty.
pub(crate) fn one_step<T: Real>(
    values: &mut [T],
    gradients: &[T],
    first: &mut [T],
    second: &mut [T],
    rates: &Rates,
) {
    let nothing = T::of(NOTHING);
    match *rates {
        Rates::Adam {
            beta1,
            beta2,
            rate,
            inverse_root,
            eps,
            keep,
        } => {
            let [beta1, beta2, rate, inverse_root, eps, keep] =
                [beta1, beta2, rate, inverse_root, eps, keep].map(T::of);
            let (new1, new2) = (T::ONE - beta1, T::ONE - beta2);
            widest!(|| {
                let all = values
                    .iter_mut()
                    .zip(gradients)
                    .zip(first.iter_mut())
                    .zip(second.iter_mut());
                for (((x, &g), m), v) in all {
                    let mean = *m * beta1 + g * new1;
                    let square = *v * beta2 + g * g * new2;
                    *m = if mean.abs() < nothing { T::ZERO } else { mean };
                    *v = if square < nothing { T::ZERO } else { square };
                    *x = *x * keep - rate * *m / (v.sqrt() * inverse_root + eps);
                }
            });
        }
        Rates::Sgd {
            momentum,
            rate,
            decay,
        } => {
            let [momentum, rate, decay] = [momentum, rate, decay].map(T::of);
            if first.is_empty() {
                return widest!(|| {
                    values
                        .iter_mut()
                        .zip(gradients)
                        .for_each(|(x, &g)| *x -= rate * (g + decay * *x));
                });
            }
            widest!(|| {
                for ((x, &g), m) in values.iter_mut().zip(gradients).zip(first.iter_mut()) {
                    let direction = *m * momentum + g + decay * *x;
                    *m = if direction.abs() < nothing {
                        T::ZERO
                    } else {
                        direction
                    };
                    *x -= rate * *m;
                }
            });
        }
    }
}

/// One step of one variable on the CPU.
struct OnePass<'a> {
    rates: Rates,
    moments: &'a Mutex<Moments>,
}

impl InplaceOp2 for OnePass<'_> {
    fn name(&self) -> &'static str {
        "optimizer"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), CpuStorage::F32(gradient)) = (values, gradient) else {
            candle_core::bail!("optimizer: expected f32 variables and gradients");
        };
        let (Some((start, end)), Some((g_start, g_end))) = (
            layout.contiguous_offsets(),
            gradient_layout.contiguous_offsets(),
        ) else {
            candle_core::bail!("optimizer: expected contiguous variables and gradients");
        };
        let mut moments = lock(self.moments);
        let [first, second] = &mut *moments;
        if end - start != g_end - g_start {
            candle_core::bail!(
                "optimizer: expected {} gradients, got {}",
                end - start,
                g_end - g_start
            );
        }
        one_step(
            &mut values[start..end],
            &gradient[g_start..g_end],
            first,
            second,
            &self.rates,
        );
        Ok(())
    }
}
