//! Tables of texts: CSV with a header, read by the `csv` crate.

use crate::error::{Error, Result};
use crate::file::read::read_file;
use csv::{ReaderBuilder, StringRecord};
use std::path::Path;

/// Bounds the memory of a table: a field of one byte takes 24 bytes more.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The rows of a table, as texts.
#[derive(Debug)]
pub(crate) struct CsvRows {
    /// Names of the columns.
    pub(crate) names: Vec<String>,
    /// Rows with one field for each name.
    pub(crate) rows: Vec<StringRecord>,
}

impl CsvRows {
    /// Reads a file whose first line has the names of the columns.
    ///
    /// # Errors
    /// A file that cannot be read or is too large; a line with another number of fields; text that
    /// is not UTF-8.
    pub(crate) fn read(path: &Path) -> Result<CsvRows> {
        let bytes = read_file(path, MAX_FILE_BYTES)?;
        let mut reader = ReaderBuilder::new().from_reader(bytes.as_slice());
        let damaged = |error: csv::Error| {
            let expected = "a table with a header, as `candlebook sweep` writes it";
            let hint = "Run the sweep again: finished notebooks are kept";
            Error::file(path, expected, error, hint)
        };
        let names = reader.headers().map_err(damaged)?;
        let names = names.iter().map(str::to_owned).collect();
        let rows = reader.records().collect::<csv::Result<_>>();
        Ok(CsvRows {
            names,
            rows: rows.map_err(damaged)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<CsvRows> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        CsvRows::read(&path)
    }

    #[test]
    fn quoted_fields_are_read_and_other_lengths_are_rejected() {
        let table = read(b"a,b\n\"1,\"\"2\"\"\",x\n").unwrap();
        assert_eq!(table.names, ["a", "b"]);
        assert_eq!(table.rows, [StringRecord::from(vec!["1,\"2\"", "x"])]);
        for text in [&b"a,b\n1\n"[..], b"a,b\n\xff,1\n"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("expected a table with a header"), "{error}");
        }
        assert!(read(b"").unwrap().names.is_empty());
    }
}
