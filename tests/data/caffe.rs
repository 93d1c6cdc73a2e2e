//! Databases of Caffe's records, written by the LMDB library.

use heed::types::Bytes;
use heed::{CommitOrAbort, CompactionOption, Env, EnvOpenOptions};
use std::path::Path;

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A `Datum` of (channels, height, width); an encoded one has no shape.
pub fn datum(shape: [u64; 3], data: &[u8], label: Option<i64>, encoded: bool) -> Vec<u8> {
    let mut record = Vec::new();
    for (key, value) in [8, 16, 24].into_iter().zip(shape).filter(|_| !encoded) {
        record.push(key);
        record.extend(varint(value));
    }
    record.push(34);
    record.extend([varint(data.len() as u64), data.to_vec()].concat());
    if let Some(label) = label {
        record.extend([vec![40], varint(label as u64)].concat());
    }
    if encoded {
        record.extend([56, 1]);
    }
    record
}

/// A record of 4 x 6 pixels of one color, as blue, green and red planes.
pub fn pixels(color: [u8; 3], label: Option<i64>) -> Vec<u8> {
    pixels_of([4, 6], color, label)
}

/// A record of pixels of one color.
pub fn pixels_of([h, w]: [usize; 2], [r, g, b]: [u8; 3], label: Option<i64>) -> Vec<u8> {
    let planes = [b, g, r].map(|value| vec![value; h * w]).concat();
    datum([3, h as u64, w as u64], &planes, label, false)
}

/// The key that `write` gives a record.
pub fn key(i: usize) -> Vec<u8> {
    format!("{i:08}_n01/{i}.JPEG").into_bytes()
}

/// A database that is being written.
pub struct Writer {
    env: Env,
    database: heed::Database<'static, Bytes, Bytes>,
}

impl Writer {
    pub fn create(folder: &Path) -> Writer {
        Writer::named(folder, None)
    }

    pub fn named(folder: &Path, name: Option<&str>) -> Writer {
        std::fs::create_dir_all(folder).unwrap();
        // SAFETY: no other program uses the new folder.
        #[allow(unsafe_code)]
        let env = unsafe {
            EnvOpenOptions::new()
                .map_size(1 << 30)
                .max_dbs(1)
                .open(folder)
                .unwrap()
        };
        let database = env
            .create_databases_and_commit(env.write_txn().unwrap(), |opener, writing| {
                opener
                    .create_database::<Bytes, Bytes>(writing, name)
                    .map(CommitOrAbort::<_, ()>::Commit)
            })
            .unwrap()
            .unwrap_commit();
        Writer { env, database }
    }

    /// Writes records in one transaction.
    pub fn put(&self, records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        let mut writing = self.env.write_txn().unwrap();
        for (key, record) in records {
            self.database.put(&mut writing, &key, &record).unwrap();
        }
        writing.commit().unwrap();
    }

    /// Deletes records in one transaction.
    pub fn delete(&self, keys: impl IntoIterator<Item = Vec<u8>>) {
        let mut writing = self.env.write_txn().unwrap();
        for key in keys {
            assert!(self.database.delete(&mut writing, &key).unwrap());
        }
        writing.commit().unwrap();
    }

    /// All values in the order of their keys, as the library reads them.
    pub fn values(&self) -> Vec<Vec<u8>> {
        let reading = self.env.read_txn().unwrap();
        let records = self.database.iter(&reading).unwrap();
        records.map(|record| record.unwrap().1.to_vec()).collect()
    }

    /// The depth of the tree, and its overflow pages.
    pub fn depth_and_overflow_pages(&self) -> (u32, usize) {
        let reading = self.env.read_txn().unwrap();
        let statistics = self.database.stat(&reading).unwrap();
        (statistics.depth, statistics.overflow_pages)
    }

    /// Writes a copy without free pages.
    pub fn compact(&self, file: &Path) {
        let option = CompactionOption::Enabled;
        self.env.copy_to_path(file, option).unwrap();
    }

    /// Closes the database and removes its lock file.
    pub fn close(self, folder: &Path) {
        self.env.prepare_for_closing().wait();
        std::fs::remove_file(folder.join("lock.mdb")).unwrap();
    }
}

/// Writes a database as Caffe does.
pub fn write(folder: &Path, records: &[Vec<u8>]) {
    let writer = Writer::create(folder);
    let numbered = records.iter().enumerate();
    writer.put(numbered.map(|(i, record)| (key(i), record.clone())));
    writer.close(folder);
}
