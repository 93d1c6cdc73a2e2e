//! Tables of texts: CSV with a header, read by the `csv` crate.

use crate::error::{Error, Result};
use crate::file::read::read_file;
use csv::{ReaderBuilder, StringRecord};
use std::path::Path;

const MAX_FILE_BYTES: u64 = 16 << 20;
const MAX_COLUMNS: usize = 1000;
const MAX_ROWS: usize = 100_000;

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
    /// A file that cannot be read; too many bytes, columns or rows; a line with another number of
    /// fields; text that is not UTF-8.
    pub(crate) fn read(path: &Path) -> Result<CsvRows> {
        let bytes = read_file(path, MAX_FILE_BYTES)?;
        let mut reader = ReaderBuilder::new().from_reader(bytes.as_slice());
        let damaged = |error: csv::Error| {
            let expected = "a table with a header, as `candlebook sweep` writes it";
            let hint = "Run the sweep again: finished notebooks are kept";
            Error::file(path, expected, error, hint)
        };
        let names = reader.headers().map_err(damaged)?;
        check(path, "columns", names.len(), MAX_COLUMNS)?;
        let names = names.iter().map(str::to_owned).collect();
        let rows = reader.records().take(MAX_ROWS + 1);
        let rows: csv::Result<Vec<StringRecord>> = rows.collect();
        let rows = rows.map_err(damaged)?;
        check(path, "rows", rows.len(), MAX_ROWS)?;
        Ok(CsvRows { names, rows })
    }
}

/// Bounds the memory of a table: a field of one byte takes many more.
fn check(path: &Path, what: &str, count: usize, max: usize) -> Result<()> {
    if count <= max {
        return Ok(());
    }
    let hint = "Check that it is the right file";
    Err(Error::file(
        path,
        format!("at most {max} {what}"),
        "more",
        hint,
    ))
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
        let wide = read(&[b','; 1000]).unwrap_err().to_string();
        assert!(wide.contains("at most 1000 columns, got more"), "{wide}");
        let long = read(&b"a\n".repeat(100_002)).unwrap_err().to_string();
        assert!(long.contains("at most 100000 rows, got more"), "{long}");
    }
}
