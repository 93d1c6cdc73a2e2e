//! Development commands: `cargo xtask test` sets up what the tests need and runs every one.

mod checks;
mod cuda;
mod size;
mod sources;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

const USAGE: &str = "\
cargo xtask test [STEP ...]   every test, or the steps named: fmt words typos clippy cuda doc unit install
                              kernel notebooks; only if named: deny msrv
cargo xtask words [PATH ...]  every finding of the step `words`, below these paths
cargo xtask count             sizes of functions and files, tuple parameters, documented functions
cargo xtask cuda              a build with CUDA, which needs no GPU; pip installs the toolkit
cargo xtask sanitizer         matrix products under AddressSanitizer; compiles everything once more
cargo xtask bench NAME        interaction: how the kernel feels, beside the stock form and ipykernel
                              soak: many cells, many starts
                              show: how long pictures take
                              training [--with-torch]: beside candle-nn and PyTorch, which the flag installs
                              loader [--with-torch]: photographs to batches beside torchvision; CANDLEBOOK_PHOTOGRAPHS
                              is a folder of your own, class/*.JPEG";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["test", steps @ ..] => test(steps),
        ["words", paths @ ..] => Place::new().and_then(|place| words::list(&place.root, paths)),
        ["count"] => Place::new().and_then(|place| size::print(&place.root)),
        ["cuda"] => cuda::build(),
        ["sanitizer"] => sanitizer(),
        ["bench", name @ ("interaction" | "soak")] => bench(name),
        ["bench", name @ "show"] => bench_rust(name),
        ["bench", name @ ("training" | "loader")] => bench_beside_torch(name, false),
        ["bench", name @ ("training" | "loader"), "--with-torch"] => bench_beside_torch(name, true),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A named part of the tests.
type Step = (&'static str, fn(&Place) -> Result<(), String>);

const STEPS: [Step; 10] = [
    ("fmt", fmt),
    ("words", words::check),
    ("typos", checks::typos),
    ("clippy", clippy),
    ("cuda", cuda::check),
    ("doc", doc),
    ("unit", unit),
    ("install", install),
    ("kernel", kernel),
    ("notebooks", notebooks),
];

/// Steps that run only when they are named: they install a toolchain or compile a tool.
const EXTRA_STEPS: [Step; 2] = [("deny", checks::deny), ("msrv", checks::msrv)];

fn test(wanted: &[&str]) -> Result<(), String> {
    let steps = select_steps(wanted)?;
    let place = Place::new()?;
    for (name, step) in steps {
        let start = Instant::now();
        println!("xtask: {name}");
        step(&place).map_err(|error| format!("{name}: {error}"))?;
        println!(
            "xtask: {name} passed, {:.0} s",
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// The named steps in their order, or every default step if none is named.
fn select_steps(wanted: &[&str]) -> Result<Vec<Step>, String> {
    let all = || STEPS.iter().chain(&EXTRA_STEPS);
    if let Some(unknown) = wanted
        .iter()
        .find(|name| all().all(|step| step.0 != **name))
    {
        return Err(format!(
            "expected one of the test steps, got {unknown}\n{USAGE}"
        ));
    }
    if wanted.is_empty() {
        return Ok(STEPS.to_vec());
    }
    Ok(all()
        .filter(|step| wanted.contains(&step.0))
        .copied()
        .collect())
}

fn fmt(place: &Place) -> Result<(), String> {
    run(place.cargo().args(["fmt", "--all", "--", "--check"]))
}

fn clippy(place: &Place) -> Result<(), String> {
    run(place.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn doc(place: &Place) -> Result<(), String> {
    let mut cargo = place.cargo();
    run(cargo.env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--no-deps",
        "--package",
        "candlebook",
    ]))
}

/// Unit, integration and doc tests. The kernel's run as it is shipped, so that it is compiled once.
fn unit(place: &Place) -> Result<(), String> {
    run(place.cargo().args(["test", "--package", "candlebook"]))?;
    run(place.cargo().args(["test", "--package", "xtask"]))?;
    run(place
        .cargo()
        .args(["test", "--release", "--package", "candlebook-kernel"]))
}

/// The README's install command, into folders of the tests' own.
fn install(place: &Place) -> Result<(), String> {
    let mut cargo = place.cargo();
    run(place.isolate(&mut cargo).args(["candlebook", "install"]))
}

/// The real kernel, by a real Jupyter client.
fn kernel(place: &Place) -> Result<(), String> {
    install(place)?;
    let python = place.python()?;
    browser();
    let mut pytest = Command::new(python);
    pytest.current_dir(&place.root).args([
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "no:cacheprovider",
        "tests/kernel",
    ]);
    run(place.isolate(&mut pytest))
}

/// Every notebook from top to bottom, then a look at what it left.
fn notebooks(place: &Place) -> Result<(), String> {
    install(place)?;
    let python = place.python()?;
    let folder = place.root.join("notebooks");
    let entries =
        std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "ipynb")
    });
    paths.sort();
    for path in paths {
        // A copy, so that files which cells write do not land among the sources.
        let copy = place
            .work
            .join("notebooks")
            .join(path.file_name().unwrap_or_default());
        let made = copy
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::copy(&path, &copy));
        made.map_err(|error| format!("{}: {error}", copy.display()))?;
        let mut candlebook = Command::new(place.kernel());
        run(place.isolate(&mut candlebook).arg("run").arg(&copy))?;
        let mut check = Command::new(&python);
        run(check
            .current_dir(&place.root)
            .arg("tests/check_notebook.py")
            .arg(&copy))?;
    }
    Ok(())
}

/// The tests that reach the unsafe call of gemm, in a build that stops at the first value read or written outside its memory.
fn sanitizer() -> Result<(), String> {
    let place = Place::new()?;
    let mut cargo = place.cargo();
    cargo.args([
        "test",
        "--package",
        "candlebook",
        "--target",
        "x86_64-unknown-linux-gnu",
    ]);
    cargo.args(["--lib", "--test", "conv", "--test", "compiled"]);
    // The flag is not stable, but the toolchain has what it needs. What tests leak, they leak on purpose.
    run(cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .env("CARGO_TARGET_DIR", place.target.join("sanitizer")))
}

/// A benchmark; its rows go to `target/bench/NAME.json`.
fn bench(name: &str) -> Result<(), String> {
    let place = Place::new()?;
    install(&place)?;
    let mut python = Command::new(place.python()?);
    python
        .current_dir(&place.work)
        .arg(place.root.join("benches").join(format!("{name}.py")));
    run(place
        .isolate(&mut python)
        .env("CANDLEBOOK_BENCH", place.target.join("bench")))
}

/// A benchmark of the helper alone.
fn bench_rust(name: &str) -> Result<(), String> {
    let place = Place::new()?;
    run(place
        .cargo()
        .args(["bench", "--package", "candlebook", "--bench", name])
        .env("CANDLEBOOK_BENCH", place.target.join("bench")))
}

/// A benchmark of the helper beside other libraries, one process a run.
fn bench_beside_torch(name: &str, with_torch: bool) -> Result<(), String> {
    let place = Place::new()?;
    let mut cargo = place.cargo();
    cargo.args([
        "bench",
        "--package",
        "candlebook",
        "--bench",
        name,
        "--no-run",
        "--message-format=json",
    ]);
    let built = cleaned(&mut cargo)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let messages = String::from_utf8_lossy(&built.stdout);
    let mut paths = messages
        .lines()
        .filter_map(|line| line.split("\"executable\":\"").nth(1)?.split('"').next());
    let bench = paths
        .next_back()
        .filter(|_| built.status.success())
        .ok_or("the benchmark was not built")?;
    // What the benchmark imports, and the versions it was written with.
    let (imports, packages): (&str, &[&str]) = match name {
        "loader" => (
            "import torch, torchvision",
            &["torch==2.15.0", "torchvision==0.29.2", "pillow==13.0.0"],
        ),
        _ => ("import torch, numpy", &["torch==2.15.0", "numpy==2.3.5"]),
    };
    let folder = place.work.join("torch");
    let torch = folder.join("bin/python");
    // By Python itself: one benchmark's environment lacks what the other one needs.
    let there = || {
        cleaned(Command::new(&torch).args(["-c", imports]))
            .output()
            .is_ok_and(|out| out.status.success())
    };
    if with_torch && !there() {
        println!(
            "xtask: installing {} into {}",
            packages.join(", "),
            folder.display()
        );
        if !torch.is_file() {
            run(Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&folder))?;
        }
        run(Command::new(&torch)
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages))?;
    }
    let mut python = Command::new("python3");
    python
        .arg(place.root.join("benches").join(format!("{name}.py")))
        .env("BENCH", bench)
        .env("CANDLEBOOK_BENCH", place.target.join("bench"));
    if there() {
        python.env("TORCH_PYTHON", &torch);
    }
    run(&mut python)
}

/// A browser for the test that uses one, where the system's packages can be installed; elsewhere that test says that it is
/// skipped.
fn browser() {
    let there = |name: &str| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|out| out.status.success())
    };
    if !there("chromium") || !there("chromedriver") {
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

/// Where the tests work: in the target folder. Outside it they add what the system's own tools install: rust-src, chromium.
struct Place {
    root: PathBuf,
    target: PathBuf,
    work: PathBuf,
}

impl Place {
    fn new() -> Result<Place, String> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .ok_or("xtask is not in a workspace")?
            .to_owned();
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let target =
            std::path::absolute(target).map_err(|error| format!("target folder: {error}"))?;
        let work = target.join("xtask");
        std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        Ok(Place { root, target, work })
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        cargo
    }

    fn kernel(&self) -> PathBuf {
        self.target.join("release/candlebook")
    }

    /// Keeps what is installed apart from the user's own, and the network out.
    fn isolate<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("CANDLEBOOK_HOME", self.work.join("home"))
            .env("CANDLEBOOK_CACHE", self.work.join("cache"))
            .env("CANDLEBOOK_OFFLINE", "1")
            .env("CANDLEBOOK_BIN", self.kernel())
            .env("CANDLEBOOK_SCREENSHOTS", self.work.join("screenshots"))
            .env("JUPYTER_DATA_DIR", self.work.join("jupyter"))
            .env("JUPYTER_CONFIG_DIR", self.work.join("jupyter-config"))
            .env("JUPYTER_RUNTIME_DIR", self.work.join("jupyter-runtime"))
            .env_remove("CANDLEBOOK_DATA")
    }

    /// The Python of an environment with what the tests import.
    fn python(&self) -> Result<PathBuf, String> {
        Ok(self
            .environment("python", "tests/kernel/requirements.txt")?
            .join("bin/python"))
    }

    /// A Python environment with the packages of a list; made when it is not there or its list has changed.
    fn environment(&self, name: &str, list: &str) -> Result<PathBuf, String> {
        let list = self.root.join(list);
        let wanted = std::fs::read_to_string(&list)
            .map_err(|error| format!("{}: {error}", list.display()))?;
        let folder = self.work.join(name);
        let stamp = folder.join("requirements.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
            return Ok(folder);
        }
        println!(
            "xtask: installing Python packages into {}",
            folder.display()
        );
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.current_dir(&self.root);
        run(pip
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&list))?;
        std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
        Ok(folder)
    }
}

/// Without what cargo sets for this program: it must not reach the cargo that it starts, which would compile anew.
fn cleaned(command: &mut Command) -> &mut Command {
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
        "LD_LIBRARY_PATH",
        "RUSTUP_TOOLCHAIN",
    ] {
        command.env_remove(name);
    }
    command
}

fn run(command: &mut Command) -> Result<(), String> {
    cleaned(command);
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{program} failed: {status}"))
    }
}
