//! Records of an LMDB database, read one at a time. The keys are held in memory, the images never.

use crate::cell::check_stopped;
use crate::data::photo::datum::Datum;
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
use std::time::UNIX_EPOCH;

/// The file of a database.
pub(crate) const DATABASE_FILE: &str = "data.mdb";
const EXPECTED: &str = "an LMDB database of Caffe's records";

/// The records of a database.
pub(crate) struct LmdbRecords {
    path: PathBuf,
    database: Arc<Database>,
    /// All keys, one behind the other, and where each ends.
    keys: Vec<u8>,
    ends: Vec<usize>,
    version: String,
}

impl std::fmt::Debug for LmdbRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} records of {}", self.ends.len(), self.path.display())
    }
}

impl LmdbRecords {
    /// Opens a database and lists its keys and labels; there are labels where any record has one.
    pub(crate) fn open(path: &Path) -> Result<(LmdbRecords, Option<Vec<u32>>)> {
        let file = if path.is_file() {
            path.to_owned()
        } else {
            path.join(DATABASE_FILE)
        };
        let version = check(&file)?;
        let database = Database::shared(&file)?;
        let mut records = LmdbRecords {
            path: path.to_owned(),
            database,
            keys: Vec::new(),
            ends: Vec::new(),
            version,
        };
        let labels = records.list()?;
        Ok((records, labels))
    }

    fn list(&mut self) -> Result<Option<Vec<u32>>> {
        let path = self.path.clone();
        let wrong = |error: heed::Error| {
            Error::file(&path, EXPECTED, error, "Check that the copy is whole")
        };
        let database = self.database.clone();
        let (mut labels, mut labelled, mut damaged) = (Vec::new(), false, None);
        let mut bad = 0;
        let mut line = StatusLine::new();
        let reading = database.env.read_txn().map_err(wrong)?;
        for record in database
            .records
            .iter(&reading)
            .map_err(wrong)?
            .move_between_keys()
        {
            check_stopped()?;
            let (key, record) = record.map_err(wrong)?;
            let label = Datum::parse(record)
                .map(|datum| datum.label)
                .unwrap_or_else(|reason| {
                    bad += 1;
                    damaged.get_or_insert(reason);
                    None
                });
            labelled |= label.is_some();
            labels.push(u32::try_from(label.unwrap_or(0)).map_err(|_| {
                let got = format!("{} of {}", label.unwrap_or(0), String::from_utf8_lossy(key));
                Error::file(
                    &path,
                    "labels from 0 to 4294967295",
                    got,
                    "Leave out what has no label",
                )
            })?);
            self.keys.extend_from_slice(key);
            self.ends.push(self.keys.len());
            line.update(|| format!("{}: {} records found", path.display(), labels.len()));
        }
        line.finish(|| format!("{}: {} records found", path.display(), labels.len()));
        if bad == labels.len() {
            let got = damaged.map_or("an empty one".into(), |reason| {
                format!("records of another kind ({reason})")
            });
            return Err(Error::file(
                &path,
                EXPECTED,
                got,
                "Caffe's convert_imageset writes such a database",
            ));
        }
        Ok(labelled.then_some(labels))
    }

    fn key(&self, i: usize) -> &[u8] {
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.keys[start..self.ends[i]]
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
        let reading = self
            .database
            .env
            .read_txn()
            .map_err(|error| error.to_string())?;
        let record = self
            .database
            .records
            .get(&reading, self.key(i))
            .map_err(|error| error.to_string())?;
        Datum::parse(record.ok_or("a record that is gone")?)?.picture()
    }

    fn version(&self, _: usize) -> String {
        self.version.clone()
    }
}

/// A database that is open.
struct Database {
    env: Env<WithoutTls>,
    records: heed::Database<'static, Bytes, Bytes>,
}

impl Database {
    /// The database of a file. LMDB opens each file once in a process: a cell that runs again shares what is open.
    fn shared(file: &Path) -> Result<Arc<Database>> {
        static OPEN: Mutex<BTreeMap<PathBuf, Weak<Database>>> = Mutex::new(BTreeMap::new());
        let real = file.canonicalize().map_err(Error::io("read", file))?;
        let mut open = lock(&OPEN);
        if let Some(database) = open.get(&real).and_then(Weak::upgrade) {
            return Ok(database);
        }
        let wrong =
            |error: heed::Error| Error::file(file, EXPECTED, error, "Check that the copy is whole");
        let env = map(&real).map_err(wrong)?;
        let reading = env.read_txn().map_err(wrong)?;
        let records = env
            .open_databases_and_commit(reading, |opener, reading| {
                opener
                    .open_database::<Bytes, Bytes>(reading, None)
                    .map(CommitOrAbort::<_, ()>::Commit)
            })
            .map_err(wrong)?
            .commit()
            .flatten()
            .ok_or_else(|| {
                Error::file(
                    file,
                    EXPECTED,
                    "one without records",
                    "Check that the copy is whole",
                )
            })?;
        let database = Arc::new(Database { env, records });
        open.insert(real, Arc::downgrade(&database));
        Ok(database)
    }
}

/// Maps a database file into memory, for reading.
fn map(file: &Path) -> heed::Result<Env<WithoutTls>> {
    // SAFETY: pages of the file are read as memory, which holds as long as nobody writes to it: it is opened for reading, and
    // `lmdb_folder` says that no other program may write. Without a lock file, which needs a folder that can be written,
    // nothing would keep them apart. `check` has found that the file is whole; what its pages say of each other LMDB believes.
    unsafe {
        EnvOpenOptions::new()
            .read_txn_without_tls()
            .flags(EnvFlags::READ_ONLY | EnvFlags::NO_LOCK | EnvFlags::NO_SUB_DIR)
            .open(file)
    }
}

/// Finds what is no database, or is cut off: LMDB would take it at its word. Gives what changes when the file does.
fn check(file: &Path) -> Result<String> {
    const MAGIC: u32 = 0xBEEF_C0DE;
    let hint = "Check that the copy is whole";
    let mut from = std::fs::File::open(file).map_err(Error::io("read", file))?;
    let known = from.metadata().map_err(Error::io("read", file))?;
    let mut first = [0; 152];
    let read = from.read_exact(&mut first);
    let number = |meta: &[u8], at: usize| {
        u32::from_le_bytes([meta[at], meta[at + 1], meta[at + 2], meta[at + 3]])
    };
    if read.is_err() || number(&first, 16) != MAGIC {
        return Err(Error::file(file, EXPECTED, "a file of another kind", hint));
    }
    // The second of the two heads is on the second page. Each says which page is the last.
    let page = u64::from(number(&first, 40));
    if !(page.is_power_of_two() && (512..=1 << 16).contains(&page)) {
        return Err(Error::file(
            file,
            EXPECTED,
            format!("one with pages of {page} bytes"),
            hint,
        ));
    }
    let mut second = [0; 152];
    let read = from.read_exact_at(&mut second, page);
    let last = |meta: &[u8]| u64::from(number(meta, 136)) | u64::from(number(meta, 140)) << 32;
    let needed = last(&first)
        .max(last(&second))
        .checked_add(1)
        .and_then(|pages| pages.checked_mul(page));
    if read.is_err() || needed.is_none_or(|needed| needed > known.len()) {
        let needed = needed.map_or("many more".into(), |needed| needed.to_string());
        return Err(Error::file(
            file,
            format!("{needed} bytes"),
            known.len(),
            hint,
        ));
    }
    let time = known
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(format!(
        "{} {}",
        known.len(),
        time.map_or(0, |time| time.as_nanos())
    ))
}
