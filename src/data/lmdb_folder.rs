//! `lmdb_folder`: photographs in LMDB databases of Caffe's records.
//!
//! Source: `convert_imageset` of Caffe, whose databases the Torch7 readers for ImageNet read as well.

use crate::data::image_folder::{ImageFolder, TEST, TRAIN, divided, streamed};
use crate::data::photo::{DATABASE_FILE, LmdbRecords};
use crate::data::split::{Dataset, Split};
use crate::error::{Error, Result};
use crate::file::name_or;
use std::path::{Path, PathBuf};

/// Photographs of an LMDB database of Caffe `Datum` records, as pictures of three channels and one size: pixels (blue, green,
/// red, as Caffe and OpenCV have them) or encoded files. Records are decoded when they are asked for.
///
/// `path` is the folder that holds `data.mdb`, of whose records a share is kept for test; or a folder with one for training
/// (`train`, or a name that ends in `train_lmdb`) and one for test (`val`, `test`, or a name that ends in `val_lmdb` or
/// `test_lmdb`). Labels are the records' own. Nothing is written, no lock is taken: no other program may write meanwhile.
///
/// # Errors
/// A folder without a database, or with one that is cut off; records of another kind; a negative label; a setting outside its
/// range. Single records that are damaged count as unreadable. What LMDB itself keeps between the records it trusts: a file
/// that is damaged there may end the process.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let data = lmdb_folder("ilsvrc12", &ImageFolder { size: 128, flip: true, ..Default::default() })?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn lmdb_folder(path: impl AsRef<Path>, settings: &ImageFolder) -> Result<Dataset> {
    let path = path.as_ref();
    settings.check()?;
    let name = name_or(path, "photographs");
    let source = path.display().to_string();
    if path.is_file() || path.join(DATABASE_FILE).is_file() {
        return divided(name, source, split(path, settings)?, settings);
    }
    let Some(train) = database_of(path, &TRAIN)? else {
        let hint = "Give the folder that holds it, or one with train and val";
        return Err(Error::file(
            path,
            format!("a file {DATABASE_FILE}, or folders train and val that have one"),
            "none",
            hint,
        ));
    };
    let train = split(&train, settings)?;
    match database_of(path, &TEST)? {
        Some(test) => Dataset::new(name, source, train, split(&test, settings)?),
        None => divided(name, source, train, settings),
    }
}

/// The folder of a database that has one of these names, or ends in it and `_lmdb`.
fn database_of(path: &Path, names: &[&str]) -> Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::io("read", path))? {
        let entry = entry.map_err(Error::io("read", path))?;
        let folder = entry.file_name().to_string_lossy().into_owned();
        let known = |name: &&str| folder == **name || folder.ends_with(&format!("{name}_lmdb"));
        if names.iter().any(known) && entry.path().join(DATABASE_FILE).is_file() {
            found.push(entry.path());
        }
    }
    if found.len() > 1 {
        let got = format!(
            "{} of them: {}, {}",
            found.len(),
            found[0].display(),
            found[1].display()
        );
        return Err(Error::file(
            path,
            format!("one database for {}", names[0]),
            got,
            "Give the folder of one",
        ));
    }
    Ok(found.pop())
}

fn split(path: &Path, settings: &ImageFolder) -> Result<Split> {
    let (records, labels) = LmdbRecords::open(path)?;
    streamed(path, Box::new(records), labels, settings)
}
