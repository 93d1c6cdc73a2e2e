//! [`FolderSplits`]: the subfolders of training, test and validation images.

use crate::data::photo::{PhotoTree, no_images};
use crate::data::split_names::{SplitKind, SplitName};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

const MAX_LISTED_NAMES: usize = 5;

/// Subfolders by the use of their images.
#[derive(Debug, Default)]
pub(crate) struct FolderSplits {
    pub(crate) train: Vec<PathBuf>,
    pub(crate) test: Vec<PathBuf>,
    pub(crate) validation: Vec<PathBuf>,
    /// Test and validation folders whose names mean splits only beside a training folder.
    pub(crate) unsure: Vec<PathBuf>,
    /// Other subfolders with images.
    pub(crate) others: Vec<PathBuf>,
}

/// The folder of test images, and those that are not read.
pub(crate) struct TestChoice {
    pub(crate) test: Option<PathBuf>,
    pub(crate) unread: Vec<PathBuf>,
}

impl FolderSplits {
    /// Sorts the subfolders of a folder.
    pub(crate) fn of(tree: &PhotoTree, folder: &Path) -> FolderSplits {
        let named: Vec<_> = tree
            .children(folder)
            .into_iter()
            .map(|path| {
                let name = SplitName::of(&label(&path));
                (path, name)
            })
            .collect();
        let is_split = |name: &SplitName| name.rest.is_empty() || has_partner(name, &named);
        let has_train = named.iter().any(|(_, name)| {
            let train = |name: &&SplitName| name.kind == SplitKind::Train && is_split(name);
            name.as_ref().filter(train).is_some()
        });
        let mut splits = FolderSplits::default();
        for (path, name) in &named {
            let list = match name.as_ref().filter(|name| is_split(name)) {
                Some(name) if !has_train && !name.certain => &mut splits.unsure,
                Some(name) => splits.list(name.kind),
                None if tree.has_any(path) => &mut splits.others,
                None => continue,
            };
            list.push(path.clone());
        }
        splits
    }

    fn list(&mut self, kind: SplitKind) -> &mut Vec<PathBuf> {
        match kind {
            SplitKind::Train => &mut self.train,
            SplitKind::Test => &mut self.test,
            SplitKind::Validation => &mut self.validation,
        }
    }

    /// The only training folder, if there is one.
    ///
    /// # Errors
    /// If there are several.
    pub(crate) fn train(&self, root: &Path) -> Result<Option<&PathBuf>> {
        only(&self.train, root, "training")
    }

    /// Chooses the test folder, else the validation folder. If the training images have classes, a
    /// folder with classes comes first: ImageNet's test images have none.
    ///
    /// # Errors
    /// If several could be meant, or if there are no images in any.
    pub(crate) fn choose_test(
        &self,
        tree: &PhotoTree,
        root: &Path,
        with_classes: bool,
    ) -> Result<TestChoice> {
        let test = only(&self.test, root, "test")?;
        let validation = match test {
            Some(_) => self.validation.first(),
            None => only(&self.validation, root, "validation")?,
        };
        let found: Vec<_> = test.into_iter().chain(validation).collect();
        let full: Vec<_> = found
            .iter()
            .copied()
            .filter(|path| tree.has_any(path))
            .collect();
        if let (Some(empty), []) = (found.first(), full.as_slice()) {
            return Err(no_images(empty, "none".into()));
        }
        let classes = |path: &&&PathBuf| with_classes && !tree.has_own(path);
        let chosen = full.iter().find(classes).or(full.first()).copied();
        let all = [&self.test, &self.validation].into_iter().flatten();
        Ok(TestChoice {
            test: chosen.cloned(),
            unread: all.filter(|path| Some(*path) != chosen).cloned().collect(),
        })
    }
}

/// True if another folder has the same further words and the other use: `seg_train` and `seg_test`.
fn has_partner(name: &SplitName, named: &[(PathBuf, Option<SplitName>)]) -> bool {
    let is_train = |name: &SplitName| name.kind == SplitKind::Train;
    let others = named.iter().filter_map(|(_, other)| other.as_ref());
    others
        .filter(|other| other.rest == name.rest)
        .any(|other| is_train(other) != is_train(name))
}

fn only<'a>(folders: &'a [PathBuf], root: &Path, images: &str) -> Result<Option<&'a PathBuf>> {
    if folders.len() > 1 {
        let expected = format!("one folder of {images} images");
        let hint = "Rename the others, or move them away";
        return Err(Error::file(root, expected, listed(root, folders), hint));
    }
    Ok(folders.first())
}

/// The name of a folder.
pub(crate) fn label(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Paths relative to `root`, for messages.
pub(crate) fn listed(root: &Path, paths: &[PathBuf]) -> String {
    let names = paths.iter().take(MAX_LISTED_NAMES).map(|path| {
        let name = path.strip_prefix(root).unwrap_or(path);
        name.display().to_string()
    });
    let listed = Vec::from_iter(names).join(", ");
    match paths.len().saturating_sub(MAX_LISTED_NAMES) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splits(files: &[&str]) -> FolderSplits {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let tree = PhotoTree::list(folder.path()).unwrap();
        FolderSplits::of(&tree, folder.path())
    }

    fn names(paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| label(path)).collect()
    }

    #[test]
    fn further_words_need_a_partner_with_the_same() {
        let found = splits(&["seg_train/a.png", "seg_test/a.png", "steam_train/a.png"]);
        assert_eq!(names(&found.train), ["seg_train"]);
        assert_eq!(names(&found.test), ["seg_test"]);
        assert_eq!(names(&found.others), ["steam_train"]);
    }

    #[test]
    fn words_for_classes_are_splits_only_beside_a_training_folder() {
        let found = splits(&["valid/a.png", "invalid/a.png"]);
        assert_eq!(
            (names(&found.unsure), names(&found.others)),
            (vec!["valid".into()], vec!["invalid".into()])
        );
        let found = splits(&["valid/a.png", "Train/a.png"]);
        assert_eq!(
            (names(&found.validation), names(&found.train)),
            (vec!["valid".into()], vec!["Train".into()])
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let paths: Vec<PathBuf> = (0..7).map(|i| format!("/r/{i}").into()).collect();
        assert_eq!(listed(Path::new("/r"), &paths), "0, 1, 2, 3, 4 and 2 more");
        assert_eq!(listed(Path::new("/r"), &paths[..2]), "0, 1");
    }
}
