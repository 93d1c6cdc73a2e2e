//! Results of the build scripts that the seed's build has run: what they print, and the files that they
//! write.
//!
//! A shipped seed has them instead of the scripts. A crate of the seed that an added crate uses has such
//! a script too, and cargo runs it first.

use super::folder::{AddedFolder, set_time};
use super::invocation::Invocation;
use super::reuse::{forget, put_source_list};
use crate::build::cargo::places::Places;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Variable that names this program to a script that stands for a build script.
pub(super) const REPLAY: &str = "CANDLEBOOK_BUILD_RESULT";
/// A build script that prints its recorded result.
const SCRIPT: &str = "#!/bin/sh\nexec \"$CANDLEBOOK_BUILD_RESULT\"\n";
/// Stands for the folder of a script's files.
const OUT_DIR: &str = "{candlebook-out-dir}";

/// What a build script has printed and written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct BuildResult {
    output: String,
    /// Text files by their names.
    files: BTreeMap<String, String>,
}

impl BuildResult {
    /// Reads the result in a folder of cargo; `None` if it contains object code.
    fn read(out_dir: &Path, places: &Places) -> Option<BuildResult> {
        let general = |text: String| {
            let out_dir = out_dir.to_str()?;
            Some(places.generalized(&text.replace(out_dir, OUT_DIR)))
        };
        let output = std::fs::read_to_string(out_dir.with_file_name("output")).ok()?;
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(out_dir).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            // An error is a folder or no text.
            files.insert(name, general(std::fs::read_to_string(entry.path()).ok()?)?);
        }
        let output = general(output)?;
        Some(BuildResult { output, files })
    }

    fn write(&self, out_dir: &Path, places: &Places) -> Result<String> {
        let folder = out_dir.to_str().ok_or(ErrorKind::InvalidInput)?;
        let special = |text: &str| places.specialized(text).replace(OUT_DIR, folder);
        for (name, text) in &self.files {
            std::fs::write(out_dir.join(name), special(text))?;
        }
        Ok(special(&self.output))
    }
}

/// Records the results of a build, from cargo's messages.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn record(messages: &str, place: &AddedFolder) -> Result<()> {
    let places = Places::of_this_process().ok_or(ErrorKind::NotFound)?;
    let folder = place.results()?;
    std::fs::create_dir_all(&folder)?;
    for (package, result) in results(messages, &places) {
        let text = serde_json::to_vec(&result)?;
        std::fs::write(folder.join(file_name(&package)), text)?;
    }
    Ok(())
}

/// Results by package. A script that was run more than once, with different results, has none.
fn results(messages: &str, places: &Places) -> BTreeMap<String, BuildResult> {
    let mut found: BTreeMap<String, Option<BuildResult>> = BTreeMap::new();
    for line in messages.lines() {
        let Some((package, out_dir)) = executed(line) else {
            continue;
        };
        let result = BuildResult::read(&out_dir, places);
        let first = found.entry(package).or_insert_with(|| result.clone());
        if *first != result {
            *first = None;
        }
    }
    let usable = found.into_iter();
    usable
        .filter_map(|(package, result)| Some((package, result?)))
        .collect()
}

/// Package and output folder of a script that was run: `registry+https://index#name@1.0.0`.
fn executed(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_executed = message["reason"] == "build-script-executed";
    let id = message["package_id"].as_str().filter(|_| is_executed)?;
    let (name, version) = id
        .strip_prefix("registry+")?
        .rsplit('#')
        .next()?
        .split_once('@')?;
    let out_dir = message["out_dir"].as_str()?.into();
    Some((format!("{name}-{version}"), out_dir))
}

fn file_name(package: &str) -> String {
    format!("{package}.json")
}

/// True if the seed has the result of a package's build script.
pub(super) fn is_recorded(package: &str, place: &AddedFolder) -> bool {
    let results = place.results();
    results.is_ok_and(|folder| folder.join(file_name(package)).is_file())
}

/// Puts a script in the place of a build script, which prints and writes its recorded result.
///
/// # Errors
/// If the script cannot be written.
pub(super) fn put(call: &Invocation, place: &AddedFolder) -> Result<()> {
    let script = call.output("", "");
    forget(&script)?;
    std::fs::write(&script, SCRIPT)?;
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755))?;
    set_time(&script, place.seed_time()?)?;
    put_source_list(call)
}

/// Acts as the build script of the package that cargo names.
pub(crate) fn replay() -> ExitCode {
    match replayed() {
        Ok(output) => {
            print!("{output}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("candlebook: cannot repeat the result of a build script: {error}");
            ExitCode::FAILURE
        }
    }
}

fn replayed() -> Result<String> {
    let variable = |name| std::env::var(name).map_err(Error::other);
    let package = format!(
        "{}-{}",
        variable("CARGO_PKG_NAME")?,
        variable("CARGO_PKG_VERSION")?
    );
    let place = AddedFolder::of_this_process().ok_or(ErrorKind::NotFound)?;
    let places = Places::of_this_process().ok_or(ErrorKind::NotFound)?;
    let text = std::fs::read(place.results()?.join(file_name(&package)))?;
    let result: BuildResult = serde_json::from_slice(&text)?;
    result.write(Path::new(&variable("OUT_DIR")?), &places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The message of a script that has printed its output folder and written a file.
    fn run(folder: &Path, package: &str, content: &[u8]) -> String {
        let out_dir = folder.join("out");
        std::fs::create_dir_all(&out_dir).unwrap();
        std::fs::write(out_dir.join("made"), content).unwrap();
        let output = format!("cargo:rustc-cfg=a\ncargo:root={}\n", out_dir.display());
        std::fs::write(folder.join("output"), output).unwrap();
        json!({
            "reason": "build-script-executed",
            "package_id": format!("registry+https://index#{package}@1.2.3"),
            "out_dir": out_dir,
        })
        .to_string()
    }

    #[test]
    fn a_result_is_repeated_in_another_folder() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let places = Places::default();
        let path = first.path().join("out");
        let text = format!("include!(\"{}/x\")", path.display());
        let found = results(&run(first.path(), "a", text.as_bytes()), &places);
        let output = found["a-1.2.3"].write(second.path(), &places).unwrap();
        let here = second.path().display();
        assert_eq!(output, format!("cargo:rustc-cfg=a\ncargo:root={here}\n"));
        let made = std::fs::read_to_string(second.path().join("made")).unwrap();
        assert_eq!(made, format!("include!(\"{here}/x\")"));
    }

    #[test]
    fn object_code_and_differing_results_are_not_recorded() {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let contents: [&[u8]; 3] = [b"\xff\xfe", b"x", b"y"];
        let message = |n: usize, package| run(folders[n].path(), package, contents[n]);
        let places = Places::default();
        assert!(results(&message(0, "a"), &places).is_empty());
        let both = format!("{}\n{}", message(1, "b"), message(2, "b"));
        assert!(results(&both, &places).is_empty());
        assert_eq!(results(&message(1, "b"), &places).len(), 1);
    }
}
