//! Progress of a seed's build on standard error, with an estimate of the remaining time.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// The helper crate, which is compiled last, alone, on about two cores.
const HELPER: &str = "candlebook";
const HELPER_SECONDS: f64 = 185.0;
const HELPER_CORES: f64 = 2.0;
/// Processor seconds of the packages that take long.
const SECONDS: [(&str, f64); 8] = [
    ("candle-core", 40.0),
    ("gemm-c32", 8.0),
    ("gemm-c64", 8.0),
    ("moxcms", 15.0),
    ("pxfm", 9.0),
    ("regex-automata", 12.0),
    ("rustls", 15.0),
    ("tokenizers", 28.0),
];
/// Processor seconds of any other package, on average.
const OTHER_SECONDS: f64 = 1.0;
/// Processor seconds after which the speed of this machine counts as much as that of the machine on
/// which the packages were measured.
const PRIOR_SECONDS: f64 = 60.0;
/// Time between two lines that are not a terminal's.
const INTERVAL: Duration = Duration::from_secs(30);

/// Progress by package: one rewritten line on a terminal, a line every 30 s elsewhere.
pub(crate) struct Progress {
    estimate: Estimate,
    terminal: bool,
    start: Instant,
    shown: Instant,
}

impl Progress {
    /// Progress of a build of these packages, if they are known.
    pub(crate) fn new(packages: Option<BTreeSet<String>>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let now = Instant::now();
        Progress {
            estimate: Estimate::new(packages, cores as f64),
            terminal: std::io::stderr().is_terminal(),
            start: now,
            shown: now,
        }
    }

    /// Counts a package that cargo has begun to compile.
    pub(crate) fn compiling(&mut self, package: &str) {
        self.estimate.begin(name(package), self.seconds());
    }

    /// Shows the remaining time, on a terminal as often as it is called.
    pub(crate) fn show(&mut self) {
        let Some(line) = self.estimate.line(self.seconds()) else {
            return;
        };
        if self.terminal {
            eprint!("\r\x1b[2K{line}");
            let _ = std::io::stderr().flush();
        } else if self.shown.elapsed() >= INTERVAL {
            self.shown = Instant::now();
            eprintln!("{line}");
        }
    }

    fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Clears the rewritten line.
    pub(crate) fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[2K");
        }
    }
}

/// The name in `name v1.2.3`.
fn name(package: &str) -> &str {
    package.split_whitespace().next().unwrap_or(package)
}

/// An estimate of the time that a build takes, from the packages that cargo has begun.
#[derive(Debug)]
struct Estimate {
    cores: f64,
    /// Names and versions of all packages, if known.
    packages: Option<BTreeSet<String>>,
    begun: usize,
    /// Processor seconds of the packages before the latest.
    done: f64,
    /// Processor seconds of the packages after the latest.
    left: f64,
    latest: String,
    /// Seconds from the start of the build to that of the latest package.
    since: f64,
}

impl Estimate {
    fn new(packages: Option<BTreeSet<String>>, cores: f64) -> Self {
        let all = packages.iter().flatten();
        Estimate {
            left: all.map(|package| cost(name(package), cores)).sum(),
            cores,
            packages,
            begun: 0,
            done: 0.0,
            latest: String::new(),
            since: 0.0,
        }
    }

    fn begin(&mut self, package: &str, seconds: f64) {
        if !self.latest.is_empty() {
            self.done += cost(&self.latest, self.cores);
        }
        self.begun += 1;
        self.left = match package {
            // Packages that cargo has not begun by now were compiled earlier.
            HELPER => 0.0,
            _ => (self.left - cost(package, self.cores)).max(0.0),
        };
        (self.latest, self.since) = (package.to_owned(), seconds);
    }

    /// Remaining seconds.
    fn seconds_left(&self, seconds: f64) -> f64 {
        let speed = (PRIOR_SECONDS / self.cores + self.since) / (PRIOR_SECONDS + self.done);
        let of_latest = cost(&self.latest, self.cores) * speed - (seconds - self.since);
        self.left * speed + of_latest.max(0.0)
    }

    /// The state after some seconds; `None` before the first package.
    fn line(&self, seconds: f64) -> Option<String> {
        if self.begun == 0 {
            return None;
        }
        let begun = format!("compiling {}: {}", self.latest, self.begun);
        Some(match &self.packages {
            Some(packages) => {
                let (total, left) = (packages.len(), in_words(self.seconds_left(seconds)));
                format!("{begun} of {total}, {seconds:.0} s, {left} left")
            }
            None => format!("{begun}, {seconds:.0} s"),
        })
    }
}

/// Processor seconds of a package. The helper's are worth more on more cores than it uses.
fn cost(package: &str, cores: f64) -> f64 {
    if package == HELPER {
        return HELPER_SECONDS * (cores / HELPER_CORES).max(1.0);
    }
    let known = SECONDS.iter().find(|(name, _)| *name == package);
    known.map_or(OTHER_SECONDS, |(_, seconds)| *seconds)
}

/// Rounded to minutes, below two minutes to ten seconds.
fn in_words(seconds: f64) -> String {
    match seconds {
        ..10.0 => "some seconds".into(),
        ..115.0 => format!("about {:.0}0 s", seconds / 10.0),
        _ => format!("about {:.0} min", seconds / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::helper::LOCK_FILE;
    use super::*;

    fn estimate(packages: &[&str], cores: f64) -> Estimate {
        let packages = packages.iter().map(|package| (*package).to_owned());
        Estimate::new(Some(packages.collect()), cores)
    }

    #[test]
    fn a_line_names_the_package_and_counts() {
        let mut found = estimate(
            &["half v2.7.1", "candle-core v0.11.1", "candlebook v0.1.0"],
            2.0,
        );
        assert_eq!(found.line(1.0), None);
        found.begin("candle-core", 2.0);
        let line = found.line(2.0).unwrap();
        assert!(
            line.starts_with("compiling candle-core: 1 of 3, 2 s, about "),
            "{line}"
        );
        let mut unknown = Estimate::new(None, 2.0);
        unknown.begin("rayon", 0.0);
        assert_eq!(unknown.line(4.0).unwrap(), "compiling rayon: 1, 4 s");
    }

    #[test]
    fn the_estimate_adapts_to_the_machine_and_ends_at_zero() {
        let many: Vec<String> = (0..200).map(|i| format!("package{i} v1.0.0")).collect();
        let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
        names.push("candlebook v0.1.0");
        for slowness in [1.0, 3.0] {
            // Two cores, as fast as the measured machine or three times slower.
            let mut found = estimate(&names, 2.0);
            let total = (200.0 * OTHER_SECONDS + HELPER_SECONDS) / 2.0 * slowness;
            let mut seconds = 0.0;
            for (i, package) in many.iter().enumerate() {
                found.begin(name(package), seconds);
                let left = found.seconds_left(seconds);
                let error = (left - (total - seconds)).abs() / total;
                assert!(slowness > 1.0 || error < 0.01, "{i}: {left} of {total}");
                assert!(i < 150 || error < 0.2, "{i}: {left} of {total}");
                seconds += OTHER_SECONDS / 2.0 * slowness;
            }
            found.begin(HELPER, seconds);
            let left = found.seconds_left(seconds);
            assert!((left / (total - seconds) - 1.0).abs() < 0.2, "{left}");
            assert!(found.seconds_left(seconds + left / 2.0) < 0.51 * left);
            assert_eq!(found.seconds_left(2.0 * total), 0.0);
        }
    }

    #[test]
    fn packages_that_were_compiled_earlier_are_not_waited_for() {
        let mut found = estimate(&["candle-core v0.11.1", "candlebook v0.1.0"], 2.0);
        found.begin(HELPER, 1.0);
        let left = found.seconds_left(1.0);
        assert!((80.0..110.0).contains(&left), "{left}");
    }

    #[test]
    fn the_helper_gains_nothing_from_many_cores() {
        let seconds = [2.0, 16.0].map(|cores| {
            let mut found = estimate(&["candlebook v0.1.0"], cores);
            found.begin(HELPER, 0.0);
            found.seconds_left(0.0)
        });
        assert!((seconds[0] - seconds[1]).abs() < 1e-9, "{seconds:?}");
    }

    #[test]
    fn times_are_rounded() {
        let words = [3.0, 14.0, 94.0, 119.0, 400.0].map(in_words);
        let expected = [
            "some seconds",
            "about 10 s",
            "about 90 s",
            "about 2 min",
            "about 7 min",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn packages_that_take_long_are_in_the_lock_file() {
        for (name, _) in SECONDS {
            let line = format!("name = \"{name}\"");
            assert!(LOCK_FILE.lines().any(|found| found == line), "{name}");
        }
    }
}
