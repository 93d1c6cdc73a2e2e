//! Compilation of cells by a recorded compiler command.

use super::answers::AnswerFile;
use super::cell::compile_cell;
use super::process::{bin_folder, cargo, finish};
use super::variables::{FULL_PATHS, RECORD, RECORDER, SESSION};
use crate::build::environment::SHIM_FOLDER;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Variables that affect the compiler command of a cell, besides the call and Cargo.toml.
const COMMAND_VARIABLES: [&str; 6] = [
    "RUSTC",
    "CARGO_INCREMENTAL",
    "RUSTFLAGS",
    "CARGO_PROFILE_DEV_OPT_LEVEL",
    "EVCXR_FORCE_DYLIB",
    "LD_PRELOAD",
];

/// Variable and value of the compiler's stack, in bytes: enough for a cell as deep as the kernel
/// accepts.
const STACK: (&str, &str) = ("RUST_MIN_STACK", "134217728");

/// Cargo's compiler command for a cell.
#[derive(serde::Serialize, serde::Deserialize)]
struct RustcCommand {
    arguments: Vec<String>,
    /// Variables that cargo sets for the compiler.
    environment: Vec<(String, String)>,
}

/// Compiles a cell by the recorded command, or by cargo, which then records it.
///
/// A record belongs to one Cargo.toml: after `:dep`, cargo runs again. If the user added a local
/// crate, whose source may change, cargo always runs.
///
/// `cargo check`, by which the engine infers a variable's type, becomes the same command without
/// code generation: cargo would first check every library, for half a minute.
pub(crate) fn build(arguments: &[String]) -> ExitCode {
    let check = arguments.first().is_some_and(|command| command == "check");
    let command: Vec<String> = std::iter::once("build".to_owned())
        .chain(arguments.iter().skip(1).cloned())
        .collect();
    let Some(record) = record_file(&command) else {
        return finish(cargo_command(arguments));
    };
    let recorded = record
        .read()
        .and_then(|text| serde_json::from_str::<RustcCommand>(&text).ok());
    if let Some(command) = recorded {
        return compile(&command, check);
    }
    let mut cargo = cargo_command(arguments);
    if !check {
        cargo.env(RECORD, &record.path);
    }
    finish(cargo)
}

/// A command of cargo that compiles cells.
fn cargo_command(arguments: &[String]) -> Command {
    let mut cargo = cargo(arguments);
    cargo.env(STACK.0, STACK.1);
    let session = std::env::var(SESSION).unwrap_or_default();
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    cargo.env("RUSTFLAGS", flags + extra_flag(&session));
    if let (None, Some(bin)) = (std::env::var_os("RUSTC_WRAPPER"), bin_folder()) {
        cargo.env("RUSTC_WRAPPER", bin.join(RECORDER));
    }
    cargo
}

/// Flags by which a cell's library has two memory mappings instead of four. It stays in memory as long
/// as variables may refer to it, and a process may have about 65,000 mappings.
fn flags_for_few_mappings() -> Vec<&'static str> {
    let session = std::env::var(SESSION).unwrap_or_default();
    let mut flags = vec!["-Crelro-level=off"];
    if HAS_LLD && extra_flag(&session).is_empty() {
        flags.push("-Clink-arg=-Wl,--no-rosegment");
    }
    flags
}

/// True for toolchains whose default linker is LLVM's.
const HAS_LLD: bool = cfg!(all(
    target_os = "linux",
    target_arch = "x86_64",
    target_env = "gnu"
));

/// The flag that cells in a folder need besides the engine's.
///
/// The toolchain's linker replaces each `%` in the path of its output by a random digit, and does not
/// find the folder. Only this toolchain has it as its default.
fn extra_flag(session: &str) -> &'static str {
    if HAS_LLD && session.contains('%') {
        " -Clinker-features=-lld"
    } else {
        ""
    }
}

/// The file that records the command of this build: in the seed while it is being built, later in
/// the session if the seed has none. `None` if the command must not be recorded.
fn record_file(arguments: &[String]) -> Option<AnswerFile> {
    let session = PathBuf::from(std::env::var_os(SESSION)?);
    let manifest = std::fs::read_to_string(session.join("Cargo.toml")).ok()?;
    let wrapped = std::env::var_os("RUSTC_WRAPPER").is_some();
    if has_local_crate(&manifest) || wrapped || std::env::current_dir().ok()? != session {
        return None;
    }
    let mut call = arguments.to_vec();
    call.extend(
        COMMAND_VARIABLES
            .iter()
            .map(|name| format!("{name}={}", std::env::var(name).unwrap_or_default())),
    );
    let mut record = AnswerFile::new(&call)?;
    if !record.is_recording() && !record.path.is_file() {
        let name = record.path.file_name()?.to_owned();
        record.path = session.join(SHIM_FOLDER).join(name);
    }
    Some(record)
}

/// True if a manifest depends on a local crate besides the helper.
fn has_local_crate(manifest: &str) -> bool {
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    dependencies
        .lines()
        .any(|line| line.contains("path") && !line.starts_with("candlebook ="))
}

fn compile(command: &RustcCommand, check: bool) -> ExitCode {
    let Some((program, arguments)) = command.arguments.split_first() else {
        return ExitCode::FAILURE;
    };
    let argument = |argument: &String| {
        if check && argument.starts_with("--emit=") {
            "--emit=metadata".into()
        } else {
            with_one_identity(argument)
        }
    };
    let code = compile_cell(|| {
        let environment = command.environment.iter();
        let mut rustc = Command::new(program);
        rustc
            .env(STACK.0, STACK.1)
            .args(arguments.iter().map(argument))
            .args(flags_for_few_mappings())
            .envs(environment.map(|(name, value)| (name, value)));
        print_full_paths(&mut rustc);
        rustc
    });
    let out_dir = arguments
        .iter()
        .skip_while(|argument| *argument != "--out-dir")
        .nth(1);
    if let (ExitCode::SUCCESS, Some(folder)) = (code, out_dir) {
        print_artifact(folder);
    }
    code
}

/// An argument of a cell's compiler command. Cargo gives the crate another identity for each
/// optimization level and set of dependencies, which would give the cells' types other type ids, and
/// so lose the variables of these types.
fn with_one_identity(argument: &str) -> String {
    if argument.starts_with("metadata=") {
        "metadata=candlebook".into()
    } else {
        argument.to_owned()
    }
}

/// Prints cargo's message that names the compiled library.
fn print_artifact(folder: &str) {
    let library = Path::new(folder).join(format!("libctx{}", std::env::consts::DLL_SUFFIX));
    let message = json!({
        "reason": "compiler-artifact",
        "target": { "name": "ctx" },
        "filenames": [library],
    });
    println!("{message}");
}

/// Acts as the compiler's wrapper in a build by cargo: records the command of a cell, then runs it.
pub(crate) fn record() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_cell = arguments
        .windows(2)
        .any(|pair| pair == ["--crate-name", "ctx"]);
    if let (true, Some(file), Ok(session)) =
        (is_cell, std::env::var_os(RECORD), std::env::var(SESSION))
    {
        write_record(file.into(), session, &arguments);
    }
    let Some((program, arguments)) = arguments.split_first() else {
        return ExitCode::FAILURE;
    };
    let rustc = || {
        let mut rustc = Command::new(program);
        rustc.args(arguments.iter().map(|argument| match is_cell {
            true => with_one_identity(argument),
            false => argument.clone(),
        }));
        print_full_paths(&mut rustc);
        rustc
    };
    if is_cell {
        compile_cell(rustc)
    } else {
        finish(rustc())
    }
}

/// Lets the compiler print types with their full paths, if the kernel asks for a type. Only an unstable
/// option does so; nothing that it compiles is ever loaded.
fn print_full_paths(rustc: &mut Command) {
    if std::env::var(FULL_PATHS).is_ok_and(|value| value == "1") {
        rustc
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("-Ztrim-diagnostic-paths=no");
    }
}

fn write_record(path: PathBuf, session: String, arguments: &[String]) {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
                || name == "LD_LIBRARY_PATH"
        });
    let command = RustcCommand {
        arguments: arguments.to_vec(),
        environment: environment.collect(),
    };
    if let Ok(text) = serde_json::to_string(&command) {
        AnswerFile { path, session }.write(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_in_the_path_needs_the_systems_linker() {
        assert_eq!(extra_flag("/a b"), "");
        let expected = if HAS_LLD {
            " -Clinker-features=-lld"
        } else {
            ""
        };
        assert_eq!(extra_flag("/100 %"), expected);
    }

    #[test]
    fn all_cells_are_one_crate() {
        assert_eq!(with_one_identity("metadata=2dde"), "metadata=candlebook");
        assert_eq!(with_one_identity("opt-level=2"), "opt-level=2");
    }

    #[test]
    fn only_crates_besides_the_helper_count_as_local() {
        let helper = "[package]\nname = \"ctx\"\n[dependencies]\ncandlebook = { path = \"/h\" }\n";
        assert!(!has_local_crate(helper));
        assert!(!has_local_crate(&format!("{helper}rand = \"0.9\"\n")));
        assert!(has_local_crate(&format!(
            "{helper}own = {{ path = \"/o\" }}\n"
        )));
    }
}
