//! The life of a rank: it gets the job, trains, and rank 0 writes the outcome.

use super::clocks::Clocks;
use super::find::find;
use super::job::{JobFiles, JobSettings};
use super::message::{Message, RankName};
use super::outcome::write_outcome;
use super::version::version;
use crate::data::Dataset;
use crate::device::device_of_rank;
use crate::dist::{Mpi, Refusal, World};
use crate::error::{Error, Result};
use crate::model::Autoencoder;
use crate::show::{mute, pass_on, pass_on_error};
use crate::train::epoch::Epoch;
use crate::train::fit::Fit;
use crate::train::history::History;
use crate::train::hooks::Hooks;
use crate::train::observer::Observer;
use crate::train::run::Run;
use crate::train::state::{Resumed, RunState};
use candle_core::Device;
use std::ffi::OsString;
use std::io::Write;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Exit code of a rank that ends the job.
const FAILED: i32 = 3;

/// Arguments of a rank's program.
#[derive(Default)]
struct Settings {
    job: PathBuf,
    library: Option<PathBuf>,
    timeout: Duration,
    /// Only say which rank this is.
    check: bool,
    /// Only start two ranks that say which ones they are.
    find: bool,
}

impl Settings {
    /// Reads `rank --job FOLDER --timeout SECONDS --mpi LIBRARY`, `rank --check` or `rank --find`.
    fn read(mut arguments: impl Iterator<Item = OsString>) -> Self {
        let mut settings = Settings {
            timeout: Duration::from_secs(60),
            ..Default::default()
        };
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--job") => settings.job = arguments.next().unwrap_or_default().into(),
                Some("--mpi") => settings.library = arguments.next().map(PathBuf::from),
                Some("--check") => settings.check = true,
                Some("--find") => settings.find = true,
                Some("--timeout") => {
                    let seconds = arguments
                        .next()
                        .and_then(|text| text.to_str()?.parse().ok());
                    let seconds = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
                    settings.timeout = seconds.unwrap_or(settings.timeout);
                }
                _ => {}
            }
        }
        settings
    }
}

/// Runs this process as a rank of a job, with the arguments of its program: `candlebook rank --job
/// FOLDER`. Returns the exit code.
#[allow(unsafe_code)] // The program finds the symbol by its name; no other crate exports it.
#[unsafe(no_mangle)]
pub extern "C" fn candlebook_rank() -> i32 {
    let settings = Settings::read(std::env::args_os());
    if settings.find {
        return match find() {
            Ok(found) => {
                pass_on(&found);
                0
            }
            Err(error) => {
                pass_on_error(&error.to_string());
                FAILED
            }
        };
    }
    let mpi = match Mpi::open(settings.library.as_deref()) {
        Ok(mpi) => Arc::new(mpi),
        Err(refusal) => {
            report(&refused(refusal));
            return FAILED;
        }
    };
    let ended = catch_unwind(AssertUnwindSafe(|| live(&mpi, &settings)));
    let error = match ended {
        Ok(Ok(())) => {
            let _ = std::io::stdout().flush();
            return finalize(mpi);
        }
        Ok(Err(error)) => error,
        Err(_) => Error::Job(format!("rank {} has panicked", mpi.rank())),
    };
    // The others wait for this one.
    report(&error);
    mpi.abort(FAILED)
}

/// Ends MPI, if no other thread holds it.
fn finalize(mpi: Arc<Mpi>) -> i32 {
    if let Some(mpi) = Arc::into_inner(mpi) {
        mpi.finalize();
    }
    0
}

fn refused(
    Refusal {
        expected,
        got,
        hint,
    }: Refusal,
) -> Error {
    Error::setting("MPI", expected, got, hint)
}

fn report(error: &Error) {
    match error {
        Error::Stopped => Message::Stopped.send(),
        error => {
            let text = error.to_string();
            Message::Failed { text }.send();
        }
    }
    let _ = std::io::stdout().flush();
}

/// Trains. An error that all ranks know of ends each of them in order.
///
/// # Errors
/// One that the other ranks do not know of.
fn live(mpi: &Arc<Mpi>, settings: &Settings) -> Result<()> {
    let transport: Arc<Mpi> = Arc::clone(mpi);
    let world = World::new(transport, &host_name())?;
    if settings.check {
        let name = world.name_of(world.rank());
        pass_on(&format!("{name} of {} by {}", world.size(), mpi.version()));
        return Ok(());
    }
    if world.rank() > 0 {
        mute();
    }
    let threads = threads(&world);
    // Fails only if the pool exists already.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global();
    let clocks = Clocks::start(mpi, &world, settings.timeout);
    let processes = world.gather_equal(&[f64::from(std::process::id())])?;
    if world.rank() == 0 {
        let name = |(rank, &process): (usize, &f64)| RankName {
            name: world.name_of(rank),
            process: process as u32,
        };
        let ranks = processes.iter().enumerate().map(name).collect();
        Message::Begun { ranks }.send();
    }
    let result = train(&world, settings);
    clocks.end();
    match result {
        Ok(()) => {
            if world.rank() == 0 {
                Message::Done.send();
            }
            Ok(())
        }
        Err(error) if world.has_failed() => {
            if world.rank() == 0 {
                let text = error.to_string();
                Message::Error { text }.send();
            }
            Ok(())
        }
        Err(Error::Stopped) => Err(Error::Stopped),
        Err(error) => Err(Error::Job(format!(
            "{}: {error}",
            world.name_of(world.rank())
        ))),
    }
}

fn train(world: &World, settings: &Settings) -> Result<()> {
    let files = match world.rank() {
        0 => JobFiles::read(&settings.job).map(Some),
        _ => Ok(None),
    };
    let (files, _) = world.agree(files, false)?;
    let files = files.unwrap_or_default();
    let job = serde_json::to_vec(&files.place).unwrap_or_default();
    let job: JobSettings = serde_json::from_slice(&world.broadcast(job)?).unwrap_or_default();
    check_versions(world, &job.version)?;
    let (run, data) = (world.broadcast(files.run)?, world.broadcast(files.data)?);
    let opened = Opened::new(world, &run, &data, job.on_gpu);
    let (opened, _) = world.agree(opened, false)?;
    drop((run, data));
    let outcome = (world.rank() == 0).then_some(files.outcome);
    opened.train(world, &job, outcome)
}

/// Rejects ranks of another version than the notebook's: their numbers may differ.
fn check_versions(world: &World, notebook: &str) -> Result<()> {
    let own = version();
    let result = match own == notebook {
        true => Ok(()),
        false => {
            let expected = format!("Candlebook {notebook}, as in the notebook");
            let hint =
                "Install the same version on all hosts, and restart the kernel after an update";
            Err(Error::setting("team", expected, own, hint))
        }
    };
    world.agree(result, false).map(drop)
}

/// A run as a rank has it.
struct Opened {
    model: Autoencoder,
    data: Dataset,
    resumed: Resumed,
}

impl Opened {
    fn new(world: &World, run: &[u8], data: &[u8], on_gpu: bool) -> Result<Self> {
        let device = device(world, on_gpu)?;
        let mut file =
            tempfile::NamedTempFile::new().map_err(Error::io("create", "a file".as_ref()))?;
        let path = file.path().to_owned();
        file.write_all(run).map_err(Error::io("write", &path))?;
        let model = Autoencoder::load(&path)?.to_device(&device)?;
        Ok(Opened {
            resumed: RunState::read(&path, &model)?,
            model,
            data: Dataset::from_transfer(data)?,
        })
    }

    /// Trains, and writes the outcome if this is rank 0.
    fn train(mut self, world: &World, place: &JobSettings, outcome: Option<PathBuf>) -> Result<()> {
        let fit = Fit {
            // Rank 0 writes it.
            checkpoint: Some(place.checkpoint.clone()),
            ..self.resumed.state.fit.clone()
        };
        self.resumed.state.fit = fit.clone();
        let resumed = Some(self.resumed);
        let (model, data) = (&self.model, &self.data);
        let mut hooks = Hooks::default();
        let (history, last) = rayon::scope(|_| {
            let (hooks, observer) = (&mut hooks, &mut Reporter);
            let run = Run::new(model, data, &fit, hooks, resumed, observer, world.clone())?;
            Ok::<_, Error>(run.all_epochs())
        })?;
        let write = |history: &History| match &outcome {
            Some(path) => write_outcome(path, model, history, &last),
            None => Ok(()),
        };
        match history {
            Ok(history) => world.agree(write(&history), false).map(drop),
            Err(error) => {
                if world.has_failed() {
                    // The model has the weights of the last good epoch. Without the file, those of the
                    // last checkpoint are kept.
                    let _ = write(&History::default());
                }
                // An error of this rank alone: the others are in another operation.
                Err(error)
            }
        }
    }
}

/// Device of a rank: a GPU if the notebook's model is on one.
fn device(world: &World, on_gpu: bool) -> Result<Device> {
    if !on_gpu {
        return Ok(Device::Cpu);
    }
    let (_, nth) = world.on_this_host();
    let device = device_of_rank(nth);
    if device.is_cpu() {
        let hint = "Move the model to the CPU, or use hosts with GPUs";
        return Err(Error::setting(
            "team",
            "a GPU, as in the notebook",
            "none",
            hint,
        ));
    }
    Ok(device)
}

/// Threads of a rank: its share of the cores, unless the launcher has bound it to fewer.
fn threads(world: &World) -> usize {
    if std::env::var_os("RAYON_NUM_THREADS").is_some() {
        return 0; // Rayon reads the variable.
    }
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    let online = std::fs::read_dir("/sys/devices/system/cpu").map_or(allowed, |entries| {
        let names = entries.flatten().map(|entry| entry.file_name());
        let is_core = |name: &std::ffi::OsString| {
            let number = name.to_str().and_then(|name| name.strip_prefix("cpu"));
            number.is_some_and(|number| number.parse::<usize>().is_ok())
        };
        names.filter(is_core).count().max(allowed)
    });
    let (ranks, _) = world.on_this_host();
    allowed.min(online / ranks).max(1)
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.or_else(|_| std::env::var("HOSTNAME").map_err(std::io::Error::other));
    name.map_or("this one".into(), |name| name.trim().to_owned())
}

/// Reports epochs to the notebook's process.
struct Reporter;

impl Observer for Reporter {
    fn epoch(&mut self, number: usize, epoch: &Epoch) -> ControlFlow<()> {
        let epoch = epoch.clone();
        Message::Epoch { number, epoch }.send();
        ControlFlow::Continue(())
    }

    fn has_view(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_others_ignored() {
        let words = "candlebook rank --job /j --timeout 2.5 --mpi /lib/libmpi.so.40 --more";
        let settings = Settings::read(words.split(' ').map(OsString::from));
        assert_eq!(settings.job, PathBuf::from("/j"));
        assert_eq!(settings.library, Some("/lib/libmpi.so.40".into()));
        assert_eq!(settings.timeout, Duration::from_millis(2500));
        assert!(!settings.check && !settings.find);
        let settings = Settings::read(
            ["rank", "--timeout", "-1", "--check"]
                .map(OsString::from)
                .into_iter(),
        );
        assert_eq!(
            (settings.timeout, settings.check),
            (Duration::from_secs(60), true)
        );
    }
}
