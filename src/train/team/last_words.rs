//! The last lines of a job whose launcher has ended without an outcome, and which rank they are about.

use super::message::RankName;
use crate::error::Error;
use crate::show::is_wire_line;
use std::collections::VecDeque;

/// Lines that are searched.
const MAX_LINES: usize = 60;
/// Lines that an error repeats.
const MAX_SHOWN_LINES: usize = 4;

/// The last lines of a job.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    lines: VecDeque<String>,
    /// The ranks, once they have begun.
    pub(super) ranks: Vec<RankName>,
}

impl LastWords {
    pub(super) fn keep(&mut self, line: String) {
        // A display is no word of the launcher.
        if is_wire_line(&line) || line.trim().is_empty() {
            return;
        }
        self.lines.push_back(line);
        if self.lines.len() > MAX_LINES {
            self.lines.pop_front();
        }
    }

    /// Error that names the rank, if the launcher does.
    pub(super) fn error(&self, launcher: &str) -> Error {
        if self.ranks.is_empty() {
            return Error::Job(format!(
                "team: the job has not begun ({launcher}){}",
                self.text()
            ));
        }
        let what = match self.rank() {
            Some(rank) => format!(
                "team: {} has ended before its time{}, and with it the job",
                rank.name,
                self.cause()
            ),
            None => "team: a rank has ended before its time, and with it the job".to_owned(),
        };
        let text = if self.rank().is_some() {
            String::new()
        } else {
            self.text()
        };
        Error::Job(format!("{what} ({launcher}){text}"))
    }

    /// The rank that has ended first, as far as the lines tell. In this order: what the launcher saw
    /// itself, in Open MPI's and in MPICH's words; the rank that the others miss; any process that a
    /// launcher names.
    fn rank(&self) -> Option<&RankName> {
        let of_process = |number: u32| self.ranks.iter().find(|rank| rank.process == number);
        let seen = self.lines.iter().find_map(|line| {
            let (_, rest) = line.split_once("noticed that process rank ")?;
            self.ranks.get(number(rest)? as usize)
        });
        let ended = || {
            let mut lines = self.lines.iter();
            lines.find_map(|line| {
                let (before, _) = line.split_once(" RUNNING AT ")?;
                of_process(number(before.split_once("PID ")?.1)?)
            })
        };
        let missed = || match self.survivors().as_slice() {
            [] => None,
            survivors => {
                let mut missing = (0..)
                    .zip(&self.ranks)
                    .filter(|(n, _)| !survivors.contains(n));
                missing.next().filter(|_| missing.next().is_none())
            }
        };
        // A rank that has lost another ends by itself: naming it would be wrong.
        let named = || {
            let mut lines = self.lines.iter().filter(|_| self.survivors().is_empty());
            lines.find_map(|line| of_process(number(line.split_once("PID ")?.1)?))
        };
        seen.or_else(ended)
            .or_else(|| missed().map(|(_, rank)| rank))
            .or_else(named)
    }

    /// Ranks that have lost the connection to another, in Open MPI's words.
    fn survivors(&self) -> Vec<u32> {
        let lost = |line: &String| line.contains("An error occurred in Socket closed");
        let reporters = self.lines.iter().filter_map(|line| {
            let (_, process) = line.split_once("reported by process [")?;
            number(process.split_once(',')?.1)
        });
        match self.lines.iter().any(lost) {
            true => reporters.collect(),
            false => Vec::new(),
        }
    }

    /// The signal, if the launcher names one.
    fn cause(&self) -> &'static str {
        let killed = |line: &String| {
            line.contains("signal 9") || line.contains("EXIT CODE: 9") || line.contains("Killed")
        };
        match self.lines.iter().any(killed) {
            true => " (killed; the system does this if memory runs out)",
            false => "",
        }
    }

    fn text(&self) -> String {
        let skipped = self.lines.len().saturating_sub(MAX_SHOWN_LINES);
        let lines: Vec<&str> = self
            .lines
            .iter()
            .skip(skipped)
            .map(|line| line.trim())
            .collect();
        match lines.as_slice() {
            [] => String::new(),
            lines => format!(": {}", lines.join(" | ")),
        }
    }
}

/// The number at the start of a text.
fn number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(lines: &[&str]) -> String {
        let mut words = LastWords::default();
        let name = |rank: u32| RankName {
            name: format!("rank {rank} on host h{rank}"),
            process: 700 + rank,
        };
        words.ranks = vec![name(0), name(1)];
        lines.iter().for_each(|line| words.keep((*line).to_owned()));
        words.error("mpirun, exit status: 9").to_string()
    }

    #[test]
    fn the_rank_is_that_of_the_process_that_the_launcher_names() {
        let expected = "team: rank 1 on host h1 has ended before its time (killed; the system does \
                        this if memory runs out), and with it the job (mpirun, exit status: 9)";
        let mpich = [
            "===================================",
            "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES",
            "=   PID 701 RUNNING AT h1",
            "=   EXIT CODE: 9",
        ];
        assert_eq!(error(&mpich), expected);
        let open_mpi = [
            "prterun noticed that process rank 1 with PID 701 on node h1 exited on",
            "signal 9 (Killed).",
        ];
        assert_eq!(error(&open_mpi), expected);
    }

    #[test]
    fn a_rank_that_misses_another_is_not_the_one_that_has_ended() {
        let lost = [
            "  Local host: h0",
            "  Local PID:  700",
            "  Peer host:  h1",
            "[h0:00000] *** An error occurred in Socket closed",
            "[h0:00000] *** reported by process [2759852033,0]",
        ];
        let aborted = "prterun has exited due to process rank 0 with PID 700 on node h0 calling";
        let expected = "team: rank 1 on host h1 has ended before its time";
        assert!(error(&[&lost[..], &[aborted]].concat()).starts_with(expected));
        let noticed = [
            "prterun noticed that process rank 1 with PID 701 on node h1 exited on",
            "signal 9 (Killed).",
        ];
        let killed = error(&[&lost[..], &noticed[..]].concat());
        assert!(
            killed.starts_with(&format!("{expected} (killed;")),
            "{killed}"
        );
    }

    #[test]
    fn otherwise_the_launchers_last_lines_are_repeated() {
        let expected = "team: a rank has ended before its time, and with it the job (mpirun, exit \
                        status: 9): a | b";
        assert_eq!(
            error(&["a", " ", "\u{1e}CANDLEBOOK display", "b"]),
            expected
        );
        let mut words = LastWords::default();
        words.keep("no such host".into());
        let error = words.error("mpirun").to_string();
        assert_eq!(error, "team: the job has not begun (mpirun): no such host");
    }
}
