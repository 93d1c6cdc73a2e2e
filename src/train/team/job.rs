//! The files of a job: what the ranks read, and what rank 0 writes.
//!
//! A job is the continuation of a run: a checkpoint, and the training images. Rank 0 replaces the
//! checkpoint while it trains, so that a new job can go on from there, also with another number of
//! ranks.

use super::version::version;
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::file::write_atomically;
use crate::model::Autoencoder;
use crate::optim::UpdateRule;
use crate::train::executor_state::{ExecutorState, Positions};
use crate::train::fit::Fit;
use crate::train::setup::begin;
use crate::train::state::{Resumed, RunState};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::TempDir;

/// Variable with the folder for jobs, which rank 0 must see.
const FOLDER_VARIABLE: &str = "CANDLEBOOK_JOBS";
const CHECKPOINT: &str = "run.safetensors";
const DATA: &str = "data";
const OUTCOME: &str = "outcome.safetensors";
const PLACE: &str = "place.json";

/// The folder of a job, removed with it.
pub(super) struct Job {
    folder: TempDir,
    /// File of rank 0's checkpoints: the user's, or one in the folder.
    pub(super) checkpoint: PathBuf,
    /// Time of that file before rank 0 has written it. The clocks of two disks may differ, so it is not
    /// compared with others.
    before: Option<SystemTime>,
}

impl Job {
    /// Writes a run that begins or goes on.
    ///
    /// # Errors
    /// A folder that cannot be written; other training images than those of the resumed run.
    pub(super) fn write(
        model: &Autoencoder,
        data: &Dataset,
        fit: &Fit,
        train: &Split,
        resumed: Option<Resumed>,
    ) -> Result<Self> {
        let mut resumed = match resumed {
            Some(resumed) => {
                resumed.state.check(train)?;
                resumed
            }
            None => begin(model, fit, train, false)?,
        };
        let folder = folder()?;
        let checkpoint = match &fit.checkpoint {
            Some(path) => std::path::absolute(path).map_err(Error::io("find", path))?,
            None => folder.path().join(CHECKPOINT),
        };
        let executor = resumed
            .executor
            .unwrap_or_else(|| new_executor(model, fit, &resumed.state));
        let start = folder.path().join(CHECKPOINT);
        resumed
            .state
            .write(&start, model, &executor, resumed.best.as_ref())?;
        write_atomically(&folder.path().join(DATA), &data.to_transfer()?)?;
        let place = JobSettings {
            checkpoint: checkpoint.clone(),
            on_gpu: !model.device().is_cpu(),
            version: version(),
        };
        let place = serde_json::to_vec(&place).map_err(|error| {
            let hint = "Choose a path in UTF-8";
            Error::setting("Fit::checkpoint", "a path in UTF-8", error, hint)
        })?;
        write_atomically(&folder.path().join(PLACE), &place)?;
        Ok(Job {
            before: modified(&checkpoint),
            folder,
            checkpoint,
        })
    }

    /// The job's folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The file of the outcome.
    pub(super) fn outcome(&self) -> PathBuf {
        self.path().join(OUTCOME)
    }

    /// The newest checkpoint that can be read: that of rank 0, or the start of the run.
    pub(super) fn newest(&self) -> PathBuf {
        match modified(&self.checkpoint) {
            Some(time) if Some(time) != self.before => self.checkpoint.clone(),
            _ => self.path().join(CHECKPOINT),
        }
    }

    /// Makes the newest checkpoint the start of the next job.
    ///
    /// # Errors
    /// A file that cannot be copied.
    pub(super) fn restart(&self) -> Result<()> {
        let (newest, start) = (self.newest(), self.path().join(CHECKPOINT));
        if newest != start {
            std::fs::copy(&newest, &start).map_err(Error::io("copy", &newest))?;
        }
        Ok(())
    }
}

/// Device and checkpoint of a job.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct JobSettings {
    /// File of the checkpoints.
    pub(super) checkpoint: PathBuf,
    /// The notebook's model is on a GPU.
    pub(super) on_gpu: bool,
    /// Version of the notebook's process.
    pub(super) version: String,
}

/// Files that rank 0 reads.
#[derive(Default)]
pub(super) struct JobFiles {
    pub(super) run: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) place: JobSettings,
    pub(super) outcome: PathBuf,
}

impl JobFiles {
    /// Reads the files of a job.
    ///
    /// # Errors
    /// A folder that this machine does not have.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|error| {
                let hint = "Rank 0 reads the job's files: name this machine first in the file of \
                            hosts, or set CANDLEBOOK_JOBS to a folder that both see";
                Error::file(&path, "a file of the job", error.to_string(), hint)
            })
        };
        Ok(JobFiles {
            run: read(CHECKPOINT)?,
            data: read(DATA)?,
            place: serde_json::from_slice(&read(PLACE)?).unwrap_or_default(),
            outcome: folder.join(OUTCOME),
        })
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|file| file.modified())
        .ok()
}

/// A new folder for a job.
fn folder() -> Result<TempDir> {
    let parent = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty());
    let parent = parent.map_or_else(std::env::temp_dir, PathBuf::from);
    let mut builder = tempfile::Builder::new();
    let folder = builder.prefix("candlebook-job-").tempdir_in(&parent);
    folder.map_err(Error::io("write to", &parent))
}

/// State of an executor before its first step.
fn new_executor(model: &Autoencoder, fit: &Fit, state: &RunState) -> ExecutorState {
    let rule = UpdateRule::new(fit.optimizer, fit.learning_rate, Vec::new());
    let variables = model.variables().into_iter();
    let moments = variables.map(|(_, var)| rule.initial_moments(var.elem_count()));
    ExecutorState {
        positions: Positions {
            rng: state.rng,
            steps: state.first_step,
        },
        moments: moments.collect(),
        ..Default::default()
    }
}
