//! The parent's end of the relay: redirects the output of each child of the engine to this process.

use super::event::Sink;
use super::failure::Failure;
use super::pipes::{exchange_output, receive};
use super::relay::{Relay, RelayStatus};
use crate::build::TOKEN;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

/// The socket on which children send their pipes, and the status of the running cell.
pub(super) struct Control {
    socket: UnixStream,
    status: RelayStatus,
}

impl Control {
    /// Prepares the engine's command, so that its children send their output here.
    ///
    /// # Errors
    /// If no socket can be created.
    #[allow(unsafe_code)]
    pub(super) fn prepare(command: &mut Command) -> std::io::Result<Control> {
        let (socket, of_child) = UnixStream::pair()?;
        // SAFETY: between fork and exec, only system calls on descriptors are made; nothing is
        // allocated.
        unsafe {
            command.pre_exec(move || exchange_output(&of_child).map_err(std::io::Error::from));
        }
        Ok(Control {
            socket,
            status: RelayStatus::default(),
        })
    }

    /// Starts the thread that reads the children's output.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(super) fn start_relay(&self, mut sink: Sink) -> std::io::Result<()> {
        let socket = self.socket.try_clone()?;
        let status = self.status.clone();
        let token = std::env::var(TOKEN).unwrap_or_default();
        std::thread::Builder::new()
            .name("candlebook-relay".into())
            .spawn(move || {
                while let Ok(Some(pipes)) = receive(&socket) {
                    Relay::new(&pipes, &status, &token, &mut sink).run();
                    status.running.store(false, Ordering::SeqCst);
                }
            })?;
        Ok(())
    }

    /// True while a cell's code runs, as opposed to being compiled.
    pub(super) fn running(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.status.running)
    }

    /// True while the engine learns which variables a failed cell has kept. Stop does not concern it.
    pub(super) fn recovering(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.status.recovering)
    }

    /// True if a cell has run since the last call.
    pub(super) fn take_ran(&self) -> bool {
        self.status.ran.swap(false, Ordering::SeqCst)
    }

    /// Takes the reason why the last cell could not show a value.
    pub(super) fn take_not_shown(&self) -> Option<String> {
        self.status.not_shown.take()
    }

    /// Takes the failure of the last cell.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.status
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}
