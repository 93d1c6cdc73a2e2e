//! Checks by other projects' tools, installed into the target folder.

use crate::command::run;
use crate::workspace::Workspace;
use std::path::PathBuf;
use std::process::Command;

/// Version that deny.toml was written for.
const CARGO_DENY: &str = "0.20.2";

/// Licences, sources and version requirements of all dependencies, by cargo-deny.
pub(crate) fn deny(workspace: &Workspace) -> Result<(), String> {
    let root = workspace.work.join("tools");
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        let mut install = workspace.cargo();
        install.args(["install", "--locked", "--version", CARGO_DENY, "cargo-deny"]);
        run(install.arg("--root").arg(&root))?;
    }
    let mut deny = Command::new(program);
    deny.current_dir(&workspace.root);
    run(deny.args(["check", "bans", "licenses", "sources"]))
}

/// Spelling, by typos.
pub(crate) fn typos(workspace: &Workspace) -> Result<(), String> {
    let environment = workspace.environment("typos", "xtask/typos/requirements.txt")?;
    let mut typos = Command::new(environment.join("bin/typos"));
    run(typos
        .current_dir(&workspace.root)
        .args(["--format", "brief"]))
}

/// A check with the oldest supported compiler.
pub(crate) fn msrv(workspace: &Workspace) -> Result<(), String> {
    let wanted = rust_version(&workspace.root)?;
    let used = Command::new("rustc")
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    let used = String::from_utf8_lossy(&used.stdout).into_owned();
    let mut cargo = workspace.cargo();
    if !used.starts_with(&format!("rustc {wanted}.")) {
        run(Command::new("rustup").args([
            "toolchain",
            "install",
            &wanted,
            "--profile",
            "minimal",
        ]))?;
        cargo = Command::new("rustup");
        cargo
            .current_dir(&workspace.root)
            .args(["run", &wanted, "cargo"]);
    }
    run(cargo.args(["check", "--workspace", "--locked"]))
}

/// The `rust-version` of the workspace's manifest.
fn rust_version(root: &std::path::Path) -> Result<String, String> {
    let path: PathBuf = root.join("Cargo.toml");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse_rust_version(&text).ok_or_else(|| format!("{}: has no rust-version", path.display()))
}

fn parse_rust_version(manifest: &str) -> Option<String> {
    let line = manifest
        .lines()
        .find(|line| line.starts_with("rust-version ="))?;
    line.split('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_manifest_names_the_oldest_compiler() {
        let manifest = "[workspace.package]\nversion = \"0.1.0\"\nrust-version = \"1.95\"\n";
        assert_eq!(parse_rust_version(manifest).as_deref(), Some("1.95"));
        assert_eq!(parse_rust_version("[package]\nname = \"x\"\n"), None);
    }
}
