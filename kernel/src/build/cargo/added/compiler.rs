//! The compiler's wrapper for added crates: takes from the seed what the seed has compiled.

use super::deferred::{compile_dependencies, defer};
use super::folder::AddedFolder;
use super::invocation::Invocation;
use super::seed_units::{SeedUnits, Unit};
use super::{results, reuse};
use crate::build::cargo::process::finish;
use serde_json::json;
use std::env::consts::DLL_SUFFIX;
use std::io::Result;
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
    let (Some(call), Some(place)) = (call, place) else {
        let mut rustc = Command::new(program);
        rustc.args(arguments);
        return finish(rustc);
    };
    let answered = answer(&call, &place, program, arguments);
    let prepared = answered.and_then(|is_complete| {
        // A crate that is compiled reads the libraries that it depends on.
        (!is_complete)
            .then(|| compile_dependencies(&call, &place))
            .transpose()
    });
    match prepared {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(())) => compile(program, arguments, &call, &place),
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
fn answer(
    call: &Invocation,
    place: &AddedFolder,
    compiler: &str,
    arguments: &[String],
) -> Result<bool> {
    if call.crate_name == ROOT && call.out_dir.starts_with(place.folder()) && !call.is_for_host {
        write_arguments(arguments)?;
        for extension in [".rlib", ".rmeta"] {
            std::fs::write(call.output("lib", extension), "")?;
        }
        reuse::put_source_list(call)?;
        report(call);
        return Ok(true);
    }
    let compiled = SeedUnits::of(place)?;
    let unit = reuse::find(call, &compiled);
    let has_result = |unit: &Unit| {
        let package = unit.package().filter(|_| unit.kind == "custom-build");
        package.is_some_and(|package| results::is_recorded(package, place))
    };
    match unit {
        Some(unit) if unit.is_present() => {
            reuse::put(unit, call)?;
            reuse::make_output_older(unit.time())?;
        }
        Some(unit) if unit.is_host_library() => defer(compiler, arguments, call, place)?,
        Some(unit) if has_result(unit) => results::put(call, place)?,
        _ => {
            reuse::clear(call)?;
            return Ok(false);
        }
    }
    report(call);
    Ok(true)
}

/// Compiles a crate.
fn compile(
    program: &str,
    arguments: &[String],
    call: &Invocation,
    place: &AddedFolder,
) -> ExitCode {
    let (arguments, unused) = for_rust(arguments);
    let mut rustc = Command::new(program);
    rustc
        .args(arguments)
        .args(place.search_paths(call.is_for_host));
    let code = finish(rustc);
    for kind in unused {
        let extension = if kind == "cdylib" { DLL_SUFFIX } else { ".a" };
        // If it is missing, cargo compiles the crate again the next time.
        let _ = std::fs::write(call.output("lib", extension), "");
    }
    code
}

/// The arguments without the kinds of libraries that only other languages use, and these kinds. They would
/// be linked, which needs the code of all crates, while a cell needs the Rust library alone. Libraries
/// without code are read as metadata.
fn for_rust(arguments: &[String]) -> (Vec<String>, Vec<&str>) {
    let is_kind = |at: usize| at > 0 && arguments[at - 1] == "--crate-type";
    let kinds = (0..arguments.len()).filter(|&at| is_kind(at));
    let (unused, used): (Vec<&str>, Vec<&str>) = kinds
        .map(|at| arguments[at].as_str())
        .partition(|kind| matches!(*kind, "cdylib" | "staticlib"));
    let unused = if used.is_empty() { Vec::new() } else { unused };
    let is_unused =
        |at: usize| at < arguments.len() && is_kind(at) && unused.contains(&arguments[at].as_str());
    let kept = (0..arguments.len()).filter(|&at| !is_unused(at) && !is_unused(at + 1));
    (kept.map(|at| readable(&arguments[at])).collect(), unused)
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
    let with_code = |value: &String| match value.strip_suffix(".rmeta") {
        Some(stem) => readable(&format!("{stem}.rlib")),
        None => value.clone(),
    };
    let pairs = arguments.windows(2);
    let linking = pairs.filter(|pair| matches!(pair[0].as_str(), "-L" | "--extern"));
    linking
        .flat_map(|pair| [pair[0].clone(), with_code(&pair[1])])
        .collect()
}

/// An argument with the metadata in place of a library that is empty, because the helper's shared library
/// contains its code.
fn readable(argument: &str) -> String {
    let path = argument.split_once('=').map_or(argument, |(_, path)| path);
    let is_empty = || std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
    match argument.strip_suffix(".rlib") {
        Some(stem) if is_empty() => format!("{stem}.rmeta"),
        _ => argument.to_owned(),
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
    fn libraries_for_other_languages_are_not_linked() {
        let arguments = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let both = arguments("--crate-type cdylib -C a --crate-type rlib");
        let rust = arguments("-C a --crate-type rlib");
        assert_eq!(for_rust(&both), (rust, vec!["cdylib"]));
        let alone = arguments("--crate-type cdylib");
        assert_eq!(for_rust(&alone), (alone.clone(), Vec::new()));
    }

    #[test]
    fn a_library_without_code_is_linked_by_its_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("liba-1");
        std::fs::write(stem.with_extension("rlib"), "").unwrap();
        let metadata = format!("a={}", stem.with_extension("rmeta").display());
        let code = format!("a={}", stem.with_extension("rlib").display());
        let call = ["--extern".to_owned(), metadata.clone()];
        assert_eq!(linking(&call), call);
        assert_eq!(readable(&code), metadata);
        std::fs::write(stem.with_extension("rlib"), "code").unwrap();
        assert_eq!(linking(&call)[1], code);
        assert_eq!(readable(&code), code);
    }
}
