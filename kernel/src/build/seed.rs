//! The seed: a folder in which the engine has built the helper crate once, so that sessions start from compiled crates.
//!
//! It is built by the engine itself, so that every compiler flag agrees with what sessions will ask for. Its name is a
//! hash of all that decides its content: a change of any makes a new seed. Layout of `seeds/KEY`: `helper/` the helper's
//! source, `config/` what the engine reads at start, `session/` the warmed folder, `ready` once it is whole.

use crate::build::environment::{BUILD_ENVIRONMENT, CELL_PRODUCTS};
use crate::build::features::Features;
use crate::build::link::fill;
use crate::home;
use anyhow::{Context, Result, bail};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The helper crate's source travels in this program: an installed kernel needs no checkout.
static SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../src");
static ASSETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../assets");
const MANIFEST: &str = include_str!("../../../Cargo.toml");
const LOCK: &str = include_str!("../../../Cargo.lock");
/// The cell that the engine runs before the user's first, together with [`INIT`]: one compilation less.
const PRELUDE: &str = include_str!("../../../kernel-spec/prelude.rs");
/// A cell of each usual kind, run while the seed is built, so that a broken seed is found there.
pub(crate) const WARM_UP: &str = include_str!("../../../kernel-spec/warm_up.rs");
/// The cell crate's profile governs its dependencies: without this, candle would run with debug assertions.
const CARGO_CONFIG: &str = "\
[profile.dev.package.\"*\"]
opt-level = 3
debug-assertions = false
overflow-checks = false
";
/// What the engine is told at start.
const INIT: &str = ":dep candlebook = { path = {path}, features = [{features}] }
";
const ENGINE: &str = "evcxr 0.22.0";

/// Where the seed for this program, toolchain and features is, or will be.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) folder: PathBuf,
    features: Features,
    /// Held, once the seed is ready, against its removal.
    pub(crate) in_use: Option<File>,
}

impl Seed {
    /// Finds the place for the features that `install` chose; quick.
    pub(crate) fn find() -> Result<Seed> {
        Seed::with(Features::chosen()?)
    }

    /// Finds the place for features.
    pub(crate) fn with(features: Features) -> Result<Seed> {
        let version = home::rustc_version()?;
        home::check_rustc(&version)?;
        Ok(Seed {
            folder: home::folder()?.join("seeds").join(key(&version, &features)),
            features,
            in_use: None,
        })
    }

    /// The seed in a folder, while it is being built.
    pub(crate) fn at(folder: PathBuf) -> Seed {
        Seed {
            folder,
            features: Features::default(),
            in_use: None,
        }
    }

    /// What it is built with.
    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    /// Whether it is built.
    pub(crate) fn exists(&self) -> bool {
        self.folder.join("ready").is_file()
    }

    /// Builds the seed where it is not there, with progress on standard error, and holds it. One process builds, others
    /// wait and say so.
    pub(crate) fn make_ready(&mut self) -> Result<()> {
        let seeds = self
            .folder
            .parent()
            .context("the folder of seeds has no parent")?;
        home::create_folder(seeds)?;
        let lock_path = self.folder.with_extension("lock");
        loop {
            let lock = open_lock(&lock_path)?;
            lock.lock_shared().context("cannot lock the seed")?;
            if self.exists() {
                self.in_use = Some(lock);
                return Ok(());
            }
            lock.unlock().context("cannot unlock the seed")?;
            if lock.try_lock().is_err() {
                eprintln!("candlebook: another process is preparing the kernel; waiting for it");
                lock.lock().context("cannot lock the seed")?;
            }
            if !self.exists() {
                // The builder holds the lock too: if this process is killed, others wait until it is done or gone.
                rustix::io::fcntl_setfd(&lock, rustix::io::FdFlags::empty())
                    .context("cannot hand on the lock")?;
                build(&self.folder, &self.features)?;
                remove_unused(seeds, &self.folder);
            }
        }
    }

    /// Folder whose content a session starts with.
    pub(crate) fn session(&self) -> PathBuf {
        self.folder.join("session")
    }

    /// The lock file of a session, once it depends on the helper: the versions that were tested. Cargo leaves out what
    /// cells do not need, and what it left out while the seed was built need not be left out again.
    pub(crate) fn lock_file(&self) -> PathBuf {
        let warmed = self.folder.join("session/Cargo.lock");
        if self.exists() {
            warmed
        } else {
            self.folder.join("helper/Cargo.lock")
        }
    }

    /// Folder that the engine reads its start-up commands from.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("config")
    }
}

/// Removes every seed that no process uses.
pub(crate) fn remove_all() -> Result<()> {
    let seeds = home::folder()?.join("seeds");
    if seeds.is_dir() {
        remove_unused(&seeds, Path::new(""));
    }
    Ok(())
}

/// A hash of all that decides what is in the seed.
fn key(rustc: &str, features: &Features) -> String {
    let mut hash = Sha256::new();
    for part in [
        rustc,
        ENGINE,
        &features.quoted(),
        MANIFEST,
        LOCK,
        INIT,
        PRELUDE,
        WARM_UP,
        CARGO_CONFIG,
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(format!("{:?}", BUILD_ENVIRONMENT));
    for (name, value) in features.variables() {
        hash.update(format!("{name}={value:?}"));
    }
    let mut files = Vec::new();
    collect(&SOURCE, &mut files);
    collect(&ASSETS, &mut files);
    files.sort_by_key(|file| file.path());
    for file in files {
        hash.update(file.path().to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update(file.contents());
    }
    hash.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn collect<'a>(folder: &'a Dir<'a>, files: &mut Vec<&'a include_dir::File<'a>>) {
    files.extend(folder.files());
    folder.dirs().for_each(|inner| collect(inner, files));
}

fn open_lock(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

/// Removes seeds other than `keep` whose lock nobody holds.
fn remove_unused(seeds: &Path, keep: &Path) {
    let Ok(entries) = std::fs::read_dir(seeds) else {
        return;
    };
    for path in entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "lock"))
    {
        let folder = path.with_extension("");
        let Ok(lock) = open_lock(&path) else { continue };
        // Held until the folder is gone.
        if folder != keep && lock.try_lock().is_ok() {
            // What cannot be removed now is tried again after the next build.
            let _ = std::fs::remove_dir_all(folder);
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Lays the folder out and lets the engine warm up in it. The caller holds the lock.
fn build(folder: &Path, features: &Features) -> Result<()> {
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
    warm_up(folder, features)?;
    home::write_atomically(&folder.join("ready"), b"")?;
    eprintln!(
        "candlebook: the kernel is ready, after {:.0} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn lay_out(folder: &Path, features: &Features) -> Result<()> {
    let helper = folder.join("helper");
    for (dir, name) in [(&SOURCE, "src"), (&ASSETS, "assets")] {
        home::create_folder(&helper.join(name))?;
        dir.extract(helper.join(name))?;
    }
    let mut manifest: toml::Table = MANIFEST.parse()?;
    if let Some(workspace) = manifest
        .get_mut("workspace")
        .and_then(toml::Value::as_table_mut)
    {
        workspace.remove("members");
    }
    // Benchmarks are not carried along.
    manifest.remove("bench");
    std::fs::write(helper.join("Cargo.toml"), manifest.to_string())?;
    std::fs::write(helper.join("Cargo.lock"), LOCK)?;
    let config = folder.join("config");
    home::create_folder(&config)?;
    let path = toml::Value::String(helper.to_string_lossy().into_owned());
    let init = INIT
        .replace("{path}", &path.to_string())
        .replace("{features}", &features.quoted());
    std::fs::write(config.join("init.evcxr"), init + PRELUDE)?;
    home::create_folder(&folder.join("session"))?;
    write_cargo_config()?;
    start_from_another(folder)
}

/// Takes over what an earlier seed has compiled: after a change of the helper alone, only the helper is compiled.
/// Cargo finds out what still holds.
fn start_from_another(folder: &Path) -> Result<()> {
    let Some(seeds) = folder.parent() else {
        return Ok(());
    };
    let age = |path: &PathBuf| {
        std::fs::metadata(path.join("ready"))
            .and_then(|ready| ready.modified())
            .ok()
    };
    let others = std::fs::read_dir(seeds)?
        .flatten()
        .map(|entry| entry.path());
    let Some(other) = others.filter(|path| age(path).is_some()).max_by_key(age) else {
        return Ok(());
    };
    let lock = open_lock(&other.with_extension("lock"))?;
    if lock.try_lock_shared().is_ok() {
        let leave = [
            &CELL_PRODUCTS[..],
            &["candlebook-", "libcandlebook", "Cargo.lock"],
        ]
        .concat();
        fill(&other.join("session"), &folder.join("session"), &leave)?;
    }
    Ok(())
}

/// Writes the cargo configuration that governs seeds and sessions, in the folder above both.
fn write_cargo_config() -> Result<()> {
    let folder = home::folder()?.join(".cargo");
    home::create_folder(&folder)?;
    home::write_atomically(&folder.join("config.toml"), CARGO_CONFIG.as_bytes())
}

/// The standard library's source improves completion and lets the engine name more types; without it most cells work.
fn add_rust_src() {
    let there =
        home::sysroot().is_ok_and(|root| root.join("lib/rustlib/src/rust/library").is_dir());
    if !there
        && home::output(Command::new("rustup").args(["component", "add", "rust-src"])).is_err()
    {
        eprintln!(
            "candlebook: rust-src could not be added; completion will know less (rustup component add rust-src)"
        );
    }
}

/// Runs the engine in the seed's folder until the prelude and the warm-up cells have passed.
fn warm_up(folder: &Path, features: &Features) -> Result<()> {
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    let mut engine = Command::new(program);
    features.apply(&mut engine);
    let mut child = engine
        .args(["internal-warm-up", "--folder"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the engine")?;
    let stderr = child
        .stderr
        .take()
        .context("the engine has no standard error")?;
    let mut progress = Progress::new(count_packages(&folder.join("helper")));
    let mut rest = String::new();
    for line in BufReader::new(stderr).lines() {
        let line = line.context("cannot read from the engine")?;
        match line.trim().strip_prefix("Compiling ") {
            Some(package) => progress.compiling(package),
            None => rest.push_str(&format!("{line}\n")),
        }
    }
    progress.end();
    let status = child.wait().context("the engine did not end")?;
    if !status.success() {
        bail!(
            "the helper crate could not be built ({status}):\n{}",
            rest.trim()
        );
    }
    Ok(())
}

/// How many packages the helper crate is compiled from, itself included; None where cargo does not say.
fn count_packages(helper: &Path) -> Option<usize> {
    let mut tree = Command::new("cargo");
    tree.args([
        "tree",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--no-dedupe",
        "--offline",
    ])
    .current_dir(helper);
    let list = home::output(&mut tree).ok()?;
    Some(
        list.lines()
            .filter_map(|line| line.split(" (").next())
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
    )
}

/// What is being compiled: one line that is rewritten on a terminal, every 20th package elsewhere.
struct Progress {
    done: usize,
    terminal: bool,
    /// How many packages there are, where that is known.
    all: Option<usize>,
    start: Instant,
}

impl Progress {
    fn new(all: Option<usize>) -> Self {
        Progress {
            done: 0,
            terminal: std::io::stderr().is_terminal(),
            all,
            start: Instant::now(),
        }
    }

    fn compiling(&mut self, package: &str) {
        self.done += 1;
        let name = package.split_whitespace().next().unwrap_or(package);
        let of = self.all.map_or(String::new(), |all| format!(" of {all}"));
        let line = format!(
            "compiling {name}: {}{of}, {:.0} s",
            self.done,
            self.start.elapsed().as_secs_f64()
        );
        if self.terminal {
            eprint!("\r\x1b[2K{line}");
            let _ = std::io::stderr().flush();
        } else if self.done.is_multiple_of(20) {
            eprintln!("{line}");
        }
    }

    fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[2K");
        }
    }
}
