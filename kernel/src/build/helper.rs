//! The helper crate's source, embedded in this program: an installed kernel needs no checkout.

use crate::home;
use anyhow::Result;
use include_dir::{Dir, include_dir};
use std::path::Path;

static SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../src");
static ASSETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../assets");
pub(crate) const MANIFEST: &str = include_str!("../../../Cargo.toml");
pub(crate) const LOCK_FILE: &str = include_str!("../../../Cargo.lock");

/// Writes the crate into a folder.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write_helper(folder: &Path) -> Result<()> {
    for (dir, name) in [(&SOURCE, "src"), (&ASSETS, "assets")] {
        home::create_folder(&folder.join(name))?;
        dir.extract(folder.join(name))?;
    }
    std::fs::write(folder.join("Cargo.toml"), standalone_manifest()?)?;
    std::fs::write(folder.join("Cargo.lock"), LOCK_FILE)?;
    Ok(())
}

/// The manifest without the workspace's other members and without benchmarks, neither of which is
/// embedded. `[workspace]` itself stays, because the package inherits from its tables.
fn standalone_manifest() -> Result<String> {
    let mut manifest: toml::Table = MANIFEST.parse()?;
    if let Some(workspace) = manifest
        .get_mut("workspace")
        .and_then(toml::Value::as_table_mut)
    {
        workspace.remove("members");
        workspace.remove("default-members");
    }
    manifest.remove("bench");
    Ok(manifest.to_string())
}

/// All embedded source and asset files, sorted by path.
pub(crate) fn embedded_files() -> Vec<&'static include_dir::File<'static>> {
    let mut files = Vec::new();
    collect(&SOURCE, &mut files);
    collect(&ASSETS, &mut files);
    files.sort_by_key(|file| file.path());
    files
}

fn collect(folder: &'static Dir<'static>, files: &mut Vec<&'static include_dir::File<'static>>) {
    files.extend(folder.files());
    folder.dirs().for_each(|inner| collect(inner, files));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standalone_manifest_keeps_what_the_package_inherits() {
        let manifest: toml::Table = standalone_manifest().unwrap().parse().unwrap();
        let workspace = manifest["workspace"].as_table().unwrap();
        assert!(!workspace.contains_key("members"));
        assert!(workspace.contains_key("package"));
        assert!(!manifest.contains_key("bench"));
        let original: toml::Table = MANIFEST.parse().unwrap();
        assert_eq!(manifest.get("lints"), original.get("lints"));
        assert_eq!(
            workspace.get("lints"),
            original["workspace"].as_table().unwrap().get("lints")
        );
    }

    #[test]
    fn embedded_files_include_the_crate_root() {
        let files = embedded_files();
        assert!(files.iter().any(|file| file.path() == Path::new("lib.rs")));
        assert!(files.is_sorted_by_key(|file| file.path()));
    }
}
