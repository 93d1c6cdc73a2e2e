//! Cargo's calls for added crates.

use super::change::helper_lock;
use super::compiler::ARGUMENTS;
use super::folder::AddedFolder;
use super::list::{CrateList, HELPER, manifest_for_helper};
use super::seed_units::SeedUnits;
use crate::build::cargo::process::{bin_folder, cargo, extra_flag};
use crate::build::cargo::variables::ADDED_COMPILER;
use crate::build::environment::HELPER_FOLDER;
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

/// The crates that the seed has compiled. Cargo lists them once a session, in less than a second.
///
/// # Errors
/// If cargo cannot be run or fails.
pub(super) fn compiled(place: &AddedFolder) -> Result<SeedUnits> {
    if let Some(compiled) = SeedUnits::read(&place.compiled()) {
        return Ok(compiled);
    }
    let folder = place.folder().join("helper");
    std::fs::create_dir_all(folder.join("src"))?;
    std::fs::write(folder.join("src/lib.rs"), "")?;
    std::fs::write(
        folder.join("Cargo.toml"),
        manifest_for_helper(&place.session)?,
    )?;
    link_helper(&folder, place)?;
    let lock = helper_lock().ok_or(ErrorKind::NotFound)?;
    std::fs::copy(lock, folder.join("Cargo.lock"))?;
    let host = host()?;
    let mut arguments = vec!["build", "--manifest-path", "added/helper/Cargo.toml"];
    arguments.extend(["--package", HELPER, "--offline", "--message-format=json"]);
    arguments.extend(["--target", &host]);
    let out = call(place, &place.session, &arguments).output()?;
    if !out.status.success() {
        return Err(Error::other(String::from_utf8_lossy(&out.stderr)));
    }
    let compiled = SeedUnits::from_messages(&String::from_utf8_lossy(&out.stdout));
    std::fs::write(place.compiled(), serde_json::to_vec(&compiled)?)?;
    Ok(compiled)
}

/// Links the helper's source into the folder of a package, where cargo names it as in a session.
fn link_helper(folder: &Path, place: &AddedFolder) -> Result<()> {
    let link = folder.join(HELPER_FOLDER);
    if link.exists() {
        return Ok(());
    }
    std::os::unix::fs::symlink(place.session.join(HELPER_FOLDER), link)
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
    let out = run().map_err(|error| format!("cannot run cargo: {error}"))?;
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
        let wrapper = bin_folder()
            .ok_or(ErrorKind::NotFound)?
            .join(ADDED_COMPILER);
        let mut arguments = vec!["build", "--target", &host];
        arguments.extend(is_offline().then_some("--offline"));
        call(place, &place.folder(), &arguments)
            .env("RUSTC_WRAPPER", wrapper)
            .env(ARGUMENTS, place.arguments(crates))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    };
    let mut cargo = run().map_err(|error| format!("cannot run cargo: {error}"))?;
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
