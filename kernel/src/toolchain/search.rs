//! Choice of the toolchain.
//!
//! A compiled helper crate that came with the program fits exactly one compiler. The search takes
//! the first toolchain with this compiler: the one on the path, any of rustup's, or one beside the
//! program. If there is none, or nothing came with the program, the first recent one is taken, and
//! the helper crate is compiled.

use crate::home::{output, tool, user_home};
use crate::shipped::Shipped;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A toolchain that is installed.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// Its folder.
    pub(crate) sysroot: PathBuf,
    /// Output of `rustc -vV`.
    pub(crate) version: String,
    /// Place in which it was found.
    pub(crate) origin: &'static str,
}

/// A place that may have a toolchain.
struct Candidate {
    rustc: PathBuf,
    origin: &'static str,
}

static CHOSEN: OnceLock<Toolchain> = OnceLock::new();

/// The toolchain of this process, found at the first call.
///
/// # Errors
/// If no compiler is installed.
pub(crate) fn chosen() -> Result<&'static Toolchain> {
    if let Some(chosen) = CHOSEN.get() {
        return Ok(chosen);
    }
    let wanted = Shipped::find().map(|shipped| shipped.rustc.as_str());
    let found = choose(candidates(), wanted).context(advice())?;
    Ok(CHOSEN.get_or_init(|| found))
}

/// True if a compiler has the version that the compiled helper crate needs.
pub(crate) fn fits_shipped(version: &str) -> bool {
    Shipped::find().is_some_and(|shipped| shipped.rustc == version)
}

/// Installs the toolchain that the compiled helper crate needs, if it is missing and rustup is
/// installed. Without it, the helper crate is compiled.
pub(crate) fn install_missing() {
    let Some(shipped) = Shipped::find() else {
        return;
    };
    let found = choose(candidates(), Some(&shipped.rustc));
    if found.is_ok_and(|found| found.version == shipped.rustc) {
        return;
    }
    let Some(rustup) = find_program("rustup") else {
        return;
    };
    let release = shipped.release();
    eprintln!("candlebook: installing Rust {release} with rustup, for the compiled helper crate");
    let install = || {
        let arguments = ["toolchain", "install", release, "--profile", "minimal"];
        output(tool(rustup)?.args(arguments))
    };
    if let Err(error) = install() {
        eprintln!("candlebook: Rust {release} could not be installed: {error:#}");
    }
}

/// Minimum rustc version that the engine supports: (major, minor).
const MIN_RUSTC: (u32, u32) = (1, 95);

/// Checks the output of `rustc -vV` against the minimum version.
///
/// # Errors
/// If rustc is older.
pub(crate) fn check_rustc(version: &str) -> Result<()> {
    let release = version
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .unwrap_or("unknown");
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < MIN_RUSTC {
        let (major, minor) = MIN_RUSTC;
        bail!("rustc: expected {major}.{minor} or newer, got {release}. Run: rustup update stable");
    }
    Ok(())
}

fn advice() -> String {
    let line = Shipped::find().map(|shipped| {
        let release = shipped.release();
        format!("rustup toolchain install {release} --profile minimal")
    });
    let line = line.unwrap_or_else(|| "rustup update stable".to_owned());
    format!("rustc was not found: install rustup from rustup.rs, run `{line}`, and try again")
}

/// The first toolchain with the wanted compiler, otherwise the first recent one.
fn choose(
    candidates: impl IntoIterator<Item = Candidate>,
    wanted: Option<&str>,
) -> Result<Toolchain> {
    let (mut recent, mut first) = (None, None);
    for candidate in candidates {
        let Some(found) = candidate.probe() else {
            continue;
        };
        match wanted {
            Some(wanted) if found.version == wanted => return Ok(found),
            None if check_rustc(&found.version).is_ok() => return Ok(found),
            _ if check_rustc(&found.version).is_ok() => recent = recent.or(Some(found)),
            _ => first = first.or(Some(found)),
        }
    }
    match recent.or(first) {
        Some(first) => Ok(first),
        None => bail!("no toolchain on the path, in rustup's folder or beside the program"),
    }
}

/// All places, in the order of the search.
fn candidates() -> Vec<Candidate> {
    let at = |rustc: PathBuf, origin| Candidate { rustc, origin };
    let mut all = vec![at("rustc".into(), "on the path")];
    // A Jupyter server that was started from a menu has no path.
    all.extend(cargo_bin().map(|bin| at(bin.join("rustc"), "in cargo's folder")));
    let toolchains = rustup_toolchains().into_iter();
    all.extend(toolchains.map(|folder| at(folder.join("bin/rustc"), "one of rustup's toolchains")));
    if let Some(shipped) = Shipped::find() {
        all.push(at(
            shipped.file("rust/bin/rustc"),
            "installed with the program",
        ));
        all.push(at(shipped.prefix.join("bin/rustc"), "beside the program"));
    }
    all
}

/// The folders of rustup's toolchains, in order of their names.
fn rustup_toolchains() -> Vec<PathBuf> {
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(user_home().ok()?.join(".rustup")));
    let entries = home.and_then(|home| std::fs::read_dir(home.join("toolchains")).ok());
    let paths = entries.into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = paths.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn cargo_bin() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(user_home().ok()?.join(".cargo")))?;
    Some(home.join("bin"))
}

/// A program of rustup, on the path or in cargo's folder.
fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(cargo_bin());
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file())
}

impl Candidate {
    /// The toolchain, if there is one in this place.
    fn probe(&self) -> Option<Toolchain> {
        let is_path = self.rustc.is_absolute();
        if is_path && !self.rustc.is_file() {
            return None;
        }
        let version = output(tool(&self.rustc).ok()?.arg("-vV")).ok()?;
        Some(Toolchain {
            sysroot: sysroot(&self.rustc)?,
            version,
            origin: self.origin,
        })
    }
}

/// The folder of a compiler's toolchain. Rustup's proxies are in another one.
fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let printed = output(tool(rustc).ok()?.args(["--print", "sysroot"])).ok()?;
    Some(PathBuf::from(printed.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A compiler that prints only its version and its folder.
    fn compiler(folder: &Path, release: &str) -> Candidate {
        let rustc = folder.join(release).join("bin/rustc");
        std::fs::create_dir_all(rustc.parent().unwrap()).unwrap();
        let sysroot = folder.join(release);
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = -vV ] && printf 'rustc\\nrelease: {release}\\n' || echo '{}'\n",
            sysroot.display()
        );
        std::fs::write(&rustc, script).unwrap();
        std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
        Candidate {
            rustc,
            origin: "test",
        }
    }

    #[test]
    fn the_wanted_compiler_is_taken_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let all = || ["1.70.0", "1.96.0", "1.95.0"].map(|it| compiler(folder.path(), it));
        let wanted = "rustc\nrelease: 1.95.0\n";
        let found = choose(all(), Some(wanted)).unwrap();
        assert_eq!(found.version, wanted);
        assert_eq!(found.sysroot, folder.path().join("1.95.0"));
        let other = choose(all(), Some("rustc\nrelease: 1.97.0\n")).unwrap();
        assert!(other.sysroot.ends_with("1.96.0"));
        let old = choose([compiler(folder.path(), "1.70.0")], Some(wanted)).unwrap();
        assert!(old.sysroot.ends_with("1.70.0"));
        let recent = choose(all(), None).unwrap();
        assert!(recent.sysroot.ends_with("1.96.0"));
    }

    #[test]
    fn rustc_older_than_the_minimum_is_rejected() {
        assert!(check_rustc("rustc 1.95.0\nrelease: 1.95.0-nightly").is_ok());
        let error = check_rustc("release: 1.70.0").unwrap_err().to_string();
        assert!(
            error.contains("expected 1.95 or newer, got 1.70.0"),
            "{error}"
        );
    }

    #[test]
    fn no_compiler_is_an_error() {
        let missing = Candidate {
            rustc: "/none/rustc".into(),
            origin: "test",
        };
        assert!(choose([missing], None).is_err());
    }
}
