//! The trial of the wheel: a new user's first minutes, on a machine that never built anything.

use super::sources::{cargo_home, sysroot};
use super::{Dist, at, build_wheel, copy, size};
use crate::command::{output, run};
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tests the wheel in a box without network, home, checkout and the builder's toolchain folder: once
/// with a C compiler and rust-src, once without both and without a path to the toolchain.
pub(crate) fn step(workspace: &Workspace) -> Result<(), String> {
    let wheel = build_wheel(workspace)?;
    if let Err(error) = output(Command::new("unshare").args(["-n", "-m", "true"])) {
        println!(
            "xtask: SKIPPED: the wheel was built, but NOT tried: namespaces are refused ({error})"
        );
        return Ok(());
    }
    for is_bare in [false, true] {
        let trial = Trial::prepare(workspace, &wheel)?;
        println!("xtask: trial of the wheel, {}", description(is_bare));
        run(&mut trial.command(workspace, is_bare, &[])?)?;
    }
    Ok(())
}

fn description(is_bare: bool) -> &'static str {
    match is_bare {
        true => "without C compiler, rust-src and a path",
        false => "with C compiler and rust-src",
    }
}

/// Measures the wheel: its size, its installation, and its first and second start.
///
/// # Errors
/// If the wheel cannot be built or fails.
pub(crate) fn bench() -> Result<(), String> {
    let workspace = Workspace::new()?;
    let wheel = build_wheel(&workspace)?;
    let trial = Trial::prepare(&workspace, &wheel)?;
    let mut bench = Command::new("python3");
    bench
        .arg(workspace.root.join("benches/install.py"))
        .arg(&wheel)
        .env("CANDLEBOOK_BENCH", workspace.target.join("bench"))
        .env("MEGABYTES", format!("{:.1}", size(&wheel)? as f64 / 1e6));
    let check = trial.command(&workspace, false, &["--quick"])?;
    for (name, value) in check.get_envs() {
        if let Some(value) = value {
            bench.env(name, value);
        }
    }
    bench.arg(check.get_program()).args(check.get_args());
    run(&mut bench)
}

/// A fresh environment with the wheel, outside of every folder that the box hides.
struct Trial {
    folder: PathBuf,
    python: PathBuf,
}

impl Trial {
    fn prepare(workspace: &Workspace, wheel: &Path) -> Result<Trial, String> {
        let python = workspace.python()?;
        let folder = std::env::temp_dir().join("candlebook-trial");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| at(&folder, error))?;
        }
        for name in ["home", "tests"] {
            let path = folder.join(name);
            std::fs::create_dir_all(&path).map_err(|error| at(&path, error))?;
        }
        let tests = workspace.root.join("tests");
        copy(
            &tests.join("kernel/conftest.py"),
            &folder.join("tests/conftest.py"),
        )?;
        copy(&tests.join("dist/check.py"), &folder.join("tests/check.py"))?;
        let venv = folder.join("venv");
        run(Command::new(&python).args(["-m", "venv"]).arg(&venv))?;
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]);
        run(pip.args(["--disable-pip-version-check"]).arg(wheel))?;
        Ok(Trial { folder, python })
    }

    /// The command that checks the wheel inside the box.
    fn command(
        &self,
        workspace: &Workspace,
        is_bare: bool,
        arguments: &[&str],
    ) -> Result<Command, String> {
        let mut command = Command::new(workspace.root.join("tests/dist/box.sh"));
        command
            .env("BOX", &self.folder)
            .env("TOOLCHAIN", sysroot()?)
            .env("SITE", self.asked("purelib")?)
            .env("PYTHON", self.asked("base")?)
            .env("HIDE", hidden(workspace)?)
            .env("CARGO", cargo_home()?)
            .env("BARE", if is_bare { "1" } else { "" })
            .arg(self.folder.join("venv/bin/python"))
            .arg(self.folder.join("tests/check.py"))
            .args(arguments);
        Ok(command)
    }

    /// A folder of the tests' Python: of its packages, or of the Python that it was made from.
    fn asked(&self, what: &str) -> Result<PathBuf, String> {
        let code = match what {
            "base" => "import sys; print(sys.base_prefix)",
            _ => "import sysconfig; print(sysconfig.get_paths()['purelib'])",
        };
        let found = output(Command::new(&self.python).args(["-c", code]))?;
        let text = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        std::fs::canonicalize(&text).map_err(|error| at(Path::new(&text), error))
    }
}

/// Folders of the user who builds. A folder inside another one is hidden with it.
fn hidden(workspace: &Workspace) -> Result<String, String> {
    let home = std::env::home_dir().ok_or("expected a home folder, got none: set HOME")?;
    let dist = Dist::new(workspace).folder;
    let mut folders = vec![home, workspace.root.clone(), workspace.target.clone(), dist];
    folders.push(cargo_home()?);
    folders.sort();
    let mut outer: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if !outer.iter().any(|other| folder.starts_with(other)) {
            outer.push(folder);
        }
    }
    let texts: Vec<String> = outer.iter().map(|it| it.display().to_string()).collect();
    Ok(texts.join(":"))
}
