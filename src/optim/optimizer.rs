//! Optimizer for candle variables.
//!
//! candle-nn's `AdamW` makes about a dozen passes over every variable and allocates a tensor in
//! each. On the CPU, this one updates values and moments in a single pass without allocation. Other
//! devices use candle's tensor operations.

use super::moments::{DeviceMoments, Moments};
use super::rates::Rates;
use super::settings::Optim;
use super::update::{Update, UpdateRule};
use crate::error::{Error, Result};
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Tensor, Var};
use std::cell::RefCell;

/// Optimizer of some variables, with its moments and its step count.
///
/// # Examples
/// A custom training loop:
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::{Optimizer, Rates};
/// let w = Var::new(&[3f32], &Device::Cpu)?;
/// let rates = Rates { learning_rate: 0.1, ..Default::default() };
/// let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::sgd(0.9), rates)?;
/// for _ in 0..100 {
///     let loss = w.sqr()?.sum_all()?;
///     optimizer.backward_step(&loss)?;
/// }
/// assert!(w.to_vec1::<f32>()?[0].abs() < 0.1);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Debug)]
pub struct Optimizer {
    rule: UpdateRule,
    states: Vec<VarState>,
}

/// A variable with its moments.
#[derive(Debug)]
struct VarState {
    var: Var,
    moments: MomentStore,
}

#[derive(Debug)]
enum MomentStore {
    /// f32 variables on the CPU: updated in place.
    Host(Moments),
    /// All others: updated by tensor operations.
    Device(DeviceMoments),
}

impl Optimizer {
    /// Optimizer of `variables`, before its first step.
    ///
    /// # Errors
    /// No variables; a setting outside its range; not enough memory for the moments on the
    /// variables' device.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::optim::{Optimizer, Rates};
    /// let w = Var::new(&[1f32, -2.0], &Device::Cpu)?;
    /// let rates = Rates { learning_rate: 0.1, weight_decay: 0.0 };
    /// let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::sgd(0.0), rates)?;
    /// optimizer.backward_step(&w.sqr()?.sum_all()?)?;
    /// assert_eq!(w.to_vec1::<f32>()?, [0.8, -1.6]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new(variables: Vec<Var>, optim: &Optim, rates: Rates) -> Result<Self> {
        if variables.is_empty() {
            let hint = "Pass ae.parameters()";
            return Err(Error::setting("variables", "at least one", "none", hint));
        }
        optim.check()?;
        rates.check("Rates")?;
        Self::of(variables, optim, rates)
    }

    /// Optimizer of any number of variables: a model may have none.
    pub(crate) fn of(variables: Vec<Var>, optim: &Optim, rates: Rates) -> Result<Self> {
        let rule = UpdateRule::new(*optim, rates);
        let state = |var: Var| -> Result<VarState> {
            Ok(VarState {
                moments: MomentStore::zeros(&var, &rule)?,
                var,
            })
        };
        Ok(Optimizer {
            states: variables.into_iter().map(state).collect::<Result<_>>()?,
            rule,
        })
    }

    /// Number of steps taken.
    pub(crate) fn steps(&self) -> i32 {
        self.rule.steps()
    }

    /// Changes the learning rate of the following steps.
    pub(crate) fn set_learning_rate(&mut self, learning_rate: f64) {
        self.rule.set_learning_rate(learning_rate);
    }

    /// Moments of each variable, on the CPU.
    pub(crate) fn moments(&self) -> Result<Vec<Moments>> {
        self.states
            .iter()
            .map(|state| state.moments.to_host())
            .collect()
    }

    /// Continues from the moments and the step count of an earlier run.
    pub(crate) fn restore(&mut self, moments: &[Moments], steps: i32) -> Result<()> {
        self.rule.resume_at(steps);
        for (state, moments) in self.states.iter_mut().zip(moments) {
            state.moments.restore(&state.var, moments)?;
        }
        Ok(())
    }

    /// Updates every variable that has a gradient.
    ///
    /// # Errors
    /// No variable has a gradient, because the loss does not depend on them; a gradient of another
    /// shape than its variable's.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::optim::{Optimizer, Rates};
    /// let w = Var::new(&[1f32, -2.0], &Device::Cpu)?;
    /// let rates = Rates { learning_rate: 0.1, weight_decay: 0.0 };
    /// let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::sgd(0.0), rates)?;
    /// let gradients = w.sqr()?.sum_all()?.backward()?;
    /// optimizer.step(&gradients)?;
    /// assert_eq!(w.to_vec1::<f32>()?, [0.8, -1.6]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.check_gradients(gradients)?;
        let update = self.rule.next_update();
        for VarState { var, moments } in &mut self.states {
            let Some(gradient) = gradients.get(var) else {
                continue;
            };
            match moments {
                MomentStore::Host(moments) => {
                    let moments = RefCell::new(moments);
                    let op = UpdateOp { update, moments };
                    var.inplace_op2(&gradient.contiguous()?, &op)?;
                }
                MomentStore::Device(moments) => {
                    var.set(&update.apply_on_device(var.as_tensor(), gradient, moments)?)?;
                }
            }
        }
        Ok(())
    }

    /// Rejects gradients of other variables, which would change nothing.
    fn check_gradients(&self, gradients: &GradStore) -> Result<()> {
        let mut states = self.states.iter();
        let found = states.any(|state| gradients.get(&state.var).is_some());
        if found || self.states.is_empty() {
            return Ok(());
        }
        let n = self.states.len();
        let expected = format!("a gradient of at least one of {n} variables");
        let hint = "Compute the loss from these variables, e.g. from ae.forward(&images, true)?; \
                    .detach() and copies of the model cut it off from them";
        Err(Error::shape("Optimizer::step", expected, "none", hint))
    }

    /// Backpropagates a loss and takes a step.
    ///
    /// # Errors
    /// A loss of more than one value; and as [`Optimizer::step`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::optim::{Optimizer, Rates};
    /// let w = Var::new(&[1f32, -2.0], &Device::Cpu)?;
    /// let rates = Rates { learning_rate: 0.1, weight_decay: 0.0 };
    /// let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::sgd(0.0), rates)?;
    /// optimizer.backward_step(&w.sqr()?.sum_all()?)?;
    /// assert_eq!(w.to_vec1::<f32>()?, [0.8, -1.6]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn backward_step(&mut self, loss: &Tensor) -> Result<()> {
        if loss.elem_count() != 1 {
            let got = format!("{:?}", loss.dims());
            let hint = "Take the mean with .mean_all()";
            return Err(Error::shape("loss", "one value", got, hint));
        }
        self.step(&loss.backward()?)
    }
}

impl MomentStore {
    fn zeros(var: &Var, rule: &UpdateRule) -> Result<Self> {
        if let (Device::Cpu, DType::F32) = (var.device(), var.dtype()) {
            return Ok(MomentStore::Host(rule.zero_moments(var.elem_count())));
        }
        let zeros = |kept: Vec<f32>| kept.first().map(|_| var.zeros_like()).transpose();
        let [first, second] = rule.zero_moments(1).map(zeros);
        Ok(MomentStore::Device([first?, second?]))
    }

    fn to_host(&self) -> Result<Moments> {
        let values = |tensor: &Option<Tensor>| -> Result<Vec<f32>> {
            match tensor {
                Some(tensor) => Ok(tensor.flatten_all()?.to_vec1()?),
                None => Ok(Vec::new()),
            }
        };
        match self {
            MomentStore::Host(moments) => Ok(moments.clone()),
            MomentStore::Device([first, second]) => Ok([values(first)?, values(second)?]),
        }
    }

    fn restore(&mut self, var: &Var, moments: &Moments) -> Result<()> {
        let tensor = |values: &Vec<f32>| -> Result<Option<Tensor>> {
            if values.is_empty() {
                return Ok(None);
            }
            Ok(Some(Tensor::from_slice(values, var.shape(), var.device())?))
        };
        *self = match self {
            MomentStore::Host(_) => MomentStore::Host(moments.clone()),
            MomentStore::Device(_) => {
                MomentStore::Device([tensor(&moments[0])?, tensor(&moments[1])?])
            }
        };
        Ok(())
    }
}

/// Update of one f32 variable on the CPU, as a candle op.
struct UpdateOp<'a> {
    update: Update,
    /// candle passes an op by shared reference.
    moments: RefCell<&'a mut Moments>,
}

impl InplaceOp2 for UpdateOp<'_> {
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
        let (Some((start, end)), Some((grad_start, grad_end))) = (
            layout.contiguous_offsets(),
            gradient_layout.contiguous_offsets(),
        ) else {
            candle_core::bail!("optimizer: expected contiguous variables and gradients");
        };
        let (expected, got) = (end - start, grad_end - grad_start);
        if expected != got {
            candle_core::bail!("optimizer: expected {expected} gradients, got {got}");
        }
        let [first, second] = &mut **self.moments.borrow_mut();
        self.update.apply(
            &mut values[start..end],
            &gradient[grad_start..grad_end],
            [first, second],
        );
        Ok(())
    }
}
