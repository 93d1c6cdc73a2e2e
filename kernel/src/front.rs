//! A cargo in front of cargo, for rust-analyzer alone.
//!
//! The engine's rust-analyzer asks `cargo metadata` what to read, at every start, and then reads it all: some 150 packages
//! and the whole standard library, of which a cell can name a handful. It runs `$CARGO_HOME/bin/cargo`, while the engine
//! builds with the toolchain's own. So a session has such a folder, whose `cargo` is this program: it passes every call on
//! and leaves out of `metadata` what cells cannot name. The `rustc` beside it is the toolchain's own, without the detour
//! over rustup's proxy.

use crate::home;
use crate::session::Session;
use anyhow::{Context, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The folder's name in a session.
pub const FOLDER: &str = "front";
/// The real cargo, and its home.
const CARGO: &str = "CANDLEBOOK_CARGO";
const CARGO_HOME: &str = "CANDLEBOOK_CARGO_HOME";
/// Where answers of earlier calls are, and the session's folder.
const ANSWERS: &str = "CANDLEBOOK_ANSWERS";
const SESSION: &str = "CANDLEBOOK_SESSION";
/// Of the helper's dependencies, those that its prelude hands on.
const NAMED: [&str; 2] = ["candle-core", "candle-nn"];
/// Of the standard library's packages, those that hold what people write.
const STANDARD: [&str; 5] = ["alloc", "core", "proc_macro", "std", "test"];

/// Lays the folder out in a session.
pub fn lay_out(session: &Session) -> Result<()> {
    let bin = session.folder.join(FOLDER).join("bin");
    home::create_folder(&bin)?;
    let link = |to: &Path, name: &str| -> Result<()> {
        let path = bin.join(name);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(to, &path).with_context(|| format!("cannot link {}", path.display()))
    };
    link(&std::env::current_exe().context("cannot find the program's own path")?, "cargo")?;
    link(&home::sysroot()?.join("bin/rustc"), "rustc")
}

/// Puts the folder in front for this process.
///
/// # Safety
/// No other thread may run.
pub unsafe fn put_in_place(session: &Session) -> Result<()> {
    let real = home::sysroot()?.join("bin/cargo");
    // Where the toolchain is not laid out as rustup does, rust-analyzer reads everything.
    if real.is_file() {
        // SAFETY: the caller promises that no other thread runs.
        unsafe {
            std::env::set_var(CARGO, real);
            std::env::set_var(CARGO_HOME, cargo_home()?);
            std::env::set_var("CARGO_HOME", session.folder.join(FOLDER));
            std::env::set_var("RUSTC", home::sysroot()?.join("bin/rustc"));
            std::env::set_var(ANSWERS, session.seed.folder.join("answers"));
            std::env::set_var(SESSION, &session.folder);
        }
    }
    Ok(())
}

/// Cargo's own home.
pub fn cargo_home() -> Result<PathBuf> {
    match std::env::var_os(CARGO_HOME).or_else(|| std::env::var_os("CARGO_HOME")) {
        Some(home) => Ok(home.into()),
        None => Ok(home::user_home()?.join(".cargo")),
    }
}

/// Whether this program was called as cargo.
pub fn is_wanted() -> bool {
    std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name().is_some_and(|name| name == "cargo"))
        && std::env::var_os(CARGO).is_some()
}

/// Passes the call on to cargo, with less in `metadata`. What the same call was answered while the seed was built is
/// answered at once.
pub fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
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

fn ask_cargo(arguments: &[String]) -> std::io::Result<Answer> {
    let mut cargo = Command::new(std::env::var_os(CARGO).unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).stdout(Stdio::piped());
    if let Some(home) = std::env::var_os(CARGO_HOME) {
        cargo.env("CARGO_HOME", home);
    }
    let out = cargo.spawn()?.wait_with_output()?;
    // What is not as expected goes on as it is.
    let shorter = if arguments.iter().any(|argument| argument == "metadata") { shortened(&out.stdout) } else { None };
    Ok(Answer { text: shorter.unwrap_or(out.stdout), code: out.status.code().unwrap_or(1) as u8 })
}

/// The answer to one call in the seed: a file named by a hash of the call and of the session's Cargo.toml, with the
/// session's folder written as a placeholder.
struct Answers {
    file: PathBuf,
    session: String,
}

const PLACEHOLDER: &str = "{candlebook-session}";

impl Answers {
    fn new(arguments: &[String]) -> Option<Answers> {
        let folder = PathBuf::from(std::env::var_os(ANSWERS)?);
        let session = std::env::var(SESSION).ok()?;
        let here = std::env::current_dir().ok()?.to_str()?.to_owned();
        let manifest = std::fs::read_to_string(Path::new(&session).join("Cargo.toml")).unwrap_or_default();
        let call = [arguments.join("\0"), here, manifest].join("\0").replace(&session, PLACEHOLDER);
        let name = Sha256::digest(call).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Some(Answers { file: folder.join(name), session })
    }

    fn find(&self) -> Option<Answer> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        let (code, text) = text.split_once('\n')?;
        Some(Answer { text: text.replace(PLACEHOLDER, &self.session).into_bytes(), code: code.parse().ok()? })
    }

    /// Only while the seed is built: calls of later sessions may be about crates that a user added.
    fn keep(&self, answer: &Answer) {
        let building = self.file.parent().and_then(Path::parent).is_some_and(|seed| !seed.join("ready").exists());
        if let (true, Ok(text)) = (building, std::str::from_utf8(&answer.text)) {
            let text = format!("{}\n{}", answer.code, text.replace(&self.session, PLACEHOLDER));
            // A call that is not kept is made again.
            let _ = self.file.parent().map(home::create_folder);
            let _ = home::write_atomically(&self.file, text.as_bytes());
        }
    }
}

/// The metadata without the packages that cells cannot name.
fn shortened(metadata: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(metadata).ok()?;
    let names: HashMap<String, String> = json["packages"]
        .as_array()?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?.to_owned(), package["name"].as_str()?.to_owned())))
        .collect();
    let name = |id: &str| names.get(id).map(String::as_str).unwrap_or_default();
    let keep: HashSet<String> = if names.values().any(|name| name == "std") {
        names.iter().filter(|(_, name)| STANDARD.contains(&name.as_str())).map(|(id, _)| id.clone()).collect()
    } else {
        let nodes = json["resolve"]["nodes"].as_array()?;
        let follow = |id: &str| -> Vec<String> {
            let node = nodes.iter().find(|node| node["id"] == id);
            let all = node.and_then(|node| node["dependencies"].as_array()).into_iter().flatten();
            let all = all.filter_map(|id| id.as_str().map(str::to_owned));
            match name(id) {
                "candlebook" => all.filter(|id| NAMED.contains(&name(id))).collect(),
                other if NAMED.contains(&other) => Vec::new(),
                // A crate that the user added by `:dep`: everything it needs.
                _ => all.collect(),
            }
        };
        let mut found: Vec<String> =
            json["workspace_members"].as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        let mut at = 0;
        while at < found.len() {
            let more: Vec<String> = follow(&found[at]).into_iter().filter(|id| !found.contains(id)).collect();
            found.extend(more);
            at += 1;
        }
        found.into_iter().collect()
    };
    let kept = |id: &Value| id.as_str().is_some_and(|id| keep.contains(id));
    json["packages"].as_array_mut()?.retain(|package| kept(&package["id"]));
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
    use serde_json::json;

    fn names(json: &Value) -> Vec<&str> {
        json["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap()).collect()
    }

    #[test]
    fn what_cells_cannot_name_is_left_out_and_what_users_add_stays() {
        let package = |name: &str| json!({ "id": format!("{name}-id"), "name": name });
        let node = |name: &str, deps: &[&str]| {
            let ids: Vec<String> = deps.iter().map(|dep| format!("{dep}-id")).collect();
            let deps: Vec<Value> = ids.iter().map(|id| json!({ "pkg": id })).collect();
            json!({ "id": format!("{name}-id"), "dependencies": ids, "deps": deps })
        };
        let packages = ["ctx", "candlebook", "candle-core", "rayon", "image", "mine", "its"].map(package);
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
        let short: Value = serde_json::from_slice(&shortened(metadata.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(names(&short), ["ctx", "candlebook", "candle-core", "mine", "its"]);
        assert_eq!(short["resolve"]["nodes"][1]["deps"], json!([{ "pkg": "candle-core-id" }]));
        assert_eq!(short["resolve"]["nodes"][2]["dependencies"], json!([]));
        assert_eq!(shortened(b"not json"), None);
    }
}
