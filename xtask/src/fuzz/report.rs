//! The results of a run, from libFuzzer's log and the fuzzer's record.

use std::fmt;

/// Measurements of a run without a finding.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Measured {
    runs: u64,
    runs_per_second: u64,
    /// Files that were read without an error.
    read: u64,
    /// Files that reached new code.
    new_files: u64,
    /// Edges of the code that were reached.
    coverage: u64,
    slowest_seconds: f64,
    /// Memory that the reader held.
    peak_mb: u64,
}

impl Measured {
    /// Reads libFuzzer's final statistics and the record: runs, files read, slowest run, peak memory.
    pub(super) fn parse(log: &str, record: &str) -> Measured {
        let statistic = |name: &str| {
            let mut lines = log.lines().filter_map(|line| line.strip_prefix(name));
            lines
                .next_back()
                .and_then(|value| value.trim_start_matches(':').trim().parse().ok())
        };
        let record: Vec<f64> = record
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let recorded = |i: usize| record.get(i).copied().unwrap_or_default();
        Measured {
            runs: statistic("stat::number_of_executed_units").unwrap_or(recorded(0) as u64),
            runs_per_second: statistic("stat::average_exec_per_sec").unwrap_or_default(),
            read: recorded(1) as u64,
            new_files: statistic("stat::new_units_added").unwrap_or_default(),
            coverage: coverage(log).unwrap_or_default(),
            slowest_seconds: recorded(2),
            peak_mb: recorded(3) as u64,
        }
    }
}

/// The last number of edges in the log.
fn coverage(log: &str) -> Option<u64> {
    let mut values = log
        .lines()
        .rev()
        .filter_map(|line| line.split(" cov: ").nth(1));
    values.next()?.split_whitespace().next()?.parse().ok()
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured {
            runs,
            runs_per_second,
            read,
            new_files,
            coverage,
            slowest_seconds,
            peak_mb,
        } = self;
        write!(
            f,
            "{runs} files, {runs_per_second} a second, {read} read, {coverage} edges, {new_files} new files, \
             slowest {slowest_seconds:.3} s, peak {peak_mb} MB"
        )
    }
}

/// The reason for the end of a run: the fuzzer's own words, or libFuzzer's.
pub(super) fn reason(log: &str) -> Option<String> {
    let own = log
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("fuzz: "));
    let allocation = || {
        log.lines()
            .rev()
            .find(|line| line.starts_with("memory allocation of "))
    };
    let general = || {
        log.lines()
            .rev()
            .find_map(|line| line.split("ERROR: libFuzzer: ").nth(1))
    };
    own.or_else(allocation).or_else(general).map(str::to_owned)
}

/// libFuzzer's exit code after a signal that asks it to end.
pub(super) const INTERRUPTED: i32 = 72;

/// The kind of a failure by libFuzzer's exit code.
pub(super) fn finding_kind(code: Option<i32>) -> &'static str {
    match code {
        Some(70) => "too slow",
        Some(71) => "too much memory",
        Some(INTERRUPTED) => "stopped by a signal",
        Some(77) => "panic or death",
        _ => "death",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
#244645\tNEW    cov: 500 ft: 871 corp: 45/9963b lim: 377 exec/s: 0 rss: 62Mb
#244645\tDONE   cov: 582 ft: 879 corp: 46/10241b lim: 377 exec/s: 0 rss: 62Mb
Done 244645 runs in 16 second(s)
stat::number_of_executed_units: 244645
stat::average_exec_per_sec:     15290
stat::new_units_added:          908
";

    #[test]
    fn a_run_is_measured_by_log_and_record() {
        let measured = Measured::parse(LOG, "244000 732 0.021 3");
        assert_eq!(
            measured.to_string(),
            "244645 files, 15290 a second, 732 read, 582 edges, 908 new files, slowest 0.021 s, peak 3 MB"
        );
        assert_eq!(Measured::parse("", ""), Measured::default());
    }

    #[test]
    fn the_reason_of_a_failure_is_the_last_of_the_most_specific() {
        let log =
            "fuzz: panicked at a\nfuzz: panicked at b\n==7== ERROR: libFuzzer: deadly signal\n";
        assert_eq!(reason(log).as_deref(), Some("panicked at b"));
        let log = "memory allocation of 9 bytes failed\n==7== ERROR: libFuzzer: deadly signal\n";
        assert_eq!(
            reason(log).as_deref(),
            Some("memory allocation of 9 bytes failed")
        );
        let log = "==7== ERROR: libFuzzer: timeout after 5 seconds\n";
        assert_eq!(reason(log).as_deref(), Some("timeout after 5 seconds"));
        assert_eq!(reason("#1 INITED"), None);
    }

    #[test]
    fn a_signal_is_no_finding() {
        assert_eq!(finding_kind(Some(INTERRUPTED)), "stopped by a signal");
        assert_eq!(finding_kind(Some(77)), "panic or death");
        assert_eq!(finding_kind(None), "death");
    }
}
