//! The compiler's wrapper for added crates: takes from the seed what the seed has compiled.

use super::folder::AddedFolder;
use super::invocation::Invocation;
use super::reuse;
use super::seed_units::SeedUnits;
use crate::build::cargo::process::finish;
use serde_json::json;
use std::io::Result;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Variable that names the file for the arguments of cells.
pub(super) const ARGUMENTS: &str = "CANDLEBOOK_ADDED_ARGUMENTS";
/// Crate name of the package that depends on all added crates.
const ROOT: &str = "candlebook_added";

/// Acts as the compiler's wrapper while added crates are compiled.
pub(crate) fn compile_or_reuse() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((program, arguments)) = arguments.split_first() else {
        return ExitCode::FAILURE;
    };
    let place = AddedFolder::of_this_process();
    let call = Invocation::parse(arguments);
    let mut rustc = Command::new(program);
    rustc.args(arguments);
    let (Some(call), Some(place)) = (call, place) else {
        return finish(rustc);
    };
    match answer(&call, &place, arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            let deps = place.session.join("target");
            rustc.args(search_paths(&deps, &call));
            finish(rustc)
        }
        Err(error) => {
            eprintln!(
                "error: cannot prepare the crate {}: {error}",
                call.crate_name
            );
            ExitCode::FAILURE
        }
    }
}

/// True if nothing is left to compile.
fn answer(call: &Invocation, place: &AddedFolder, arguments: &[String]) -> Result<bool> {
    if call.crate_name == ROOT && call.out_dir.starts_with(place.folder()) && !call.is_for_host {
        write_arguments(arguments)?;
        for extension in [".rlib", ".rmeta"] {
            std::fs::write(call.output("lib", extension), "")?;
        }
        reuse::put_source_list(call)?;
        report(call);
        return Ok(true);
    }
    let compiled = SeedUnits::read(&place.compiled()).unwrap_or_default();
    let Some(unit) = reuse::find(call, &compiled) else {
        reuse::clear(call)?;
        return Ok(false);
    };
    reuse::put(unit, call)?;
    report(call);
    Ok(true)
}

/// The folders of the seed's crates: an added crate that uses one of them finds there what that one
/// uses.
fn search_paths(target: &Path, call: &Invocation) -> Vec<String> {
    let for_cells = std::fs::read_dir(target).into_iter().flatten().flatten();
    let for_cells = for_cells.map(|entry| entry.path().join("debug/deps"));
    let for_cells = for_cells.filter(|deps| !call.is_for_host && deps.is_dir());
    let all = for_cells.chain([target.join("debug/deps")]);
    all.flat_map(|deps| ["-L".to_owned(), format!("dependency={}", deps.display())])
        .collect()
}

/// Tells cargo that the metadata of a library exists, for which other crates may wait.
fn report(call: &Invocation) {
    let metadata = call.output("lib", ".rmeta");
    if call.reports_artifacts && metadata.exists() {
        let message =
            json!({ "$message_type": "artifact", "artifact": metadata, "emit": "metadata" });
        eprintln!("{message}");
    }
}

/// Writes the arguments that link a cell to the added crates.
fn write_arguments(arguments: &[String]) -> Result<()> {
    let Some(file) = std::env::var_os(ARGUMENTS) else {
        return Ok(());
    };
    let text = serde_json::to_string(&linking(arguments))?;
    std::fs::write(file, text)
}

/// The arguments for libraries and their folders. A cell needs the compiled code, which cargo writes
/// after the metadata.
fn linking(arguments: &[String]) -> Vec<String> {
    let pairs = arguments.windows(2);
    let linking = pairs.filter(|pair| matches!(pair[0].as_str(), "-L" | "--extern"));
    linking
        .flat_map(|pair| [pair[0].clone(), with_code(&pair[1])])
        .collect()
}

fn with_code(value: &str) -> String {
    match value.strip_suffix(".rmeta") {
        Some(stem) => format!("{stem}.rlib"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_get_the_arguments_for_libraries() {
        let given = "rustc|--crate-name|candlebook_added|-L|dependency=/d|--extern|csv=/d/libcsv-1.rmeta|\
            -C|metadata=1|--extern|m=/d/libm.so";
        let given: Vec<String> = given.split('|').map(str::to_owned).collect();
        let csv = "csv=/d/libcsv-1.rlib";
        let expected = [
            "-L",
            "dependency=/d",
            "--extern",
            csv,
            "--extern",
            "m=/d/libm.so",
        ];
        assert_eq!(linking(&given), expected);
    }

    #[test]
    fn crates_for_cells_search_the_seeds_folders() {
        let target = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(target.path().join("x86/debug/deps")).unwrap();
        std::fs::create_dir_all(target.path().join("debug/deps")).unwrap();
        let mut call = Invocation::default();
        assert_eq!(search_paths(target.path(), &call).len(), 4);
        call.is_for_host = true;
        assert_eq!(search_paths(target.path(), &call).len(), 2);
    }
}
