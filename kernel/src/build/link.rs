//! Folders filled from other folders: files that cargo never rewrites are hard links.

use crate::home;
use anyhow::Result;
use std::fs::File;
use std::path::Path;

/// Copies an engine's folder: what cargo never rewrites is linked, the rest copied with its times, which cargo compares.
/// Incremental state stays behind, and whatever has a name that starts with one of `leave`.
pub(crate) fn fill(from: &Path, to: &Path, leave: &[&str]) -> Result<()> {
    home::create_folder(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (name, source) = (entry.file_name(), entry.path());
        let text = name.to_string_lossy();
        let target = to.join(&name);
        if text == "incremental" || leave.iter().any(|prefix| text.starts_with(prefix)) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fill(&source, &target, leave)?;
            continue;
        }
        let constant = from.ends_with("deps")
            && ["rlib", "rmeta", "so"]
                .iter()
                .any(|e| has_extension(&source, e));
        if constant && std::fs::hard_link(&source, &target).is_ok() {
            continue;
        }
        let times = std::fs::metadata(&source)?;
        std::fs::copy(&source, &target)?;
        let times = std::fs::FileTimes::new()
            .set_modified(times.modified()?)
            .set_accessed(times.accessed()?);
        File::options()
            .write(true)
            .open(&target)?
            .set_times(times)?;
    }
    Ok(())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}
