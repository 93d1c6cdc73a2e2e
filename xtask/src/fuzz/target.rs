//! One reader's run in its own process.

use super::report::{INTERRUPTED, Measured, finding_kind, reason};
use super::settings::Budget;
use super::{Reader, failed_at};
use crate::command::cleaned;
use crate::workspace::Workspace;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Time after which a read hangs, in seconds. The fuzzer checks the processor time itself.
const MAX_SECONDS: u32 = 60;
/// Memory limit of the process, in MB. The fuzzer checks the reader's allocations itself.
const MAX_RSS_MB: u32 = 1024;

/// A reader and its folders.
pub(super) struct Target<'a> {
    reader: &'a Reader,
    program: &'a Path,
    seeds: PathBuf,
    dictionary: Option<PathBuf>,
    /// Corpus of earlier runs, found files and log.
    folder: PathBuf,
}

impl<'a> Target<'a> {
    /// Creates the reader's folders.
    ///
    /// # Errors
    /// If they cannot be created.
    pub(super) fn new(
        workspace: &Workspace,
        program: &'a Path,
        reader: &'a Reader,
    ) -> Result<Target<'a>, String> {
        let folder = workspace.target.join("fuzz").join(reader.name);
        for name in ["corpus", "found"] {
            let path = folder.join(name);
            std::fs::create_dir_all(&path).map_err(failed_at(&path))?;
        }
        let dictionaries = workspace.root.join("fuzz/dictionaries");
        Ok(Target {
            reader,
            program,
            seeds: workspace.root.join("tests/corpus").join(reader.name),
            dictionary: reader
                .dictionary
                .map(|name| dictionaries.join(format!("{name}.dict"))),
            folder,
        })
    }

    /// Fuzzes the reader; returns a line with the measurements.
    ///
    /// # Errors
    /// The file on which the reader failed, the reason, and the command that replays it.
    pub(super) fn run(&self, budget: Budget) -> Result<String, String> {
        let scratch = Scratch::new(self.reader.name)?;
        let before = self.found()?;
        let log = self.folder.join("log");
        let mut fuzzer = self.fuzzer(&scratch);
        fuzzer.args(budget_arguments(budget));
        fuzzer.arg(format!("-max_len={}", self.reader.max_bytes));
        // Prefers files that are read quickly.
        fuzzer.args(["-print_final_stats=1", "-entropic_scale_per_exec_time=1"]);
        if let Some(path) = &self.dictionary {
            fuzzer.arg(format!("-dict={}", path.display()));
        }
        // New files go into the first folder.
        fuzzer.arg(self.folder.join("corpus")).arg(&self.seeds);
        fuzzer.stderr(File::create(&log).map_err(failed_at(&log))?);
        let status = status(&mut fuzzer)?;
        let text = std::fs::read(&log).map_err(failed_at(&log))?;
        let text = String::from_utf8_lossy(&text);
        let name = self.reader.name;
        let measured = Measured::parse(&text, &scratch.record());
        if status.success() {
            return Ok(format!("{name}: {measured}"));
        }
        if status.code() == Some(INTERRUPTED) {
            // Not the reader's failure: there is no file to keep.
            return Err(format!("{name} FAILED: stopped by a signal: {measured}"));
        }
        let file = self.found()?.difference(&before).next().cloned();
        let file = file.map_or_else(|| self.keep_input(&scratch), Ok)?;
        Err(format!(
            "{name} FAILED: {}. Replay it: cargo xtask fuzz {name} --replay {}",
            reason(&text)
                .unwrap_or_else(|| format!("the process died, {status}, see {}", log.display())),
            file.display(),
        ))
    }

    /// Reads one file.
    ///
    /// # Errors
    /// If the reader fails on it; the fuzzer has then printed the reason.
    pub(super) fn replay(&self, file: &Path) -> Result<(), String> {
        // libFuzzer takes a path that does not exist for an option.
        std::fs::metadata(file).map_err(failed_at(file))?;
        let scratch = Scratch::new(self.reader.name)?;
        let status = status(self.fuzzer(&scratch).arg(file))?;
        let name = self.reader.name;
        if !status.success() {
            let kind = finding_kind(status.code());
            return Err(format!(
                "{name} failed on {}: {kind}, {status}",
                file.display()
            ));
        }
        let measured = Measured::parse("", &scratch.record());
        println!("xtask: fuzz: {name}: {measured}");
        Ok(())
    }

    fn fuzzer(&self, scratch: &Scratch) -> Command {
        let mut fuzzer = Command::new(self.program);
        fuzzer
            .env("CANDLEBOOK_FUZZ_READER", self.reader.name)
            .env("CANDLEBOOK_FUZZ_FOLDER", &scratch.0)
            .env("CANDLEBOOK_CACHE", scratch.0.join("cache"))
            .env("CANDLEBOOK_OFFLINE", "1")
            .env_remove("CANDLEBOOK_KERNEL")
            .stdout(Stdio::null())
            .arg(format!("-timeout={MAX_SECONDS}"))
            .arg(format!("-rss_limit_mb={MAX_RSS_MB}"))
            .arg(format!("-artifact_prefix={}/found/", self.folder.display()));
        fuzzer
    }

    fn found(&self) -> Result<BTreeSet<PathBuf>, String> {
        let folder = self.folder.join("found");
        let entries = std::fs::read_dir(&folder).map_err(failed_at(&folder))?;
        Ok(entries.flatten().map(|entry| entry.path()).collect())
    }

    /// Keeps the last file that was read: a process without a stack cannot write it.
    fn keep_input(&self, scratch: &Scratch) -> Result<PathBuf, String> {
        let found = self.found()?;
        let paths = (1..).map(|i| self.folder.join(format!("found/death-{i}")));
        let path = paths.into_iter().find(|path| !found.contains(path));
        let path = path.ok_or("no free name for the file")?;
        std::fs::copy(scratch.0.join("input"), &path).map_err(failed_at(&path))?;
        Ok(path)
    }
}

fn budget_arguments(budget: Budget) -> Option<String> {
    Some(match budget {
        Budget::Runs(runs) => format!("-runs={runs}"),
        Budget::Seconds(seconds) => format!("-max_total_time={seconds}"),
    })
}

fn status(command: &mut Command) -> Result<ExitStatus, String> {
    cleaned(command)
        .status()
        .map_err(|error| format!("cannot run the fuzzer: {error}"))
}

/// A folder for the files of one run, in memory where the system has such a folder.
struct Scratch(PathBuf);

impl Scratch {
    fn new(reader: &str) -> Result<Scratch, String> {
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        let folder = parent.join(format!("candlebook-fuzz-{}-{reader}", std::process::id()));
        std::fs::create_dir(&folder).map_err(failed_at(&folder))?;
        Ok(Scratch(folder))
    }

    /// The fuzzer's own measurements; empty if it died first.
    fn record(&self) -> String {
        std::fs::read_to_string(self.0.join("record")).unwrap_or_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: the folder holds nothing that is needed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
