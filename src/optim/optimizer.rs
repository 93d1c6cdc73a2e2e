//! Optimizer for candle variables.
//!
//! candle-nn's `AdamW` makes about a dozen passes over every variable and allocates a tensor in
//! each. On the CPU, this one updates values and moments in a single pass (`moment_store`). Other
//! devices use candle's tensor operations.

use super::gradients::Gradients;
use super::groups::Grouping;
use super::moment_store::MomentStore;
use super::moments::Moments;
use super::ranges::check_not_negative;
use super::rates::Rates;
use super::settings::Optim;
use super::tensor_gradients::{TensorGradients, changed};
use super::update::UpdateRule;
use crate::error::{Error, Result};
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

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
    variables: Vec<Var>,
    /// One for each variable.
    moments: Vec<MomentStore>,
    /// The group of each variable.
    group_of: Vec<usize>,
    settings: Gradients,
    /// Seed of the gradients' noise.
    seed: u64,
    /// Gradients of the next step so far.
    gradients: TensorGradients,
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
        let grouping = Grouping::single(variables.len(), rates.weight_decay);
        Self::of(variables, optim, rates.learning_rate, grouping)
    }

    /// Optimizer of any number of variables: a model may have none.
    pub(crate) fn of(
        variables: Vec<Var>,
        optim: &Optim,
        learning_rate: f64,
        grouping: Grouping,
    ) -> Result<Self> {
        let rule = UpdateRule::new(*optim, learning_rate, grouping.rates);
        let moments = variables.iter().map(|var| MomentStore::new(var, &rule));
        Ok(Optimizer {
            moments: moments.collect::<Result<_>>()?,
            group_of: grouping.group_of,
            settings: Gradients::default(),
            seed: 0,
            gradients: TensorGradients::default(),
            variables,
            rule,
        })
    }

    /// Sets how the following steps change the gradients: clipping, accumulation and noise of this
    /// seed.
    ///
    /// With accumulation over n batches, [`Optimizer::step`] updates the variables in every n-th call.
    ///
    /// # Errors
    /// A setting outside its range.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::optim::Gradients;
    /// let w = Var::new(&[3f32, 4.0], &Device::Cpu)?;
    /// let rates = Rates { learning_rate: 1.0, weight_decay: 0.0 };
    /// let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::sgd(0.0), rates)?;
    /// optimizer.set_gradients(Gradients { clip_norm: Some(0.5), ..Default::default() }, 0)?;
    /// optimizer.backward_step(&w.sqr()?.sum_all()?)?; // The gradient has a norm of 10.
    /// let moved = (w.as_tensor() - Tensor::new(&[3f32, 4.0], &Device::Cpu)?)?;
    /// assert!((moved.sqr()?.sum_all()?.to_scalar::<f32>()?.sqrt() - 0.5).abs() < 1e-5);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn set_gradients(&mut self, gradients: Gradients, seed: u64) -> Result<()> {
        gradients.check()?;
        (self.settings, self.seed) = (gradients, seed);
        Ok(())
    }

    /// Number of steps taken.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let w = Var::new(&[3f32], &Device::Cpu)?;
    /// let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::adam(), Rates::default())?;
    /// optimizer.backward_step(&w.sqr()?.sum_all()?)?;
    /// assert_eq!(optimizer.steps(), 1);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn steps(&self) -> i32 {
        self.rule.steps()
    }

    /// Learning rate of the next step.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let w = Var::new(&[3f32], &Device::Cpu)?;
    /// let optimizer = Optimizer::new(vec![w], &Optim::adam(), Rates::default())?;
    /// assert_eq!(optimizer.learning_rate(), 0.001);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn learning_rate(&self) -> f64 {
        self.rule.learning_rate()
    }

    /// Changes the learning rate of the following steps, as a [`Schedule`](super::Schedule) says.
    ///
    /// # Errors
    /// A rate that is negative or not finite.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::optim::{Cosine, RunLength, Schedule};
    /// let w = Var::new(&[3f32], &Device::Cpu)?;
    /// let mut optimizer = Optimizer::new(vec![w.clone()], &Optim::adam(), Rates::default())?;
    /// let schedule = Schedule::Cosine(Cosine::default());
    /// let length = RunLength { steps_per_epoch: 10, epochs: 2 };
    /// for step in 0..length.steps() {
    ///     optimizer.set_learning_rate(0.1 * schedule.factor(step, length, &[]))?;
    ///     optimizer.backward_step(&w.sqr()?.sum_all()?)?;
    /// }
    /// assert!(optimizer.learning_rate() < 0.001);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        let hint = "Multiply the first rate by Schedule::factor";
        check_not_negative("learning_rate", learning_rate, hint)?;
        self.set_rate(learning_rate);
        Ok(())
    }

    /// As [`Optimizer::set_learning_rate`], for a rate that has been checked.
    pub(crate) fn set_rate(&mut self, learning_rate: f64) {
        self.rule.set_learning_rate(learning_rate);
    }

    /// Moments of each variable, on the CPU.
    pub(crate) fn moments(&self) -> Result<Vec<Moments>> {
        self.moments.iter().map(MomentStore::to_host).collect()
    }

    /// Continues from the moments and the step count of an earlier run.
    pub(crate) fn restore(&mut self, moments: &[Moments], steps: i32) -> Result<()> {
        self.rule.resume_at(steps);
        for ((store, var), moments) in self.moments.iter_mut().zip(&self.variables).zip(moments) {
            store.restore(var, moments)?;
        }
        Ok(())
    }

    /// Gradients of the next step so far.
    pub(crate) fn gradients(&self) -> &TensorGradients {
        &self.gradients
    }

    /// Access to them.
    pub(crate) fn gradients_mut(&mut self) -> &mut TensorGradients {
        &mut self.gradients
    }

    /// Replaces them.
    pub(crate) fn replace_gradients(&mut self, gradients: TensorGradients) {
        self.gradients = gradients;
    }

    /// Updates every variable that has a gradient.
    ///
    /// With [`Gradients::accumulate`], it adds the gradients to those of earlier calls, and updates
    /// the variables with the mean in every n-th call.
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
        self.add(gradients, 1)?;
        if self.gradients.batches >= self.settings.accumulate {
            self.update()?;
        }
        Ok(())
    }

    /// Adds the mean gradients of a batch to those of the next step.
    pub(crate) fn add(&mut self, gradients: &GradStore, images: usize) -> Result<()> {
        self.check_gradients(gradients)?;
        let of = |var: &Var| gradients.get(var).cloned();
        let gradients = self.variables.iter().map(of).collect();
        self.gradients.add(gradients, images)
    }

    /// Takes the step with the gradients so far, if there are any.
    pub(crate) fn update(&mut self) -> Result<()> {
        if self.gradients.batches == 0 {
            return Ok(());
        }
        let mut gradients = std::mem::take(&mut self.gradients).mean()?;
        if !self.settings.unchanged() {
            let steps = self.rule.steps();
            gradients = changed(&self.settings, gradients, &self.variables, self.seed, steps)?;
        }
        let updates = self.rule.next_updates();
        let variables = self.variables.iter().zip(&mut self.moments);
        for (((var, moments), group), gradient) in variables.zip(&self.group_of).zip(gradients) {
            if let Some(gradient) = gradient {
                moments.update(var, &gradient, updates[*group])?;
            }
        }
        Ok(())
    }

    /// Rejects gradients of other variables, which would change nothing.
    fn check_gradients(&self, gradients: &GradStore) -> Result<()> {
        let mut variables = self.variables.iter();
        let found = variables.any(|var| gradients.get(var).is_some());
        if found || self.variables.is_empty() {
            return Ok(());
        }
        let n = self.variables.len();
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
