//! `candlebook doctor`: checks everything that the kernel needs and gives advice on each problem.

#[allow(dead_code)]
#[path = "../../src/data/idx_names.rs"]
mod idx_names;
#[allow(dead_code)]
#[path = "../../src/data/locations.rs"]
mod locations;

use crate::build::{Features, Gpu, Seed, has_cc, rust_lld_in};
use crate::home;
use crate::jupyter::{SpecLocation, find_on_path, program_name, shipped_spec, with_program_name};
use crate::python::{JUPYTERLAB, find_python};
use crate::rank::find_mpi;
use crate::shipped::Shipped;
use crate::toolchain;
use anyhow::{Result, bail};
use std::path::Path;

/// Result of one check.
struct Finding {
    name: &'static str,
    level: Level,
    found: String,
    /// Advice, printed unless the level is fine.
    advice: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Fine,
    /// The kernel works without it, but slower or with less.
    Optional,
    /// The kernel does not work without it.
    Required,
}

impl Level {
    fn label(self) -> &'static str {
        match self {
            Level::Fine => "ok     ",
            Level::Optional => "without",
            Level::Required => "MISSING",
        }
    }
}

/// Prints all findings.
///
/// # Errors
/// If something that the kernel needs is missing.
pub(crate) fn print_findings() -> Result<()> {
    let findings = [
        check_program(),
        check_rustc(),
        check_toolchain(),
        check_linker(),
        check_archive(),
        check_libstd(),
        check_rust_src(),
        check_kernelspec(),
        check_helper(),
        check_lab(),
        check_data(),
        check_gpu(),
        check_mpi(),
    ];
    for finding in &findings {
        let label = finding.level.label();
        println!(
            "{label}  {:<10}  {}",
            finding.name,
            continued(&finding.found)
        );
        if finding.level != Level::Fine {
            println!("{:21}  -> {}", "", with_program_name(finding.advice));
        }
    }
    let is_missing = |finding: &Finding| finding.level == Level::Required;
    if findings.iter().any(is_missing) {
        bail!("something that the kernel needs is missing: see MISSING above");
    }
    Ok(())
}

/// Lines below each other in the column of what was found, so that only names begin a line.
fn continued(found: &str) -> String {
    let lines: Vec<&str> = found.lines().filter(|line| !line.is_empty()).collect();
    lines.join(&format!("\n{:21}", ""))
}

/// A finding at level fine, or at `level` if the check failed.
fn finding(
    name: &'static str,
    checked: Result<String>,
    level: Level,
    advice: &'static str,
) -> Finding {
    let (level, found) = match checked {
        Ok(found) => (Level::Fine, found),
        Err(error) => (level, error.to_string()),
    };
    Finding {
        name,
        level,
        found,
        advice,
    }
}

/// The launcher of MPI for teams.
fn check_mpi() -> Finding {
    finding(
        "MPI",
        find_mpi(),
        Level::Optional,
        "needed only for teams: docs/scale.md",
    )
}

/// The version and the place of this program.
fn check_program() -> Finding {
    let program = std::env::current_exe().map_err(anyhow::Error::from);
    let found = program.map(|path| format!("{}, {}", env!("CARGO_PKG_VERSION"), path.display()));
    finding("candlebook", found, Level::Required, "reinstall it")
}

fn check_rustc() -> Finding {
    let version = toolchain::rustc_version().and_then(|version| {
        toolchain::check_rustc(&version)?;
        Ok(version.lines().next().unwrap_or_default().to_owned())
    });
    finding(
        "rustc",
        version,
        Level::Required,
        "rustup update stable (rustup.rs)",
    )
}

/// The choice of the toolchain, and its reason.
fn check_toolchain() -> Finding {
    let checked = toolchain::chosen().and_then(|chosen| {
        let fits = toolchain::fits_shipped(&chosen.version);
        let reason = match Shipped::find() {
            None => "",
            Some(_) if fits => ", for the helper crate that came compiled",
            Some(shipped) => bail!(
                "expected Rust {} for the helper crate that came compiled, got another: it is \
                 compiled again",
                shipped.release()
            ),
        };
        Ok(format!(
            "{}: {}{reason}",
            chosen.origin,
            chosen.sysroot.display()
        ))
    });
    finding(
        "toolchain",
        checked,
        Level::Optional,
        "candlebook install, which asks rustup for it",
    )
}

fn check_linker() -> Finding {
    let lld = toolchain::sysroot().map(|sysroot| rust_lld_in(&sysroot));
    let checked = match lld {
        Ok(lld) if lld.is_file() => Ok("rust-lld, the toolchain's; no C compiler needed".into()),
        _ if has_cc() => Ok("cc".into()),
        _ => Err(anyhow::anyhow!(
            "neither the toolchain's rust-lld nor cc on the path"
        )),
    };
    finding(
        "linker",
        checked,
        Level::Required,
        "use a toolchain from rustup, or install a C compiler",
    )
}

fn check_archive() -> Finding {
    let checked = match Shipped::find() {
        None => Ok("none: the helper crate is compiled on this machine".into()),
        Some(shipped) if shipped.archive().is_file() => Ok(format!(
            "{}, for Rust {}",
            shipped.archive().display(),
            shipped.release()
        )),
        Some(shipped) => Err(anyhow::anyhow!(
            "expected {}, got nothing there",
            shipped.archive().display()
        )),
    };
    finding(
        "archive",
        checked,
        Level::Optional,
        "install Candlebook anew",
    )
}

fn check_libstd() -> Finding {
    let check = || -> Result<String> {
        let folder = toolchain::library_folder()?;
        let names = std::fs::read_dir(&folder)?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        let is_shared = |name: &String| {
            name.starts_with("libstd-") && (name.ends_with(".so") || name.ends_with(".dylib"))
        };
        let Some(libstd) = names.into_iter().find(is_shared) else {
            bail!("expected a shared libstd in {}, got none", folder.display());
        };
        Ok(libstd)
    };
    finding(
        "libstd",
        check(),
        Level::Required,
        "use a toolchain from rustup; the packages of some systems lack it",
    )
}

fn check_rust_src() -> Finding {
    let checked = toolchain::sysroot().and_then(|root| {
        let library = Seed::find().map_or_else(
            |_| toolchain::rust_src(Path::new(""), &root),
            |seed| toolchain::rust_src(&seed.folder, &root),
        );
        let is_in_archive = toolchain::fits_shipped(&toolchain::rustc_version()?);
        if !library.is_dir() && !is_in_archive {
            bail!(
                "not installed: completion is limited, and some variables need a type annotation"
            );
        }
        Ok(library.display().to_string())
    });
    finding(
        "rust-src",
        checked,
        Level::Optional,
        "rustup component add rust-src",
    )
}

fn check_kernelspec() -> Finding {
    let checked = SpecLocation::User.spec_folder().and_then(|folder| {
        if !folder.join("kernel.json").is_file() {
            if let Some(spec) = shipped_spec() {
                return Ok(format!("{}, came with the program", spec.display()));
            }
            bail!("not registered in Jupyter for this user");
        }
        if !SpecLocation::User.is_current() {
            bail!("registered by another build of candlebook");
        }
        Ok(folder.display().to_string())
    });
    finding(
        "kernelspec",
        checked,
        Level::Optional,
        "cargo candlebook install",
    )
}

fn check_helper() -> Finding {
    let checked = Seed::find().and_then(|seed| {
        if !seed.exists() {
            match seed.comes_compiled() {
                true => bail!("not unpacked: the first kernel start takes some seconds longer"),
                false => bail!("not built: the first kernel start takes a few minutes"),
            }
        }
        let features = match seed.features().quoted().replace('"', "") {
            none if none.is_empty() => none,
            names => format!(", with {names}"),
        };
        let how = match seed.comes_compiled() {
            true => "came compiled",
            false => "built",
        };
        Ok(format!("{how} for this toolchain and version{features}"))
    });
    finding(
        "helper",
        checked,
        Level::Optional,
        "cargo candlebook install",
    )
}

fn check_lab() -> Finding {
    let check = || -> Result<String> {
        if let Some(lab) = find_on_path("jupyter-lab") {
            let version = home::output(home::tool(lab)?.arg("--version"))?;
            return Ok(format!("JupyterLab {}", version.trim()));
        }
        if JUPYTERLAB.are_installed()? {
            return Ok("a private JupyterLab".into());
        }
        bail!(
            "not installed; `{} lab` installs it with {}",
            program_name(),
            find_python("JupyterLab")?.display()
        )
    };
    finding(
        "Jupyter",
        check(),
        Level::Optional,
        "cargo candlebook lab, or: pip install jupyterlab",
    )
}

fn check_data() -> Finding {
    let folders = locations::MNIST.folders();
    let is_complete = |folder: &&locations::DataFolder| {
        let files = idx_names::idx_paths(&folder.path);
        files.iter().all(|paths| !paths.is_empty())
    };
    let archive = || {
        let mut folders = folders.iter();
        folders.find_map(|folder| idx_names::zip_paths(&folder.path).into_iter().next())
    };
    let checked = match folders.iter().find(is_complete) {
        // Other sets have files of the same names.
        Some(folder) if folder.shared => Ok(format!(
            "files with MNIST's names in {}, which mnist() verifies",
            folder.path.display()
        )),
        Some(folder) => Ok(format!("MNIST in {}", folder.path.display())),
        None => {
            let archive = archive().map_or_else(String::new, |path| {
                format!(", unless {} has it", path.display())
            });
            Err(anyhow::anyhow!(
                "no full MNIST{archive}: it is downloaded on first use, with 5,000 embedded digits \
                 as fallback"
            ))
        }
    };
    finding(
        "data",
        checked,
        Level::Optional,
        "set CANDLEBOOK_DATA and put the four MNIST files into $CANDLEBOOK_DATA/mnist",
    )
}

fn check_gpu() -> Finding {
    // A damaged selection of features is reported by `check_helper`.
    let verdict = Gpu::detect().verdict(&Features::chosen().unwrap_or_default());
    let level = if verdict.fine {
        Level::Fine
    } else {
        Level::Optional
    };
    Finding {
        name: "GPU",
        level,
        found: verdict.found,
        advice: verdict.mend,
    }
}

#[cfg(test)]
mod tests {
    use super::continued;

    #[test]
    fn lines_stand_below_each_other_without_blank_ones() {
        let indented = format!("one\n{}two", " ".repeat(21));
        assert_eq!(continued("one\n\ntwo\n"), indented);
        assert_eq!(continued("one"), "one");
    }
}
