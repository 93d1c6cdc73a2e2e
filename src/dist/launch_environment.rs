//! The launcher of this process, by its environment.
//!
//! Launcher and library must be of one family. A rank with the other's library either dies in
//! `MPI_Init` or believes that it is alone, so both are compared.

use std::env;
use std::path::Path;

/// The MPI cannot be used: what was expected, what was found and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) hint: String,
}

impl Refusal {
    pub(crate) fn new(
        expected: impl Into<String>,
        got: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Refusal {
            expected: expected.into(),
            got: got.into(),
            hint: hint.into(),
        }
    }
}

/// Libraries and launchers that understand each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// MPICH and what is made from it: Intel MPI, MVAPICH, Cray MPICH.
    Mpich,
    OpenMpi,
}

impl Family {
    /// Names under which the loader finds libraries of the family. The standard interface comes
    /// last: its name does not tell the family.
    pub(crate) fn library_names(self) -> &'static [&'static str] {
        let macos = cfg!(target_os = "macos");
        match self {
            Family::Mpich if macos => &["libmpi.12.dylib", "libmpi_abi.1.dylib"],
            Family::OpenMpi if macos => &["libmpi.40.dylib", "libmpi_abi.1.dylib"],
            // The second is Debian's name.
            Family::Mpich => &["libmpi.so.12", "libmpich.so.12", "libmpi_abi.so.1"],
            Family::OpenMpi => &["libmpi.so.40", "libmpi_abi.so.1"],
        }
    }

    fn title(self) -> &'static str {
        match self {
            Family::Mpich => "MPICH or Intel MPI",
            Family::OpenMpi => "Open MPI",
        }
    }
}

/// The launcher that started this process, as far as the environment tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    /// For messages; none if no launcher started this process.
    launcher: Option<&'static str>,
    /// None if the launcher starts both families.
    family: Option<Family>,
    size: Option<usize>,
    /// Known where the size is not.
    rank: Option<usize>,
}

/// Number of ranks as a launcher says it.
struct Sign {
    size: &'static str,
    /// Another variable that must be set.
    beside: Option<&'static str>,
    launcher: &'static str,
    family: Option<Family>,
}

/// In this order: the launchers of the first two run within Slurm, too, whose variables they pass on.
///
/// `SLURM_NTASKS` is no sign. A batch script has it, though it is not a rank.
const SIGNS: [Sign; 4] = [
    Sign {
        size: "OMPI_COMM_WORLD_SIZE",
        beside: None,
        launcher: "mpirun of Open MPI (OMPI_COMM_WORLD_SIZE)",
        family: Some(Family::OpenMpi),
    },
    Sign {
        size: "PMI_SIZE",
        // Slurm and Flux set PMI_SIZE for libraries of both families, but not this one.
        beside: Some("MPI_LOCALNRANKS"),
        launcher: "mpirun of MPICH or Intel MPI (PMI_SIZE)",
        family: Some(Family::Mpich),
    },
    Sign {
        size: "SLURM_STEP_NUM_TASKS",
        beside: None,
        launcher: "srun of Slurm (SLURM_STEP_NUM_TASKS)",
        family: None,
    },
    Sign {
        size: "PMI_SIZE",
        beside: None,
        launcher: "a launcher with PMI (PMI_SIZE)",
        family: None,
    },
];

impl Launch {
    /// Reads the environment of this process.
    pub(crate) fn of_this_process() -> Self {
        Launch::read(|name| env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name: &str| variable(name)?.trim().parse().ok();
        for sign in &SIGNS {
            if sign.beside.is_some_and(|name| variable(name).is_none()) {
                continue;
            }
            if let Some(size) = number(sign.size) {
                return Launch {
                    launcher: Some(sign.launcher),
                    family: sign.family,
                    size: Some(size),
                    rank: None,
                };
            }
        }
        let rank = number("PMIX_RANK");
        Launch {
            launcher: rank.map(|_| "a launcher with PMIx (PMIX_RANK)"),
            family: None,
            size: None,
            rank,
        }
    }

    /// Families of library to look for, the likelier one first.
    pub(crate) fn families(&self) -> Vec<Family> {
        match self.family {
            Some(family) => vec![family],
            // Speaks PMIx always; MPICH only if it was built so.
            None if self.rank.is_some() => vec![Family::OpenMpi, Family::Mpich],
            None => vec![Family::Mpich, Family::OpenMpi],
        }
    }

    /// Compares the library with the launcher before MPI starts.
    ///
    /// # Errors
    /// Returns a refusal if they are of different families.
    pub(crate) fn check_family(
        &self,
        family: Option<Family>,
        version: &str,
        library: &Path,
    ) -> Result<(), Refusal> {
        match (self.family, family) {
            (Some(expected), Some(got)) if expected != got => Err(Refusal::new(
                format!("a library of {}, {}", expected.title(), self.reason()),
                format!("{version} ({})", library.display()),
                self.hint(Some(got)),
            )),
            _ => Ok(()),
        }
    }

    /// Compares the ranks that MPI sees with those of the launcher.
    ///
    /// # Errors
    /// Returns a refusal if they differ: each process believes that it is alone.
    pub(crate) fn check_ranks(
        &self,
        rank: usize,
        size: usize,
        version: &str,
        family: Option<Family>,
    ) -> Result<(), Refusal> {
        let (expected, got) = match (self.size, self.rank) {
            (Some(expected), _) if expected != size => (count(expected), count(size)),
            (None, Some(expected)) if expected != rank => {
                (format!("rank {expected}"), format!("rank {rank} of {size}"))
            }
            _ => return Ok(()),
        };
        Err(Refusal::new(
            format!("{expected}, {}", self.reason()),
            format!("{got} from {version}"),
            self.hint(family),
        ))
    }

    /// Why something is expected.
    fn reason(&self) -> String {
        let launcher = self.launcher.unwrap_or("no launcher");
        format!("as {launcher} started this process")
    }

    fn hint(&self, got: Option<Family>) -> String {
        let other = match got {
            Some(family) => format!("the launcher of {}", family.title()),
            None => "the library's own launcher".to_string(),
        };
        let names = match self.family {
            Some(family) => format!(", such as its {}", family.library_names()[0]),
            None => String::new(),
        };
        format!(
            "Set CANDLEBOOK_MPI to the path of the launcher's library{names}, or start with {other}"
        )
    }
}

fn count(ranks: usize) -> String {
    match ranks {
        1 => "1 rank".to_string(),
        _ => format!("{ranks} ranks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(environment: &[(&str, &str)]) -> Launch {
        Launch::read(|name| {
            let found = environment.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_string())
        })
    }

    #[test]
    fn launchers_are_told_by_their_variables() {
        let open_mpi = launch(&[("OMPI_COMM_WORLD_SIZE", "4"), ("PMIX_RANK", "1")]);
        assert_eq!(
            (open_mpi.family, open_mpi.size),
            (Some(Family::OpenMpi), Some(4))
        );
        let hydra = launch(&[("PMI_SIZE", "2"), ("MPI_LOCALNRANKS", "2")]);
        assert_eq!((hydra.family, hydra.size), (Some(Family::Mpich), Some(2)));
        // srun --mpi=pmi2 serves both families.
        let slurm = launch(&[("PMI_SIZE", "3"), ("SLURM_STEP_NUM_TASKS", "3")]);
        assert_eq!((slurm.family, slurm.size), (None, Some(3)));
        assert!(slurm.launcher.unwrap().contains("Slurm"));
        let flux = launch(&[("PMI_SIZE", "3")]);
        assert_eq!((flux.family, flux.size), (None, Some(3)));
    }

    #[test]
    fn mpirun_within_slurm_is_not_taken_for_srun() {
        let slurm = ("SLURM_STEP_NUM_TASKS", "1");
        let hydra = launch(&[slurm, ("PMI_SIZE", "8"), ("MPI_LOCALNRANKS", "4")]);
        assert_eq!((hydra.family, hydra.size), (Some(Family::Mpich), Some(8)));
        let open_mpi = launch(&[slurm, ("OMPI_COMM_WORLD_SIZE", "8")]);
        assert_eq!(open_mpi.size, Some(8));
    }

    #[test]
    fn without_a_launcher_any_library_and_size_will_do() {
        // A batch script's variable.
        let alone = launch(&[("SLURM_NTASKS", "4")]);
        assert_eq!(alone, launch(&[]));
        assert!(alone.check_ranks(0, 1, "MPICH 5.0.2", None).is_ok());
        assert!(alone.check_family(None, "", Path::new("")).is_ok());
        assert_eq!(alone.families(), [Family::Mpich, Family::OpenMpi]);
    }

    #[test]
    fn another_family_is_refused() {
        let hydra = launch(&[("PMI_SIZE", "2"), ("MPI_LOCALNRANKS", "2")]);
        let library = Path::new("/opt/lib/libmpi.so.40");
        let check = |family| hydra.check_family(family, "Open MPI 5.0.11", library);
        assert!(check(Some(Family::Mpich)).is_ok() && check(None).is_ok());
        let expected = Refusal::new(
            "a library of MPICH or Intel MPI, as mpirun of MPICH or Intel MPI (PMI_SIZE) started \
             this process",
            "Open MPI 5.0.11 (/opt/lib/libmpi.so.40)",
            "Set CANDLEBOOK_MPI to the path of the launcher's library, such as its libmpi.so.12, \
             or start with the launcher of Open MPI",
        );
        assert_eq!(check(Some(Family::OpenMpi)), Err(expected));
    }

    #[test]
    fn ranks_that_are_alone_are_refused() {
        let slurm = launch(&[("SLURM_STEP_NUM_TASKS", "2")]);
        assert!(slurm.check_ranks(1, 2, "", None).is_ok());
        let refusal = slurm.check_ranks(0, 1, "Open MPI 5.0.11", None);
        let refusal = refusal.unwrap_err();
        assert_eq!(
            refusal.expected,
            "2 ranks, as srun of Slurm (SLURM_STEP_NUM_TASKS) started this process"
        );
        assert_eq!(refusal.got, "1 rank from Open MPI 5.0.11");
        // PMIx does not tell the size by the environment.
        let pmix = launch(&[("PMIX_RANK", "1")]);
        assert_eq!(pmix.families()[0], Family::OpenMpi);
        assert!(pmix.check_ranks(1, 2, "", None).is_ok());
        let refusal = pmix.check_ranks(0, 1, "MPICH 5.0.2", None).unwrap_err();
        assert_eq!(refusal.got, "rank 0 of 1 from MPICH 5.0.2");
    }
}
