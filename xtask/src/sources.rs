//! Text files of the project, found by walking its folders.

use std::path::{Path, PathBuf};

/// A text file of the project.
#[derive(Clone)]
pub(crate) struct TextFile {
    /// Relative to the project's root, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads the files with an extension in these folders and below them, in order of their paths.
///
/// # Errors
/// If a folder or a file cannot be read. A folder that does not exist is skipped.
pub(crate) fn read(
    root: &Path,
    folders: &[&str],
    extension: &str,
) -> Result<Vec<TextFile>, String> {
    let mut paths = Vec::new();
    for folder in folders {
        let folder = root.join(folder);
        if folder.is_dir() {
            walk(&folder, extension, &mut paths)?;
        }
    }
    paths.sort();
    paths.iter().map(|path| source(root, path)).collect()
}

/// Reads the files with an extension that lie directly in a folder.
///
/// # Errors
/// If the folder or a file cannot be read.
pub(crate) fn read_flat(
    root: &Path,
    folder: &str,
    extension: &str,
) -> Result<Vec<TextFile>, String> {
    let mut paths = entries(&root.join(folder))?;
    paths.retain(|path| path.is_file() && has_extension(path, extension));
    paths.iter().map(|path| source(root, path)).collect()
}

fn walk(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    for path in entries(folder)? {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden {
            walk(&path, extension, paths)?;
        } else if has_extension(&path, extension) {
            paths.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn source(root: &Path, path: &Path) -> Result<TextFile, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    Ok(TextFile {
        path: parts.join("/"),
        text,
    })
}
