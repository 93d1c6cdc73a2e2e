//! Reads runs and epochs.

use super::row::{NewRun, RunRow};
use super::schema::{LogError, open_to_read};
use crate::error::{Error, Result};
use rusqlite::{Connection, Row, params};
use std::path::Path;

/// Runs, newest first. `?1` is a folder, or NULL for all runs.
const SELECT_RUNS: &str = "
SELECT id, strftime('%Y-%m-%d %H:%M', started, 'localtime') AS started, folder, kind, settings, tags,
    architecture, layers, parameters, loss, data_name, images, image_shape, data_hash, device,
    version, process, ended,
    coalesce(seconds, (SELECT total(seconds) FROM epochs WHERE run = id)) AS seconds,
    (SELECT count(*) FROM epochs WHERE run = id) AS epochs,
    (SELECT train_loss FROM epochs WHERE run = id ORDER BY number DESC LIMIT 1) AS train_loss,
    (SELECT valid_loss FROM epochs WHERE run = id ORDER BY number DESC LIMIT 1) AS valid_loss,
    (SELECT min(coalesce(valid_loss, train_loss)) FROM epochs WHERE run = id) AS best_loss
FROM runs WHERE ?1 IS NULL OR folder = ?1 ORDER BY id DESC";

/// Reads the runs of a working folder, or all, newest first. A file that does not exist has none.
///
/// # Errors
/// A damaged file, or one of another version.
pub(crate) fn read_runs(path: &Path, folder: Option<&str>) -> Result<Vec<RunRow>> {
    read(path, |connection| {
        let mut select = connection.prepare(SELECT_RUNS)?;
        select.query_map(params![folder], run_row)?.collect()
    })
}

/// Reads the epochs of a run as JSON, in order.
///
/// # Errors
/// As [`read_runs`].
pub(crate) fn read_epochs(path: &Path, run: u64) -> Result<Vec<String>> {
    let sql = "SELECT json FROM epochs WHERE run = ?1 ORDER BY number";
    read(path, |connection| {
        let mut select = connection.prepare(sql)?;
        select.query_map([run as i64], |row| row.get(0))?.collect()
    })
}

fn read<T>(path: &Path, query: impl Fn(&Connection) -> rusqlite::Result<Vec<T>>) -> Result<Vec<T>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let rows = || -> std::result::Result<Vec<T>, LogError> { Ok(query(&open_to_read(path)?)?) };
    rows().map_err(|error| {
        let hint = "If it is damaged, move it away: the next run begins a new one";
        Error::file(path, "a run log that can be read", error.reason(), hint)
    })
}

fn run_row(row: &Row) -> rusqlite::Result<RunRow> {
    let count = |name| -> rusqlite::Result<u64> { Ok(row.get::<_, i64>(name)?.max(0) as u64) };
    Ok(RunRow {
        id: count("id")?,
        started: row.get::<_, Option<String>>("started")?.unwrap_or_default(),
        run: NewRun {
            folder: row.get("folder")?,
            kind: row.get("kind")?,
            settings: row.get("settings")?,
            tags: row.get("tags")?,
            architecture: row.get("architecture")?,
            layers: row.get("layers")?,
            parameters: count("parameters")?,
            loss: row.get("loss")?,
            data_name: row.get("data_name")?,
            images: count("images")?,
            image_shape: row.get("image_shape")?,
            device: row.get("device")?,
        },
        data_hash: row.get("data_hash")?,
        version: row.get("version")?,
        process: count("process")?,
        ended: row.get("ended")?,
        seconds: row.get("seconds")?,
        epochs: count("epochs")?,
        train_loss: row.get("train_loss")?,
        valid_loss: row.get("valid_loss")?,
        best_loss: row.get("best_loss")?,
    })
}
