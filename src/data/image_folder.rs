//! [`image_folder`]: ImageNet's `split/class/*.JPEG`, a folder per class, or one folder of images.

use crate::data::dataset::Dataset;
use crate::data::folder_layout::FolderLayout;
use crate::data::photo::{PhotoFiles, PhotoSource};
use crate::data::photo_settings::PhotoSettings;
use crate::data::split::Split;
use crate::error::Result;
use crate::file::name_or;
use crate::show::note;
use std::ffi::OsString;
use std::path::Path;

/// Loads the images of a folder: JPEG, PNG, WebP, BMP and GIF (first frame). They are resized to
/// one size, with three channels. Each is decoded when it is needed, in training ahead of its step.
///
/// | layout | result |
/// | --- | --- |
/// | `path/train/CLASS/*`, `path/test/CLASS/*` | training and test set with labels |
/// | `path/train/CLASS/*`, `path/val/CLASS/*` | the same: the validation images are the test set, as for ImageNet |
/// | `train`, `val` and `test` | the test set is `test`; `val` is not read, unless only it has classes; a note says so |
/// | `path/train/CLASS/*` alone | labels; a share is held out for testing |
/// | `path/CLASS/*` | labels; a share is held out for testing |
/// | `path/CLASS/*` beside `path/test` | `test` is the test set, the others are for training; a note says so |
/// | `path/CLASS/train/*`, `path/CLASS/test/*` for every class | training and test set with labels; a note says so |
/// | images in `path` or in folders of any depth | no labels; a share is held out for testing |
///
/// Names of splits are read in any case: `train`, `training`; `test`, `testing`, `eval`,
/// `evaluation`, `holdout`; `val`, `valid`, `validation`, `dev`. Words such as `set` and `images` and
/// numbers may be added (`training_set`, `train2017`), and other words if both splits have them
/// (`seg_train`, `seg_test`). If a folder holds only one folder, as archives unpack, that one is
/// read. Hidden files and folders, `__MACOSX`, `@eaDir` and the like are ignored. Folders without
/// images are no classes; a note names them. Both splits number their classes alike, and a note names
/// those that only one of them has.
///
/// EXIF orientation is applied, transparency is blended with white, grey and CMYK become RGB.
/// PyTorch's `datasets.ImageFolder`.
///
/// # Shapes
/// (3, size, size) for [`PhotoSettings::size`].
///
/// # Errors
/// If the folder cannot be read or has no images, or a setting is outside its range. Also if the
/// folder can be read in several ways: two folders of training images, test images without training
/// images, `train` without classes beside other folders, or `test` inside a class.
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
    let FolderLayout { train, test, notes } = FolderLayout::of(path)?;
    for sentence in notes {
        note(format_args!("{source}: {sentence}"));
    }
    let Some(test) = test else {
        let classes = train.classes().to_vec();
        let images = split(train, &classes, settings)?;
        return Dataset::hold_out(name, source, images, settings.test());
    };
    // Both splits number their classes alike.
    let mut classes = [train.classes(), test.classes()].concat();
    classes.sort();
    classes.dedup();
    let train = split(train, &classes, settings)?;
    Dataset::new(name, source, train, split(test, &classes, settings)?)
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
