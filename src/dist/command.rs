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
                let words = words(command).ok_or_else(|| {
                    let hint = "Close the quotes";
                    Error::setting("Team::by", "a command", format!("{command:?}"), hint)
                })?;
                let (program, rest) = words.split_first().ok_or_else(|| {
                    let hint = "Write Team::by(\"mpirun -n 4\")";
                    Error::setting("Team::by", "a command", "an empty one", hint)
                })?;
                Self::of(program, names_no_host(rest), |_| rest.to_vec()).map_err(not_found)
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
            match Self::of(name, on_this_machine, &words) {
                Ok(command) => return Ok(command),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(not_found(reasons.swap_remove(0)))
    }

    fn of(
        program: &str,
        on_this_machine: bool,
        words: impl Fn(LauncherKind) -> Vec<String>,
    ) -> std::result::Result<Self, String> {
        let path = Path::new(program);
        let (kind, version) = identify(path)?;
        let (arguments, variables) = options(kind, on_this_machine);
        let mut command = Command::new(program);
        command.args(arguments).args(words(kind)).envs(variables);
        Ok(LaunchCommand {
            command,
            version,
            library: library_beside(path, kind),
        })
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

/// Words of a command; those with spaces are quoted. `None` if a quote is not closed.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_are_quoted() {
        let list = words("mpirun -n 2  --wdir '/a b' \"\" -x A=\"1 2\"").unwrap();
        assert_eq!(
            list,
            ["mpirun", "-n", "2", "--wdir", "/a b", "", "-x", "A=1 2"]
        );
        assert_eq!(words("mpirun 'a"), None);
    }

    #[test]
    fn options_of_hosts_are_known() {
        let names = |text: &str| !names_no_host(&words(text).unwrap());
        assert!(names("-n 2 --hostfile hosts") && names("-hosts a,b") && names("--host=a"));
        assert!(!names("-n 2 --bind-to none"));
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
