//! The compiler as wheels, for machines without rustup: `pip install candlebook[rust]`.
//!
//! They hold what compiles a cell and the crates of `:dep`: rustc, cargo, the linker, and the standard
//! library. Official builds of one release are the same everywhere, so that the seed fits the copy.

use super::content::{Entry, read};
use super::sources::{rustc, sysroot};
use super::stage::TARGET;
use super::symbols::platform_of;
use super::wheel::Package;
use super::{Dist, at, files_below};
use std::path::{Path, PathBuf};

/// Folder of the toolchain below the prefix. The kernel looks there.
const FOLDER: &str = "share/candlebook-dist/rust";

/// A wheel with a part of the toolchain: a package index limits the size of each.
struct CompilerWheel {
    name: &'static str,
    summary: &'static str,
    license: &'static str,
    /// Packages that it needs.
    requires: &'static [&'static str],
    /// Chooses its files by their paths in the toolchain.
    has: fn(&str) -> bool,
}

const WHEELS: [CompilerWheel; 3] = [
    CompilerWheel {
        name: "candlebook_rust",
        summary: "The Rust compiler and cargo, for Candlebook's cells",
        license: "(MIT OR Apache-2.0) AND Apache-2.0 WITH LLVM-exception",
        requires: &["candlebook-rust-llvm", "candlebook-rust-std"],
        has: |path| {
            let linker = |name: &str| path == format!("lib/rustlib/{TARGET}/bin/{name}");
            matches!(path, "bin/rustc" | "bin/cargo")
                || path.starts_with("lib/librustc_driver-")
                || linker("rust-lld")
                || linker("gcc-ld/ld.lld")
        },
    },
    CompilerWheel {
        name: "candlebook_rust_llvm",
        summary: "LLVM, as the Rust compiler of candlebook-rust needs it",
        license: "Apache-2.0 WITH LLVM-exception",
        requires: &[],
        has: |path| path.starts_with("lib/libLLVM"),
    },
    CompilerWheel {
        name: "candlebook_rust_std",
        summary: "The standard library for candlebook-rust",
        license: "MIT OR Apache-2.0",
        requires: &[],
        has: |path| {
            let library = path.strip_prefix(&format!("lib/rustlib/{TARGET}/lib/"));
            library.is_some_and(is_library)
        },
    },
];

/// True for a file of the standard library, without the runtimes of sanitizers.
fn is_library(name: &str) -> bool {
    let is_std = name.starts_with("libstd-") && name.ends_with(".so");
    is_std || name.ends_with(".rlib") || name.ends_with(".rmeta")
}

/// The release of the compiler that builds, such as `1.95.0`.
pub(super) fn release() -> Result<String, String> {
    let version = rustc(&["-vV"])?;
    let mut lines = version.lines();
    let release = lines.find_map(|line| line.strip_prefix("release: "));
    release
        .map(str::to_owned)
        .ok_or_else(|| format!("expected a release of rustc, got: {version}"))
}

/// Writes the wheels.
pub(super) fn write(dist: &Dist) -> Result<Vec<PathBuf>, String> {
    let (root, release) = (sysroot()?, release()?);
    let licenses = licenses(&root)?;
    let files = ["bin", "lib"].map(|folder| files_below(&root.join(folder)));
    let [programs, libraries] = files;
    let files = [programs?, libraries?].concat();
    let write =
        |wheel: &CompilerWheel| write_wheel(dist, wheel, &root, &files, &release, &licenses);
    WHEELS.iter().map(write).collect()
}

fn write_wheel(
    dist: &Dist,
    wheel: &CompilerWheel,
    root: &Path,
    files: &[PathBuf],
    release: &str,
    licenses: &[Entry],
) -> Result<PathBuf, String> {
    let path_of = |file: &Path| {
        file.strip_prefix(root)
            .unwrap_or(file)
            .display()
            .to_string()
    };
    let chosen: Vec<&PathBuf> = files
        .iter()
        .filter(|file| (wheel.has)(&path_of(file)))
        .collect();
    let entries = chosen.iter().map(|file| entry(&path_of(file), file));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    if entries.is_empty() {
        return Err(at(
            root,
            format!("expected files of {}, got none", wheel.name),
        ));
    }
    let is_binary =
        |file: &&&PathBuf| !matches!(extension(file), "rmeta" | "rlib") && !is_text(file);
    let platform = platform_of(
        chosen
            .iter()
            .filter(is_binary)
            .map(|file| file.to_path_buf()),
    )?;
    let requires = wheel.requires.iter();
    let requires = requires.map(|name| format!("Requires-Dist: {name}=={release}"));
    let fields = [
        format!("Summary: {}", wheel.summary),
        format!("License-Expression: {}", wheel.license),
    ];
    let package = Package {
        name: wheel.name,
        version: release,
        platform: &platform,
        fields: fields.into_iter().chain(requires).collect(),
        description: "The official binaries of the Rust project, unchanged.\n",
        files: entries
            .iter()
            .map(|entry| (format!("data/{}", entry.path), entry))
            .collect(),
        licenses,
    };
    package.write(dist)
}

fn extension(file: &Path) -> &str {
    file.extension().and_then(|it| it.to_str()).unwrap_or("")
}

/// True for LLVM's linker script, which names the library.
fn is_text(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.len() < 1_000)
}

fn entry(path: &str, file: &Path) -> Result<Entry, String> {
    let bytes = read(file)?;
    let path = format!("{FOLDER}/{path}");
    Ok(match path.contains("/bin/") {
        true => Entry::program(path, bytes),
        false => Entry::new(path, bytes),
    })
}

/// Texts of the licenses of Rust, LLVM and what they contain.
fn licenses(root: &Path) -> Result<Vec<Entry>, String> {
    let folder = root.join("share/doc/rust");
    let mut files = files_below(&folder.join("licenses"))?;
    files.extend(["COPYRIGHT.html", "COPYRIGHT-library.html"].map(|name| folder.join(name)));
    files.push(root.join("share/doc/cargo/LICENSE-THIRD-PARTY"));
    let texts = files.iter().map(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok(Entry::new(name, read(file)?))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wheels(path: &str) -> Vec<&'static str> {
        let has = WHEELS.iter().filter(|wheel| (wheel.has)(path));
        has.map(|wheel| wheel.name).collect()
    }

    #[test]
    fn each_file_that_compiles_a_cell_is_in_one_wheel() {
        let library = |name: &str| format!("lib/rustlib/{TARGET}/lib/{name}");
        for (path, wheel) in [
            ("bin/rustc".to_owned(), "candlebook_rust"),
            ("lib/librustc_driver-6108.so".to_owned(), "candlebook_rust"),
            (
                format!("lib/rustlib/{TARGET}/bin/rust-lld"),
                "candlebook_rust",
            ),
            (
                "lib/libLLVM.so.22.1-rust".to_owned(),
                "candlebook_rust_llvm",
            ),
            (library("libcore-1.rmeta"), "candlebook_rust_std"),
            (library("libstd-1.so"), "candlebook_rust_std"),
            (
                library("libcompiler_builtins-1.rlib"),
                "candlebook_rust_std",
            ),
        ] {
            assert_eq!(wheels(&path), [wheel], "{path}");
        }
        for path in [
            "bin/rustdoc".to_owned(),
            library("librustc-stable_rt.asan.a"),
            library("libtest-1.so"),
        ] {
            assert!(wheels(&path).is_empty(), "{path}");
        }
    }
}
