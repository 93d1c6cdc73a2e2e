//! [`lmdb_folder`]: images in LMDB databases of Caffe's records.
//!
//! Source: Caffe's `convert_imageset`, whose databases the Torch7 readers for ImageNet use too.

use crate::data::dataset::Dataset;
use crate::data::image_folder::{TEST_NAMES, TRAIN_NAMES};
use crate::data::photo::{DATABASE_FILE, LmdbRecords};
use crate::data::photo_settings::PhotoSettings;
use crate::data::split::Split;
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
/// | `path/*train_lmdb/data.mdb`, `path/*val_lmdb/data.mdb` (or `*test_lmdb`) | training and test set |
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
    let Some(train) = database_of(path, &TRAIN_NAMES)? else {
        let expected = format!("a file {DATABASE_FILE}, or folders train and val with one each");
        let hint = "Choose the folder of the database or of both databases";
        return Err(Error::file(path, expected, "none", hint));
    };
    let train = split(&train, settings)?;
    match database_of(path, &TEST_NAMES)? {
        Some(test) => Dataset::new(name, source, train, split(&test, settings)?),
        None => Dataset::hold_out(name, source, train, settings.test()),
    }
}

/// The subfolder with a database that has one of these names, or ends in one and `_lmdb`.
fn database_of(path: &Path, names: &[&str]) -> Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::io("read", path))? {
        let entry = entry.map_err(Error::io("read", path))?;
        let folder = entry.file_name().to_string_lossy().into_owned();
        let matches = |name: &&str| folder == **name || folder.ends_with(&format!("{name}_lmdb"));
        if names.iter().any(matches) && entry.path().join(DATABASE_FILE).is_file() {
            found.push(entry.path());
        }
    }
    if found.len() > 1 {
        let expected = format!("one database for {}", names[0]);
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
