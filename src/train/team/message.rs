//! Lines between a job's rank 0 and the process that started the job.
//!
//! Rank 0 writes its messages to standard output, between the lines of its display. The other process
//! writes lines to the launcher's standard input, which reaches rank 0.

use crate::show::{send_to_notebook, sent_by_rank};
use crate::train::epoch::Epoch;
use serde::{Deserialize, Serialize};

/// Line that asks the job to stop.
pub(super) const STOP: &str = "stop";
/// Line of the notebook's process, once a second.
pub(super) const ALIVE: &str = "alive";

/// A rank and its process.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RankName {
    /// "rank 1 on host a".
    pub(super) name: String,
    /// Number of its process.
    pub(super) process: u32,
}

/// A message of rank 0.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// The ranks have begun.
    Begun { ranks: Vec<RankName> },
    /// A finished epoch, its number counted from 1.
    Epoch { number: usize, epoch: Epoch },
    /// Sent once a second.
    Alive,
    /// The run has ended, and its outcome is in the job's folder.
    Done,
    /// All ranks have agreed on an error.
    Error { text: String },
    /// The job has failed.
    Failed { text: String },
    /// Stop has ended the job before its first step.
    Stopped,
}

impl Message {
    /// Sends the message.
    pub(super) fn send(&self) {
        // All of these can be written as JSON.
        send_to_notebook(&serde_json::to_string(self).unwrap_or_default());
    }

    /// The message of a line; `None` for any other line.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(sent_by_rank(line)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_are_no_messages() {
        let line = "\u{1e}CANDLEBOOK_RANK \"Done\"";
        assert!(matches!(Message::of_line(line), Some(Message::Done)));
        assert!(Message::of_line("\"Done\"").is_none());
        assert!(Message::of_line(&line[..line.len() - 1]).is_none());
    }
}
