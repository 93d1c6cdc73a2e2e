//! [`lmdb_folder`]: images in LMDB databases of Caffe's records.
//!
//! Source: Caffe's `convert_imageset`, whose databases the Torch7 readers for ImageNet use too.

use crate::data::dataset::Dataset;
use crate::data::photo::{DATABASE_FILE, LmdbRecords, is_ignored};
use crate::data::photo_settings::PhotoSettings;
use crate::data::split::Split;
use crate::data::split_names::{SplitKind, SplitName};
use crate::error::{Error, Result};
use crate::file::name_or;
use std::path::{Path, PathBuf};

/// Loads an LMDB database of Caffe `Datum` records. They hold pixels (blue, green, red, as in Caffe
/// and OpenCV) or encoded image files. Images are resized to one size, with three channels. Each
/// record is decoded when it is needed. Labels are those of the records.
///
/// | layout | result |
/// | --- | --- |
/// | `path/data.mdb` | a share of the records is held out for testing |
/// | `path/train/data.mdb`, `path/val/data.mdb` (or `test`) | training and test set |
/// | `path/ilsvrc12_train_lmdb/data.mdb`, `path/ilsvrc12_val_lmdb/data.mdb` (or `test`) | training and test set |
///
/// Names of splits are those of [`image_folder`](crate::data::image_folder), with any other words.
/// With databases for validation and for testing, the test set is the latter.
///
/// The database is read without a lock. If another program writes to it meanwhile, its records become
/// unreadable until it is loaded again. Records of more than 8 bytes per pixel of
/// [`Limits::pixels`](crate::Limits::pixels), 512 MB by default, are unreadable.
///
/// # Shapes
/// (3, size, size) for [`PhotoSettings::size`].
///
/// # Errors
/// If there is no complete database, its records are of another kind, a label is negative, or a
/// setting is outside its range. Single damaged records count as unreadable.
///
/// # Examples
/// ```no_run
/// use candlebook::data::{PhotoSettings, lmdb_folder};
/// let settings = PhotoSettings { size: 128, flip: true, ..Default::default() };
/// let data = lmdb_folder("ilsvrc12", &settings)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn lmdb_folder(path: impl AsRef<Path>, settings: &PhotoSettings) -> Result<Dataset> {
    let path = path.as_ref();
    settings.check()?;
    let name = name_or(path, "images");
    let source = path.display().to_string();
    if path.is_file() || path.join(DATABASE_FILE).is_file() {
        return Dataset::hold_out(name, source, split(path, settings)?, settings.test());
    }
    let Some(train) = database_of(path, SplitKind::Train, "train")? else {
        let expected = format!("a file {DATABASE_FILE}, or folders train and val with one each");
        let hint = "Choose the folder of the database or of both databases";
        return Err(Error::file(path, expected, "none", hint));
    };
    let test = match database_of(path, SplitKind::Test, "test")? {
        None => database_of(path, SplitKind::Validation, "val")?,
        test => test,
    };
    let train = split(&train, settings)?;
    match test {
        Some(test) => Dataset::new(name, source, train, split(&test, settings)?),
        None => Dataset::hold_out(name, source, train, settings.test()),
    }
}

/// The subfolder with a database whose name means this split, whatever its other words.
fn database_of(path: &Path, kind: SplitKind, split: &str) -> Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::io("read", path))? {
        let entry = entry.map_err(Error::io("read", path))?;
        let name = entry.file_name();
        let named = SplitName::of(&name.to_string_lossy()).is_some_and(|name| name.kind == kind);
        if named && !is_ignored(&name) && entry.path().join(DATABASE_FILE).is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    if found.len() > 1 {
        let expected = format!("one database for {split}");
        let examples = format!("{}, {}", found[0].display(), found[1].display());
        let got = format!("{} of them: {examples}", found.len());
        return Err(Error::file(path, expected, got, "Choose the folder of one"));
    }
    Ok(found.pop())
}

fn split(path: &Path, settings: &PhotoSettings) -> Result<Split> {
    let (records, labels) = LmdbRecords::open(path)?;
    settings.stream(path, Box::new(records), labels)
}
