//! CUDA builds without a GPU: a check that needs no toolkit, and a full build with a toolkit from
//! pip.
//!
//! Candle links CUDA's libraries dynamically, so its programs do not start without them. This build
//! links stubs that load the real libraries on the first call (`xtask/cuda/lazy.c`): one program
//! for machines with and without a GPU.

use crate::command::{output, run};
use crate::workspace::Workspace;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A stub library.
struct Stub {
    /// The name for the linker.
    name: &'static str,
    /// The folder of cudarc that declares the functions.
    declared_in: &'static str,
    /// The prefix of the functions' names.
    prefix: &'static str,
    /// The file name of the real library.
    real: &'static str,
    /// The error code that functions return if the real library is not installed.
    missing: u32,
}

const fn stub(
    name: &'static str,
    declared_in: &'static str,
    prefix: &'static str,
    real: &'static str,
    missing: u32,
) -> Stub {
    Stub {
        name,
        declared_in,
        prefix,
        real,
        missing,
    }
}

const STUBS: [Stub; 5] = [
    stub("cuda", "driver", "cu", "libcuda.so.1", 100),
    stub("cublas", "cublas", "cublas", "libcublas.so.13", 1),
    stub("cublasLt", "cublaslt", "cublasLt", "libcublasLt.so.13", 1),
    stub("curand", "curand", "curand", "libcurand.so.10", 203),
    stub("nvrtc", "nvrtc", "nvrtc", "libnvrtc.so.13", 11),
];
/// Version of the toolkit in `xtask/cuda/requirements.txt`, in cudarc's format.
const VERSION: &str = "13000";
/// Compute capability of Ampere. Newer GPUs compile its code on first use.
const COMPUTE_CAP: &str = "80";

/// Lints the helper with CUDA, by the installed toolkit or by a stand-in that compiles nothing.
/// With an installed toolkit, the target folder then contains the artifacts of a build on this
/// machine.
///
/// # Errors
/// If clippy reports a warning.
pub(crate) fn check(workspace: &Workspace) -> Result<(), String> {
    let mut cargo = workspace.cargo();
    cargo.args([
        "clippy",
        "--package",
        "candlebook",
        "--features",
        "cuda,nccl",
        "--",
        "-D",
        "warnings",
    ]);
    if std::env::var_os("NVCC").is_none() && Command::new("nvcc").arg("--version").output().is_err()
    {
        cargo
            .env("NVCC", workspace.root.join("xtask/cuda/nvcc-null"))
            .env("CUDARC_CUDA_VERSION", VERSION)
            .env("CUDA_COMPUTE_CAP", COMPUTE_CAP);
    }
    run(&mut cargo)
}

/// Builds `examples/device.rs` with CUDA, and checks that it works on this machine.
///
/// # Errors
/// If the build or the check fails.
pub(crate) fn build() -> Result<(), String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("expected Linux on x86-64, for which the stubs of CUDA's libraries are written, got another \
                    system. Install NVIDIA's toolkit and build with --features cuda"
            .into());
    }
    let workspace = Workspace::new()?;
    let toolkit = workspace.environment("cuda/toolkit", "xtask/cuda/requirements.txt")?;
    let home = workspace.work.join("cuda/home");
    make_home(&workspace, &toolkit, &home)?;
    let target = workspace.work.join("cuda/target");
    let mut cargo = workspace.cargo();
    cargo.args([
        "build",
        "--release",
        "--package",
        "candlebook",
        "--example",
        "device",
        "--features",
        "cuda",
    ]);
    for (name, value) in environment(&workspace, &home) {
        cargo.env(name, value);
    }
    run(cargo.env("CARGO_TARGET_DIR", &target))?;
    let program = target.join("release/examples/device");
    inspect(&program)?;
    println!(
        "xtask: {} runs with and without a GPU. To install the kernel with this toolkit:",
        program.display()
    );
    for (name, value) in environment(&workspace, &home) {
        println!("export {name}={value}");
    }
    println!("cargo candlebook install --features cuda");
    Ok(())
}

/// Variables that select the toolkit for candle's build scripts. A change of one reruns the
/// scripts.
fn environment(workspace: &Workspace, home: &Path) -> Vec<(&'static str, String)> {
    let cap = std::env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| COMPUTE_CAP.into());
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    vec![
        ("CUDA_HOME", home.display().to_string()),
        (
            "NVCC",
            workspace
                .root
                .join("xtask/cuda/nvcc-lite")
                .display()
                .to_string(),
        ),
        ("CUDARC_CUDA_VERSION", VERSION.into()),
        ("CUDA_COMPUTE_CAP", cap),
        ("CUDAFORGE_THREADS", threads.to_string()),
    ]
}

/// Creates a toolkit folder in the layout that candle expects. pip's packages lack a folder
/// `lib64`, library names without a version, and a driver library to link.
fn make_home(workspace: &Workspace, toolkit: &Path, home: &Path) -> Result<(), String> {
    let wheels = wheels(toolkit)?;
    let libraries = home.join("lib64");
    std::fs::create_dir_all(&libraries)
        .map_err(|error| format!("{}: {error}", libraries.display()))?;
    for name in ["bin", "include", "nvvm"] {
        link(&wheels.join(name), &home.join(name))?;
    }
    link(&libraries, &home.join("lib"))?;
    // The static library loads the driver at run time.
    link(
        &wheels.join("lib/libcudart_static.a"),
        &libraries.join("libcudart.a"),
    )?;
    let cudarc = cudarc(workspace)?;
    for stub in &STUBS {
        make_stub(workspace, stub, &cudarc, &libraries)?;
    }
    Ok(())
}

/// Compiles a stub library from the names of the functions that cudarc declares.
fn make_stub(
    workspace: &Workspace,
    stub: &Stub,
    cudarc: &Path,
    libraries: &Path,
) -> Result<(), String> {
    let source = cudarc.join("src").join(stub.declared_in).join("sys/mod.rs");
    let text = std::fs::read_to_string(&source)
        .map_err(|error| format!("{}: {error}", source.display()))?;
    let names: String = functions(&text, stub.prefix)
        .iter()
        .map(|function| format!("LAZY({function})\n"))
        .collect();
    let list = libraries.join(format!("{}.names", stub.name));
    std::fs::write(&list, names).map_err(|error| format!("{}: {error}", list.display()))?;
    let object = libraries.join(format!("{}.o", stub.name));
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-fPIC", "-c", "-o"])
        .arg(&object)
        .arg(workspace.root.join("xtask/cuda/lazy.c"))
        .arg(format!("-DNAMES=\"{}\"", list.display()))
        .arg(format!("-DSONAME=\"{}\"", stub.real))
        .arg(format!("-DMISSING={}", stub.missing));
    run(&mut cc)?;
    let archive = libraries.join(format!("lib{}.a", stub.name));
    run(Command::new("ar").arg("rcs").arg(&archive).arg(&object))
}

/// The folder of the toolkit that pip has installed.
fn wheels(toolkit: &Path) -> Result<PathBuf, String> {
    let lib = toolkit.join("lib");
    let pythons = std::fs::read_dir(&lib).map_err(|error| format!("{}: {error}", lib.display()))?;
    let mut folders = pythons
        .flatten()
        .map(|python| python.path().join("site-packages/nvidia/cu13"));
    folders
        .find(|folder| folder.is_dir())
        .ok_or_else(|| format!("expected a toolkit below {}, got none", lib.display()))
}

/// The source folder of the cudarc version that candle uses.
fn cudarc(workspace: &Workspace) -> Result<PathBuf, String> {
    let mut cargo = workspace.cargo();
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--features",
        "cuda",
        "--filter-platform",
    ]);
    let metadata = output(cargo.arg("x86_64-unknown-linux-gnu"))?;
    let text = String::from_utf8_lossy(&metadata.stdout);
    let mut manifests = text
        .split("\"manifest_path\":\"")
        .filter_map(|rest| rest.split('"').next());
    let found = manifests
        .find(|path| path.contains("/cudarc-"))
        .and_then(|path| Path::new(path).parent());
    Ok(found
        .ok_or("expected cudarc among the dependencies, got none")?
        .to_owned())
}

/// Names of declared functions in which a capital letter follows the prefix.
fn functions<'a>(source: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let names = source
        .split("fn ")
        .skip(1)
        .filter_map(|rest| rest.split('(').next());
    let matches = |name: &&str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    names.filter(matches).collect()
}

fn link(to: &Path, at: &Path) -> Result<(), String> {
    let _ = std::fs::remove_file(at);
    std::os::unix::fs::symlink(to, at).map_err(|error| format!("{}: {error}", at.display()))
}

/// Checks that the program starts without CUDA's libraries, trains on the best device, and without
/// a GPU rejects `--device cuda` with one line.
fn inspect(program: &Path) -> Result<(), String> {
    let needed = output(Command::new("ldd").arg(program))?;
    let needed = String::from_utf8_lossy(&needed.stdout).into_owned();
    if let Some(line) = needed.lines().find(|line| {
        ["cuda", "cublas", "curand", "nvrtc"]
            .iter()
            .any(|l| line.contains(l))
    }) {
        return Err(format!(
            "expected a program that starts without CUDA, got one that needs {}",
            line.trim()
        ));
    }
    let out = output(Command::new(program).args(["--device", "best"]))?;
    let best = String::from_utf8_lossy(&out.stdout).into_owned();
    print!("xtask: --device best: {best}");
    let cuda = Command::new(program).args(["--device", "cuda"]).output();
    let cuda = cuda.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let message = String::from_utf8_lossy(&cuda.stderr).into_owned();
    print!(
        "xtask: --device cuda: {}{message}",
        String::from_utf8_lossy(&cuda.stdout)
    );
    let passed = match best.starts_with("CUDA") {
        true => cuda.status.success(),
        false => cuda.status.code() == Some(1) && message.lines().count() == 1,
    };
    if passed {
        Ok(())
    } else {
        Err(format!(
            "--device cuda: expected training or one line, got {}",
            cuda.status
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn functions_are_selected_by_prefix() {
        let source = "pub unsafe fn cuInit(flags: u32) {}\nfn cuInit(flags: u32);\nfn culib() {}\nfn cuMemcpy_v2(a: *mut u8);";
        assert_eq!(
            functions(source, "cu").into_iter().collect::<Vec<_>>(),
            ["cuInit", "cuMemcpy_v2"]
        );
    }
}
