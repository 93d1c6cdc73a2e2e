//! [`LmdbRecords`]: photographs in an LMDB database, read one at a time.
//!
//! Keys and places are held in memory, images are not.

use crate::cell::check_stopped;
use crate::data::photo::datum::Datum;
use crate::data::photo::files::version;
use crate::data::photo::origin::Origin;
use crate::data::photo::source::PhotoSource;
use crate::error::{Error, Result};
use crate::file::{LONG_VALUE_BYTES, Limits, LmdbCursor, LmdbDamage, LmdbFile, Location};
use crate::show::StatusLine;
use image::RgbImage;
use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};

/// File name of a database.
pub(crate) const DATABASE_FILE: &str = "data.mdb";
const EXPECTED: &str = "an LMDB database of Caffe's records";
/// The fields before the pixels: three integers of up to 10 bytes, the keys, the length.
const HEAD_BYTES: u64 = 64;

/// The records of a database.
pub(crate) struct LmdbRecords {
    path: PathBuf,
    database: LmdbFile,
    /// All keys, concatenated.
    keys: Vec<u8>,
    /// The end of each key in `keys`.
    ends: Vec<usize>,
    // The places of the records. Two lists, because a list of both would be padded.
    offsets: Vec<u64>,
    lengths: Vec<u32>,
    version: String,
}

impl std::fmt::Debug for LmdbRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} records of {}", self.ends.len(), self.path.display())
    }
}

impl LmdbRecords {
    /// Opens a database and lists its keys and labels. There are labels if any record has one.
    ///
    /// # Errors
    /// If the file is not a complete database, no record is readable, or a label is negative; and
    /// on Stop.
    pub(crate) fn open(path: &Path) -> Result<(LmdbRecords, Option<Vec<u32>>)> {
        let file = if path.is_file() {
            path.to_owned()
        } else {
            path.join(DATABASE_FILE)
        };
        let open = File::open(&file).map_err(Error::io("read", &file))?;
        let metadata = open.metadata().map_err(Error::io("read", &file))?;
        let database = LmdbFile::open(open).map_err(damaged(&file))?;
        let mut records = LmdbRecords {
            path: path.to_owned(),
            database,
            keys: Vec::new(),
            ends: Vec::new(),
            offsets: Vec::new(),
            lengths: Vec::new(),
            version: version(&metadata),
        };
        let labels = records.list()?;
        Ok((records, labels))
    }

    fn list(&mut self) -> Result<Option<Vec<u32>>> {
        let path = &self.path;
        let mut labels = Labels::default();
        let mut line = StatusLine::new();
        let mut cursor = self.database.cursor();
        while cursor.advance().map_err(damaged(path))? {
            check_stopped()?;
            let label = label(&mut cursor).map_err(damaged(path))?;
            labels.add(path, cursor.key(), label)?;
            self.keys.extend_from_slice(cursor.key());
            self.ends.push(self.keys.len());
            self.offsets.push(cursor.location().offset);
            self.lengths.push(cursor.location().length);
            line.update(|| format!("{}: {} records found", path.display(), self.ends.len()));
        }
        line.finish(|| format!("{}: {} records found", path.display(), self.ends.len()));
        labels.finish(path)
    }

    fn key(&self, i: usize) -> &[u8] {
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.keys[start..self.ends[i]]
    }

    fn record(&self, i: usize) -> std::result::Result<Vec<u8>, String> {
        let length = self.lengths[i];
        check_length(length)?;
        let offset = self.offsets[i];
        let record = self.database.value(Location { offset, length });
        // Places are those of the file that was listed. Compared after the read, so that a change
        // during it is noticed.
        let metadata = self.database.file().metadata();
        if metadata.is_ok_and(|metadata| version(&metadata) != self.version) {
            return Err("the database has changed since it was loaded. Load it again".into());
        }
        record.map_err(|error| format!("cannot read the record: {error}"))
    }
}

/// For `map_err`: names the file.
fn damaged(path: &Path) -> impl Fn(LmdbDamage) -> Error {
    move |damage| Error::file(path, EXPECTED, damage.got, damage.hint)
}

/// Longer records are unreadable, so that no file decides how much memory is taken.
fn check_length(length: u32) -> std::result::Result<(), String> {
    let fits = Limits::current().check_record(length.into());
    fits.map_err(|over| over.to_string())
}

/// A label, or the reason why the record is unreadable.
type Label = std::result::Result<Option<i64>, String>;

/// The label of a cursor's record.
fn label(cursor: &mut LmdbCursor<'_>) -> std::result::Result<Label, LmdbDamage> {
    let length = cursor.location().length;
    if let Err(reason) = check_length(length) {
        return Ok(Err(reason));
    }
    let record = without_pixels(cursor, length)?;
    Ok(Datum::parse(&record).map(|datum| datum.label))
}

/// The cursor's record. Pixels are left out if the record is long, so that a listing does not read
/// the whole file.
fn without_pixels<'a>(
    cursor: &'a mut LmdbCursor<'_>,
    length: u32,
) -> std::result::Result<Cow<'a, [u8]>, LmdbDamage> {
    let end = u64::from(length);
    if length > LONG_VALUE_BYTES {
        let head = cursor.value(0..HEAD_BYTES)?;
        let pixels = Datum::pixel_field(head).filter(|pixels| pixels.end <= end);
        if let Some(pixels) = pixels {
            let mut rest = head[..pixels.start as usize].to_vec();
            rest.extend_from_slice(cursor.value(pixels.end..end)?);
            return Ok(Cow::Owned(rest));
        }
    }
    cursor.value(0..end).map(Cow::Borrowed)
}

/// Labels of the records listed so far.
#[derive(Default)]
struct Labels {
    /// One per record; 0 if it has none.
    numbers: Vec<u32>,
    any: bool,
    unreadable: usize,
    first_reason: Option<String>,
}

impl Labels {
    fn add(&mut self, path: &Path, key: &[u8], label: Label) -> Result<()> {
        let label = label.unwrap_or_else(|reason| {
            self.unreadable += 1;
            self.first_reason.get_or_insert(reason);
            None
        });
        self.any |= label.is_some();
        let number = label.unwrap_or(0);
        self.numbers.push(u32::try_from(number).map_err(|_| {
            let got = format!("{number} in record {}", String::from_utf8_lossy(key));
            let hint = "Remove the records without a label";
            Error::file(path, "labels from 0 to 4294967295", got, hint)
        })?);
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<Option<Vec<u32>>> {
        if self.unreadable == self.numbers.len() {
            let got = self.first_reason.map_or("an empty one".into(), |reason| {
                format!("records of another kind ({reason})")
            });
            let hint = "Caffe's convert_imageset writes such a database";
            return Err(Error::file(path, EXPECTED, got, hint));
        }
        Ok(self.any.then_some(self.numbers))
    }
}

impl PhotoSource for LmdbRecords {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn name(&self, i: usize) -> PathBuf {
        self.path
            .join(String::from_utf8_lossy(self.key(i)).as_ref())
    }

    fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
        Datum::parse(&self.record(i)?)?.image()
    }

    fn origin(&self) -> Option<Origin> {
        let path = self.path.clone();
        Some(Origin::Lmdb { path })
    }

    fn version(&self, _: usize) -> String {
        self.version.clone()
    }
}
