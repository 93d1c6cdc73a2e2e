//! Copies of build folders: files that cargo never rewrites become hard links.

use super::environment::{HELPER_FOLDER, SHIM_FOLDER};
use crate::home;
use anyhow::Result;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Extensions of libraries, which cargo replaces but never rewrites in place, and of the objects and
/// archives of C code in a build script's folder, which no session compiles again.
const LINKED_EXTENSIONS: [&str; 6] = ["rlib", "rmeta", "so", "dylib", "o", "a"];

/// The files of a build folder that are copied.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    /// Everything, so that cargo can build on it.
    All,
    /// What the compiler reads, without cargo's own records.
    ForCompiler,
    /// Sources, which nobody writes.
    Sources,
}

/// Folders and the extension of files that only cargo reads.
const RECORDS: [&str; 3] = [".fingerprint", "build", "examples"];
const RECORD_EXTENSION: &str = "d";

impl Extent {
    fn contains(self, path: &Path) -> bool {
        let is_record = || {
            let name = path.file_name().unwrap_or_default();
            let is_listing = path.extension().is_some_and(|it| it == RECORD_EXTENSION);
            RECORDS.iter().any(|record| name == *record) || is_listing
        };
        self != Extent::ForCompiler || !is_record()
    }
}

/// Copies a build folder recursively, with hard links where possible. Other files keep their times,
/// which cargo compares. Files that exist already stay as they are.
///
/// Skips the shim, incremental state, and every name that starts with one of the prefixes in `skip`.
///
/// # Errors
/// If a file cannot be read or written.
pub(crate) fn copy_build(from: &Path, to: &Path, extent: Extent, skip: &[&str]) -> Result<()> {
    home::create_folder(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (name, source) = (entry.file_name(), entry.path());
        let text = name.to_string_lossy();
        let target = to.join(&name);
        let is_of_session = text == SHIM_FOLDER || text == "incremental";
        let is_skipped = skip.iter().any(|prefix| text.starts_with(prefix));
        if is_of_session || is_skipped || !extent.contains(&source) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            let is_source = text == HELPER_FOLDER;
            let extent = if is_source { Extent::Sources } else { extent };
            copy_build(&source, &target, extent, skip)?;
            continue;
        }
        if target.exists() {
            continue;
        }
        let is_linked = extent == Extent::Sources || is_replaced(&source);
        if !is_linked || std::fs::hard_link(&source, &target).is_err() {
            copy_with_times(&source, &target)?;
        }
    }
    Ok(())
}

fn copy_with_times(source: &Path, target: &Path) -> Result<()> {
    let metadata = std::fs::metadata(source)?;
    std::fs::copy(source, target)?;
    let times = std::fs::FileTimes::new()
        .set_modified(metadata.modified()?)
        .set_accessed(metadata.accessed()?);
    File::options().write(true).open(target)?.set_times(times)?;
    Ok(())
}

/// True for a library or a program, such as a build script: linkers replace these files.
fn is_replaced(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    let is_library = LINKED_EXTENSIONS.iter().any(|linked| extension == *linked);
    let is_program =
        || std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
    is_library || is_program()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn libraries_are_linked_other_files_copied_and_cell_products_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("deps")).unwrap();
        std::fs::create_dir_all(from.join("incremental")).unwrap();
        std::fs::create_dir_all(from.join("front")).unwrap();
        for name in [
            "deps/liba.rlib",
            "deps/c.o",
            "deps/libc.a",
            "deps/liba.d",
            "deps/libctx.so",
            "frontend.rs",
            "front/link",
            "b.json",
            "script",
        ] {
            std::fs::write(from.join(name), name).unwrap();
        }
        std::fs::set_permissions(from.join("script"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        copy_build(&from, &to, Extent::All, &["libctx"]).unwrap();
        let inode = |path: &Path| std::fs::metadata(path).map(|file| file.ino()).ok();
        let same = |name: &str| inode(&from.join(name)) == inode(&to.join(name));
        assert!(same("deps/liba.rlib") && same("script"));
        assert!(same("deps/c.o") && same("deps/libc.a"));
        assert!(!same("deps/liba.d") && to.join("deps/liba.d").exists());
        assert!(to.join("b.json").exists() && !to.join("incremental").exists());
        assert!(to.join("frontend.rs").exists() && !to.join("front").exists());
        assert!(!to.join("deps/libctx.so").exists());
        std::fs::create_dir_all(from.join("helper")).unwrap();
        std::fs::write(from.join("helper/a.rs"), "").unwrap();
        std::fs::create_dir_all(from.join(".fingerprint")).unwrap();
        let part = folder.path().join("part");
        copy_build(&from, &part, Extent::ForCompiler, &[]).unwrap();
        assert_eq!(
            inode(&from.join("helper/a.rs")),
            inode(&part.join("helper/a.rs"))
        );
        assert!(part.join("deps/liba.rlib").exists());
        assert!(!part.join("deps/liba.d").exists() && !part.join(".fingerprint").exists());
        std::fs::write(part.join("b.json"), "changed").unwrap();
        copy_build(&from, &part, Extent::All, &[]).unwrap();
        assert!(part.join("deps/liba.d").exists() && part.join(".fingerprint").exists());
        assert_eq!(std::fs::read(part.join("b.json")).unwrap(), b"changed");
        let modified = |folder: &Path| {
            let file = std::fs::metadata(folder.join("b.json")).unwrap();
            file.modified().unwrap()
        };
        assert_eq!(modified(&from), modified(&to));
    }
}
