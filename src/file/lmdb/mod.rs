//! LMDB databases, read-only: the records of the main database, in the order of their keys.
//!
//! The file is read, not mapped into memory, so that a damaged or shortened one is an error and not
//! a signal that ends the process. Every offset, length and count is checked before it is used.
//!
//! Format: data version 1 of the LMDB library (Howard Chu, Symas), with 64-bit page numbers,
//! little-endian. Pages 0 and 1 are meta pages, written in turns by the transactions. The newer one
//! names the root of a B+ tree. Its branch pages hold page numbers, its leaf pages keys and values.
//! A large value is on pages of its own, its overflow pages.

mod damage;
mod bytes;
mod meta;
mod page;
mod blocks;
mod cursor;

pub(crate) use cursor::{LONG_VALUE_BYTES, LmdbCursor, Location};
pub(crate) use damage::LmdbDamage;

#[cfg(test)]
mod tests;

use meta::Meta;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// An open database. Threads can share it.
#[derive(Debug)]
pub(crate) struct LmdbFile {
    file: File,
    meta: Meta,
}

impl LmdbFile {
    /// Reads the meta pages.
    ///
    /// # Errors
    /// If the file is not a complete database of the supported layout.
    pub(crate) fn open(file: File) -> Result<LmdbFile, LmdbDamage> {
        let meta = Meta::read(&file)?;
        Ok(LmdbFile { file, meta })
    }

    /// The open file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// A cursor before the first record.
    pub(crate) fn cursor(&self) -> LmdbCursor<'_> {
        LmdbCursor::new(&self.file, &self.meta)
    }

    /// Reads a value that a cursor found.
    ///
    /// # Errors
    /// If it cannot be read, because the file became shorter, for example.
    pub(crate) fn value(&self, location: Location) -> std::io::Result<Vec<u8>> {
        let mut value = vec![0; location.length as usize];
        self.file.read_exact_at(&mut value, location.offset)?;
        Ok(value)
    }
}
