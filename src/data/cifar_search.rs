//! The search for CIFAR-10's files in folders.

use crate::data::locations::DataFolder;
use std::path::{Path, PathBuf};

/// The folder inside the public archive.
pub(crate) const ARCHIVE_FOLDER: &str = "cifar-10-batches-bin";
pub(crate) const TRAIN_FILES: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
pub(crate) const TEST_FILE: &str = "test_batch.bin";

/// The version that numpy and pickle read.
const PYTHON_VERSION: [&str; 2] = ["cifar-10-batches-py", "cifar-10-python.tar.gz"];

/// The result of a search.
#[derive(Debug, PartialEq)]
pub(crate) enum CifarSource {
    /// A folder with the six files.
    Folder(PathBuf),
    Archive(PathBuf),
    /// Why folders with some of the files were passed over, a sentence for each.
    Passed(Vec<String>),
}

/// Searches the folders for the six files, then for the archive.
pub(crate) fn find_cifar(folders: &[DataFolder], archive: &str) -> CifarSource {
    let mut passed = Vec::new();
    for folder in folders {
        passed.extend(folder.absence());
        for place in [folder.path.join(ARCHIVE_FOLDER), folder.path.clone()] {
            match reason_against(&place) {
                Ok(()) => return CifarSource::Folder(place),
                Err(None) => {}
                Err(Some(why)) => passed.push(format!("{} {why}", place.display())),
            }
        }
    }
    let mut archives = folders.iter().map(|folder| folder.path.join(archive));
    match archives.find(|path| path.is_file()) {
        Some(path) => CifarSource::Archive(path),
        None => CifarSource::Passed(passed),
    }
}

/// Why a folder is not CIFAR-10's binary version; `None` if it has none of its files.
fn reason_against(folder: &Path) -> Result<(), Option<String>> {
    let names = TRAIN_FILES.into_iter().chain([TEST_FILE]);
    let (found, missing): (Vec<_>, Vec<_>) = names.partition(|name| folder.join(name).is_file());
    if missing.is_empty() {
        return Ok(());
    }
    if !found.is_empty() {
        let (found, missing) = (found.join(", "), missing.join(", "));
        return Err(Some(format!("has {found} but no {missing}")));
    }
    let mut python = PYTHON_VERSION.into_iter();
    let python = python.find(|name| folder.join(name).exists());
    Err(python.map(|name| format!("has {name}, the Python version, which is not read")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHIVE: &str = "cifar.tar.gz";

    fn folder(path: PathBuf) -> DataFolder {
        std::fs::create_dir_all(&path).unwrap();
        DataFolder { path, shared: true }
    }

    fn touch(folder: &DataFolder, name: &str) {
        std::fs::write(folder.path.join(name), b"").unwrap();
    }

    #[test]
    fn an_incomplete_folder_is_passed_over_and_named_if_nothing_else_is_found() {
        let root = tempfile::tempdir().unwrap();
        let [some, whole] = ["some", "whole"].map(|name| folder(root.path().join(name)));
        let folders = [some.clone(), whole.clone()];
        for name in ["data_batch_1.bin", TEST_FILE] {
            touch(&some, name);
        }
        let sentence = format!(
            "{} has data_batch_1.bin, test_batch.bin but no data_batch_2.bin, data_batch_3.bin, \
             data_batch_4.bin, data_batch_5.bin",
            some.path.display()
        );
        assert_eq!(
            find_cifar(&folders, ARCHIVE),
            CifarSource::Passed(vec![sentence])
        );
        touch(&whole, ARCHIVE);
        let archive = CifarSource::Archive(whole.path.join(ARCHIVE));
        assert_eq!(find_cifar(&folders, ARCHIVE), archive);
        TRAIN_FILES.iter().for_each(|name| touch(&whole, name));
        touch(&whole, TEST_FILE);
        let found = CifarSource::Folder(whole.path.clone());
        assert_eq!(find_cifar(&folders, ARCHIVE), found);
    }

    #[test]
    fn the_python_version_and_a_missing_folder_are_named() {
        let root = tempfile::tempdir().unwrap();
        let data = folder(root.path().join("data"));
        std::fs::create_dir(data.path.join("cifar-10-batches-py")).unwrap();
        let none = DataFolder {
            path: root.path().join("none"),
            shared: true,
        };
        let expected = [
            format!(
                "{} has cifar-10-batches-py, the Python version, which is not read",
                data.path.display()
            ),
            format!("{} does not exist", none.path.display()),
        ];
        assert_eq!(
            find_cifar(&[data, none], ARCHIVE),
            CifarSource::Passed(expected.to_vec())
        );
    }
}
