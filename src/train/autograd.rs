//! Training step on candle's autograd, for every device.

use super::custom_loss::call;
use super::executor::{Executor, Positions, StepSettings};
use crate::data::Batch;
use crate::error::Result;
use crate::layer::ForwardState;
use crate::model::Autoencoder;
use crate::optim::{Moments, Optimizer};
use candle_core::{DType, Tensor, Var};

/// Training of a model by candle's autograd.
pub(crate) struct Autograd<'a> {
    model: &'a Autoencoder,
    optimizer: Optimizer,
    settings: StepSettings<'a>,
}

impl<'a> Autograd<'a> {
    /// Executor before its first step.
    ///
    /// # Errors
    /// Not enough memory for the optimizer's moments on the model's device.
    pub(crate) fn new(model: &'a Autoencoder, settings: StepSettings<'a>) -> Result<Self> {
        Ok(Autograd {
            model,
            optimizer: Optimizer::of(model.parameters(), &settings.optim, settings.rates)?,
            settings,
        })
    }

    /// Labels of a batch, if a layer reads them.
    fn labels(&self, batch: &Batch) -> Result<Option<Tensor>> {
        if !self.model.plan().reads_labels() {
            return Ok(None);
        }
        let labels = batch.labels()?;
        let labels = labels.map(|labels| labels.to_device(self.model.device()));
        Ok(labels.transpose()?)
    }

    /// Type of the activations.
    fn dtype(&self) -> DType {
        if self.settings.bf16 && !self.model.device().is_cpu() {
            DType::BF16
        } else {
            DType::F32
        }
    }
}

impl Executor for Autograd<'_> {
    fn step(&mut self, batch: &Batch, terms: &mut [f64]) -> Result<f32> {
        let images = batch.images()?.to_device(self.model.device())?;
        let mut state = ForwardState {
            step: self.optimizer.steps() as usize,
            labels: self.labels(batch)?,
            images: Some(images.to_dtype(self.dtype())?),
            ..Default::default()
        };
        let input = images.to_dtype(self.dtype())?;
        let rng = &mut self.settings.rng;
        let code = self
            .model
            .encoder_net()
            .forward(&input, Some(&mut *rng), &mut state)?;
        let output = self
            .model
            .decoder_net()
            .forward(&code, Some(rng), &mut state)?;
        let output = output.to_dtype(DType::F32)?;
        let mut loss = match self.settings.custom_loss {
            Some(own) => call(own, &images, &code.to_dtype(DType::F32)?, &output)?,
            None => self.settings.loss.mean(&output, &images)?,
        };
        for (share, term) in terms.iter_mut().zip(self.model.shares(&state)?) {
            *share = term.to_scalar::<f32>()?.into();
            loss = (loss + term)?;
        }
        let value = loss.to_scalar::<f32>()?;
        if value.is_finite() {
            state.update_buffers()?;
            self.optimizer.backward_step(&loss)?;
            self.model.encoder_net().constrain()?;
            self.model.decoder_net().constrain()?;
        }
        Ok(value)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.optimizer.set_learning_rate(learning_rate);
    }

    fn positions(&self) -> Positions {
        Positions {
            rng: self.settings.rng.position(),
            steps: self.optimizer.steps(),
        }
    }

    fn moments(&self, _variables: &[Var]) -> Result<Vec<Moments>> {
        self.optimizer.moments()
    }

    fn restore(&mut self, moments: &[Moments], steps: i32) -> Result<()> {
        self.optimizer.restore(moments, steps)
    }

    fn store(&self, _model: &Autoencoder) -> Result<()> {
        Ok(()) // It updates the model's own variables.
    }
}
