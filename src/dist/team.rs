//! [`Team`]: the processes that train one model together.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Variable with the command of the default team.
const TEAM_VARIABLE: &str = "CANDLEBOOK_TEAM";
/// Variable with the folder that paths in this command are relative to.
const FOLDER_VARIABLE: &str = "CANDLEBOOK_TEAM_FOLDER";
/// Seconds without an answer after which a rank counts as gone.
const TIMEOUT: f64 = 60.0;

/// Processes ("ranks") that train one model together, each on a share of every batch, on one machine or
/// on several. They are started by MPI's launcher for each `fit`, and end with it.
///
/// The numbers are those of one process but for rounding:
/// [`Fit::batch_size`](crate::train::Fit::batch_size) stays the whole batch. The notebook's variables are
/// not at risk: the process of the cells is not one of the ranks. PyTorch: `torchrun` with
/// `DistributedDataParallel`.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let data = mnist()?;
/// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(128), Relu])?;
/// let team = Team { restarts: 1, ..Team::local(4) };
/// ae.fit(&data, &Fit { batch_size: 1024, team: Some(team), ..Default::default() })?;
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    /// The launcher of the ranks.
    pub launcher: Launcher,
    /// Times that `fit` starts a new job, which goes on from the last checkpoint, if a rank ends before its
    /// time. Defaults to 0: `fit` returns an error.
    pub restarts: usize,
    /// Seconds without an answer after which a rank counts as gone. Longer than a checkpoint takes to
    /// write. Defaults to 60.
    pub timeout: f64,
}

/// Launchers of the ranks of a [`Team`].
#[derive(Clone, Debug, PartialEq)]
pub enum Launcher {
    /// This number of ranks on this machine, by the `mpirun` on the path.
    Local(usize),
    /// By the `mpirun` on the path, on the hosts of a file: a name in each line, with `slots=2` or `:2`
    /// behind it for two ranks. The first must see the files of this machine.
    Hosts(PathBuf),
    /// By `srun`, one rank for each task of the Slurm allocation.
    Slurm,
    /// By a command that starts a program on every rank, such as `mpirun -n 8 --hostfile hosts`.
    Command(String),
}

impl Team {
    /// This number of ranks on this machine. Each uses its share of the cores.
    ///
    /// One process with threads is faster on one machine: this is for GPUs, one rank each, and for
    /// trying out what will run on several machines.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let fit = Fit { team: Some(Team::local(2)), ..Default::default() };
    /// assert_eq!(fit.team, Some(Team::local(2)));
    /// ```
    pub fn local(ranks: usize) -> Self {
        Team::of(Launcher::Local(ranks))
    }

    /// Ranks on the hosts of a file: see [`Launcher::Hosts`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let fit = Fit { team: Some(Team::hosts("hosts.txt")), ..Default::default() };
    /// ```
    pub fn hosts(file: impl AsRef<Path>) -> Self {
        Team::of(Launcher::Hosts(file.as_ref().to_owned()))
    }

    /// One rank for each task of the Slurm allocation that the notebook runs in.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let fit = Fit { team: Some(Team::slurm()), ..Default::default() };
    /// ```
    pub fn slurm() -> Self {
        Team::of(Launcher::Slurm)
    }

    /// Ranks that a command starts, such as `mpirun -n 8 --hostfile hosts`. Words with spaces are
    /// quoted. No shell is involved.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let team = Team::by("mpirun -n 8 --hostfile hosts");
    /// let fit = Fit { team: Some(team), ..Default::default() };
    /// ```
    pub fn by(command: impl Into<String>) -> Self {
        Team::of(Launcher::Command(command.into()))
    }

    fn of(launcher: Launcher) -> Self {
        Team {
            launcher,
            restarts: 0,
            timeout: TIMEOUT,
        }
    }

    /// The team of every `fit` that has none: that of `candlebook run --team`, by the variable
    /// `CANDLEBOOK_TEAM`.
    pub(crate) fn default_of_this_process() -> Option<Self> {
        let command = std::env::var(TEAM_VARIABLE).ok()?;
        let command = command.trim();
        match command {
            "" => None,
            "srun" => Some(Team::slurm()),
            command => Some(Team::by(command)),
        }
    }

    /// The folder in which the launcher starts: that of `candlebook run` for its team.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
        folder.filter(|_| Team::default_of_this_process().as_ref() == Some(self))
    }

    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        let hint = "60.0 is a minute";
        if !(self.timeout > 0.0 && self.timeout.is_finite()) {
            let expected = "a positive number of seconds";
            return Err(Error::setting(
                "Team::timeout",
                expected,
                self.timeout,
                hint,
            ));
        }
        match &self.launcher {
            Launcher::Local(0) => {
                let hint = "Team::local(2) starts two";
                Err(Error::setting("Team::local", "at least 1 rank", 0, hint))
            }
            Launcher::Command(command) if command.trim().is_empty() => {
                let hint = "Write Team::by(\"mpirun -n 4\")";
                Err(Error::setting(
                    "Team::by",
                    "a command",
                    "an empty one",
                    hint,
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Ranks of the hosts of a file, as `a:2,b:1`, and their number.
///
/// # Errors
/// A file that cannot be read, or without hosts.
pub(super) fn read_hosts(path: &Path) -> Result<(String, usize)> {
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    let mut hosts = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let host = host(line).ok_or_else(|| {
            let hint = "Write a name in each line: node1, node1:2 or node1 slots=2";
            Error::file(path, "names of hosts", format!("{line:?}"), hint)
        })?;
        hosts.push(host);
    }
    if hosts.is_empty() {
        let hint = "Write a name in each line";
        return Err(Error::file(path, "names of hosts", "none", hint));
    }
    let list = hosts.iter().map(|(name, slots)| format!("{name}:{slots}"));
    let ranks = hosts.iter().map(|(_, slots)| slots).sum();
    Ok((list.collect::<Vec<_>>().join(","), ranks))
}

/// "a", "a:2" or "a slots=2".
fn host(line: &str) -> Option<(&str, usize)> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let (name, slots) = match (first.split_once(':'), words.next()) {
        (Some((name, slots)), None) => (name, slots.parse().ok()?),
        (None, Some(slots)) => (first, slots.strip_prefix("slots=")?.parse().ok()?),
        (None, None) => (first, 1),
        _ => return None,
    };
    // A name that begins with a hyphen would be an option of the launcher.
    let is_name = |c: char| c.is_alphanumeric() || "-._[]%".contains(c);
    let valid = !name.is_empty() && !name.starts_with('-') && name.chars().all(is_name);
    (valid && slots > 0).then_some((name, slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_names_and_slots() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts");
        std::fs::write(&file, "# two\na slots=2\n\nb.example:3 # more\nc\n").unwrap();
        assert_eq!(
            read_hosts(&file).unwrap(),
            ("a:2,b.example:3,c:1".into(), 6)
        );
        for (text, got) in [
            ("-x\n", "\"-x\""),
            ("a b c", "\"a b c\""),
            ("# none", "none"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = read_hosts(&file).unwrap_err().to_string();
            assert!(
                error.contains(&format!("expected names of hosts, got {got}.")),
                "{error}"
            );
        }
    }

    #[test]
    fn settings_outside_their_range_are_errors() {
        assert!(Team::local(1).check().is_ok());
        let error = |team: Team| team.check().unwrap_err().to_string();
        assert_eq!(
            error(Team::local(0)),
            "Team::local: expected at least 1 rank, got 0. Team::local(2) starts two"
        );
        assert!(error(Team::by(" ")).starts_with("Team::by: expected a command"));
        let timeout = f64::NAN;
        let team = Team {
            timeout,
            ..Team::slurm()
        };
        assert!(error(team).starts_with("Team::timeout: expected a positive number"));
    }
}
