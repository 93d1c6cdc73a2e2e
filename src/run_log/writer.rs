//! The thread that writes a run.

use super::row::{Ending, EpochRow, NewRun};
use super::schema::{BUSY_TIMEOUT, LogError, open_to_write};
use crate::data::Split;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longest wait for the file at the end of a run: for a try that has begun, and the last one.
const MAX_WAIT: Duration = BUSY_TIMEOUT.saturating_mul(3);

/// What training tells the thread.
enum Message {
    Epoch(EpochRow),
    End(Ending),
}

/// Number of the run, or why it is not recorded.
type Written = Result<u64, String>;

/// Writes a run on a thread of its own. Dropped without [`RunWriter::end`], it leaves a run that
/// did not say its end.
#[derive(Debug)]
pub(crate) struct RunWriter {
    messages: Sender<Message>,
    written: Receiver<Written>,
}

impl RunWriter {
    /// Begins a run on these training images.
    pub(crate) fn begin(path: PathBuf, run: NewRun, images: Split) -> Self {
        let (messages, received) = channel();
        let (sender, written) = channel();
        // Without a thread, the end of the run reports that it is not recorded.
        let _ = std::thread::Builder::new()
            .name("candlebook-run-log".into())
            .spawn(move || {
                let thread = WriterThread::new(path, run);
                // The run has ended if nobody receives it.
                let _ = sender.send(thread.write(&images, &received));
            });
        RunWriter { messages, written }
    }

    /// Adds a finished epoch. Returns at once.
    pub(crate) fn epoch(&self, row: EpochRow) {
        // The thread is gone if the file cannot be written, which the end reports.
        let _ = self.messages.send(Message::Epoch(row));
    }

    /// Ends the run, and returns its number.
    ///
    /// # Errors
    /// Why the run is not recorded, or not all of it.
    pub(crate) fn end(self, ending: Ending) -> Written {
        let _ = self.messages.send(Message::End(ending));
        let written = self.written.recv_timeout(MAX_WAIT);
        written.unwrap_or_else(|_| Err("the file system does not answer".into()))
    }
}

/// State of the thread.
struct WriterThread {
    path: PathBuf,
    run: NewRun,
    /// The open file and the run's number in it, after the first successful write.
    opened: Option<(Connection, i64)>,
    /// What is not written yet.
    pending: Pending,
}

/// Rows and values that wait for the file.
#[derive(Default)]
struct Pending {
    data_hash: Option<String>,
    epochs: Vec<EpochRow>,
    ending: Option<Ending>,
}

impl Pending {
    fn take(&mut self, message: Message) {
        match message {
            Message::Epoch(row) => self.epochs.push(row),
            Message::End(ending) => self.ending = Some(ending),
        }
    }

    fn write(&self, transaction: &Transaction, id: i64) -> rusqlite::Result<()> {
        if let Some(hash) = &self.data_hash {
            let sql = "UPDATE runs SET data_hash = ?2 WHERE id = ?1";
            transaction.execute(sql, params![id, hash])?;
        }
        let mut insert = transaction.prepare(INSERT_EPOCH)?;
        for row in &self.epochs {
            let EpochRow {
                number,
                train_loss,
                valid_loss,
                seconds,
                json,
            } = row;
            insert.execute(params![
                id,
                *number as i64,
                train_loss,
                valid_loss,
                seconds,
                json
            ])?;
        }
        if let Some(Ending { reason, seconds }) = &self.ending {
            let sql = "UPDATE runs SET ended = ?2, seconds = ?3 WHERE id = ?1";
            transaction.execute(sql, params![id, reason, seconds])?;
        }
        Ok(())
    }
}

impl WriterThread {
    fn new(path: PathBuf, run: NewRun) -> Self {
        WriterThread {
            path,
            run,
            opened: None,
            pending: Pending::default(),
        }
    }

    /// Writes rows as they arrive, until the end of the run.
    fn write(mut self, images: &Split, messages: &Receiver<Message>) -> Written {
        self.write_pending()?;
        // Stop ends it, and the run has no hash.
        self.pending.data_hash = images.fingerprint().ok().map(|print| print.hash());
        while self.pending.ending.is_none() {
            let Ok(message) = messages.recv() else {
                break; // The run was dropped.
            };
            self.pending.take(message);
            // Short epochs share a transaction.
            messages
                .try_iter()
                .for_each(|message| self.pending.take(message));
            if self.write_pending()? {
                return self.number();
            }
        }
        self.number()
    }

    fn number(&self) -> Written {
        let opened = self.opened.as_ref().map(|(_, id)| *id as u64);
        opened.ok_or_else(|| LogError::Busy.reason())
    }

    /// Writes what is pending. If another program writes, it stays pending until the next call.
    /// Returns true after the end of the run.
    fn write_pending(&mut self) -> Result<bool, String> {
        let ended = self.pending.ending.is_some();
        match self.try_write() {
            Ok(()) => self.pending = Pending::default(),
            Err(LogError::Busy) if !ended => {}
            Err(error) => return Err(error.reason()),
        }
        Ok(ended)
    }

    fn try_write(&mut self) -> Result<(), LogError> {
        if self.opened.is_none() {
            let connection = open_to_write(&self.path)?;
            let id = insert_run(&connection, &self.run)?;
            self.opened = Some((connection, id));
        }
        if let Some((connection, id)) = &mut self.opened {
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior)?;
            self.pending.write(&transaction, *id)?;
            transaction.commit()?;
        }
        Ok(())
    }
}

/// A resumed run sends epochs that it has sent before.
const INSERT_EPOCH: &str = "INSERT OR REPLACE INTO epochs VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const INSERT_RUN: &str = "
INSERT INTO runs (started, folder, kind, settings, tags, architecture, layers, parameters, loss,
    data_name, images, image_shape, device, version, process)
VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
    ?13, ?14)";

/// Returns the number of the new row.
fn insert_run(connection: &Connection, run: &NewRun) -> rusqlite::Result<i64> {
    let values = params![
        run.folder,
        run.kind,
        run.settings,
        run.tags,
        run.architecture,
        run.layers,
        run.parameters as i64,
        run.loss,
        run.data_name,
        run.images as i64,
        run.image_shape,
        run.device,
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
    ];
    connection.execute(INSERT_RUN, values)?;
    Ok(connection.last_insert_rowid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_log::{read_epochs, read_runs};

    fn images() -> Split {
        Split::from_bytes(vec![0, 51, 255, 102], (1, 1, 2), None).unwrap()
    }

    fn epoch(number: u64, valid_loss: Option<f64>) -> EpochRow {
        EpochRow {
            number,
            train_loss: 0.5 / number as f64,
            valid_loss,
            seconds: 2.0,
            json: format!("{{\"epoch\":{number}}}"),
        }
    }

    fn ending() -> Ending {
        Ending {
            reason: "finished".into(),
            seconds: 7.5,
        }
    }

    fn begin(path: &std::path::Path, name: &str) -> RunWriter {
        let run = NewRun {
            data_name: name.into(),
            folder: "/project".into(),
            ..Default::default()
        };
        RunWriter::begin(path.to_owned(), run, images())
    }

    #[test]
    fn a_run_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        assert!(read_runs(&path, None).unwrap().is_empty());
        let writer = begin(&path, "squares");
        writer.epoch(epoch(1, Some(0.25)));
        writer.epoch(epoch(2, Some(0.375)));
        assert_eq!(writer.end(ending()), Ok(1));
        let [run] = &read_runs(&path, Some("/project")).unwrap()[..] else {
            panic!("one run");
        };
        assert_eq!((run.run.data_name.as_str(), run.epochs), ("squares", 2));
        assert_eq!((run.seconds, run.ended.as_deref()), (7.5, Some("finished")));
        let losses = (run.train_loss, run.valid_loss, run.best_loss);
        assert_eq!(losses, (Some(0.25), Some(0.375), Some(0.25)));
        let hash = images().fingerprint().unwrap().hash();
        assert_eq!(run.data_hash, Some(hash));
        assert_eq!(run.version, env!("CARGO_PKG_VERSION"));
        assert_eq!(read_epochs(&path, 1).unwrap()[1], "{\"epoch\":2}");
        assert!(read_runs(&path, Some("/other")).unwrap().is_empty());
    }

    #[test]
    fn two_programs_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        let writers: Vec<RunWriter> = ["a", "b"].map(|name| begin(&path, name)).into();
        for number in 1..50 {
            for writer in &writers {
                writer.epoch(epoch(number, None));
            }
        }
        let mut numbers: Vec<u64> = writers
            .into_iter()
            .map(|writer| writer.end(ending()).unwrap())
            .collect();
        numbers.sort();
        assert_eq!(numbers, [1, 2]);
        let runs = read_runs(&path, None).unwrap();
        assert!(runs.iter().all(|run| run.epochs == 49), "{runs:?}");
    }

    #[test]
    fn a_run_that_is_killed_leaves_its_epochs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        let writer = begin(&path, "killed");
        writer.epoch(epoch(1, None));
        let RunWriter { messages, written } = writer;
        drop(messages);
        assert_eq!(written.recv().unwrap(), Ok(1));
        let runs = read_runs(&path, None).unwrap();
        assert_eq!(
            (runs[0].epochs, runs[0].seconds, &runs[0].ended),
            (1, 2.0, &None)
        );
    }

    #[test]
    fn a_locked_file_is_tried_again_and_reported_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        let locking = open_to_write(&path).unwrap();
        locking.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let locked = begin(&path, "locked");
        locked.epoch(epoch(1, None));
        let error = locked.end(ending()).unwrap_err();
        assert_eq!(error, "another program has locked it");
        let waiting = begin(&path, "waiting");
        waiting.epoch(epoch(1, None));
        locking.execute_batch("COMMIT").unwrap();
        assert_eq!(waiting.end(ending()), Ok(1));
    }

    #[test]
    fn a_damaged_or_read_only_file_is_reported_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.sqlite");
        std::fs::write(&path, "no database ".repeat(100)).unwrap();
        let error = begin(&path, "damaged").end(ending()).unwrap_err();
        assert_eq!(error, "file is not a database");
        let error = read_runs(&path, None).unwrap_err().to_string();
        let expected = format!(
            "{}: expected a run log that can be read, got file is not a database. If it is damaged, \
             move it away: the next run begins a new one",
            path.display()
        );
        assert_eq!(error, expected);
        // Root may write read-only files; nobody can create one below a file.
        let error = begin(&path.join("runs.sqlite"), "none").end(ending());
        assert!(error.is_err());
    }
}
