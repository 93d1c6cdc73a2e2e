//! Files that came with an installed program, in `share/candlebook-dist` beside its `bin`.
//!
//! A program that was built in a checkout has none.

use serde::Deserialize;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Folder of the files, below the prefix of the installation.
const FOLDER: &str = "share/candlebook-dist";

/// The compiled helper crate that came with the program, as `archive.json` describes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Shipped {
    /// The prefix of the installation, such as a Python environment.
    #[serde(skip)]
    pub(crate) prefix: PathBuf,
    /// Key of the seed in the archive.
    pub(crate) key: String,
    /// Output of `rustc -vV` for the only compiler that can use the archive.
    pub(crate) rustc: String,
    /// Checksum of the archive.
    pub(crate) sha256: String,
    /// Size of the archive's content.
    pub(crate) bytes: u64,
}

impl Shipped {
    /// The files of this program; `None` if it came alone.
    pub(crate) fn find() -> Option<&'static Shipped> {
        static SHIPPED: OnceLock<Option<Shipped>> = OnceLock::new();
        SHIPPED.get_or_init(Shipped::read).as_ref()
    }

    fn read() -> Option<Shipped> {
        let program = std::env::current_exe().ok()?.canonicalize().ok()?;
        let prefix = program.ancestors().nth(2)?.to_owned();
        let description = std::fs::read(prefix.join(FOLDER).join("archive.json")).ok()?;
        let shipped: Shipped = serde_json::from_slice(&description).ok()?;
        Some(Shipped { prefix, ..shipped })
    }

    /// The archive with the seed.
    pub(crate) fn archive(&self) -> PathBuf {
        self.file(&format!("{}.tar.zst", self.key))
    }

    /// One of the files.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.prefix.join(FOLDER).join(name)
    }

    /// The release of the compiler, such as `1.95.0`.
    pub(crate) fn release(&self) -> &str {
        let mut lines = self.rustc.lines();
        let release = lines.find_map(|line| line.strip_prefix("release: "));
        release.unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_a_target_folder_came_alone() {
        assert!(Shipped::find().is_none());
    }

    #[test]
    fn the_description_names_compiler_and_files() {
        let text = r#"{"key": "k", "rustc": "rustc 1.95.0\nrelease: 1.95.0\n", "sha256": "0", "bytes": 7}"#;
        let shipped: Shipped = serde_json::from_str(text).unwrap();
        assert_eq!(shipped.release(), "1.95.0");
        assert!(
            shipped
                .archive()
                .ends_with("share/candlebook-dist/k.tar.zst")
        );
    }
}
