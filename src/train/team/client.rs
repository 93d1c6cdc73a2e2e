//! The process that starts a job: checks, the job, and its outcome.

use super::job::Job;
use super::outcome::{read_outcome, set_weights};
use super::watch::{End, watch};
use crate::cell::stopped;
use crate::data::Dataset;
use crate::dist::Team;
use crate::error::{Error, Result};
use crate::model::{Autoencoder, LastRun, Snapshot};
use crate::show::note;
use crate::train::fit::Fit;
use crate::train::history::History;
use crate::train::hooks::Hooks;
use crate::train::observer::Observer;
use crate::train::setup::split_validation;
use crate::train::state::{Resumed, RunState};

/// The team of a run: that of its settings, or the default one. Nothing that exists in this process alone
/// reaches the ranks, so a run with a function of the caller has no default team.
///
/// # Errors
/// A team of the settings that cannot train this run.
pub(crate) fn team_of(model: &Autoencoder, fit: &Fit, hooks: &Hooks<'_>) -> Result<Option<Team>> {
    let obstacle = if hooks.loss.is_some() {
        Some("your own loss")
    } else if hooks.callback.is_some() {
        Some("a callback")
    } else if model.has_modules() {
        Some("a Layer::module")
    } else {
        None
    };
    let default = || Team::default_of_this_process();
    match (fit.team.clone(), obstacle) {
        (Some(_), Some(obstacle)) => {
            let hint = "Functions do not reach the ranks, which are other processes: leave it out, \
                        or train without a team";
            let expected = "a run without your own functions";
            Err(Error::setting("Fit::team", expected, obstacle, hint))
        }
        (Some(team), None) => Ok(Some(team)),
        (None, Some(obstacle)) => {
            if default().is_some() {
                note(format_args!(
                    "fit: without the team, because {obstacle} does not reach other processes"
                ));
            }
            Ok(None)
        }
        (None, None) => Ok(default()),
    }
}

/// Trains by a team. Returns the history, and what the run leaves with the model.
///
/// # Errors
/// A team that does not start; an error of a rank, after which the model has the weights of the last
/// checkpoint.
pub(crate) fn train_by(
    team: &Team,
    model: &Autoencoder,
    data: &Dataset,
    fit: &Fit,
    resumed: Option<Resumed>,
    observer: &mut dyn Observer,
) -> Result<(Result<History>, LastRun)> {
    team.check()?;
    let (train, _) = split_validation(data, fit);
    let job = Job::write(model, data, fit, &train, resumed)?;
    let mut reported = 0;
    for restart in 0.. {
        match watch(team, &job, &mut reported, observer)? {
            End::Done => break,
            End::Failed(error) if restart < team.restarts && !stopped() => {
                let epochs = finished_epochs(&job, model);
                note(format_args!(
                    "{error}. A new job goes on after epoch {epochs} (restart {} of {})",
                    restart + 1,
                    team.restarts
                ));
                job.restart()?;
            }
            End::Error(error) | End::Failed(error) => {
                return Ok((Err(error), keep_weights(&job, model, fit)));
            }
        }
    }
    let (history, last) = read_outcome(&job.outcome(), model, fit)?;
    Ok((Ok(history), last))
}

/// Finished epochs of the newest checkpoint; 0 if it cannot be read.
fn finished_epochs(job: &Job, model: &Autoencoder) -> usize {
    let state = RunState::read(&job.newest(), model);
    state.map_or(0, |resumed| resumed.state.history.len())
}

/// Gives the model the weights that a failed job leaves: those that rank 0 has written at its end, or
/// those of the newest checkpoint.
fn keep_weights(job: &Job, model: &Autoencoder, fit: &Fit) -> LastRun {
    let best = match read_outcome(&job.outcome(), model, fit) {
        Ok((_, last)) => Ok(last.best),
        Err(_) => read_newest(job, model),
    };
    let best = best.unwrap_or_else(|error| {
        note(format_args!(
            "fit: the weights are those before it, because {error}"
        ));
        None
    });
    LastRun {
        best,
        optimizer: None,
    }
}

/// Reads the newest checkpoint into the model. Returns the best epoch.
fn read_newest(job: &Job, model: &Autoencoder) -> Result<Option<(usize, Snapshot)>> {
    let path = job.newest();
    let resumed = RunState::read(&path, model)?;
    set_weights(model, &Autoencoder::load(&path)?)?;
    Ok(resumed.best)
}
