//! The trial of the wheel: a new user's first minutes, on a machine that never built anything.

use super::sources::{cargo_home, sysroot};
use super::{Dist, at, build_wheels, copy, size};
use crate::command::{output, run};
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A machine without network, and without home, checkout and toolchain folder of the builder.
#[derive(Clone, Copy, PartialEq)]
enum Machine {
    /// It has a C compiler and rust-src.
    Complete,
    /// It has neither, and no path to the toolchain.
    Bare,
    /// Like `Bare`, with a toolchain from pip alone.
    CompilerByPip,
}

impl Machine {
    fn description(self) -> &'static str {
        match self {
            Machine::Complete => "with C compiler and rust-src",
            Machine::Bare => "without C compiler, rust-src and a path",
            Machine::CompilerByPip => "with the compiler's wheels, without any toolchain",
        }
    }
}

/// Tests the wheel on each machine.
pub(crate) fn step(workspace: &Workspace) -> Result<(), String> {
    let wheels = build_wheels(workspace)?;
    if let Err(error) = output(Command::new("unshare").args(["-n", "-m", "true"])) {
        println!(
            "xtask: SKIPPED: the wheel was built, but NOT tried: namespaces are refused ({error})"
        );
        return Ok(());
    }
    for machine in [Machine::Complete, Machine::Bare, Machine::CompilerByPip] {
        let trial = Trial::prepare(workspace, &wheels, machine)?;
        println!("xtask: trial of the wheel, {}", machine.description());
        run(&mut trial.command(workspace, &[])?)?;
    }
    Ok(())
}

/// Runs the recipes for containers and services in fresh roots.
///
/// # Errors
/// If this user may not make them, or a recipe fails.
pub(crate) fn containers(workspace: &Workspace) -> Result<(), String> {
    build_wheels(workspace)?;
    let dist = Dist::new(workspace).folder;
    let mut recipes = Command::new("python3");
    recipes.arg(workspace.root.join("tests/dist/containers.py"));
    run(recipes.arg(dist.join("roots")).arg(dist))
}

/// Measures the wheel: its size, its installation, and its first and second start.
///
/// # Errors
/// If the wheel cannot be built or fails.
pub(crate) fn bench() -> Result<(), String> {
    let workspace = Workspace::new()?;
    let wheels = build_wheels(&workspace)?;
    let wheel = wheels.first().ok_or("expected a wheel, got none")?;
    let trial = Trial::prepare(&workspace, &wheels, Machine::Complete)?;
    let mut bench = Command::new("python3");
    bench
        .arg(workspace.root.join("benches/install.py"))
        .arg(wheel)
        .env("CANDLEBOOK_BENCH", workspace.target.join("bench"))
        .env("MEGABYTES", format!("{:.1}", size(wheel)? as f64 / 1e6));
    let check = trial.command(&workspace, &["--quick"])?;
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
    machine: Machine,
}

impl Trial {
    fn prepare(
        workspace: &Workspace,
        wheels: &[PathBuf],
        machine: Machine,
    ) -> Result<Trial, String> {
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
        pip.args(["-m", "pip", "install", "--quiet", "--no-index"]);
        pip.args(["--disable-pip-version-check", "--find-links"]);
        pip.arg(Dist::new(workspace).wheels());
        let is_compiler = |wheel: &&PathBuf| wheels.first() != Some(*wheel);
        let by_pip = machine == Machine::CompilerByPip;
        let wanted = wheels.iter().filter(|it| by_pip || !is_compiler(it));
        run(pip.args(wanted))?;
        Ok(Trial {
            folder,
            python,
            machine,
        })
    }

    /// The command that checks the wheel inside the box.
    fn command(&self, workspace: &Workspace, arguments: &[&str]) -> Result<Command, String> {
        let is_bare = self.machine != Machine::Complete;
        let toolchain = match self.machine {
            Machine::CompilerByPip => PathBuf::new(),
            _ => sysroot()?,
        };
        let mut command = Command::new(workspace.root.join("tests/dist/box.sh"));
        command
            .env("BOX", &self.folder)
            .env("TOOLCHAIN", toolchain)
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
