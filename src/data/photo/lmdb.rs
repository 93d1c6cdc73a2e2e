//! [`LmdbRecords`]: photographs in an LMDB database, read one at a time.
//!
//! Keys are held in memory, images are not.

use crate::cell::check_stopped;
use crate::data::photo::datum::Datum;
use crate::data::photo::files::version;
use crate::data::photo::source::PhotoSource;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::show::StatusLine;
use heed::types::Bytes;
use heed::{CommitOrAbort, Env, EnvFlags, EnvOpenOptions, WithoutTls};
use image::RgbImage;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

/// File name of a database.
pub(crate) const DATABASE_FILE: &str = "data.mdb";
const EXPECTED: &str = "an LMDB database of Caffe's records";
const CHECK_COPY: &str = "Check that the copy is complete";

/// The records of a database.
pub(crate) struct LmdbRecords {
    path: PathBuf,
    database: Arc<Database>,
    /// All keys, concatenated.
    keys: Vec<u8>,
    /// The end of each key in `keys`.
    ends: Vec<usize>,
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
        let version = check(&file)?;
        let mut records = LmdbRecords {
            path: path.to_owned(),
            database: Database::shared(&file)?,
            keys: Vec::new(),
            ends: Vec::new(),
            version,
        };
        let labels = records.list()?;
        Ok((records, labels))
    }

    fn list(&mut self) -> Result<Option<Vec<u32>>> {
        let path = self.path.clone();
        let damaged = |error: heed::Error| Error::file(&path, EXPECTED, error, CHECK_COPY);
        let database = self.database.clone();
        let mut labels = Labels::default();
        let mut line = StatusLine::new();
        let transaction = database.env.read_txn().map_err(damaged)?;
        let records = database
            .records
            .iter(&transaction)
            .map_err(damaged)?
            .move_between_keys();
        for record in records {
            check_stopped()?;
            let (key, record) = record.map_err(damaged)?;
            labels.add(&path, key, record)?;
            self.keys.extend_from_slice(key);
            self.ends.push(self.keys.len());
            line.update(|| format!("{}: {} records found", path.display(), self.ends.len()));
        }
        line.finish(|| format!("{}: {} records found", path.display(), self.ends.len()));
        labels.finish(&path)
    }

    fn key(&self, i: usize) -> &[u8] {
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.keys[start..self.ends[i]]
    }
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
    fn add(&mut self, path: &Path, key: &[u8], record: &[u8]) -> Result<()> {
        let label = match Datum::parse(record) {
            Ok(datum) => datum.label,
            Err(reason) => {
                self.unreadable += 1;
                self.first_reason.get_or_insert(reason);
                None
            }
        };
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
        let text = |error: heed::Error| error.to_string();
        let transaction = self.database.env.read_txn().map_err(text)?;
        let record = self
            .database
            .records
            .get(&transaction, self.key(i))
            .map_err(text)?;
        Datum::parse(record.ok_or("a removed record")?)?.image()
    }

    fn version(&self, _: usize) -> String {
        self.version.clone()
    }
}

/// An open database.
struct Database {
    env: Env<WithoutTls>,
    records: heed::Database<'static, Bytes, Bytes>,
}

impl Database {
    /// The database of a file. LMDB can open a file only once per process, so a cell that runs
    /// again shares the open one.
    fn shared(file: &Path) -> Result<Arc<Database>> {
        static OPEN: Mutex<BTreeMap<PathBuf, Weak<Database>>> = Mutex::new(BTreeMap::new());
        let real = file.canonicalize().map_err(Error::io("read", file))?;
        let mut open = lock(&OPEN);
        if let Some(database) = open.get(&real).and_then(Weak::upgrade) {
            return Ok(database);
        }
        let database = Arc::new(Database::open(file, &real)?);
        open.insert(real, Arc::downgrade(&database));
        Ok(database)
    }

    fn open(file: &Path, real: &Path) -> Result<Database> {
        let damaged = |error: heed::Error| Error::file(file, EXPECTED, error, CHECK_COPY);
        let env = map(real).map_err(damaged)?;
        let transaction = env.read_txn().map_err(damaged)?;
        let records = env
            .open_databases_and_commit(transaction, |opener, transaction| {
                opener
                    .open_database::<Bytes, Bytes>(transaction, None)
                    .map(CommitOrAbort::<_, ()>::Commit)
            })
            .map_err(damaged)?
            .commit()
            .flatten()
            .ok_or_else(|| Error::file(file, EXPECTED, "one without records", CHECK_COPY))?;
        Ok(Database { env, records })
    }
}

/// Maps a database file into memory, read-only.
fn map(file: &Path) -> heed::Result<Env<WithoutTls>> {
    // SAFETY: the mapped pages are valid while no other process writes to the file. It is opened
    // read-only, and the docs of `lmdb_folder` forbid other writers: without a lock file, which
    // needs a writable folder, nothing else keeps them out. `check` has verified that the file is
    // complete; LMDB trusts the references between its pages.
    #[allow(unsafe_code)]
    unsafe {
        EnvOpenOptions::new()
            .read_txn_without_tls()
            .flags(EnvFlags::READ_ONLY | EnvFlags::NO_LOCK | EnvFlags::NO_SUB_DIR)
            .open(file)
    }
}

/// One of the two meta pages at the start of a database, little-endian.
struct MetaPage([u8; 152]);

impl MetaPage {
    const MAGIC: u32 = 0xBEEF_C0DE;

    fn u32(&self, at: usize) -> u32 {
        let bytes = &self.0;
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    }

    fn magic(&self) -> u32 {
        self.u32(16)
    }

    fn page_size(&self) -> u64 {
        u64::from(self.u32(40))
    }

    fn last_page(&self) -> u64 {
        u64::from(self.u32(136)) | u64::from(self.u32(140)) << 32
    }
}

/// Rejects files that are not a database or are truncated, which LMDB would not notice. Returns the
/// file's version.
fn check(file: &Path) -> Result<String> {
    let mut from = std::fs::File::open(file).map_err(Error::io("read", file))?;
    let metadata = from.metadata().map_err(Error::io("read", file))?;
    let mut first = MetaPage([0; 152]);
    let read = from.read_exact(&mut first.0);
    if read.is_err() || first.magic() != MetaPage::MAGIC {
        return Err(Error::file(
            file,
            EXPECTED,
            "another file format",
            CHECK_COPY,
        ));
    }
    let page = first.page_size();
    if !(page.is_power_of_two() && (512..=1 << 16).contains(&page)) {
        let got = format!("one with pages of {page} bytes");
        return Err(Error::file(file, EXPECTED, got, CHECK_COPY));
    }
    let mut second = MetaPage([0; 152]);
    let read = from.read_exact_at(&mut second.0, page);
    // Both meta pages name the last page.
    let pages = first.last_page().max(second.last_page()).checked_add(1);
    let needed = pages.and_then(|pages| pages.checked_mul(page));
    if read.is_err() || needed.is_none_or(|needed| needed > metadata.len()) {
        let needed = needed.map_or("many more".into(), |needed| needed.to_string());
        let expected = format!("{needed} bytes");
        return Err(Error::file(file, expected, metadata.len(), CHECK_COPY));
    }
    Ok(version(&metadata))
}
