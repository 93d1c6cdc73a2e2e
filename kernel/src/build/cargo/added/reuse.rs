//! A crate that the seed has compiled, in the place where cargo expects a crate to be compiled.

use super::invocation::Invocation;
use super::seed_units::{SHOWN, SeedUnits, Unit};
use std::fs::{File, FileTimes};
use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Extension of an empty file beside a crate that was not compiled anew.
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
    let put_one = |file: &Path| -> Result<()> {
        let target = output_for(file, call);
        forget(&target)?;
        // Cargo compiles a crate again if one that it depends on is newer.
        if call.externs.iter().any(|found| is_newer(found, file)) {
            std::fs::copy(file, &target)?;
            File::options()
                .write(true)
                .open(&target)?
                .set_times(FileTimes::new().set_modified(SystemTime::now()))
        } else {
            std::os::unix::fs::symlink(file, &target)
        }
    };
    unit.files.iter().try_for_each(|file| put_one(file))?;
    std::fs::write(call.output("lib", &format!(".{MARK}")), "")?;
    put_source_list(call)?;
    if let (Some(file), Some(folder)) = (unit.files.first(), std::env::var_os("OUT_DIR")) {
        make_older(&PathBuf::from(folder).with_file_name("output"), file)?;
    }
    Ok(())
}

/// Removes what an earlier call may have put in the place of a crate that is now compiled.
///
/// # Errors
/// If a file cannot be removed.
pub(super) fn clear(call: &Invocation) -> Result<()> {
    let files = [".rlib", ".rmeta", ".so", ".dylib", ".reused"];
    let mut files = files
        .map(|extension| call.output("lib", extension))
        .into_iter();
    files.try_for_each(|file| forget(&file))
}

fn forget(file: &Path) -> Result<()> {
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

/// Makes the output of a build script older than the crate that it was run for. The script has run
/// just now, but the seed compiled the crate before.
fn make_older(output: &Path, than: &Path) -> Result<()> {
    let Some(time) = modified(than) else {
        return Ok(());
    };
    let times = FileTimes::new().set_modified(time - Duration::from_secs(1));
    match File::options().write(true).open(output) {
        Ok(file) => file.set_times(times),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            features: Default::default(),
            is_for_host: false,
            files: files.to_vec(),
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
    fn a_copy_is_newer_than_what_it_depends_on() {
        let (seed, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let unit = unit("candle_core", seed.path(), "lib");
        let newer = here.path().join("libnum-7.rmeta");
        std::fs::write(&newer, "").unwrap();
        let past = SystemTime::now() - Duration::from_secs(60);
        for file in &unit.files {
            let times = FileTimes::new().set_modified(past);
            File::options()
                .write(true)
                .open(file)
                .unwrap()
                .set_times(times)
                .unwrap();
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
