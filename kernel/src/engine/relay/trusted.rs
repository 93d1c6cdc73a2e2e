//! Trusted lines: those around a cell, those about its failure, and those that ask for input.

use super::Relay;
use crate::build::KEPT;
use crate::engine::failure::Failure;
use crate::engine::kept::Kept;
use crate::engine::outbox::OutputStream;
use crate::engine::protocol::{
    ASK_INPUT, CANNOT_SHOW, CELL_BEGINS, CELL_DONE, INPUT_REQUEST, INPUT_WAITS,
};
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

impl Relay<'_> {
    pub(super) fn trusted(&mut self, line: &[u8]) {
        self.drain_error();
        if line == CELL_BEGINS.as_bytes() {
            self.begin_cell();
        } else if line == CELL_DONE.as_bytes() {
            self.end_cell(line);
        } else if line.starts_with(INPUT_REQUEST) || line == INPUT_WAITS.as_bytes() {
            self.input(line);
        } else if let Some(failure) = Failure::parse(&String::from_utf8_lossy(line)) {
            self.record_failure(failure);
        } else if let Some(report) = line.strip_prefix(KEPT.as_bytes()) {
            self.record_kept(report);
        } else if let Some(json) = line.strip_prefix(CANNOT_SHOW) {
            self.cannot_show(json);
        } else {
            self.pass_on(line);
        }
    }

    fn begin_cell(&mut self) {
        self.prompts = 0;
        self.status.running.store(true, Ordering::SeqCst);
        self.status.ran.store(true, Ordering::SeqCst);
    }

    fn end_cell(&mut self, line: &[u8]) {
        self.status.running.store(false, Ordering::SeqCst);
        self.outbox.flush();
        for held in std::mem::take(&mut self.held) {
            self.pass_on(held.as_bytes());
        }
        self.pass_on(line);
    }

    /// True while a cell runs.
    pub(super) fn is_running(&self) -> bool {
        self.status.running.load(Ordering::SeqCst)
    }

    /// Asks for a line of input, unless no cell runs or the helper has asked for it already.
    fn input(&mut self, line: &[u8]) {
        self.outbox.flush();
        if !self.is_running() {
            return;
        }
        if line.starts_with(INPUT_REQUEST) {
            self.prompts += 1;
            self.pass_on(line);
        } else if self.prompts > 0 {
            self.prompts -= 1;
        } else {
            self.pass_on(ASK_INPUT.as_bytes());
        }
    }

    /// Records a failure, whose text is not repeated on standard error.
    fn record_failure(&mut self, mut failure: Failure) {
        if failure.panic {
            self.outbox.take_report(&mut failure);
        }
        self.held.push(failure.engine_line());
        *self.failure() = Some(failure);
        self.send_not_shown();
    }

    fn record_kept(&mut self, report: &[u8]) {
        let Some(kept) = Kept::parse(report) else {
            return;
        };
        if kept.complete {
            self.held.clear();
        }
        if let Some(failure) = self.failure().as_mut() {
            failure.kept = kept;
        }
    }

    pub(super) fn failure(&self) -> MutexGuard<'_, Option<Failure>> {
        let failure = self.status.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the reason, a JSON string, why the cell goes on without showing a value. A reason that
    /// cannot be the cell's failure goes to standard error.
    fn cannot_show(&mut self, json: &[u8]) {
        let reason = serde_json::from_slice(json).unwrap_or_default();
        // Between cells, a thread of an earlier cell has shown something.
        let other = if self.is_running() && self.failure().is_none() {
            self.status.not_shown.record(reason)
        } else {
            Some(reason)
        };
        self.send_reason(other);
    }

    /// Sends the reason to standard error, because the cell has failed otherwise.
    fn send_not_shown(&mut self) {
        let reason = self.status.not_shown.take();
        self.send_reason(reason);
    }

    fn send_reason(&mut self, reason: Option<String>) {
        if let Some(reason) = reason {
            self.outbox
                .add(OutputStream::Err, (reason + "\n").as_bytes());
        }
    }
}
