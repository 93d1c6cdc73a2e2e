//! A crate that the seed has compiled, in the place where cargo expects a crate to be compiled.

use super::folder::set_time;
use super::invocation::Invocation;
use super::seed_units::{SHOWN, SeedUnits, Unit, has_extension};
use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Extension of an empty file beside a crate that is the seed's.
const MARK: &str = "reused";

/// The seed's unit for a call of the compiler.
///
/// A library is taken if those that it depends on are: its types must be those of its dependents'
/// other dependencies. Types of candle must be those of the helper in any case. Build scripts and
/// procedural macros share no types with anyone.
pub(super) fn find<'a>(call: &Invocation, compiled: &'a SeedUnits) -> Option<&'a Unit> {
    let unit = compiled.find(&call.source, &call.features, call.is_for_host)?;
    let shares_types = unit.kind == "lib" && !SHOWN.contains(&call.crate_name.as_str());
    let is_reused = |file: &PathBuf| file.with_extension(MARK).exists();
    (!shares_types || call.externs.iter().all(is_reused)).then_some(unit)
}

/// Puts the files of a unit where a call of the compiler would have put its own.
///
/// # Errors
/// If a file cannot be linked or copied.
pub(super) fn put(unit: &Unit, call: &Invocation) -> Result<()> {
    for file in &unit.present {
        put_file(file, call)?;
    }
    if unit.kind == "lib" {
        put_absent_code(unit, call)?;
    }
    mark(call)?;
    put_source_list(call)
}

fn put_file(file: &Path, call: &Invocation) -> Result<()> {
    let target = output_for(file, call);
    forget(&target)?;
    // Cargo compiles a crate again if one that it depends on is newer.
    if call.externs.iter().any(|found| is_newer(found, file)) {
        std::fs::copy(file, &target)?;
        set_time(&target, SystemTime::now())
    } else {
        std::os::unix::fs::symlink(file, &target)
    }
}

/// Puts an empty file in the place of a library's code, if the seed has only its metadata: cargo
/// expects both.
fn put_absent_code(unit: &Unit, call: &Invocation) -> Result<()> {
    if unit.present.iter().any(|file| has_extension(file, "rlib")) {
        return Ok(());
    }
    let metadata = modified(&call.output("lib", ".rmeta")).unwrap_or(SystemTime::now());
    put_empty(&call.output("lib", ".rlib"), metadata)
}

/// Puts an empty file in the place of one that nobody reads.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn put_empty(file: &Path, time: SystemTime) -> Result<()> {
    forget(file)?;
    std::fs::write(file, "")?;
    set_time(file, time)
}

/// Marks a crate as the seed's.
///
/// # Errors
/// If the mark cannot be written.
pub(super) fn mark(call: &Invocation) -> Result<()> {
    std::fs::write(call.output("lib", &format!(".{MARK}")), "")
}

/// Removes what an earlier call may have put in the place of a crate that is now compiled.
///
/// # Errors
/// If a file cannot be removed.
pub(super) fn clear(call: &Invocation) -> Result<()> {
    let files = [".rlib", ".rmeta", ".so", ".dylib", ".reused", ".deferred"];
    let mut files = files
        .map(|extension| call.output("lib", extension))
        .into_iter();
    files.try_for_each(|file| forget(&file))
}

/// Removes a file, if it exists.
///
/// # Errors
/// If the file cannot be removed.
pub(super) fn forget(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The path that the compiler would have given to a file: `libNAME-HASH.rlib`, or `NAME-HASH` for a
/// build script.
fn output_for(file: &Path, call: &Invocation) -> PathBuf {
    match file.extension() {
        Some(extension) if extension != "exe" => {
            call.output("lib", &format!(".{}", extension.to_string_lossy()))
        }
        _ => call.output("", ""),
    }
}

/// Cargo learns from the compiler's list of source files when to compile again. The source of a crate
/// that the seed has compiled never changes, and the seed's own list names generated files of
/// earlier seeds.
///
/// # Errors
/// If the list cannot be written.
pub(super) fn put_source_list(call: &Invocation) -> Result<()> {
    let list = call.output("", ".d");
    let escaped = |path: &Path| path.to_string_lossy().replace(' ', "\\ ");
    let text = format!("{}: {}\n", escaped(&list), escaped(&call.source));
    std::fs::write(list, text)
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).ok()?.modified().ok()
}

fn is_newer(file: &Path, than: &Path) -> bool {
    modified(file) > modified(than)
}

/// Makes the output of a build script no newer than the crate that it was run for. The script has run
/// just now, but the seed's build has compiled the crate before.
///
/// # Errors
/// If the time cannot be set.
pub(super) fn make_output_older(time: SystemTime) -> Result<()> {
    let folder = std::env::var_os("OUT_DIR").map(PathBuf::from);
    let output = folder.map(|folder| folder.with_file_name("output"));
    match output.filter(|output| output.is_file()) {
        Some(output) => set_time(&output, time),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn unit(name: &str, folder: &Path, kind: &str) -> Unit {
        let files = ["rlib", "rmeta"].map(|kind| folder.join(format!("lib{name}-1.{kind}")));
        for file in &files {
            std::fs::write(file, name).unwrap();
        }
        Unit {
            name: name.into(),
            version: "1.2.3".into(),
            source: format!("/r/{name}/lib.rs").into(),
            kind: kind.into(),
            present: files.to_vec(),
            ..Unit::default()
        }
    }

    fn call(name: &str, folder: &Path, externs: &[PathBuf]) -> Invocation {
        Invocation {
            crate_name: name.into(),
            source: format!("/r/{name}/lib.rs").into(),
            out_dir: folder.to_owned(),
            suffix: "-2".into(),
            externs: externs.to_vec(),
            ..Invocation::default()
        }
    }

    #[test]
    fn a_library_is_reused_if_its_dependencies_are() {
        let (seed, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let units = [
            ("a", "lib"),
            ("b", "lib"),
            ("candle_core", "lib"),
            ("m", "proc-macro"),
        ];
        let compiled = SeedUnits(
            units
                .map(|(name, kind)| unit(name, seed.path(), kind))
                .to_vec(),
        );
        let a = call("a", here.path(), &[]);
        let a_file = a.output("lib", ".rmeta");
        let on_a = |name: &str| call(name, here.path(), std::slice::from_ref(&a_file));
        assert!(find(&a, &compiled).is_some());
        assert!(find(&on_a("b"), &compiled).is_none());
        assert!(find(&on_a("candle_core"), &compiled).is_some());
        assert!(find(&on_a("m"), &compiled).is_some());
        put(find(&a, &compiled).unwrap(), &a).unwrap();
        assert!(find(&on_a("b"), &compiled).is_some());
        let file = std::fs::canonicalize(&a_file).unwrap();
        assert_eq!(
            file,
            std::fs::canonicalize(seed.path().join("liba-1.rmeta")).unwrap()
        );
        clear(&a).unwrap();
        assert!(find(&on_a("b"), &compiled).is_none() && !a_file.exists());
        assert!(seed.path().join("liba-1.rmeta").exists());
    }

    #[test]
    fn metadata_alone_is_put_with_an_empty_library_of_its_time() {
        let (seed, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut unit = unit("a", seed.path(), "lib");
        unit.present.retain(|file| has_extension(file, "rmeta"));
        unit.is_in_helper = true;
        let past = SystemTime::now() - Duration::from_secs(60);
        set_time(&unit.present[0], past).unwrap();
        let call = call("a", here.path(), &[]);
        put(&unit, &call).unwrap();
        let library = std::fs::metadata(call.output("lib", ".rlib")).unwrap();
        assert_eq!((library.len(), library.modified().unwrap()), (0, past));
        assert!(find(&call, &SeedUnits(vec![unit])).is_some());
    }

    #[test]
    fn a_copy_is_newer_than_what_it_depends_on() {
        let (seed, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let unit = unit("candle_core", seed.path(), "lib");
        let newer = here.path().join("libnum-7.rmeta");
        std::fs::write(&newer, "").unwrap();
        let past = SystemTime::now() - Duration::from_secs(60);
        for file in &unit.present {
            set_time(file, past).unwrap();
        }
        let call = call("candle_core", here.path(), std::slice::from_ref(&newer));
        put(&unit, &call).unwrap();
        let file = call.output("lib", ".rlib");
        assert!(!file.is_symlink() && !is_newer(&newer, &file));
        assert!(
            std::fs::read_to_string(call.output("", ".d"))
                .unwrap()
                .contains(": /r/candle_core/lib.rs")
        );
    }
}
