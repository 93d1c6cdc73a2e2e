//! `candlebook doctor`: which launcher of MPI a team would use, and whether its ranks find each other.

use crate::dist::{LaunchCommand, Team, output_within};
use crate::error::{Error, Result};
use std::time::Duration;

/// Time in which two ranks start and end.
const LIMIT: Duration = Duration::from_secs(30);

/// Starts two ranks that only say which ones they are. Returns launcher and library in their own words.
///
/// # Errors
/// No launcher; a library that does not match it.
pub(super) fn find() -> Result<String> {
    let launch = LaunchCommand::new(&Team::local(2))?;
    let mut command = launch.command;
    let program = std::env::current_exe().map_err(Error::io("find", "this program".as_ref()))?;
    command.arg(program).args(["rank", "--check"]);
    let given = std::env::var_os("CANDLEBOOK_MPI").map(Into::into);
    if let Some(library) = given.or(launch.library) {
        command.arg("--mpi").arg(library);
    }
    let output = output_within(&mut command, LIMIT);
    let Some(output) = output.map_err(Error::io("start", launch.version.as_ref()))? else {
        let text = format!("{}: two ranks take longer than {LIMIT:?}", launch.version);
        return Err(Error::Job(text));
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match library_of_two(&text) {
        Some(library) => Ok(format!("{}; its ranks use {library}", launch.version)),
        None => {
            let error = String::from_utf8_lossy(&output.stderr);
            let lines = text.lines().chain(error.lines());
            let lines: Vec<&str> = lines
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            Err(Error::Job(format!(
                "{}: {}",
                launch.version,
                lines.join(" | ")
            )))
        }
    }
}

/// The library, if ranks 0 and 1 of 2 have said its name.
fn library_of_two(text: &str) -> Option<&str> {
    let library = |rank: &str| {
        let line = text.lines().find(|line| line.starts_with(rank))?;
        line.split_once(" of 2 by ").map(|(_, library)| library)
    };
    library("rank 0 ")?;
    library("rank 1 ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ranks_must_know_of_each_other() {
        let line = |rank, of| format!("rank {rank} on host a of {of} by MPICH 5.0.2\n");
        let both = line(1, 2) + &line(0, 2);
        assert_eq!(library_of_two(&both), Some("MPICH 5.0.2"));
        assert_eq!(library_of_two(&(line(0, 1) + &line(0, 1))), None);
        assert_eq!(library_of_two(&line(0, 2)), None);
    }
}
