//! The part of a seed that cells need on another machine: metadata of all crates, the helper's shared
//! library, procedural macros, recorded answers and sources for completion. Crates that a notebook adds
//! need the list of compiled crates and the results of build scripts besides.

use super::current::libraries;
use super::sources::{rust_sources, strip_config, used_packages};
use super::{Dist, at, copy, files_below, write};
use crate::command::run;
use std::path::Path;
use std::process::Command;

/// The only platform that is shipped.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Start of the line of a session's Cargo.toml that names the helper.
const HELPER_LINE: &str = "candlebook = {";

/// Fills the stage from a seed.
pub(super) fn fill(dist: &Dist, seed: &Path) -> Result<(), String> {
    let stage = dist.stage();
    if stage.exists() {
        std::fs::remove_dir_all(&stage).map_err(|error| at(&stage, error))?;
    }
    for file in [
        "init.evcxr",
        "ready",
        "units.json",
        "session/Cargo.lock",
        "session/src/lib.rs",
    ] {
        copy(&seed.join(file), &stage.join(file))?;
    }
    write_manifest(seed, &stage)?;
    copy_tree(&seed.join("session/helper"), &stage.join("session/helper"))?;
    copy_tree(&seed.join("results"), &stage.join("results"))?;
    copy_libraries(seed, &stage)?;
    let used = copy_answers(seed, &stage)?;
    rust_sources(&stage, &used)
}

/// Writes the session's manifest, with a relative path to the helper. The engine writes its own at
/// each start.
fn write_manifest(seed: &Path, stage: &Path) -> Result<(), String> {
    let path = seed.join("session/Cargo.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| at(&path, error))?;
    let line = |line: &str| match line.starts_with(HELPER_LINE) {
        true => "candlebook = { path = \"helper\" }\n".to_owned(),
        false => format!("{line}\n"),
    };
    let text: String = text.lines().map(line).collect();
    write(&stage.join("session/Cargo.toml"), text.as_bytes())
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), String> {
    for file in files_below(from)? {
        copy(&file, &to.join(file.strip_prefix(from).unwrap_or(&file)))?;
    }
    Ok(())
}

fn copy_libraries(seed: &Path, stage: &Path) -> Result<(), String> {
    let current = libraries(seed)?;
    let for_cells = format!("session/target/{TARGET}/debug/deps");
    for (folder, is_for_cells) in [
        (for_cells.as_str(), true),
        ("session/target/debug/deps", false),
    ] {
        for file in files_below(&seed.join(folder))? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let is_contained = current.get(name.as_ref());
            if is_contained.is_some_and(|it| is_needed(&name, is_for_cells, *it)) {
                let to = stage.join(folder).join(name.as_ref());
                copy(&file, &to)?;
                strip(&to)?;
            }
        }
    }
    Ok(())
}

/// True for a library that the compiler reads, or that a cell loads. Cells are linked to the code of a crate
/// only if the helper's shared library does not contain it.
fn is_needed(name: &str, is_for_cells: bool, is_contained: bool) -> bool {
    let is_code = name.ends_with(".rlib") && name != "libcandlebook.rlib";
    match is_for_cells {
        true if is_code => !is_contained,
        true => name.ends_with(".rmeta") || name == "libcandlebook.so",
        // Procedural macros.
        false => name.ends_with(".so"),
    }
}

/// Removes what only debuggers read. A crate's metadata is kept.
fn strip(file: &Path) -> Result<(), String> {
    if file.extension().is_some_and(|extension| extension == "so") {
        run(Command::new("strip").arg("--strip-unneeded").arg(file))?;
    }
    Ok(())
}

/// Copies the answers; returns the packages whose sources they name.
fn copy_answers(seed: &Path, stage: &Path) -> Result<Vec<String>, String> {
    let mut used = Vec::new();
    for file in files_below(&seed.join("answers"))? {
        let text = std::fs::read_to_string(&file).map_err(|error| at(&file, error))?;
        used.extend(used_packages(&text));
        let name = file.file_name().unwrap_or_default();
        write(
            &stage.join("answers").join(name),
            strip_config(&text).as_bytes(),
        )?;
    }
    used.sort();
    used.dedup();
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::is_needed;

    #[test]
    fn cells_need_metadata_and_the_helpers_library() {
        assert!(
            is_needed("liba-1.rmeta", true, true) && is_needed("libcandlebook.so", true, false)
        );
        assert!(!is_needed("liba-1.rlib", true, true) && !is_needed("liba-1.rmeta", false, false));
        assert!(
            is_needed("liba-1.rlib", true, false) && !is_needed("libcandlebook.rlib", true, false)
        );
        assert!(is_needed("libmacros-1.so", false, false));
    }
}
