//! The linker of cells: the toolchain's own rust-lld, called without a C compiler.
//!
//! A C compiler would only add the places of the system's libraries. Here, small linker scripts in
//! the session name the libraries that this program has loaded.

use super::process::{HAS_LLD, extra_flag};
use super::variables::{SESSION, SYSROOT};
use crate::build::environment::SHIM_FOLDER;
use crate::home;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Libraries that the compiler links to each crate, each with its file.
const LIBRARIES: [(&str, &str); 7] = [
    ("c", "libc.so.6"),
    ("m", "libm.so.6"),
    ("dl", "libdl.so.2"),
    ("rt", "librt.so.1"),
    ("util", "libutil.so.1"),
    ("pthread", "libpthread.so.0"),
    ("gcc_s", "libgcc_s.so.1"),
];

/// Folders in which a C compiler looks for libraries, on the systems that have LLVM's linker.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/usr/local/lib",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/usr/lib",
];

/// Writes the linker scripts into the shim's folder.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn lay_out_libraries(shim: &Path) -> Result<()> {
    if !HAS_LLD {
        return Ok(());
    }
    let folder = shim.join("link");
    home::create_folder(&folder)?;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (name, file) in LIBRARIES {
        std::fs::write(folder.join(format!("lib{name}.so")), script(&maps, file))?;
    }
    Ok(())
}

/// The linker script that stands for a library. Symbols of a library that is not found stay
/// undefined, and are resolved when the cell is loaded.
fn script(maps: &str, file: &str) -> String {
    match find(maps, file) {
        Some(path) => format!("INPUT(\"{}\")\n", path.display()),
        None => format!("/* {file} */\n"),
    }
}

/// A library that this process has loaded, or that is beside a loaded one.
fn find(maps: &str, file: &str) -> Option<PathBuf> {
    let loaded: Vec<&Path> = maps
        .lines()
        .filter_map(|line| Some(Path::new(&line[line.find('/')?..])))
        .collect();
    let own = loaded.iter().find(|path| path.ends_with(file));
    let libc = loaded.iter().find(|path| path.ends_with("libc.so.6"));
    let beside = libc.and_then(|libc| Some(libc.parent()?.join(file)));
    let beside = beside.filter(|path| path.is_file());
    own.map(|path| path.to_path_buf()).or(beside)
}

/// The arguments by which a cell is linked without a C compiler; empty if it needs one.
///
/// Crates that the notebook has added may contain C code, which needs the compiler's own objects.
/// LLVM's linker replaces each `%` in the path of its output by a random digit.
pub(super) fn arguments(has_added_crates: bool) -> Vec<String> {
    let session = std::env::var(SESSION).unwrap_or_default();
    let needs_cc = !extra_flag(&session).is_empty() || (has_added_crates && has_cc());
    match rust_lld().filter(|linker| HAS_LLD && !needs_cc && linker.is_file()) {
        Some(linker) => direct(&linker, Path::new(&session)),
        None => Vec::new(),
    }
}

fn direct(linker: &Path, session: &Path) -> Vec<String> {
    let scripts = session.join(SHIM_FOLDER).join("link");
    let folders = SYSTEM_FOLDERS
        .iter()
        .filter(|path| Path::new(path).is_dir());
    let mut arguments = vec![
        format!("-Clinker={}", linker.display()),
        "-Clinker-flavor=ld.lld".to_owned(),
        format!("-Lnative={}", scripts.display()),
    ];
    arguments.extend(folders.map(|folder| format!("-Lnative={folder}")));
    arguments
}

fn rust_lld() -> Option<PathBuf> {
    Some(rust_lld_in(Path::new(&std::env::var_os(SYSROOT)?)))
}

/// The path of a toolchain's linker.
pub(crate) fn rust_lld_in(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld")
}

/// True if a C compiler is on the path.
pub(crate) fn has_cc() -> bool {
    let path = super::process::original_path();
    std::env::split_paths(&path).any(|folder| folder.join("cc").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_loaded_libraries_and_leave_others_open() {
        let maps = "7f00-7f01 r-xp 00000000 08:01 12   /opt/a b/libgcc_s.so.1\n7f02 rw-p 0\n";
        assert_eq!(
            script(maps, "libgcc_s.so.1"),
            "INPUT(\"/opt/a b/libgcc_s.so.1\")\n"
        );
        assert_eq!(script(maps, "libm.so.6"), "/* libm.so.6 */\n");
    }

    #[test]
    fn the_loaded_libc_is_found() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        if HAS_LLD {
            assert!(find(&maps, "libc.so.6").unwrap().is_file());
        }
    }
}
