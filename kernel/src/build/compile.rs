//! The build of a seed: a warm-up process runs the engine in the seed's folder.

use super::environment::HELPER_FOLDER;
use super::features::Features;
use super::layout::lay_out;
use super::progress::Progress;
use crate::home;
use crate::toolchain;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// One cell of each common kind, run during the build, so that a broken seed is detected there.
pub(crate) const WARM_UP_CELLS: &str = include_str!("../../../kernel-spec/warm_up.rs");

/// Builds a seed in an empty folder. The caller holds the seed's lock.
///
/// # Errors
/// If a file cannot be written or the helper crate does not compile.
pub(crate) fn build_seed(folder: &Path, features: &Features) -> Result<()> {
    let start = Instant::now();
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    eprintln!(
        "candlebook: building the helper crate for the kernel, once for this version (some minutes)"
    );
    add_rust_src();
    lay_out(folder, features).context("cannot prepare the folder of the seed")?;
    link_rust_src(folder)?;
    warm_up(folder, features)?;
    home::write_atomically(&folder.join("ready"), b"")?;
    eprintln!(
        "candlebook: the kernel is ready, after {:.0} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Installs the standard library's source. It improves completion and lets the engine name more
/// types, but most cells work without it.
fn add_rust_src() {
    let installed =
        toolchain::sysroot().is_ok_and(|root| root.join("lib/rustlib/src/rust/library").is_dir());
    let add = || {
        let mut rustup = home::tool("rustup")?;
        rustup.args(["component", "add", "rust-src"]);
        // The chosen toolchain need not be the default one.
        let sysroot = toolchain::sysroot()?;
        let is_rustups = sysroot
            .parent()
            .is_some_and(|it| it.ends_with("toolchains"));
        if let Some(name) = sysroot.file_name().filter(|_| is_rustups) {
            rustup.arg("--toolchain").arg(name);
        }
        home::output(&mut rustup)
    };
    if !installed && add().is_err() {
        eprintln!(
            "candlebook: rust-src could not be installed; completion will be limited (rustup component add rust-src)"
        );
    }
}

/// Packages of the standard library that cells name. rust-analyzer would load all others too.
const STANDARD: [&str; 5] = ["alloc", "core", "proc_macro", "std", "test"];

/// Links the standard library's source into the seed, where the toolchain has it.
fn link_rust_src(seed: &Path) -> Result<()> {
    let library = toolchain::sysroot()?.join("lib/rustlib/src/rust/library");
    let sources = toolchain::seed_rust_src(seed);
    for package in STANDARD {
        let folder = library.join(package);
        if folder.is_dir() {
            home::create_folder(&sources)?;
            std::os::unix::fs::symlink(&folder, sources.join(package))
                .with_context(|| format!("cannot link {}", folder.display()))?;
        }
    }
    Ok(())
}

/// Runs the engine in the seed's folder until the prelude and the warm-up cells have passed.
fn warm_up(folder: &Path, features: &Features) -> Result<()> {
    let mut child = start_warm_up(folder, features)?;
    let stderr = child
        .stderr
        .take()
        .context("the engine has no standard error")?;
    let mut progress = Progress::new(packages(&folder.join("session").join(HELPER_FOLDER)));
    let messages = watch(stderr, &mut progress).context("cannot read from the engine")?;
    progress.end();
    let status = child.wait().context("cannot wait for the engine")?;
    if !status.success() {
        bail!(
            "the helper crate could not be built ({status}):\n{}",
            messages.trim()
        );
    }
    Ok(())
}

/// Shows the progress of a build every second. Returns the other lines.
fn watch(stderr: ChildStderr, progress: &mut Progress) -> std::io::Result<String> {
    let (sender, lines) = mpsc::channel();
    let mut messages = String::new();
    // The thread ends with the engine, before the kernel changes its environment.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut lines = BufReader::new(stderr).lines();
            lines.try_for_each(|line| sender.send(line))
        });
        loop {
            match lines.recv_timeout(Duration::from_secs(1)) {
                Ok(line) => {
                    let line = line?;
                    match line.trim().strip_prefix("Compiling ") {
                        Some(package) => progress.compiling(package),
                        None => messages.push_str(&format!("{line}\n")),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(messages),
            }
            progress.show();
        }
    })
}

fn start_warm_up(folder: &Path, features: &Features) -> Result<Child> {
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    let mut engine = Command::new(program);
    features.apply(&mut engine);
    engine
        .args(["internal-warm-up", "--folder"])
        .arg(folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the engine")
}

/// The packages of the helper crate's build, including itself; `None` if cargo fails.
fn packages(helper: &Path) -> Option<BTreeSet<String>> {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--prefix", "none"])
        .args(["--edges", "normal,build"])
        .args(["--no-dedupe", "--offline"])
        .current_dir(helper);
    let list = home::output(&mut tree).ok()?;
    let packages = list.lines().filter_map(|line| line.split(" (").next());
    Some(packages.map(str::to_owned).collect())
}
