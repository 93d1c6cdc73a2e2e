//! The benchmarks; their rows are written to `target/bench/NAME.json`.

mod scale;

use crate::command::{cleaned, run};
use crate::steps::install;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Python packages for a comparison with other libraries.
struct Packages {
    imports: &'static str,
    requirements: &'static [&'static str],
}

const TORCH: &str = "torch==2.15.0";
const NUMPY: &str = "numpy==2.3.5";
const PILLOW: &str = "pillow==13.0.0";
const LOADER_PACKAGES: Packages = Packages {
    imports: "import torch, torchvision",
    requirements: &[TORCH, "torchvision==0.29.2", PILLOW],
};
const TRAINING_PACKAGES: Packages = Packages {
    imports: "import torch, numpy",
    requirements: &[TORCH, NUMPY],
};
const RIVAL_PACKAGES: Packages = Packages {
    imports: "import torch, numpy, jax, optax",
    requirements: &[TORCH, NUMPY, "jax==0.10.2", "optax==0.2.8"],
};
const KERNEL_PACKAGES: Packages = Packages {
    imports: "import torch, numpy, PIL, ipykernel",
    requirements: &[TORCH, NUMPY, PILLOW, "ipykernel==7.4.0"],
};
/// What `benches/training.py` runs with them and with Burn.
const RIVALS: &str = "torch compile,jax,burn";

/// Variables by which the other libraries use nothing wider than AVX2; the first one is the benchmark's.
const AVX2: [(&str, &str); 5] = [
    ("INSTRUCTIONS", "AVX2"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    ("XLA_FLAGS", "--xla_cpu_max_isa=AVX2"),
];

/// Other libraries that a benchmark installs for a comparison.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Others {
    /// PyTorch takes part if it is installed.
    None,
    Torch,
    /// torch.compile, JAX and Burn as well.
    Rivals,
}

/// Runs a benchmark of the installed kernel, compared with ipykernel if PyTorch is installed. That of
/// teams also writes a table into `docs/scale.md`.
///
/// # Errors
/// If the kernel cannot be installed or the benchmark fails.
pub(crate) fn kernel(name: &str, others: Others) -> Result<(), String> {
    let workspace = Workspace::new()?;
    install(&workspace)?;
    let torch = with_packages(&workspace, KERNEL_PACKAGES, others)?;
    let mut python = Command::new(workspace.python()?);
    python
        .current_dir(&workspace.work)
        .arg(script(&workspace, name));
    let python = workspace.isolate(&mut python);
    if let Some(torch) = torch {
        python.env("TORCH_PYTHON", torch);
    }
    let rows = workspace.target.join("bench");
    run(python.env("CANDLEBOOK_BENCH", &rows))?;
    match name {
        "scale" => scale::write(
            &rows.join("scale.json"),
            &workspace.root.join("docs/scale.md"),
        ),
        _ => Ok(()),
    }
}

/// The Python that has other libraries, installed if asked for; `None` if it lacks them.
fn with_packages(
    workspace: &Workspace,
    packages: Packages,
    others: Others,
) -> Result<Option<PathBuf>, String> {
    let folder = workspace.work.join("torch");
    let python = folder.join("bin/python");
    if others != Others::None && !can_import(&python, packages.imports) {
        install_packages(&folder, packages.requirements)?;
    }
    Ok(can_import(&python, packages.imports).then_some(python))
}

/// Runs a benchmark of the helper crate.
///
/// # Errors
/// If the benchmark fails.
pub(crate) fn helper(name: &str) -> Result<(), String> {
    let workspace = Workspace::new()?;
    run(workspace
        .cargo()
        .args(["bench", "--package", "candlebook", "--bench", name])
        // As in cells: candle's idle threads do not take a processor from the others.
        .env("CANDLE_BARRIER_POOL_SPIN_LIMIT", "100")
        .env("CANDLEBOOK_BENCH", workspace.target.join("bench")))
}

/// Vector instructions that a benchmark may use.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Instructions {
    /// All that the processor has.
    All,
    /// As on a processor without AVX-512.
    Avx2,
}

/// Runs a comparison of the helper crate with other libraries, in one process per run.
///
/// # Errors
/// If the benchmark does not compile or fails.
pub(crate) fn beside_torch(
    name: &str,
    others: Others,
    instructions: Instructions,
) -> Result<(), String> {
    let workspace = Workspace::new()?;
    let program = build(&workspace, name, instructions)?;
    let packages = match (name, others) {
        ("loader", _) => LOADER_PACKAGES,
        (_, Others::Rivals) => RIVAL_PACKAGES,
        _ => TRAINING_PACKAGES,
    };
    let torch = with_packages(&workspace, packages, others)?;
    let mut python = Command::new("python3");
    python
        .arg(script(&workspace, name))
        .env("BENCH", program)
        .env("CANDLEBOOK_BENCH", workspace.target.join("bench"));
    if instructions == Instructions::Avx2 {
        python.envs(AVX2);
    }
    if let Some(torch) = torch {
        python.env("TORCH_PYTHON", torch);
    }
    if others == Others::Rivals {
        python
            .env("RIVALS", RIVALS)
            .env("BURN", build_burn(&workspace)?);
    }
    run(&mut python)
}

/// Compiles Burn's side of the training benchmark, a workspace of its own, and returns its program.
fn build_burn(workspace: &Workspace) -> Result<PathBuf, String> {
    let target = workspace.target.join("burn");
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--release", "--locked"])
        .args(["--manifest-path", "benches/burn/Cargo.toml"]);
    run(cargo.arg("--target-dir").arg(&target))?;
    Ok(target.join("release/candlebook-bench-burn"))
}

fn script(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.root.join("benches").join(format!("{name}.py"))
}

/// Compiles a benchmark and returns its program.
fn build(workspace: &Workspace, name: &str, instructions: Instructions) -> Result<String, String> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["bench", "--package", "candlebook", "--bench", name])
        .args(["--no-run", "--message-format=json"]);
    if instructions == Instructions::Avx2 {
        cargo.arg("--no-default-features");
    }
    let built = cleaned(&mut cargo)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let messages = String::from_utf8_lossy(&built.stdout);
    let mut paths = messages
        .lines()
        .filter_map(|line| line.split("\"executable\":\"").nth(1)?.split('"').next());
    paths
        .next_back()
        .filter(|_| built.status.success())
        .map(str::to_owned)
        .ok_or_else(|| "the benchmark was not built".into())
}

/// Checks by importing: an environment made for one benchmark may lack packages of the other.
fn can_import(python: &Path, imports: &str) -> bool {
    cleaned(Command::new(python).args(["-c", imports]))
        .output()
        .is_ok_and(|out| out.status.success())
}

fn install_packages(folder: &Path, requirements: &[&str]) -> Result<(), String> {
    println!(
        "xtask: installing {} into {}",
        requirements.join(", "),
        folder.display()
    );
    let python = folder.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder))?;
    }
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(requirements))
}
