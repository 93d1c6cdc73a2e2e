//! Progress of a seed's build on standard error.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Progress by package: one rewritten line on a terminal, every 20th package elsewhere.
pub(crate) struct Progress {
    compiled: usize,
    terminal: bool,
    /// Number of packages, if known.
    total: Option<usize>,
    start: Instant,
}

impl Progress {
    pub(crate) fn new(total: Option<usize>) -> Self {
        Progress {
            compiled: 0,
            terminal: std::io::stderr().is_terminal(),
            total,
            start: Instant::now(),
        }
    }

    /// Counts a package that cargo has begun to compile.
    pub(crate) fn compiling(&mut self, package: &str) {
        self.compiled += 1;
        let line = self.line(package);
        if self.terminal {
            eprint!("\r\x1b[2K{line}");
            let _ = std::io::stderr().flush();
        } else if self.compiled.is_multiple_of(20) {
            eprintln!("{line}");
        }
    }

    fn line(&self, package: &str) -> String {
        let name = package.split_whitespace().next().unwrap_or(package);
        let total = self
            .total
            .map_or(String::new(), |total| format!(" of {total}"));
        let seconds = self.start.elapsed().as_secs_f64();
        format!("compiling {name}: {}{total}, {seconds:.0} s", self.compiled)
    }

    /// Clears the rewritten line.
    pub(crate) fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[2K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn a_line_names_the_package_and_counts() {
        let mut progress = Progress::new(Some(180));
        progress.compiled = 3;
        assert_eq!(
            progress.line("candle-core v0.9.1"),
            "compiling candle-core: 3 of 180, 0 s"
        );
        progress.total = None;
        assert_eq!(progress.line("rayon"), "compiling rayon: 3, 0 s");
    }
}
