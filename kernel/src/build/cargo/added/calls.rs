//! Cargo's calls for added crates.

use super::compiler::ARGUMENTS;
use super::explain::NO_CARGO;
use super::folder::AddedFolder;
use super::list::{CrateList, HELPER, depends_on_helper};
use super::results::{self, REPLAY};
use super::seed_units::{SeedUnits, has_extension};
use crate::build::cargo::process::{bin_folder, cargo, extra_flag, rustc};
use crate::build::cargo::variables::{ADDED_COMPILER, BUILD_RESULT};
use crate::toolchain;
use std::io::{BufRead, BufReader, Error, ErrorKind, Result};
use std::path::Path;
use std::process::{Command, Stdio};

/// Variable by which the user turns downloads off.
const OFFLINE: &str = "CANDLEBOOK_OFFLINE";

/// A call of cargo in a folder, with its `target`, and with the settings by which the seed was compiled.
fn call(place: &AddedFolder, folder: &Path, arguments: &[&str]) -> Command {
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    let session = place.session.to_string_lossy();
    let flags = format!("-Cprefer-dynamic{}", extra_flag(&session));
    let mut command = cargo(&arguments);
    command
        .current_dir(folder)
        // Relative: cargo reads braces in this path as a template.
        .env("CARGO_TARGET_DIR", "target")
        .env("CARGO_BUILD_BUILD_DIR", "target")
        .env("RUSTFLAGS", flags)
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
        .env_remove("CARGO_PROFILE_DEV_OPT_LEVEL")
        .stdin(Stdio::null());
    command
}

fn host() -> Result<String> {
    toolchain::host().map_err(|error| Error::other(format!("{error:#}")))
}

/// Records in the seed what its build has compiled and which results its build scripts had, for crates that
/// notebooks add. Cargo lists both without compiling, if it gets the flags of the build that has called
/// this process.
///
/// # Errors
/// If cargo cannot be run or fails.
pub(crate) fn record_units() -> Result<()> {
    let place = AddedFolder::of_this_process().ok_or(ErrorKind::NotFound)?;
    let session = &place.session;
    let manifest = std::fs::read_to_string(session.join("Cargo.toml"))?;
    // The engine's first cell is compiled before the helper.
    if place.units()?.is_file() || !depends_on_helper(&manifest) {
        return Ok(());
    }
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let host = host()?;
    let mut arguments = vec!["build", "--package", HELPER, "--offline"];
    arguments.extend(["--message-format=json", "--target", &host]);
    let mut cargo = call(&place, session, &arguments);
    cargo.env("RUSTFLAGS", flags + extra_flag(&session.to_string_lossy()));
    let out = cargo.output()?;
    if !out.status.success() {
        return Err(Error::other(String::from_utf8_lossy(&out.stderr)));
    }
    let messages = String::from_utf8_lossy(&out.stdout);
    results::record(&messages, &place)?;
    let mut units = SeedUnits::from_messages(&messages, session);
    units.mark_contained(&contained(&units, session)?);
    std::fs::write(place.units()?, serde_json::to_vec(&units)?)
}

/// The compiler's list of the crates that the helper's shared library contains. Only an unstable option
/// prints it.
fn contained(units: &SeedUnits, session: &Path) -> Result<String> {
    let files = units
        .library(HELPER)
        .into_iter()
        .flat_map(|helper| &helper.files);
    let mut libraries = files.filter(|file| has_extension(file, std::env::consts::DLL_EXTENSION));
    let library = libraries.next().ok_or(ErrorKind::NotFound)?;
    let mut rustc = Command::new(rustc().ok_or(ErrorKind::NotFound)?);
    rustc.arg("-Zls=root").arg(session.join(library));
    let out = rustc.env("RUSTC_BOOTSTRAP", "1").output()?;
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Cargo's description of the added crates and of all that they need, which it downloads.
///
/// # Errors
/// Cargo's standard error, if it fails.
pub(super) fn metadata(place: &AddedFolder, offline: bool) -> std::result::Result<String, String> {
    let offline = offline || is_offline();
    let arguments = ["metadata", "--format-version=1", "--filter-platform"];
    answer(place, &arguments, offline)
}

/// The packages that a build of the added crates compiles, one a line, each with its features.
///
/// # Errors
/// Cargo's standard error, if it fails.
pub(super) fn tree(place: &AddedFolder) -> std::result::Result<String, String> {
    let mut arguments = vec!["tree", "--edges=normal,build", "--prefix=none"];
    arguments.extend(["--format={p}|{f}", "--target"]);
    answer(place, &arguments, true)
}

/// What cargo prints for arguments that end before the platform's name.
fn answer(
    place: &AddedFolder,
    arguments: &[&str],
    offline: bool,
) -> std::result::Result<String, String> {
    let run = || -> Result<std::process::Output> {
        let host = host()?;
        let mut cargo = call(place, &place.folder(), arguments);
        cargo.arg(host);
        if offline {
            cargo.arg("--offline");
        }
        cargo.output()
    };
    let out = run().map_err(|error| format!("{NO_CARGO}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if out.status.success() {
        Ok(text(&out.stdout))
    } else {
        Err(text(&out.stderr))
    }
}

/// True if the user has turned downloads off.
fn is_offline() -> bool {
    std::env::var_os(OFFLINE).is_some_and(|value| !value.is_empty())
}

/// Compiles the added crates, from the versions in the lock file. `started` gets the name of each
/// package.
///
/// # Errors
/// Cargo's standard error, if it fails.
pub(super) fn build(
    place: &AddedFolder,
    crates: &CrateList,
    mut started: impl FnMut(&str),
) -> std::result::Result<(), String> {
    let run = || -> Result<std::process::Child> {
        let host = host()?;
        let bin = bin_folder().ok_or(ErrorKind::NotFound)?;
        let mut arguments = vec!["build", "--target", &host];
        arguments.extend(is_offline().then_some("--offline"));
        call(place, &place.folder(), &arguments)
            .env("RUSTC_WRAPPER", bin.join(ADDED_COMPILER))
            .env(REPLAY, bin.join(BUILD_RESULT))
            .env(ARGUMENTS, place.arguments(crates))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    };
    let mut cargo = run().map_err(|error| format!("{NO_CARGO}: {error}"))?;
    let mut messages = String::new();
    for line in cargo
        .stderr
        .take()
        .into_iter()
        .flat_map(|pipe| BufReader::new(pipe).lines())
    {
        let line = line.unwrap_or_default();
        if let Some(package) = line.trim_start().strip_prefix("Compiling ") {
            started(package.split(' ').next().unwrap_or(package));
        }
        messages.push_str(&line);
        messages.push('\n');
    }
    match cargo.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{messages}{status}\n")),
        Err(error) => Err(error.to_string()),
    }
}
