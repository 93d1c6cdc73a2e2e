//! Libraries of build scripts and procedural macros whose files a shipped seed lacks.
//!
//! Cargo compiles `syn` before a procedural macro that the seed contains. Such a library is compiled only
//! when another crate needs it, and then stored in the seed.

use super::folder::{AddedFolder, set_time};
use super::invocation::Invocation;
use super::reuse::{find, forget, make_output_older, mark, put, put_empty, put_source_list};
use super::seed_units::{SeedUnits, Unit};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Extension of the file with the call that waits.
const DEFERRED: &str = "deferred";
/// Variables that name the descriptors of one run of cargo.
const JOB_SERVER: [&str; 3] = ["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"];
/// The files of a library.
const FILES: [&str; 2] = [".rmeta", ".rlib"];

/// A call of the compiler that waits until a crate needs its result.
#[derive(Serialize, Deserialize)]
struct DeferredCall {
    compiler: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// Puts empty files in the place of a library, and keeps the call that would compile it.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn defer(
    compiler: &str,
    arguments: &[String],
    call: &Invocation,
    place: &AddedFolder,
) -> Result<()> {
    let is_kept = |(name, _): &(String, String)| !JOB_SERVER.contains(&name.as_str());
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let deferred = DeferredCall {
        compiler: compiler.into(),
        arguments: arguments.to_vec(),
        folder: std::env::current_dir()?,
        environment: environment.filter(is_kept).collect(),
    };
    let time = place.seed_time()?;
    for extension in FILES {
        put_empty(&call.output("lib", extension), time)?;
    }
    let file = call.output("lib", &format!(".{DEFERRED}"));
    std::fs::write(file, serde_json::to_vec(&deferred)?)?;
    mark(call)?;
    put_source_list(call)?;
    make_output_older(time)
}

/// Compiles those dependencies of a call that wait, and all that they depend on.
///
/// # Errors
/// If a dependency does not compile.
pub(super) fn compile_dependencies(call: &Invocation, place: &AddedFolder) -> Result<()> {
    let mut dependencies = call.externs.iter();
    dependencies.try_for_each(|library| compile_deferred(library, place))
}

fn compile_deferred(library: &Path, place: &AddedFolder) -> Result<()> {
    let path = library.with_extension(DEFERRED);
    let Ok(file) = File::open(&path) else {
        return Ok(());
    };
    // Another crate may need the library at the same time.
    file.lock()?;
    if !path.exists() {
        return Ok(());
    }
    let deferred: DeferredCall = serde_json::from_slice(&std::fs::read(&path)?)?;
    let call = Invocation::parse(&deferred.arguments)
        .ok_or_else(|| Error::other("expected a call of the compiler"))?;
    compile_dependencies(&call, place)?;
    compile(&deferred, &call, place)?;
    std::fs::remove_file(path)
}

/// Compiles a library for the seed, or if that fails, with the features of this notebook alone.
fn compile(deferred: &DeferredCall, call: &Invocation, place: &AddedFolder) -> Result<()> {
    let store = place.lock_store()?;
    if let Some(unit) = find(call, &SeedUnits::of(place)?)
        && (unit.is_present() || compile_for_seed(unit, deferred, call, place)?)
    {
        let units = SeedUnits::of(place)?;
        let stored = find(call, &units).unwrap_or(unit);
        return put(stored, call);
    }
    drop(store);
    forget(&call.output("lib", ".reused"))?;
    let output = rustc(deferred, &[], call, place).output()?;
    if !output.status.success() {
        let name = &call.crate_name;
        let messages = String::from_utf8_lossy(&output.stderr);
        return Err(Error::other(format!("{name} does not compile: {messages}")));
    }
    let time = place.seed_time()?;
    FILES
        .iter()
        .try_for_each(|extension| set_time(&call.output("lib", extension), time))
}

/// Compiles a library with the features that the seed's build has selected, so that it serves every
/// crate that the seed's would. False if that fails, for instance for lack of an optional dependency.
fn compile_for_seed(
    unit: &Unit,
    deferred: &DeferredCall,
    call: &Invocation,
    place: &AddedFolder,
) -> Result<bool> {
    let missing = unit.features.difference(&call.features);
    let features: Vec<String> = missing
        .flat_map(|name| ["--cfg".to_owned(), format!("feature=\"{name}\"")])
        .collect();
    let output = rustc(deferred, &features, call, place).output()?;
    if !output.status.success() {
        return Ok(false);
    }
    for file in &unit.files {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        place.store(&call.output("lib", &format!(".{extension}")), file)?;
    }
    Ok(true)
}

/// The compiler, without messages to cargo, which waits for another crate.
fn rustc(
    deferred: &DeferredCall,
    features: &[String],
    call: &Invocation,
    place: &AddedFolder,
) -> Command {
    let mut rustc = Command::new(&deferred.compiler);
    rustc
        .args(&deferred.arguments)
        .args(features)
        .args(place.search_paths(call.is_for_host))
        .current_dir(&deferred.folder)
        .envs(deferred.environment.iter().cloned())
        .stdin(Stdio::null());
    rustc
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A compiler that lists its calls. Where `$FAILS` is "yes", it fails with the feature `more`.
    const COMPILER: &str = r#"#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
case "$FAILS $*" in "yes "*more*) exit 1;; esac
echo code > HERE/deps/libsyn-2.rlib
echo metadata > HERE/deps/libsyn-2.rmeta
"#;

    struct Trial {
        folder: tempfile::TempDir,
        place: AddedFolder,
        call: Invocation,
        arguments: Vec<String>,
    }

    impl Trial {
        fn new() -> Trial {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            for name in ["session", "seed", "deps"] {
                std::fs::create_dir(path.join(name)).unwrap();
            }
            let compiler = COMPILER.replace("HERE", &path.display().to_string());
            std::fs::write(path.join("rustc"), compiler).unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(path.join("rustc"), mode).unwrap();
            let unit = Unit {
                name: "syn".into(),
                source: "syn-1.0.0/lib.rs".into(),
                kind: "lib".into(),
                features: ["more".to_owned()].into(),
                is_for_host: true,
                files: ["rlib", "rmeta"]
                    .map(|kind| format!("target/debug/deps/libsyn-1.{kind}").into())
                    .to_vec(),
                ..Unit::default()
            };
            let units = serde_json::to_vec(&SeedUnits(vec![unit])).unwrap();
            std::fs::write(path.join("seed/units.json"), units).unwrap();
            let deps = path.join("deps");
            let arguments = [
                "--crate-name",
                "syn",
                "/registry/src/i/syn-1.0.0/lib.rs",
                "-C",
                "extra-filename=-2",
                "--out-dir",
                deps.to_str().unwrap(),
            ];
            let arguments = arguments.map(str::to_owned).to_vec();
            Trial {
                place: AddedFolder {
                    session: path.join("session"),
                    seed: Some(path.join("seed")),
                },
                call: Invocation::parse(&arguments).unwrap(),
                arguments,
                folder,
            }
        }

        fn defer(&self) {
            let compiler = self.folder.path().join("rustc");
            let compiler = compiler.to_str().unwrap();
            defer(compiler, &self.arguments, &self.call, &self.place).unwrap();
        }

        /// Compiles what a crate needs that depends on the library.
        fn compile_for_dependent(&self) {
            let dependent = Invocation {
                externs: vec![self.call.output("lib", ".rmeta")],
                ..Invocation::default()
            };
            compile_dependencies(&dependent, &self.place).unwrap();
        }

        fn calls(&self) -> Vec<String> {
            let calls = std::fs::read_to_string(self.folder.path().join("calls"));
            calls
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect()
        }

        fn library(&self) -> String {
            std::fs::read_to_string(self.call.output("lib", ".rlib")).unwrap()
        }
    }

    #[test]
    fn a_library_is_compiled_once_when_it_is_needed_and_stored_in_the_seed() {
        let trial = Trial::new();
        trial.defer();
        assert_eq!((trial.library().as_str(), trial.calls().len()), ("", 0));
        trial.compile_for_dependent();
        assert_eq!(trial.library(), "code\n");
        let calls = trial.calls();
        assert!(
            calls.len() == 1 && calls[0].contains("--cfg feature=\"more\""),
            "{calls:?}"
        );
        // Nothing that depends on it is compiled again.
        let library = std::fs::metadata(trial.call.output("lib", ".rlib")).unwrap();
        assert_eq!(
            library.modified().unwrap(),
            trial.place.seed_time().unwrap()
        );
        trial.compile_for_dependent();
        // Another session.
        std::fs::remove_dir_all(&trial.place.session).unwrap();
        let units = SeedUnits::of(&trial.place).unwrap();
        assert!(find(&trial.call, &units).unwrap().is_present());
        assert_eq!(trial.calls().len(), 1);
    }

    #[test]
    fn a_library_that_does_not_compile_for_the_seed_is_the_notebooks_own() {
        let trial = Trial::new();
        let compiler = trial.folder.path().join("rustc");
        let text = std::fs::read_to_string(&compiler).unwrap();
        std::fs::write(&compiler, text.replace("$FAILS", "yes")).unwrap();
        trial.defer();
        trial.compile_for_dependent();
        assert_eq!(
            (trial.library().as_str(), trial.calls().len()),
            ("code\n", 2)
        );
        let units = SeedUnits::of(&trial.place).unwrap();
        assert!(!find(&trial.call, &units).unwrap().is_present());
        assert!(!trial.call.output("lib", ".reused").exists());
    }
}
