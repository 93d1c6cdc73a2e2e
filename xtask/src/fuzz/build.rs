//! The fuzzer: the readers with libFuzzer, all crates instrumented.

use crate::command::{output, run};
use crate::workspace::Workspace;
use std::path::PathBuf;
use std::process::Command;

/// Coverage for libFuzzer. These flags of LLVM's pass work on stable toolchains. `fuzzing` makes decoders skip
/// checksums, which mutated files never match.
const FLAGS: [&str; 9] = [
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Keeps branches apart that would share a counter.
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    // The counters of several units of a crate would be merged wrongly.
    "-Ccodegen-units=1",
];

/// Compiles the fuzzer and returns its program.
///
/// # Errors
/// If there is no C++ compiler, or the fuzzer does not compile.
pub(super) fn build(workspace: &Workspace) -> Result<PathBuf, String> {
    check_compiler()?;
    let host = host()?;
    let target = workspace.target.join("fuzz");
    let mut cargo = workspace.cargo();
    // With a target, the flags leave build scripts and macros alone.
    cargo
        .args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target", &host])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    run(&mut cargo)?;
    Ok(target.join(host).join("release/candlebook-fuzz"))
}

/// libFuzzer is compiled from its C++ source.
fn check_compiler() -> Result<(), String> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    output(Command::new(&compiler).arg("--version")).map_err(|error| {
        format!("expected a C++ compiler for libFuzzer, got: {error}. Install g++ or clang, or name one in CXX")
    })?;
    Ok(())
}

fn host() -> Result<String, String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let text = String::from_utf8_lossy(&version.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".into())
}
