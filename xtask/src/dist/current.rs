//! The files that the helper's present build consists of. A seed may also contain those of earlier ones.

use super::stage::TARGET;
use crate::command::{cleaned, output};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Names of the libraries of the build, as cargo lists them without compiling.
pub(super) fn libraries(seed: &Path) -> Result<BTreeSet<String>, String> {
    let mut cargo = Command::new("cargo");
    // The settings by which the engine has built the seed.
    cargo
        .current_dir(seed.join("session"))
        .args(["build", "--package", "candlebook", "--offline", "--quiet"])
        .args(["--target", TARGET, "--target-dir", "target"])
        .arg("--message-format=json")
        .env("CARGO_INCREMENTAL", "0")
        .env("RUSTFLAGS", "-Cprefer-dynamic");
    let messages = output(cleaned(&mut cargo))?;
    Ok(names(&String::from_utf8_lossy(&messages.stdout)))
}

/// File names in cargo's messages.
fn names(messages: &str) -> BTreeSet<String> {
    let json = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let files =
        json.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let names = files.filter_map(|file| {
        let name = Path::new(file.as_str()?).file_name()?;
        Some(name.to_string_lossy().into_owned())
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn messages_name_files() {
        let text =
            "{\"filenames\":[\"/t/deps/liba-1.rlib\",\"/t/deps/liba-1.rmeta\"]}\nnot json\n{}\n";
        let found: Vec<String> = names(text).into_iter().collect();
        assert_eq!(found, ["liba-1.rlib", "liba-1.rmeta"]);
    }
}
