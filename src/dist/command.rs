//! The command that starts the ranks of a team.

use crate::dist::launcher::{LauncherKind, identify, library_beside, options};
use crate::dist::team::{Launcher, Team, read_hosts};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of MPI's launcher on the path.
const NAMES: [&str; 2] = ["mpirun", "mpiexec"];

/// A command that starts a program on every rank.
#[derive(Debug)]
pub(crate) struct LaunchCommand {
    pub(crate) command: Command,
    /// The launcher in its own words, such as "mpirun (Open MPI) 5.0.11".
    pub(crate) version: String,
    /// The library that belongs to the launcher, if it is known.
    pub(crate) library: Option<PathBuf>,
}

impl LaunchCommand {
    /// The command of a team, up to the program that each rank runs.
    ///
    /// # Errors
    /// No launcher; a file of hosts that cannot be read.
    pub(crate) fn new(team: &Team) -> Result<Self> {
        let mut launch = Self::of_launcher(team)?;
        if let Some(folder) = team.folder() {
            launch.command.current_dir(folder);
        }
        Ok(launch)
    }

    fn of_launcher(team: &Team) -> Result<Self> {
        match &team.launcher {
            Launcher::Local(ranks) => {
                let words = ["-n".to_owned(), ranks.to_string()];
                Self::of_any(&NAMES, true, |_| words.to_vec())
            }
            Launcher::Hosts(file) => {
                let (hosts, ranks) = read_hosts(file)?;
                Self::of_any(&NAMES, false, |kind| {
                    let option = match kind {
                        LauncherKind::Mpich => "-hosts",
                        _ => "--host",
                    };
                    let words = ["-n", &ranks.to_string(), option, &hosts];
                    words.map(str::to_owned).to_vec()
                })
            }
            Launcher::Slurm => Self::of_any(&["srun"], false, |_| Vec::new()),
            Launcher::Command(command) => {
                let words = shlex::split(command).ok_or_else(|| {
                    let hint = "Close the quotes";
                    Error::setting("Team::by", "a command", format!("{command:?}"), hint)
                })?;
                let (program, rest) = words.split_first().ok_or_else(|| {
                    let hint = "Write Team::by(\"mpirun -n 4\")";
                    Error::setting("Team::by", "a command", "an empty one", hint)
                })?;
                let program = program_in(team.folder(), program);
                Self::of(&program, names_no_host(rest), |_| rest.to_vec()).map_err(not_found)
            }
        }
    }

    /// The command of the first of these programs that exists.
    fn of_any(
        names: &[&str],
        on_this_machine: bool,
        words: impl Fn(LauncherKind) -> Vec<String>,
    ) -> Result<Self> {
        let mut reasons = Vec::new();
        for name in names {
            match Self::of(Path::new(name), on_this_machine, &words) {
                Ok(command) => return Ok(command),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(not_found(reasons.swap_remove(0)))
    }

    fn of(
        program: &Path,
        on_this_machine: bool,
        words: impl Fn(LauncherKind) -> Vec<String>,
    ) -> std::result::Result<Self, String> {
        let (kind, version) = identify(program)?;
        let (arguments, variables) = options(kind, on_this_machine);
        let mut command = Command::new(program);
        command.args(arguments).args(words(kind)).envs(variables);
        Ok(LaunchCommand {
            command,
            version,
            library: library_beside(program, kind),
        })
    }
}

/// The path of a program that is named as on a command line in this folder.
fn program_in(folder: Option<PathBuf>, program: &str) -> PathBuf {
    match folder {
        // A bare name is found by the path.
        Some(folder) if program.contains('/') => folder.join(program),
        _ => program.into(),
    }
}

fn not_found(reason: String) -> Error {
    let hint = "Install MPICH or Open MPI where Jupyter runs: pip install mpich, conda install mpich \
                or apt-get install mpich";
    Error::setting("team", "a launcher of MPI on the path", reason, hint)
}

/// True if a launcher's arguments name no other host.
fn names_no_host(words: &[String]) -> bool {
    let of_hosts = ["host", "hosts", "hostfile", "machinefile", "f", "H", "w"];
    words.iter().all(|word| {
        let name = word
            .trim_start_matches('-')
            .split('=')
            .next()
            .unwrap_or_default();
        !(word.starts_with('-') && of_hosts.contains(&name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_hosts_are_known() {
        let names = |text: &str| !names_no_host(&shlex::split(text).unwrap());
        assert!(names("-n 2 --hostfile hosts") && names("-hosts a,b") && names("--host=a"));
        assert!(!names("-n 2 --bind-to none"));
    }

    #[test]
    fn relative_programs_are_those_of_the_command_line() {
        let program = |name| program_in(Some("/job".into()), name);
        assert_eq!(program("./launch.sh"), Path::new("/job/./launch.sh"));
        assert_eq!(program("mpirun"), Path::new("mpirun"));
        assert_eq!(program("/opt/bin/mpirun"), Path::new("/opt/bin/mpirun"));
        assert_eq!(program_in(None, "bin/mpirun"), Path::new("bin/mpirun"));
    }

    #[test]
    fn a_missing_launcher_is_an_error_that_says_what_to_install() {
        let error = LaunchCommand::new(&Team::by("/no/mpirun -n 2"))
            .unwrap_err()
            .to_string();
        let expected =
            "team: expected a launcher of MPI on the path, got /no/mpirun does not start: ";
        assert!(
            error.starts_with(expected) && error.contains("pip install mpich"),
            "{error}"
        );
    }
}
