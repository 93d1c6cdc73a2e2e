//! A cargo in front of cargo, for the engine.
//!
//! A session has a folder `front/bin` that stands first on the path and is cargo's home as far as the engine knows. Its
//! `cargo` is this program, which saves time where the engine spends it:
//!
//! - **`cargo metadata`**: rust-analyzer reads at every start all that it names, some 150 packages and the whole standard
//!   library, of which a cell can name a handful. The others are left out.
//! - **The same questions at every start** are answered from what was answered while the seed was built.
//! - **`cargo build`**: cargo looks at 180 packages to find that only the cell is to be compiled. The compiler's command
//!   for a cell is always the same, so it is recorded once and then run at once ([`build`]).
//!
//! Everything else goes on to the real cargo. `rustc` is the toolchain's own, without the detour over rustup's proxy.

use crate::build::environment::{BUILD_ENVIRONMENT, FRONT_FOLDER};
use crate::build::session::Session;
use crate::home;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The real cargo, and its home.
const CARGO: &str = "CANDLEBOOK_CARGO";
const CARGO_HOME: &str = "CANDLEBOOK_CARGO_HOME";
/// Where answers of earlier calls are, and the session's folder.
const ANSWERS: &str = "CANDLEBOOK_ANSWERS";
const SESSION: &str = "CANDLEBOOK_SESSION";
/// The path without the folder in front.
const PATH: &str = "CANDLEBOOK_PATH";
/// The lock file that a session of the stock form is to keep.
const LOCK: &str = "CANDLEBOOK_LOCK";
/// Where the recorder is to put the compiler's command.
const RECORD: &str = "CANDLEBOOK_RECORD";
/// The name that this program has as the compiler's wrapper.
const RECORDER: &str = "candlebook-rustc";
/// Of the helper's dependencies, those that its prelude hands on.
const NAMED: [&str; 2] = ["candle-core", "candle-nn"];
/// Of the standard library's packages, those that hold what people write.
const STANDARD: [&str; 5] = ["alloc", "core", "proc_macro", "std", "test"];

/// Lays the folder out in a session.
pub(crate) fn lay_out(session: &Session) -> Result<()> {
    let bin = session.folder.join(FRONT_FOLDER).join("bin");
    home::create_folder(&bin)?;
    let link = |to: &Path, name: &str| -> Result<()> {
        let path = bin.join(name);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(to, &path)
            .with_context(|| format!("cannot link {}", path.display()))
    };
    let program = std::env::current_exe().context("cannot find the program's own path")?;
    for name in ["cargo", "rustup", RECORDER] {
        link(&program, name)?;
    }
    link(&home::sysroot()?.join("bin/rustc"), "rustc")
}

/// Puts the folder in front for this process.
///
/// # Safety
/// No other thread may run.
pub(crate) unsafe fn put_in_place(session: &Session) -> Result<()> {
    let real = home::sysroot()?.join("bin/cargo");
    // Where the toolchain is not laid out as rustup does, rust-analyzer reads everything.
    if real.is_file() {
        // SAFETY: the caller promises that no other thread runs.
        unsafe {
            std::env::set_var(CARGO, real);
            std::env::set_var(CARGO_HOME, cargo_home()?);
            std::env::set_var("CARGO_HOME", session.folder.join(FRONT_FOLDER));
            let (path, front) = paths(session)?;
            std::env::set_var("PATH", front);
            std::env::set_var(PATH, path);
            for (name, value) in BUILD_ENVIRONMENT {
                std::env::set_var(name, value);
            }
            std::env::set_var("RUSTC", home::sysroot()?.join("bin/rustc"));
            std::env::set_var(ANSWERS, session.seed.folder.join("answers"));
            std::env::set_var(SESSION, &session.folder);
        }
    }
    Ok(())
}

/// The path as it is, and with the folder in front.
fn paths(session: &Session) -> Result<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [session.folder.join(FRONT_FOLDER).join("bin")]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let front = std::env::join_paths(folders).context("a folder on the path has a colon")?;
    Ok((path, front))
}

/// The environment of the stock form: cargo works as always, but for the lock file, which the engine's first evaluation
/// empties. With new versions of libraries everything would be compiled again at each start.
pub(crate) fn stock_environment(session: &Session) -> Result<Vec<(&'static str, OsString)>> {
    lay_out(session)?;
    let (path, front) = paths(session)?;
    Ok(vec![
        (CARGO, home::sysroot()?.join("bin/cargo").into()),
        (CARGO_HOME, cargo_home()?.into()),
        (SESSION, session.folder.clone().into()),
        (LOCK, session.seed.lock_file().into()),
        (PATH, path),
        ("PATH", front),
    ])
}

/// Puts the lock file back, once, as soon as the session depends on the helper. Where that fails, cargo looks for versions
/// itself.
fn keep_lock(lock: &Path) {
    let Some(session) = std::env::var_os(SESSION).map(PathBuf::from) else {
        return;
    };
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).unwrap_or_default();
    let done = session.join(FRONT_FOLDER).join("locked");
    if manifest.contains("\ncandlebook =")
        && !done.exists()
        && std::fs::copy(lock, session.join("Cargo.lock")).is_ok()
    {
        let _ = std::fs::write(done, "");
    }
}

/// Cargo's own home.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    match std::env::var_os(CARGO_HOME).or_else(|| std::env::var_os("CARGO_HOME")) {
        Some(home) => Ok(home.into()),
        None => Ok(home::user_home()?.join(".cargo")),
    }
}

/// The path without the folder in front, for the process that runs cells.
pub(crate) fn users_path() -> OsString {
    std::env::var_os(PATH)
        .or_else(|| std::env::var_os("PATH"))
        .unwrap_or_default()
}

/// Does what is asked, where this program was called by one of the names it has in the folder in front.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    std::env::var_os(CARGO)?;
    let name = std::env::args_os().next()?;
    match Path::new(&name).file_name()?.to_str()? {
        "cargo" => Some(run()),
        "rustup" => Some(rustup()),
        RECORDER => Some(record()),
        _ => None,
    }
}

/// The folder in front.
fn bin() -> Option<PathBuf> {
    std::env::var_os(SESSION).map(|session| Path::new(&session).join(FRONT_FOLDER).join("bin"))
}

/// Runs a command to its end and takes over its exit code.
fn finish(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => ExitCode::from(status.code().unwrap_or(1) as u8),
        Err(error) => {
            eprintln!(
                "candlebook: cannot run {}: {error}",
                command.get_program().to_string_lossy()
            );
            ExitCode::FAILURE
        }
    }
}

/// rustup, but that `cargo` is the one in front.
fn rustup() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["which", "cargo"]
        && let Some(bin) = bin()
    {
        println!("{}", bin.join("cargo").display());
        return ExitCode::SUCCESS;
    }
    let real = std::env::split_paths(&users_path())
        .map(|folder| folder.join("rustup"))
        .find(|path| path.is_file());
    let mut rustup = Command::new(real.unwrap_or_else(|| "/nonexistent/rustup".into()));
    rustup.args(arguments).env("PATH", users_path());
    if let Some(home) = std::env::var_os(CARGO_HOME) {
        rustup.env("CARGO_HOME", home);
    }
    finish(rustup)
}

/// Passes the call on to cargo, with less in `metadata`. What the same call was answered while the seed was built is
/// answered at once.
pub(crate) fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(lock) = std::env::var_os(LOCK) {
        keep_lock(Path::new(&lock));
        return finish(cargo(&arguments));
    }
    if arguments
        .first()
        .is_some_and(|command| ["build", "check"].contains(&command.as_str()))
    {
        return build(&arguments);
    }
    let answers = Answers::new(&arguments);
    let known = answers.as_ref().and_then(Answers::find);
    let answer = match known.map_or_else(|| ask_cargo(&arguments), Ok) {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("candlebook: cannot run cargo: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(answers) = &answers {
        answers.keep(&answer);
    }
    let written = std::io::stdout().write_all(&answer.text);
    ExitCode::from(if written.is_ok() { answer.code } else { 1 })
}

/// What cargo said on standard output, and its exit code.
struct Answer {
    text: Vec<u8>,
    code: u8,
}

/// The real cargo.
fn cargo(arguments: &[String]) -> Command {
    let mut cargo = Command::new(std::env::var_os(CARGO).unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).env("PATH", users_path());
    if let Some(home) = std::env::var_os(CARGO_HOME) {
        cargo.env("CARGO_HOME", home);
    }
    cargo
}

fn ask_cargo(arguments: &[String]) -> std::io::Result<Answer> {
    let lock = endangered_lock();
    let mut cargo = cargo(arguments);
    cargo.stdout(Stdio::piped());
    let out = cargo.spawn()?.wait_with_output()?;
    if let Some((path, text)) = lock {
        std::fs::write(path, text)?;
    }
    // What is not as expected goes on as it is.
    let shorter = if arguments.iter().any(|argument| argument == "metadata") {
        shortened(&out.stdout)
    } else {
        None
    };
    Ok(Answer {
        text: shorter.unwrap_or(out.stdout),
        code: out.status.code().unwrap_or(1) as u8,
    })
}

/// The session's lock file, where cargo would empty it: before the engine takes a crate in, it asks about a package that
/// depends on that crate alone. Everything would be resolved and compiled anew then.
fn endangered_lock() -> Option<(PathBuf, String)> {
    let session = PathBuf::from(std::env::var_os(SESSION)?);
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).ok()?;
    let path = session.join("Cargo.lock");
    let text = std::fs::read_to_string(&path).ok()?;
    (!manifest.contains("\ncandlebook =") && text.contains("name = \"candlebook\""))
        .then_some((path, text))
}

/// Files in the seed about calls: named by a hash of the call and of the session's Cargo.toml, with the session's folder
/// written as a placeholder.
struct Answers {
    file: PathBuf,
    session: String,
}

const PLACEHOLDER: &str = "{candlebook-session}";

impl Answers {
    fn new(call: &[String]) -> Option<Answers> {
        let folder = PathBuf::from(std::env::var_os(ANSWERS)?);
        let session = std::env::var(SESSION).ok()?;
        let here = std::env::current_dir().ok()?.to_str()?.to_owned();
        let manifest =
            std::fs::read_to_string(Path::new(&session).join("Cargo.toml")).unwrap_or_default();
        let call = [call.join("\0"), here, manifest]
            .join("\0")
            .replace(&session, PLACEHOLDER);
        let name = Sha256::digest(call)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        Some(Answers {
            file: folder.join(name),
            session,
        })
    }

    fn read(&self) -> Option<String> {
        Some(
            std::fs::read_to_string(&self.file)
                .ok()?
                .replace(PLACEHOLDER, &self.session),
        )
    }

    fn write(&self, text: &str) {
        // What is not kept is asked again.
        let _ = self.file.parent().map(home::create_folder);
        let _ = home::write_atomically(
            &self.file,
            text.replace(&self.session, PLACEHOLDER).as_bytes(),
        );
    }

    /// Whether the seed is being built: calls of later sessions may be about crates that a user added.
    fn building(&self) -> bool {
        self.file
            .parent()
            .and_then(Path::parent)
            .is_some_and(|seed| !seed.join("ready").exists())
    }

    fn find(&self) -> Option<Answer> {
        let text = self.read()?;
        let (code, text) = text.split_once('\n')?;
        Some(Answer {
            text: text.as_bytes().to_vec(),
            code: code.parse().ok()?,
        })
    }

    fn keep(&self, answer: &Answer) {
        // Questions that this compiler always refuses are refused from memory too; metadata that failed is asked again.
        let worth = answer.code == 0 || answer.text.is_empty();
        if let (true, true, Ok(text)) = (worth, self.building(), std::str::from_utf8(&answer.text))
        {
            self.write(&format!("{}\n{text}", answer.code));
        }
    }
}

/// What decides the compiler's command for a cell, besides the call and Cargo.toml.
const DECIDES: [&str; 6] = [
    "RUSTC",
    "CARGO_INCREMENTAL",
    "RUSTFLAGS",
    "CARGO_PROFILE_DEV_OPT_LEVEL",
    "EVCXR_FORCE_DYLIB",
    "LD_PRELOAD",
];

/// The compiler's command for a cell, as cargo gave it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Recorded {
    arguments: Vec<String>,
    /// What cargo tells the compiler by the environment.
    environment: Vec<(String, String)>,
}

/// Compiles a cell: by the recorded command, else by cargo, and then the command is recorded. What is recorded belongs to
/// one Cargo.toml: after `:dep` cargo does the work again. With a crate of the user's own, whose source may change, it
/// always does.
///
/// A check, which the engine asks for where it cannot name a variable's type, is the same command without code: cargo would
/// first check every library, for half a minute.
fn build(arguments: &[String]) -> ExitCode {
    let check = arguments[0] == "check";
    let command = [&["build".to_owned()], &arguments[1..]].concat();
    let Some(place) = record_of(&command) else {
        return finish(cargo(arguments));
    };
    if let Some(recorded) = place
        .read()
        .and_then(|text| serde_json::from_str::<Recorded>(&text).ok())
    {
        return compile(&recorded, check);
    }
    if check {
        return finish(cargo(arguments));
    }
    let mut cargo = cargo(arguments);
    if let Some(bin) = bin() {
        cargo
            .env("RUSTC_WRAPPER", bin.join(RECORDER))
            .env(RECORD, &place.file);
    }
    finish(cargo)
}

/// Where the command for this build is recorded: in the seed while that is built, else in the session if it is not in the
/// seed. None where nothing may be recorded.
fn record_of(arguments: &[String]) -> Option<Answers> {
    let session = PathBuf::from(std::env::var_os(SESSION)?);
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).ok()?;
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let own = dependencies
        .lines()
        .any(|line| line.contains("path") && !line.starts_with("candlebook ="));
    let wrapped = std::env::var_os("RUSTC_WRAPPER").is_some();
    if own || wrapped || std::env::current_dir().ok()? != session {
        return None;
    }
    let mut call = arguments.to_vec();
    call.extend(
        DECIDES
            .iter()
            .map(|name| format!("{name}={}", std::env::var(name).unwrap_or_default())),
    );
    let mut place = Answers::new(&call)?;
    if !place.building() && !place.file.is_file() {
        let name = place.file.file_name()?.to_owned();
        place.file = session.join(FRONT_FOLDER).join(name);
    }
    Some(place)
}

fn compile(recorded: &Recorded, check: bool) -> ExitCode {
    let mut rustc = Command::new(&recorded.arguments[0]);
    let emit = |argument: &String| {
        if check && argument.starts_with("--emit=") {
            "--emit=metadata".into()
        } else {
            argument.clone()
        }
    };
    rustc.args(recorded.arguments[1..].iter().map(emit)).envs(
        recorded
            .environment
            .iter()
            .map(|(name, value)| (name, value)),
    );
    let code = finish(rustc);
    let out = recorded
        .arguments
        .iter()
        .position(|argument| argument == "--out-dir");
    if let (ExitCode::SUCCESS, Some(folder)) =
        (code, out.and_then(|at| recorded.arguments.get(at + 1)))
    {
        // The line by which cargo says where the library is.
        let library = Path::new(folder).join(format!("libctx{}", std::env::consts::DLL_SUFFIX));
        let line = json!({ "reason": "compiler-artifact", "target": { "name": "ctx" }, "filenames": [library] });
        println!("{line}");
    }
    code
}

/// The compiler's wrapper in a build by cargo: writes the command for the cell down, then runs it.
fn record() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let of_cell = arguments
        .windows(2)
        .any(|pair| pair == ["--crate-name", "ctx"]);
    if let (true, Some(file), Ok(session)) =
        (of_cell, std::env::var_os(RECORD), std::env::var(SESSION))
    {
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| {
                name.starts_with("CARGO_PKG_")
                    || name.starts_with("CARGO_MANIFEST_")
                    || name == "LD_LIBRARY_PATH"
            })
            .collect();
        let recorded = Recorded {
            arguments: arguments.clone(),
            environment,
        };
        if let Ok(text) = serde_json::to_string(&recorded) {
            Answers {
                file: file.into(),
                session,
            }
            .write(&text);
        }
    }
    let mut rustc = Command::new(&arguments[0]);
    rustc.args(&arguments[1..]);
    finish(rustc)
}

/// The metadata without the packages that cells cannot name.
fn shortened(metadata: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(metadata).ok()?;
    let names: HashMap<String, String> = json["packages"]
        .as_array()?
        .iter()
        .filter_map(|package| {
            Some((
                package["id"].as_str()?.to_owned(),
                package["name"].as_str()?.to_owned(),
            ))
        })
        .collect();
    let name = |id: &str| names.get(id).map(String::as_str).unwrap_or_default();
    let keep: HashSet<String> = if names.values().any(|name| name == "std") {
        names
            .iter()
            .filter(|(_, name)| STANDARD.contains(&name.as_str()))
            .map(|(id, _)| id.clone())
            .collect()
    } else {
        let nodes = json["resolve"]["nodes"].as_array()?;
        let follow = |id: &str| -> Vec<String> {
            let node = nodes.iter().find(|node| node["id"] == id);
            let all = node
                .and_then(|node| node["dependencies"].as_array())
                .into_iter()
                .flatten();
            let all = all.filter_map(|id| id.as_str().map(str::to_owned));
            match name(id) {
                "candlebook" => all.filter(|id| NAMED.contains(&name(id))).collect(),
                other if NAMED.contains(&other) => Vec::new(),
                // A crate that the user added by `:dep`: everything it needs.
                _ => all.collect(),
            }
        };
        let mut found: Vec<String> = json["workspace_members"]
            .as_array()?
            .iter()
            .filter_map(|id| id.as_str().map(str::to_owned))
            .collect();
        let mut at = 0;
        while at < found.len() {
            let more: Vec<String> = follow(&found[at])
                .into_iter()
                .filter(|id| !found.contains(id))
                .collect();
            found.extend(more);
            at += 1;
        }
        found.into_iter().collect()
    };
    let kept = |id: &Value| id.as_str().is_some_and(|id| keep.contains(id));
    json["packages"]
        .as_array_mut()?
        .retain(|package| kept(&package["id"]));
    if let Some(nodes) = json["resolve"]["nodes"].as_array_mut() {
        nodes.retain(|node| kept(&node["id"]));
        for node in nodes {
            if let Some(ids) = node["dependencies"].as_array_mut() {
                ids.retain(&kept);
            }
            if let Some(deps) = node["deps"].as_array_mut() {
                deps.retain(|dep| kept(&dep["pkg"]));
            }
        }
    }
    for list in ["workspace_members", "workspace_default_members"] {
        if let Some(ids) = json[list].as_array_mut() {
            ids.retain(&kept);
        }
    }
    serde_json::to_vec(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(json: &Value) -> Vec<&str> {
        json["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| package["name"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn what_cells_cannot_name_is_left_out_and_what_users_add_stays() {
        let package = |name: &str| json!({ "id": format!("{name}-id"), "name": name });
        let node = |name: &str, deps: &[&str]| {
            let ids: Vec<String> = deps.iter().map(|dep| format!("{dep}-id")).collect();
            let deps: Vec<Value> = ids.iter().map(|id| json!({ "pkg": id })).collect();
            json!({ "id": format!("{name}-id"), "dependencies": ids, "deps": deps })
        };
        let packages = [
            "ctx",
            "candlebook",
            "candle-core",
            "rayon",
            "image",
            "mine",
            "its",
        ]
        .map(package);
        let nodes = [
            node("ctx", &["candlebook", "mine"]),
            node("candlebook", &["candle-core", "image"]),
            node("candle-core", &["rayon"]),
            node("rayon", &[]),
            node("image", &[]),
            node("mine", &["its"]),
            node("its", &[]),
        ];
        let metadata = json!({ "packages": packages, "resolve": { "nodes": nodes }, "workspace_members": ["ctx-id"] });
        let short: Value =
            serde_json::from_slice(&shortened(metadata.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(
            names(&short),
            ["ctx", "candlebook", "candle-core", "mine", "its"]
        );
        assert_eq!(
            short["resolve"]["nodes"][1]["deps"],
            json!([{ "pkg": "candle-core-id" }])
        );
        assert_eq!(short["resolve"]["nodes"][2]["dependencies"], json!([]));
        assert_eq!(shortened(b"not json"), None);
    }
}
