//! The team of a notebook that runs without Jupyter: the command by which its models are trained.

use anyhow::{Result, bail};
use std::path::Path;

/// Variables of launchers with the number of the processes that they have started, and another variable
/// that must be set if one is named.
const LAUNCHERS: [(&str, Option<&str>); 3] = [
    ("OMPI_COMM_WORLD_SIZE", None),
    ("PMI_SIZE", Some("MPI_LOCALNRANKS")),
    ("SLURM_STEP_NUM_TASKS", None),
];

/// Rejects a notebook that a launcher has started several times: each process would run all of it.
///
/// # Errors
/// If several processes were started.
pub(super) fn check_alone(notebook: &Path) -> Result<()> {
    check(notebook, |name| std::env::var(name).ok())
}

fn check(notebook: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    for (name, beside) in LAUNCHERS {
        if beside.is_some_and(|name| variable(name).is_none()) {
            continue;
        }
        let processes = variable(name).and_then(|text| text.parse::<usize>().ok());
        if let Some(processes) = processes.filter(|&processes| processes > 1) {
            let team = match name {
                "SLURM_STEP_NUM_TASKS" => "srun".to_owned(),
                _ => format!("\"mpirun -n {processes}\""),
            };
            bail!(
                "expected one process, got {processes} ({name}), each of which would run the notebook. \
                 Write: candlebook run {} --team {team}",
                notebook.display()
            );
        }
    }
    Ok(())
}

/// Sets the default team of the notebook's cells. Paths in the command mean files below `folder`.
///
/// # Safety
/// No other thread may run.
#[allow(unsafe_code)]
pub(super) unsafe fn set_default(team: Option<&str>, folder: &Path) {
    let Some(team) = team else { return };
    // SAFETY: the caller promises that no other thread runs.
    unsafe {
        std::env::set_var("CANDLEBOOK_TEAM", team);
        std::env::set_var("CANDLEBOOK_TEAM_FOLDER", folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_processes_are_refused_with_the_right_command() {
        let error = |variables: &[(&str, &str)]| {
            let result = check(Path::new("a.ipynb"), |name| {
                let found = variables.iter().find(|(other, _)| *other == name)?;
                Some(found.1.to_owned())
            });
            result.err().map(|error| error.to_string())
        };
        let refused = error(&[("OMPI_COMM_WORLD_SIZE", "4")]).unwrap();
        assert!(
            refused.ends_with("candlebook run a.ipynb --team \"mpirun -n 4\""),
            "{refused}"
        );
        let refused = error(&[("SLURM_STEP_NUM_TASKS", "2")]).unwrap();
        assert!(refused.ends_with("--team srun"), "{refused}");
        // A batch script of Slurm is one process, and so is what one process starts.
        assert_eq!(error(&[("PMI_SIZE", "2"), ("SLURM_NTASKS", "4")]), None);
        assert_eq!(error(&[("OMPI_COMM_WORLD_SIZE", "1")]), None);
    }
}
