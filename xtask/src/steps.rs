//! The steps of `cargo xtask test`.

use crate::command::run;
use crate::workspace::Workspace;
use crate::{checks, compare, cuda, dist, words};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A named part of the tests.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<(), String>,
}

const fn step(name: &'static str, run: fn(&Workspace) -> Result<(), String>) -> Step {
    Step { name, run }
}

const STEPS: [Step; 11] = [
    step("fmt", fmt),
    step("words", words::check),
    step("typos", checks::typos),
    step("clippy", clippy),
    step("cuda", cuda::check),
    step("doc", doc),
    step("unit", unit),
    step("compare", compare::step),
    step("install", install),
    step("kernel", kernel),
    step("notebooks", notebooks),
];

/// Steps that run only if they are named: they install a toolchain, compile a tool, take minutes to
/// compress the helper crate, or need root.
const EXTRA_STEPS: [Step; 4] = [
    step("deny", checks::deny),
    step("msrv", checks::msrv),
    step("dist", dist::step),
    step("containers", dist::containers),
];

/// Runs the named steps, or all default steps.
///
/// # Errors
/// If a name is unknown or a step fails.
pub(crate) fn test(wanted: &[&str]) -> Result<(), String> {
    let steps = select_steps(wanted)?;
    let workspace = Workspace::new()?;
    for Step { name, run } in steps {
        let start = Instant::now();
        println!("xtask: {name}");
        run(&workspace).map_err(|error| format!("{name}: {error}"))?;
        println!(
            "xtask: {name} passed, {:.0} s",
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// The named steps in their order, or all default steps if none is named.
fn select_steps(wanted: &[&str]) -> Result<Vec<Step>, String> {
    let all = || STEPS.iter().chain(&EXTRA_STEPS);
    let is_unknown = |name: &&&str| all().all(|step| step.name != **name);
    if let Some(unknown) = wanted.iter().find(is_unknown) {
        let names: Vec<&str> = all().map(|step| step.name).collect();
        return Err(format!(
            "expected one of the test steps, got {unknown}. Steps: {}",
            names.join(" ")
        ));
    }
    if wanted.is_empty() {
        return Ok(STEPS.to_vec());
    }
    Ok(all()
        .filter(|step| wanted.contains(&step.name))
        .copied()
        .collect())
}

fn fmt(workspace: &Workspace) -> Result<(), String> {
    run(workspace.cargo().args(["fmt", "--all", "--", "--check"]))?;
    // Workspaces of their own.
    for manifest in ["fuzz/Cargo.toml", "benches/burn/Cargo.toml"] {
        let mut cargo = workspace.cargo();
        run(cargo.args(["fmt", "--manifest-path", manifest, "--", "--check"]))?;
    }
    Ok(())
}

fn clippy(workspace: &Workspace) -> Result<(), String> {
    run(workspace.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn doc(workspace: &Workspace) -> Result<(), String> {
    let mut cargo = workspace.cargo();
    run(cargo.env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--no-deps",
        "--package",
        "candlebook",
    ]))
}

/// Unit, integration and doc tests. The kernel's tests use the release profile, so that its
/// dependencies are compiled once.
fn unit(workspace: &Workspace) -> Result<(), String> {
    run(workspace.cargo().args(["test", "--package", "candlebook"]))?;
    run(workspace.cargo().args(["test", "--package", "xtask"]))?;
    run(workspace
        .cargo()
        .args(["test", "--release", "--package", "candlebook-kernel"]))
}

/// Runs the README's install command, into folders below the target folder.
///
/// # Errors
/// If the command fails.
pub(crate) fn install(workspace: &Workspace) -> Result<(), String> {
    let mut cargo = workspace.cargo();
    run(workspace
        .isolate(&mut cargo)
        .args(["candlebook", "install"]))
}

/// Tests the kernel with a Jupyter client.
fn kernel(workspace: &Workspace) -> Result<(), String> {
    install(workspace)?;
    let python = workspace.python()?;
    install_browser();
    let mut pytest = Command::new(python);
    pytest.current_dir(&workspace.root).args([
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "no:cacheprovider",
        // Two kernels at a time: most of a test waits for one compiler.
        "--numprocesses=2",
        "--dist=loadfile",
        "tests/kernel",
    ]);
    run(workspace.isolate(&mut pytest))
}

/// Runs every notebook from top to bottom and checks the outputs.
fn notebooks(workspace: &Workspace) -> Result<(), String> {
    install(workspace)?;
    let python = workspace.python()?;
    let folder = workspace.root.join("notebooks");
    let entries =
        std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "ipynb")
    });
    paths.sort();
    for path in paths {
        // A copy, so that cells do not write files into the repository.
        let copy = workspace
            .work
            .join("notebooks")
            .join(path.file_name().unwrap_or_default());
        let made = copy
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::copy(&path, &copy));
        made.map_err(|error| format!("{}: {error}", copy.display()))?;
        let mut candlebook = Command::new(workspace.kernel());
        run(workspace.isolate(&mut candlebook).arg("run").arg(&copy))?;
        let mut check = Command::new(&python);
        run(check
            .current_dir(&workspace.root)
            .arg("tests/check_notebook.py")
            .arg(&copy))?;
    }
    Ok(())
}

/// Runs the tests that reach gemm's unsafe call in a build that stops at the first access outside a
/// buffer.
///
/// # Errors
/// If a test fails.
pub(crate) fn sanitizer() -> Result<(), String> {
    let workspace = Workspace::new()?;
    let mut cargo = workspace.cargo();
    cargo.args([
        "test",
        "--package",
        "candlebook",
        "--target",
        "x86_64-unknown-linux-gnu",
    ]);
    cargo.args(["--lib", "--test", "layer", "--test", "train"]);
    // The flag is unstable, but stable toolchains contain the sanitizer. Tests leak memory on
    // purpose.
    run(cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .env("CARGO_TARGET_DIR", workspace.target.join("sanitizer")))
}

/// Installs a browser for the test that needs one, if the system has apt-get. Otherwise that test
/// is skipped and reports it.
fn install_browser() {
    let installed = |name: &str| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|out| out.status.success())
    };
    if !installed("chromium") || !installed("chromedriver") {
        println!("xtask: installing chromium by apt-get");
        for arguments in [
            &["update", "-q"][..],
            &["install", "-qy", "chromium", "chromium-driver"],
        ] {
            if let Err(error) = run(Command::new("apt-get")
                .args(arguments)
                .stdout(Stdio::null()))
            {
                println!("xtask: no browser: {error}");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_in_their_order_and_extra_steps_only_if_named() {
        let names = |wanted: &[&str]| -> Vec<&str> {
            let steps = select_steps(wanted).unwrap();
            steps.iter().map(|step| step.name).collect()
        };
        assert_eq!(names(&["msrv", "unit", "fmt"]), ["fmt", "unit", "msrv"]);
        assert!(!names(&[]).contains(&"deny"));
        assert!(select_steps(&["units"]).is_err());
    }
}
