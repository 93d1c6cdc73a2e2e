//! [`image_folder`]: ImageNet's `split/class/*.JPEG`, a folder per class, or one folder of images.

use crate::data::dataset::Dataset;
use crate::data::photo::{PhotoFiles, PhotoSource};
use crate::data::photo_settings::PhotoSettings;
use crate::data::split::Split;
use crate::error::Result;
use crate::file::name_or;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Folder names of a training set.
pub(crate) const TRAIN_NAMES: [&str; 2] = ["train", "training"];
/// Folder names of a test set.
pub(crate) const TEST_NAMES: [&str; 4] = ["val", "valid", "validation", "test"];

/// Loads the images of a folder: JPEG, PNG, WebP, BMP and GIF (first frame). They are resized to
/// one size, with three channels. Each is decoded when it is needed, in training ahead of its step.
///
/// | layout | result |
/// | --- | --- |
/// | `path/train/CLASS/*`, `path/val/CLASS/*` (or `valid`, `validation`, `test`) | training and test set with labels, as for ImageNet |
/// | `path/CLASS/*` | labels; a share is held out for testing |
/// | images in `path` or in folders of any depth | no labels; a share is held out for testing |
///
/// EXIF orientation is applied, transparency is blended with white, grey and CMYK become RGB.
/// PyTorch's `datasets.ImageFolder`.
///
/// # Shapes
/// (3, size, size) for [`PhotoSettings::size`].
///
/// # Errors
/// If the folder cannot be read or has no images, or a setting is outside its range.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let settings = PhotoSettings { size: 128, flip: true, ..Default::default() };
/// let data = image_folder("photos", &settings)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn image_folder(path: impl AsRef<Path>, settings: &PhotoSettings) -> Result<Dataset> {
    let path = path.as_ref();
    settings.check()?;
    let name = name_or(path, "images");
    let source = path.display().to_string();
    let (train, test) = match (subfolder(path, &TRAIN_NAMES), subfolder(path, &TEST_NAMES)) {
        (Some(train), Some(test)) => (PhotoFiles::list(&train)?, PhotoFiles::list(&test)?),
        (train, _) => {
            let files = PhotoFiles::list(train.as_deref().unwrap_or(path))?;
            let classes = files.classes().to_vec();
            let images = split(files, &classes, settings)?;
            return Dataset::hold_out(name, source, images, settings.test());
        }
    };
    // Both splits number their classes alike.
    let mut classes = [train.classes(), test.classes()].concat();
    classes.sort();
    classes.dedup();
    let train = split(train, &classes, settings)?;
    Dataset::new(name, source, train, split(test, &classes, settings)?)
}

/// The first of these subfolders that exists.
fn subfolder(path: &Path, names: &[&str]) -> Option<PathBuf> {
    names
        .iter()
        .map(|name| path.join(name))
        .find(|path| path.is_dir())
}

fn split(files: PhotoFiles, classes: &[OsString], settings: &PhotoSettings) -> Result<Split> {
    let labels = files.labels(classes);
    let has_labels = labels.is_some();
    let root = files.root().to_owned();
    let source: Box<dyn PhotoSource> = Box::new(files);
    let split = settings.stream(&root, source, labels)?;
    if !has_labels {
        return Ok(split);
    }
    split.named(
        classes
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect(),
    )
}
