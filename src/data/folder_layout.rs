//! [`FolderLayout`]: the training and the test images of a folder.
//!
//! Images of a folder for testing never become training images. If a folder could be read in two
//! ways, either a note says how it was read, or it is refused.

use crate::data::folder_splits::{FolderSplits, label, listed};
use crate::data::photo::{PhotoFiles, PhotoNames, PhotoTree, no_images};
use crate::data::split_names::{SplitKind, SplitName};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The images of a folder.
pub(crate) struct FolderLayout {
    pub(crate) train: PhotoFiles,
    /// `None` if a share of the training images is held out.
    pub(crate) test: Option<PhotoFiles>,
    /// Sentences on the reading of the folder, if it could be read in another way.
    pub(crate) notes: Vec<String>,
}

/// A folder whose layout is being found.
struct Reading {
    tree: PhotoTree,
    root: PathBuf,
    notes: Vec<String>,
}

impl FolderLayout {
    /// Finds the layout of a folder.
    ///
    /// # Errors
    /// If the folder cannot be read, has no images, or has test images but no clear training images.
    pub(crate) fn of(path: &Path) -> Result<FolderLayout> {
        let tree = PhotoTree::list(path)?;
        let mut reading = Reading {
            root: inner_root(&tree, path),
            tree,
            notes: Vec::new(),
        };
        if reading.root != path {
            let inner = listed(path, &[reading.root.clone()]);
            let note = format!("images are those of {inner}, the only folder");
            reading.notes.push(note);
        }
        let splits = FolderSplits::of(&reading.tree, &reading.root);
        let mut layout = match splits.train(&reading.root)? {
            Some(train) => reading.with_train(train, &splits)?,
            None => reading.without_train(&splits)?,
        };
        layout.compare_classes();
        Ok(layout)
    }

    /// Notes classes that only one of the splits has.
    fn compare_classes(&mut self) {
        let Some(test) = &self.test else { return };
        let (train, test) = (self.train.classes(), test.classes());
        if train.is_empty() || test.is_empty() {
            return;
        }
        for (set, classes, others) in [("training", train, test), ("test", test, train)] {
            let alone = classes.iter().filter(|class| !others.contains(class));
            let alone: Vec<PathBuf> = alone.map(PathBuf::from).collect();
            if !alone.is_empty() {
                let names = listed(Path::new(""), &alone);
                let note = format!("only the {set} set has the classes {names}");
                self.notes.push(note);
            }
        }
    }
}

/// The folder that holds the images or their folders: archives often unpack to a folder in a folder.
fn inner_root(tree: &PhotoTree, path: &Path) -> PathBuf {
    let mut root = path.to_owned();
    loop {
        let children = tree.children(&root);
        let mut full = children.iter().filter(|child| tree.has_any(child));
        let (Some(inner), None) = (full.next(), full.next()) else {
            return root;
        };
        let is_split = SplitName::of(&label(inner)).is_some();
        if tree.has_own(&root) || tree.has_own(inner) || is_split {
            return root;
        }
        // Beside empty folders it may be the only class that has images yet.
        if children.len() > 1 && FolderSplits::of(tree, inner).train.is_empty() {
            return root;
        }
        root = inner.clone();
    }
}

impl Reading {
    /// The layout with a folder of training images.
    fn with_train(mut self, train: &Path, splits: &FolderSplits) -> Result<FolderLayout> {
        if !self.tree.has_any(train) {
            return Err(no_images(train, "none".into()));
        }
        let train = self.inner_split(train);
        let with_classes = !self.tree.has_own(&train);
        let choice = splits.choose_test(&self.tree, &self.root, with_classes)?;
        let others = &splits.others;
        if choice.test.is_none() && !others.is_empty() && !with_classes {
            let name = label(&train);
            let expected = format!("{name} as the training set, or as one of the classes");
            let got = format!("{name} beside {}", listed(&self.root, others));
            let hint = format!(
                "Rename {name} if it is a class; move the others away if it is the training set"
            );
            return Err(Error::file(&self.root, expected, got, hint));
        }
        let unread = [&choice.unread[..], others].concat();
        if !unread.is_empty() {
            let mut read = vec![train.clone()];
            read.extend(choice.test.clone());
            let (read, unread) = (listed(&self.root, &read), listed(&self.root, &unread));
            self.notes.push(format!("read: {read}; not read: {unread}"));
        }
        let test = choice.test.map(|test| self.inner_split(&test));
        let train = self.files(&train, |path| path.starts_with(&train));
        let test = test.map(|test| self.files(&test, |path| path.starts_with(&test)));
        Ok(self.layout(train, test))
    }

    /// The layout without a folder of training images: all but test images are for training.
    fn without_train(mut self, splits: &FolderSplits) -> Result<FolderLayout> {
        let root = self.root.clone();
        if let Some(unsure) = splits.unsure.first() {
            return Err(self.no_train(unsure, "rename it if it is a class"));
        }
        let choice = splits.choose_test(&self.tree, &root, true)?;
        let Some(test) = choice.test else {
            return self.without_splits();
        };
        if splits.others.is_empty() && !self.tree.has_own(&root) {
            let hint = "load it alone to hold out a share of its images";
            return Err(self.no_train(&test, hint));
        }
        let held_out = [std::slice::from_ref(&test), &choice.unread[..]].concat();
        let is_train = |path: &Path| !held_out.iter().any(|folder| path.starts_with(folder));
        self.refuse_deep_tests(is_train)?;
        let (name, unread) = (label(&test), listed(&root, &choice.unread));
        let mut note = format!("images of {name} are for testing, the others for training");
        if !unread.is_empty() {
            note += &format!("; not read: {unread}");
        }
        self.notes.push(note);
        let train = self.files(&root, is_train);
        let test = self.inner_split(&test);
        let test = self.files(&test, |path| path.starts_with(&test));
        Ok(self.layout(train, Some(test)))
    }

    /// The layout without folders for splits: a share is held out, unless each class has such folders.
    fn without_splits(mut self) -> Result<FolderLayout> {
        let root = self.root.clone();
        if let Some([train_name, test_name]) = self.splits_in_classes() {
            let note = format!("each class has folders {train_name} and {test_name}");
            self.notes.push(note);
            let train = self.files(&root, |path| label(path) == train_name);
            let test = self.files(&root, |path| label(path) == test_name);
            return Ok(self.layout(train, Some(test)));
        }
        self.refuse_deep_tests(|_| true)?;
        let train = self.files(&root, |_| true);
        Ok(self.layout(train, None))
    }

    /// The names of the two split folders that every class has, and nothing else.
    fn splits_in_classes(&self) -> Option<[String; 2]> {
        let tree = &self.tree;
        let children = tree.children(&self.root).into_iter();
        let mut names = children.filter(|class| tree.has_any(class)).map(|class| {
            let splits = FolderSplits::of(tree, &class);
            let train = splits.train(&class).ok()??;
            let test = splits.choose_test(tree, &class, false).ok()?;
            let test = (test.test?, test.unread.is_empty());
            let flat = |path: &Path| !tree.children(path).iter().any(|path| tree.has_any(path));
            let plain = !tree.has_own(&class) && splits.others.is_empty() && test.1;
            let whole = plain && tree.has_own(train) && flat(train) && flat(&test.0);
            whole.then(|| [label(train), label(&test.0)])
        });
        let first = names.next()??;
        let alike = names.all(|names| names.as_ref() == Some(&first));
        (alike && !tree.has_own(&self.root)).then_some(first)
    }

    /// Refuses folders of test images below the folders of classes: they would be trained on.
    fn refuse_deep_tests(&self, is_train: impl Fn(&Path) -> bool) -> Result<()> {
        let is_test = |name: &SplitName| {
            name.certain && name.rest.is_empty() && name.kind != SplitKind::Train
        };
        for folder in self.tree.names.keys().filter(|path| is_train(path)) {
            let below = folder.strip_prefix(&self.root).unwrap_or(folder);
            let mut deep = below
                .ancestors()
                .filter(|path| path.components().count() > 1);
            let test =
                deep.find(|path| SplitName::of(&label(path)).is_some_and(|name| is_test(&name)));
            if let Some(test) = test {
                let expected = "folders of training and of test images directly in it";
                let hint = "Load the folder that holds both, or rename it if it is no test set";
                return Err(Error::file(&self.root, expected, test.display(), hint));
            }
        }
        Ok(())
    }

    /// The folder of the same name in a split's folder, if there is nothing else in it.
    fn inner_split(&self, folder: &Path) -> PathBuf {
        let kind = |path: &Path| SplitName::of(&label(path)).map(|name| name.kind);
        match self.tree.children(folder).as_slice() {
            [inner] if !self.tree.has_own(folder) && kind(inner) == kind(folder) => inner.clone(),
            _ => folder.to_owned(),
        }
    }

    /// Takes the images of some folders out of the tree.
    fn files(&mut self, root: &Path, is_member: impl Fn(&Path) -> bool) -> PhotoFiles {
        let is_own = |path: &Path| path.starts_with(root) && is_member(path);
        let folders = self.tree.children(root).into_iter();
        let empty: Vec<PathBuf> = folders
            .filter(|path| is_own(path) && !self.tree.has_any(path))
            .collect();
        let names: PhotoNames;
        (names, self.tree.names) = std::mem::take(&mut self.tree.names)
            .into_iter()
            .partition(|(path, _)| is_own(path));
        let files = PhotoFiles::new(root, names);
        if !files.classes().is_empty() && !empty.is_empty() {
            let empty = listed(&self.root, &empty);
            self.notes
                .push(format!("no class, for want of images: {empty}"));
        }
        if files.has_folders_beside_images() {
            let folder = root.display();
            self.notes.push(format!(
                "no labels, because images lie directly in {folder}, beside folders"
            ));
        }
        files
    }

    fn layout(self, train: PhotoFiles, test: Option<PhotoFiles>) -> FolderLayout {
        FolderLayout {
            train,
            test,
            notes: self.notes,
        }
    }

    /// The error for test images without training images.
    fn no_train(&self, test: &Path, otherwise: &str) -> Error {
        let name = label(test);
        let children = self.tree.children(&self.root);
        let expected = format!("a folder train beside {name}");
        let hint =
            format!("Move the training images into a folder train; or, as to {name}, {otherwise}");
        Error::file(&self.root, expected, listed(&self.root, &children), hint)
    }
}

#[cfg(test)]
mod tests;
