//! The end of a run by a signal, with all processes that it has started.

use crate::engine::{ChildHandle, end_descendants};
use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Variable with the id of the process with which a run ends.
const PARENT: &str = "CANDLEBOOK_PARENT";

/// Ends the cells and their compilers, which have process groups of their own, and this process at
/// Ctrl-C and the like.
///
/// # Errors
/// If no handler can be installed or no thread started.
pub(super) fn end_cells_at_signals(cells: ChildHandle) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle signals")?;
    std::thread::Builder::new()
        .name("candlebook-signals".into())
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                // First, while the cells' process knows its own: a job of ranks has another group.
                end_descendants();
                cells.kill();
                std::process::exit(128 + signal);
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}

/// Ends this process when the process that `CANDLEBOOK_PARENT` names ends, even if that is killed:
/// a sweep's worker must not leave notebooks behind. Only on Linux.
pub(super) fn end_with_parent() {
    #[cfg(target_os = "linux")]
    if let Some(parent) = std::env::var(PARENT).ok().and_then(|id| id.parse().ok()) {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let _ = set_parent_process_death_signal(Some(Signal::TERM));
        // It may have ended before.
        if getppid().map(|id| id.as_raw_nonzero().get()) != Some(parent) {
            std::process::exit(128 + SIGTERM);
        }
    }
}
