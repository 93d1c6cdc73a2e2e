//! The beginning of a training run: its images, and the optimizer of an earlier run.

use super::executor_state::{ExecutorState, Positions};
use super::fit::Fit;
use super::state::{Resumed, RunState};
use crate::data::{Dataset, Split};
use crate::error::Result;
use crate::math::{Purpose, Rng};
use crate::model::{Autoencoder, OptimizerState, Snapshot};
use crate::show::note;

/// Training and validation images of a data set.
pub(super) fn split_validation(data: &Dataset, fit: &Fit) -> (Split, Option<Split>) {
    let (order, n) = validation_order(data.train.len(), fit);
    let (valid, train) = data.train.divide(&order, n);
    (train, Some(valid).filter(|valid| !valid.is_empty()))
}

/// Positions of the validation images, then of the training images, and the number of the former.
pub(super) fn validation_order(images: usize, fit: &Fit) -> (Vec<usize>, usize) {
    let order = Rng::new(fit.seed, Purpose::Split).permutation(images);
    (order, fit.validation_count(images))
}

/// State before the first step, with the optimizer of the last run if it fits.
///
/// # Errors
/// On Stop; a weight that cannot be read.
pub(super) fn begin(
    model: &Autoencoder,
    fit: &Fit,
    train: &Split,
    custom_loss: bool,
) -> Result<Resumed> {
    let mut state = RunState::new(fit, train)?;
    state.custom_loss = custom_loss;
    let Some(optimizer) = &model.last_run().optimizer else {
        return Ok(Resumed::anew(state));
    };
    if let Some(reason) = obstacle(model, fit, custom_loss, optimizer)? {
        note(format_args!(
            "fit: a new optimizer, because {reason} since the last fit"
        ));
        return Ok(Resumed::anew(state));
    }
    state.continue_from(optimizer);
    Ok(Resumed {
        executor: Some(ExecutorState {
            positions: Positions {
                rng: state.rng,
                steps: optimizer.steps,
            },
            moments: optimizer.moments.clone(),
            ..Default::default()
        }),
        state,
        best: None,
    })
}

/// Reason for a new optimizer; `None` if the last one continues. Its moments are averages of the
/// gradients of one loss along a path of the weights, so both have to go on.
fn obstacle(
    model: &Autoencoder,
    fit: &Fit,
    custom_loss: bool,
    last: &OptimizerState,
) -> Result<Option<&'static str>> {
    if last.optim != fit.optimizer {
        return Ok(Some("its settings have changed"));
    }
    if last.averaged {
        return Ok(Some("the model got the average of its weights"));
    }
    if (last.loss, last.custom_loss) != (fit.loss, custom_loss) {
        return Ok(Some("the loss has changed"));
    }
    let all = [model.variables(), model.buffers()].concat();
    let weights = Snapshot::of(all.iter().map(|(_, var)| var))?;
    Ok((weights.hash()? != last.weights).then_some("the weights have changed"))
}
