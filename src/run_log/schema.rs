//! The file's tables.

use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Version of the tables, in the file's `user_version`.
const VERSION: i64 = 1;

/// Longest time to wait for another program that writes.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started TEXT NOT NULL,        -- UTC
    folder TEXT NOT NULL,
    kind TEXT NOT NULL,           -- fit or resume
    settings TEXT NOT NULL,       -- JSON
    tags TEXT NOT NULL,           -- JSON
    architecture TEXT NOT NULL,   -- JSON
    layers TEXT NOT NULL,
    parameters INTEGER NOT NULL,
    loss TEXT NOT NULL,
    data_name TEXT NOT NULL,
    images INTEGER NOT NULL,
    image_shape TEXT NOT NULL,
    data_hash TEXT,
    device TEXT NOT NULL,
    version TEXT NOT NULL,
    process INTEGER NOT NULL,
    ended TEXT,                   -- finished, stopped, or the error
    seconds REAL
);
CREATE TABLE IF NOT EXISTS epochs (
    run INTEGER NOT NULL REFERENCES runs(id),
    number INTEGER NOT NULL,
    train_loss REAL NOT NULL,
    valid_loss REAL,
    seconds REAL NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
";

/// Why the file cannot be read or written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LogError {
    /// Another program writes.
    Busy,
    /// Any other reason, in words.
    Other(String),
}

impl LogError {
    /// The reason in words.
    pub(super) fn reason(self) -> String {
        match self {
            LogError::Busy => "another program has locked it".into(),
            LogError::Other(reason) => reason,
        }
    }
}

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> Self {
        let busy = [ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked];
        match (error.sqlite_error_code(), error) {
            (Some(code), _) if busy.contains(&code) => LogError::Busy,
            // SQLite's message alone: the caller names the file.
            (_, rusqlite::Error::SqliteFailure(_, Some(message))) => LogError::Other(message),
            (_, error) => LogError::Other(error.to_string()),
        }
    }
}

/// Opens the file to write, and creates it with its folder if it does not exist.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, LogError> {
    if let Some(folder) = path.parent() {
        let created = create_private_folder(folder);
        created.map_err(|error| LogError::Other(error.to_string()))?;
    }
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    if version(&connection)? == 0 {
        create_tables(&connection)?;
    }
    check_version(&connection)?;
    Ok(connection)
}

/// Opens an existing file to read.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    check_version(&connection)?;
    Ok(connection)
}

/// Creates the tables. The journal is SQLite's default: write-ahead logs need shared memory, which
/// network file systems do not have, and notebooks write a few rows per second at most.
fn create_tables(connection: &Connection) -> Result<(), LogError> {
    // Locked from its start, so that of two notebooks the second one waits and finds them.
    let create = format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;");
    Ok(connection.execute_batch(&create)?)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn check_version(connection: &Connection) -> Result<(), LogError> {
    match version(connection)? {
        VERSION => Ok(()),
        other => Err(LogError::Other(format!(
            "tables of version {other} in place of {VERSION}: another version of candlebook wrote it"
        ))),
    }
}

/// Creates a folder that only its user may enter, as that of the cells' history.
fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_has_the_tables_and_an_old_one_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/runs.sqlite");
        assert!(open_to_read(&path).is_err());
        let insert = "INSERT INTO epochs VALUES (1, 1, 0.5, NULL, 2.0, '{}')";
        let insert = format!("PRAGMA foreign_keys = OFF; {insert}");
        open_to_write(&path)
            .unwrap()
            .execute_batch(&insert)
            .unwrap();
        open_to_write(&path).unwrap();
        let count = |connection: &Connection| -> i64 {
            let sql = "SELECT count(*) FROM epochs";
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count(&open_to_read(&path).unwrap()), 1);
    }

    #[test]
    fn files_of_other_versions_and_other_files_are_rejected_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        let connection = open_to_write(&path).unwrap();
        connection.execute_batch("PRAGMA user_version = 9").unwrap();
        for opened in [open_to_read(&path), open_to_write(&path)] {
            let error = opened.unwrap_err().reason();
            assert!(
                error.starts_with("tables of version 9 in place of 1"),
                "{error}"
            );
        }
        std::fs::write(&path, "no database ".repeat(100)).unwrap();
        let error = open_to_write(&path).unwrap_err().reason();
        assert_eq!(error, "file is not a database");
    }
}
