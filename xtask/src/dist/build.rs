//! The program, and the seed that it builds.

use super::{Dist, at, copy};
use crate::command::run;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the program and strips it.
pub(super) fn program(workspace: &Workspace, dist: &Dist) -> Result<PathBuf, String> {
    let mut cargo = workspace.cargo();
    let build = cargo.args(["build", "--release", "--package", "candlebook-kernel"]);
    // Flags for the builder's processor would not run on others.
    run(build.env_remove("RUSTFLAGS"))?;
    let program = dist.folder.join("program/candlebook");
    copy(&workspace.kernel(), &program)?;
    run(Command::new("strip").arg(&program))?;
    Ok(program)
}

/// Lets the program build its seed in a home of its own, if it has not yet.
pub(super) fn seed(dist: &Dist, program: &Path) -> Result<PathBuf, String> {
    let home = dist.home();
    let mut install = Command::new(program);
    install
        .args(["install", "--prefix"])
        .arg(dist.folder.join("registered"))
        .current_dir(&dist.folder)
        .env("CANDLEBOOK_HOME", &home)
        .env_remove("RUSTFLAGS");
    run(&mut install)?;
    newest_seed(&home.join("seeds"))
}

/// The seed that was completed last.
fn newest_seed(seeds: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(seeds).map_err(|error| at(seeds, error))?;
    let completed = |path: &PathBuf| {
        let ready = std::fs::metadata(path.join("ready")).ok()?;
        ready.modified().ok()
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let newest = paths
        .filter(|path| completed(path).is_some())
        .max_by_key(completed);
    newest.ok_or_else(|| at(seeds, "expected a complete seed, got none"))
}
