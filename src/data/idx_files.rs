//! [`IdxFiles`]: the four files of MNIST and of sets like it, in a folder or in zip archives.

use crate::data::idx_names::{IDX_NAMES, idx_index, idx_paths, zip_paths};
use crate::error::{Error, Result};
use crate::file::{DataFile, folder_contents, names_in_archive};
use std::path::{Path, PathBuf};

/// Larger archives are not opened: a list of their files could take a gigabyte. Those of MNIST's
/// form have 70 MB at most.
const MAX_ARCHIVE_BYTES: u64 = 128 << 20;

/// The four files, in the order of [`IDX_NAMES`].
#[derive(Debug)]
pub(crate) struct IdxFiles {
    folder: PathBuf,
    files: [Option<DataFile>; 4],
    /// The first archive that cannot be read, if a file is missing.
    damage: Option<Error>,
    /// Sentences about files of one meaning, of which only one is read.
    pub(crate) notes: Vec<String>,
}

impl IdxFiles {
    /// Finds the files in a folder, which may be a zip archive. Files come before entries of
    /// archives.
    pub(crate) fn find(folder: &Path) -> IdxFiles {
        let mut found = IdxFiles {
            folder: folder.to_owned(),
            files: Default::default(),
            damage: None,
            notes: Vec::new(),
        };
        for (index, paths) in idx_paths(folder).into_iter().enumerate() {
            found.notes.extend(choice(&paths));
            found.files[index] = paths.first().map(DataFile::new);
        }
        let archives = if folder.is_file() {
            vec![folder.to_owned()]
        } else {
            zip_paths(folder)
        };
        for archive in &archives {
            if found.is_complete() {
                break;
            }
            match found.add_archive(archive) {
                Ok(added) if added > 1 && archives.len() > 1 => {
                    let note = format!("{} is read, one of several archives", archive.display());
                    found.notes.push(note);
                }
                Ok(_) => {}
                Err(error) => {
                    found.damage.get_or_insert(error);
                }
            }
        }
        found
    }

    /// Adds the files that an archive has and that are missing so far; returns their number.
    fn add_archive(&mut self, path: &Path) -> Result<usize> {
        let length = path.metadata().map_err(Error::io("read", path))?.len();
        if length > MAX_ARCHIVE_BYTES {
            let expected = format!("a zip archive of at most {MAX_ARCHIVE_BYTES} bytes");
            return Err(Error::file(path, expected, length, "Unpack it"));
        }
        let names = names_in_archive(path)?;
        // An archive named as a file holds that file, whatever the name inside.
        let stem = path.file_stem().and_then(|stem| idx_index(stem.to_str()?));
        let before = self.missing().count();
        for name in &names {
            let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
            let index = match (idx_index(base), names.as_slice()) {
                (None, [_]) => stem,
                (index, _) => index,
            };
            if let Some(index) = index {
                self.files[index].get_or_insert_with(|| DataFile::in_archive(path, name));
            }
        }
        Ok(before - self.missing().count())
    }

    /// The folder or archive that was searched.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The usual names of the missing files.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &'static str> {
        let files = self.files.iter().zip(IDX_NAMES);
        files
            .filter(|(file, _)| file.is_none())
            .map(|(_, name)| name)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }

    /// True if there is none of the files, and no archive that might have held one.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.iter().all(Option::is_none) && self.damage.is_none()
    }

    /// The file with this index, if there is one.
    pub(crate) fn get(&self, index: usize) -> Option<&DataFile> {
        self.files[index].as_ref()
    }

    /// The file with this index.
    ///
    /// # Errors
    /// If it is missing. The error names what the folder holds.
    pub(crate) fn require(&mut self, index: usize) -> Result<&DataFile> {
        if self.files[index].is_none()
            && let Some(damage) = self.damage.take()
        {
            return Err(damage);
        }
        self.get(index).ok_or_else(|| {
            let expected = format!("a file {}, plain, .gz or in a .zip", IDX_NAMES[index]);
            let got = folder_contents(&self.folder);
            let hint = "Name the four files as MNIST's, train-images-idx3-ubyte and so on";
            Error::file(&self.folder, expected, got, hint)
        })
    }

    /// The files that were found, and those that are missing, in words.
    pub(crate) fn summary(&self) -> String {
        let missing: Vec<_> = self.missing().collect();
        let found: Vec<_> = IDX_NAMES
            .into_iter()
            .filter(|name| !missing.contains(name))
            .collect();
        match &self.damage {
            Some(damage) if found.is_empty() => damage.to_string(),
            _ => format!("has {} but no {}", found.join(", "), missing.join(", ")),
        }
    }
}

/// A note if files of one meaning cannot be copies of each other: uncompressed, of other sizes.
fn choice(paths: &[PathBuf]) -> Option<String> {
    let plain = |path: &&PathBuf| {
        path.extension()
            .is_none_or(|end| !end.eq_ignore_ascii_case("gz"))
    };
    let length = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
    let mut plain = paths.iter().filter(plain);
    let first = plain.next()?;
    let other = plain.find(|other| length(other) != length(first))?;
    let read = paths.first()?;
    Some(format!(
        "{} is read, and not {}, whose size differs from {}'s",
        read.display(),
        other.display(),
        first.display()
    ))
}
