//! Programs that start ranks: `mpirun`, `mpiexec`, `srun`.

use crate::dist::launch_environment::Family;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A program that starts ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LauncherKind {
    OpenMpi,
    /// Hydra, of MPICH, Intel MPI and MVAPICH.
    Mpich,
    Slurm,
    /// A program that starts ranks by itself, such as a site's own program.
    Other,
}

/// Asks a launcher what it is, by `PROGRAM --version`. Returns its kind and a line such as
/// "mpirun (Open MPI) 5.0.11".
///
/// # Errors
/// Returns that the program does not start, fails or takes longer than ten seconds.
pub(crate) fn identify(program: &Path) -> Result<(LauncherKind, String), String> {
    const LIMIT: Duration = Duration::from_secs(10);
    let name = program.display();
    let output = output_within(Command::new(program).arg("--version"), LIMIT);
    let Some(output) = output.map_err(|error| format!("{name} does not start: {error}"))? else {
        return Err(format!("{name} --version takes longer than {LIMIT:?}"));
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    match kind(&text) {
        (LauncherKind::Other, line) if line.is_empty() => {
            Err(format!("{name} --version prints nothing"))
        }
        found => Ok(found),
    }
}

/// Output of a program that prints little; `None` if it takes longer than the limit, which ends it.
///
/// # Errors
/// The program does not start.
pub(crate) fn output_within(
    command: &mut Command,
    limit: Duration,
) -> std::io::Result<Option<Output>> {
    let piped = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn()?;
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() >= limit {
            // Without an effect if it ends just now.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        sleep(Duration::from_millis(5));
    }
    child.wait_with_output().map(Some)
}

/// The kind and the line of what `--version` prints.
fn kind(text: &str) -> (LauncherKind, String) {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let kind = match first {
        line if line.starts_with("HYDRA") => {
            let number = lines.find_map(|line| line.strip_prefix("Version:"));
            let line = format!("hydra (MPICH) {}", number.unwrap_or_default().trim());
            return (LauncherKind::Mpich, line.trim_end().to_string());
        }
        line if line.starts_with("Intel(R) MPI") => LauncherKind::Mpich,
        line if line.contains("(Open MPI)") || line.contains("(OpenRTE)") => LauncherKind::OpenMpi,
        line if line.starts_with("slurm") => LauncherKind::Slurm,
        _ => LauncherKind::Other,
    };
    (kind, first.to_string())
}

/// Arguments after the launcher's name, and variables, for a job. The user's own
/// arguments follow.
///
/// Ranks have threads of their own, so none is bound to a core. What Open MPI needs is in variables:
/// version 5 refuses an option that the user gives again.
pub(crate) fn options(
    kind: LauncherKind,
    on_this_machine: bool,
) -> (Vec<String>, Vec<(String, String)>) {
    let here: &[_] = if on_this_machine {
        local_variables(kind)
    } else {
        &[]
    };
    let (arguments, everywhere): (&[&str], &[_]) = match kind {
        // Version 5, version 4.
        LauncherKind::OpenMpi => (
            &[],
            &[
                ("PRTE_MCA_hwloc_default_binding_policy", "none"),
                ("OMPI_MCA_hwloc_base_binding_policy", "none"),
            ],
        ),
        // Intel's binds; MPICH's does not.
        LauncherKind::Mpich => (&[], &[("I_MPI_PIN", "0")]),
        // Input for rank 0 alone; a rank that fails ends the others.
        LauncherKind::Slurm => (
            &["--input=0", "--kill-on-bad-exit=1", "--cpu-bind=none"],
            &[],
        ),
        LauncherKind::Other => (&[], &[]),
    };
    // Open MPI refuses root otherwise.
    let root: &[_] = match kind {
        LauncherKind::OpenMpi if is_root() => &[
            ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
            ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ],
        _ => &[],
    };
    let own = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    (
        arguments.iter().map(ToString::to_string).collect(),
        [everywhere, here, root].concat().iter().map(own).collect(),
    )
}

/// Variables for a job that stays on this machine.
fn local_variables(kind: LauncherKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        LauncherKind::OpenMpi => &[
            // It refuses more ranks than cores otherwise: version 5, version 4.
            ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
            ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
            // The search for fast networks takes a second, and none is needed.
            ("OMPI_MCA_mtl", "^ofi"),
            ("OMPI_MCA_btl", "^ofi"),
        ],
        // MPICH 5's sum in shared memory waits without yielding: with three ranks on two cores, a
        // million values take seconds instead of milliseconds.
        LauncherKind::Mpich => &[("MPIR_CVAR_ALLREDUCE_DEVICE_COLLECTIVE", "0")],
        LauncherKind::Slurm | LauncherKind::Other => &[],
    }
}

/// True if this process runs as root: it owns its own entry in `/proc`.
#[cfg(target_os = "linux")]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// True if this process runs as root, by the environment: there is no `/proc`.
#[cfg(not(target_os = "linux"))]
fn is_root() -> bool {
    env::var_os("USER").is_some_and(|user| user == "root")
}

/// The MPI library that was installed with a launcher: `PREFIX/lib/...` of `PREFIX/bin/mpirun`.
/// None if the loader is to find it, as with a distribution's packages.
pub(crate) fn library_beside(program: &Path, kind: LauncherKind) -> Option<PathBuf> {
    let family = match kind {
        LauncherKind::OpenMpi => Family::OpenMpi,
        LauncherKind::Mpich => Family::Mpich,
        LauncherKind::Slurm | LauncherKind::Other => return None,
    };
    let program = which(program, &env::var_os("PATH").unwrap_or_default())?;
    // A link may lead out of the prefix, or into it.
    let places = [program.canonicalize().ok()?, program];
    let prefixes = places.iter().filter_map(|place| place.parent()?.parent());
    let folders = prefixes.flat_map(|prefix| {
        // The last is of older versions of Intel's.
        ["lib", "lib64", "lib/release"].map(|folder| prefix.join(folder))
    });
    let folders: Vec<PathBuf> = folders.collect();
    // The family's own names first, in whatever folder: the standard's may be another's.
    let names = family.library_names().iter();
    let mut files = names.flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    files.find(|file| file.is_file())
}

/// The program's path as a shell would find it, absolute.
fn which(program: &Path, folders: &std::ffi::OsStr) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return std::path::absolute(program)
            .ok()
            .filter(|path| path.is_file());
    }
    let mut found = env::split_paths(folders).map(|folder| folder.join(program));
    found.find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn launchers_are_told_by_their_version() {
        let expected = [
            (
                "mpirun (Open MPI) 5.0.11\n\nReport bugs",
                LauncherKind::OpenMpi,
                "mpirun (Open MPI) 5.0.11",
            ),
            (
                "HYDRA build details:\n    Version:                5.0.2\n    Release",
                LauncherKind::Mpich,
                "hydra (MPICH) 5.0.2",
            ),
            (
                "Intel(R) MPI Library for Linux* OS, Version 2021.19.0\nCopyright",
                LauncherKind::Mpich,
                "Intel(R) MPI Library for Linux* OS, Version 2021.19.0",
            ),
            ("slurm 23.11.4\n", LauncherKind::Slurm, "slurm 23.11.4"),
            ("\nours 1\n", LauncherKind::Other, "ours 1"),
        ];
        for (text, launcher, line) in expected {
            assert_eq!(kind(text), (launcher, line.to_string()));
        }
    }

    #[test]
    fn programs_that_do_not_answer_are_errors() {
        let error = identify(Path::new("/no/such/mpirun")).unwrap_err();
        assert!(
            error.starts_with("/no/such/mpirun does not start: "),
            "{error}"
        );
        let error = identify(Path::new("true")).map(|found| found.0);
        // GNU's prints a version, BusyBox's nothing.
        assert!(error.is_err() || error == Ok(LauncherKind::Other));
    }

    #[test]
    fn what_other_hosts_may_lack_is_for_this_machine_alone() {
        let names = |kind, here| -> Vec<String> {
            let variables = options(kind, here).1.into_iter();
            variables.map(|(name, _)| name).collect()
        };
        let has = |list: &[String], name: &str| list.iter().any(|other| other == name);
        let here = names(LauncherKind::OpenMpi, true);
        let hosts = names(LauncherKind::OpenMpi, false);
        assert!(has(&here, "OMPI_MCA_btl") && !has(&hosts, "OMPI_MCA_btl"));
        assert!(hosts.iter().all(|name| has(&here, name)));
        assert!(has(&hosts, "PRTE_MCA_hwloc_default_binding_policy"));
        assert_eq!(has(&hosts, "OMPI_ALLOW_RUN_AS_ROOT"), is_root());
        assert_eq!(names(LauncherKind::Mpich, false), ["I_MPI_PIN"]);
        let (arguments, variables) = options(LauncherKind::Slurm, true);
        assert!(arguments.contains(&"--input=0".to_string()) && variables.is_empty());
        assert_eq!(options(LauncherKind::Other, true), (vec![], vec![]));
    }

    /// A folder of this test's own, with empty files.
    fn prefix(name: &str, files: &[&str]) -> PathBuf {
        let folder = env::temp_dir().join(format!("candlebook-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for file in files {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        folder
    }

    #[test]
    fn the_library_lies_beside_its_launcher() {
        let both = [
            "bin/mpirun",
            "lib/libmpi.so.12",
            "lib/libmpi_abi.so.1",
            "lib64/libmpi.so.40",
        ];
        let root = prefix("beside", &both);
        let mpirun = root.join("bin/mpirun");
        let beside = |kind| library_beside(&mpirun, kind);
        assert_eq!(
            beside(LauncherKind::Mpich),
            Some(root.join("lib/libmpi.so.12"))
        );
        assert_eq!(
            beside(LauncherKind::OpenMpi),
            Some(root.join("lib64/libmpi.so.40"))
        );
        assert_eq!(beside(LauncherKind::Slurm), None);
        // /usr/bin/mpirun of Debian leads by links to a file whose library the loader finds.
        let linked = prefix("linked", &["usr/bin/orterun"]);
        let link = linked.join("usr/bin/mpirun");
        symlink(linked.join("usr/bin/orterun"), &link).unwrap();
        assert_eq!(library_beside(&link, LauncherKind::OpenMpi), None);
        // A link to a program elsewhere.
        let link = linked.join("mpirun-5");
        symlink(&mpirun, &link).unwrap();
        let found = library_beside(&link, LauncherKind::OpenMpi);
        assert_eq!(
            found,
            Some(root.join("lib64/libmpi.so.40").canonicalize().unwrap())
        );
        fs::remove_dir_all(root).unwrap();
        fs::remove_dir_all(linked).unwrap();
    }

    #[test]
    fn names_without_a_folder_are_found_by_the_path() {
        let root = prefix("path", &["bin/mpirun"]);
        let folders = env::join_paths([root.join("none"), root.join("bin")]).unwrap();
        assert_eq!(
            which(Path::new("mpirun"), &folders),
            Some(root.join("bin/mpirun"))
        );
        assert_eq!(which(Path::new("srun"), &folders), None);
        fs::remove_dir_all(root).unwrap();
    }
}
