//! The executor of a run, from the settings of [`Fit`].

use super::autograd::Autograd;
use super::custom_loss::CustomLoss;
use super::executor::{Averaging, Executor, StepSettings};
use super::executor_state::Positions;
use super::fit::Fit;
use super::train_step::TrainStep;
use crate::dist::World;
use crate::error::Result;
use crate::math::{Purpose, Rng};
use crate::model::Autoencoder;
use crate::optim::Grouping;
use std::borrow::Borrow;

/// Settings of the steps on this many training images. `start` has the position of the layers' random
/// stream, and the optimizer's steps of earlier runs.
///
/// # Errors
/// A group that no variable's name matches.
pub(super) fn step_settings<'a>(
    model: &Autoencoder,
    fit: &Fit,
    custom_loss: Option<CustomLoss<'a>>,
    train_images: usize,
    start: Positions,
) -> Result<StepSettings<'a>> {
    Ok(StepSettings {
        batch_size: fit.batch_size,
        loss: fit.loss,
        custom_loss,
        optim: fit.optimizer,
        learning_rate: fit.learning_rate,
        grouping: grouping(model, fit)?,
        gradients: fit.gradients,
        averaging: Averaging {
            average: fit.average,
            steps_per_epoch: fit.length_of(train_images).steps_per_epoch,
            first_step: start.steps,
        },
        seed: fit.seed,
        rng: Rng::new(fit.seed, Purpose::Dropout).skipped(start.rng),
        bf16: fit.bf16,
        planned: fit.planned,
        world: World::default(),
    })
}

/// Groups of the model's variables.
fn grouping(model: &Autoencoder, fit: &Fit) -> Result<Grouping> {
    let names: Vec<String> = model
        .variables()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    Grouping::new(&fit.groups, fit.weight_decay, &names)
}

/// Planned step if the settings ask for it and the model allows it, else autograd.
pub(super) fn executor<'a>(
    model: impl Borrow<Autoencoder> + Send + 'a,
    settings: StepSettings<'a>,
) -> Result<Box<dyn Executor + 'a>> {
    if settings.planned
        && let Some(step) = TrainStep::<'a, f32>::new(model.borrow(), &settings)?
    {
        return Ok(Box::new(step));
    }
    Ok(Box::new(Autograd::new(model, settings)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer::{Flatten, Linear};
    use crate::optim::ParameterGroup;

    #[test]
    fn a_group_of_nothing_is_an_error_that_names_the_variables() {
        let model = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(3)]).unwrap();
        let pattern = "encoder.1.biases".into();
        let fit = Fit {
            groups: vec![ParameterGroup {
                pattern,
                ..Default::default()
            }],
            ..Default::default()
        };
        let error = step_settings(&model, &fit, None, 10, Positions::default())
            .err()
            .unwrap();
        let error = error.to_string();
        assert!(
            error.contains("encoder.1.weight, encoder.1.bias, decoder.0.weight"),
            "{error}"
        );
    }
}
