//! CUDA without a GPU: a check that needs no toolkit, and a whole build with one that pip installs.
//!
//! Candle links CUDA's libraries in the ordinary way, so what it makes does not start where there are none. The build here
//! gives the linker libraries that look for the real ones when they are first called (`xtask/cuda/lazy.c`): one program
//! for machines with and without a GPU.

use crate::{Place, run};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A library to make: its name for the linker, the folder of cudarc that declares its functions, what their names start
/// with, the real library, and what a function returns where that is missing.
type Library = (&'static str, &'static str, &'static str, &'static str, u32);

const LIBRARIES: [Library; 5] = [
    ("cuda", "driver", "cu", "libcuda.so.1", 100),
    ("cublas", "cublas", "cublas", "libcublas.so.13", 1),
    ("cublasLt", "cublaslt", "cublasLt", "libcublasLt.so.13", 1),
    ("curand", "curand", "curand", "libcurand.so.10", 203),
    ("nvrtc", "nvrtc", "nvrtc", "libnvrtc.so.13", 11),
];
/// What the toolkit of `xtask/cuda/requirements.txt` is to cudarc.
const VERSION: &str = "13000";
/// Ampere. Newer cards compile what is made for it when it is first used.
const COMPUTE_CAP: &str = "80";

/// Lints the helper as it is with CUDA. Where there is a toolkit it is used, else one that compiles nothing: so the target
/// folder holds what the machine's own builds with CUDA would put there, and they need not be made again.
pub fn check(place: &Place) -> Result<(), String> {
    let mut cargo = place.cargo();
    cargo.args([
        "clippy",
        "--package",
        "candlebook",
        "--features",
        "cuda",
        "--",
        "-D",
        "warnings",
    ]);
    if std::env::var_os("NVCC").is_none() && Command::new("nvcc").arg("--version").output().is_err()
    {
        cargo
            .env("NVCC", place.root.join("xtask/cuda/nvcc-null"))
            .env("CUDARC_CUDA_VERSION", VERSION)
            .env("CUDA_COMPUTE_CAP", COMPUTE_CAP);
    }
    run(&mut cargo)
}

/// Builds `examples/device.rs` with CUDA, and checks that it works here, GPU or not.
pub fn build() -> Result<(), String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("expected Linux on x86-64, which the stand-ins for CUDA's libraries are written for, got another \
                    system. Install NVIDIA's toolkit and build with --features cuda"
            .into());
    }
    let place = Place::new()?;
    let toolkit = place.environment("cuda/toolkit", "xtask/cuda/requirements.txt")?;
    let home = place.work.join("cuda/home");
    make_home(&place, &toolkit, &home)?;
    let target = place.work.join("cuda/target");
    let mut cargo = place.cargo();
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
    for (name, value) in environment(&place, &home) {
        cargo.env(name, value);
    }
    run(cargo.env("CARGO_TARGET_DIR", &target))?;
    let program = target.join("release/examples/device");
    inspect(&program)?;
    println!(
        "xtask: {} runs with and without a GPU. To install the kernel with this toolkit:",
        program.display()
    );
    for (name, value) in environment(&place, &home) {
        println!("export {name}={value}");
    }
    println!("cargo candlebook install --features cuda");
    Ok(())
}

/// What tells candle's build scripts where the toolkit is. They run again where one of these has changed.
fn environment(place: &Place, home: &Path) -> Vec<(&'static str, String)> {
    let cap = std::env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| COMPUTE_CAP.into());
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    vec![
        ("CUDA_HOME", home.display().to_string()),
        (
            "NVCC",
            place
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

/// A toolkit's folder as candle expects it, out of pip's: those have no folder `lib64`, no names without a version, and no
/// driver library to link with.
fn make_home(place: &Place, toolkit: &Path, home: &Path) -> Result<(), String> {
    let wheels = wheels(toolkit)?;
    let libraries = home.join("lib64");
    std::fs::create_dir_all(&libraries)
        .map_err(|error| format!("{}: {error}", libraries.display()))?;
    for name in ["bin", "include", "nvvm"] {
        link(&wheels.join(name), &home.join(name))?;
    }
    link(&libraries, &home.join("lib"))?;
    // The static one loads the driver by itself.
    link(
        &wheels.join("lib/libcudart_static.a"),
        &libraries.join("libcudart.a"),
    )?;
    let cudarc = cudarc(place)?;
    for (name, declared, prefix, real, missing) in LIBRARIES {
        let source = cudarc.join("src").join(declared).join("sys/mod.rs");
        let text = std::fs::read_to_string(&source)
            .map_err(|error| format!("{}: {error}", source.display()))?;
        let names: String = functions(&text, prefix)
            .iter()
            .map(|function| format!("LAZY({function})\n"))
            .collect();
        let list = libraries.join(format!("{name}.names"));
        std::fs::write(&list, names).map_err(|error| format!("{}: {error}", list.display()))?;
        let object = libraries.join(format!("{name}.o"));
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-fPIC", "-c", "-o"])
            .arg(&object)
            .arg(place.root.join("xtask/cuda/lazy.c"));
        cc.arg(format!("-DNAMES=\"{}\"", list.display()))
            .arg(format!("-DSONAME=\"{real}\""));
        run(cc.arg(format!("-DMISSING={missing}")))?;
        let archive = libraries.join(format!("lib{name}.a"));
        run(Command::new("ar").arg("rcs").arg(&archive).arg(&object))?;
    }
    Ok(())
}

/// Where pip put the toolkit.
fn wheels(toolkit: &Path) -> Result<PathBuf, String> {
    let lib = toolkit.join("lib");
    let pythons = std::fs::read_dir(&lib).map_err(|error| format!("{}: {error}", lib.display()))?;
    let mut places = pythons
        .flatten()
        .map(|python| python.path().join("site-packages/nvidia/cu13"));
    places
        .find(|place| place.is_dir())
        .ok_or_else(|| format!("expected a toolkit below {}, got none", lib.display()))
}

/// The source of the version of cudarc that candle uses.
fn cudarc(place: &Place) -> Result<PathBuf, String> {
    let mut cargo = place.cargo();
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

/// The functions that a source declares whose names go on with a capital letter after the prefix.
fn functions<'a>(source: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let names = source
        .split("fn ")
        .skip(1)
        .filter_map(|rest| rest.split('(').next());
    let ours = |name: &&str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    names.filter(ours).collect()
}

fn link(to: &Path, at: &Path) -> Result<(), String> {
    let _ = std::fs::remove_file(at);
    std::os::unix::fs::symlink(to, at).map_err(|error| format!("{}: {error}", at.display()))
}

/// Needs no library of CUDA's to start; trains on the best device; where there is no GPU, says so in one line when asked
/// for it.
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
    let best = output(Command::new(program).args(["--device", "best"]))?;
    let said = String::from_utf8_lossy(&best.stdout).into_owned();
    print!("xtask: --device best: {said}");
    let cuda = Command::new(program).args(["--device", "cuda"]).output();
    let cuda = cuda.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let complaint = String::from_utf8_lossy(&cuda.stderr).into_owned();
    print!(
        "xtask: --device cuda: {}{complaint}",
        String::from_utf8_lossy(&cuda.stdout)
    );
    let fine = match said.starts_with("CUDA") {
        true => cuda.status.success(),
        false => cuda.status.code() == Some(1) && complaint.lines().count() == 1,
    };
    if fine {
        Ok(())
    } else {
        Err(format!(
            "--device cuda: expected training or one line, got {}",
            cuda.status
        ))
    }
}

/// What a command that must succeed wrote.
fn output(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!(
        "{program} failed: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn functions_are_those_of_the_library() {
        let source = "pub unsafe fn cuInit(flags: u32) {}\nfn cuInit(flags: u32);\nfn culib() {}\nfn cuMemcpy_v2(a: *mut u8);";
        assert_eq!(
            functions(source, "cu").into_iter().collect::<Vec<_>>(),
            ["cuInit", "cuMemcpy_v2"]
        );
    }
}
