//! Measurements of a run that libFuzzer does not make, in a file that outlives the process.

use cpu_time::ProcessTime;
use std::path::PathBuf;
use std::time::Duration;

/// Runs between two writes without news.
const RUNS_PER_WRITE: u64 = 1000;

/// Measurements so far.
pub struct Record {
    path: PathBuf,
    start: ProcessTime,
    runs: u64,
    /// Files without an error.
    read: u64,
    slowest: Duration,
    peak_mb: usize,
}

impl Record {
    pub fn new(path: PathBuf) -> Record {
        Record {
            path,
            start: ProcessTime::now(),
            runs: 0,
            read: 0,
            slowest: Duration::ZERO,
            peak_mb: 0,
        }
    }

    /// A read begins. The file stays on disk for deaths that libFuzzer cannot report, such as a stack overflow.
    pub fn begin(&mut self, bytes: &[u8]) {
        let _ = std::fs::write(self.path.with_file_name("input"), bytes);
        self.start = ProcessTime::now();
    }

    /// A read has ended, with or without an error; the process held `peak` bytes at most. Returns the processor time that
    /// it took, which other programs do not lengthen.
    pub fn end(&mut self, ok: bool, peak: usize) -> Duration {
        let (seconds, peak_mb) = (self.start.elapsed(), peak.div_ceil(1 << 20));
        let news = seconds > self.slowest || peak_mb > self.peak_mb;
        self.runs += 1;
        self.read += u64::from(ok);
        self.slowest = self.slowest.max(seconds);
        self.peak_mb = peak_mb;
        if news || self.runs.is_multiple_of(RUNS_PER_WRITE) {
            let slowest = self.slowest.as_secs_f64();
            let text = format!("{} {} {slowest:.3} {}", self.runs, self.read, self.peak_mb);
            let _ = std::fs::write(&self.path, text);
        }
        seconds
    }
}
