//! The life cycle of a notebook cell: the Stop button, and output that appears while the cell runs.
//!
//! The kernel's child process calls [`candlebook_cell_begin`] and [`candlebook_cell_end`] around
//! each cell. It looks them up by symbol name, because the cell has a copy of `std`, and so of its
//! output buffers, that is not the child program's.

use crate::error::{Error, Result};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Interval at which text without a newline is flushed while a cell runs.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

static RUNNING: AtomicBool = AtomicBool::new(false);

fn stop_flag() -> &'static Arc<AtomicBool> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    STOP.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        // Only in a notebook: other programs keep their own meaning of Ctrl-C. If no handler can be
        // installed, the kernel ends the cell by force.
        if std::env::var_os("CANDLEBOOK_KERNEL").is_some() {
            let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&flag));
        }
        flag
    })
}

/// Returns true if Stop was pressed since the cell began. `fit` and every long loop of this crate
/// poll it; long loops in cells can do the same.
///
/// # Examples
/// ```
/// for step in 0..10 {
///     if candlebook::stopped() {
///         break;
///     }
/// }
/// ```
pub fn stopped() -> bool {
    stop_flag().load(Ordering::Relaxed)
}

/// Ends a loop that has no partial result.
///
/// # Errors
/// [`Error::Stopped`] if Stop was pressed.
pub(crate) fn check_stopped() -> Result<()> {
    if stopped() {
        Err(Error::Stopped)
    } else {
        Ok(())
    }
}

/// Begins a cell: clears an earlier Stop and starts to flush output. Called by the kernel.
#[allow(unsafe_code)] // The kernel finds the symbol by its name; no other crate exports it.
#[unsafe(no_mangle)]
pub extern "C" fn candlebook_cell_begin() {
    stop_flag().store(false, Ordering::Relaxed);
    if !RUNNING.swap(true, Ordering::Relaxed) {
        // Without the thread, text appears at its newline or at the end of the cell.
        let _ = std::thread::Builder::new()
            .name("candlebook-flush".into())
            .spawn(|| {
                while RUNNING.load(Ordering::Relaxed) {
                    std::thread::sleep(FLUSH_INTERVAL);
                    let _ = std::io::stdout().flush();
                }
            });
    }
}

/// Ends a cell: flushes the remaining output. Called by the kernel.
#[allow(unsafe_code)] // The kernel finds the symbol by its name; no other crate exports it.
#[unsafe(no_mangle)]
pub extern "C" fn candlebook_cell_end() {
    RUNNING.store(false, Ordering::Relaxed);
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// The flag belongs to the whole process, so the test runs in a process of its own, which poses
    /// as a kernel.
    fn in_a_kernel(test: &str, body: fn()) {
        if std::env::var_os("CANDLEBOOK_KERNEL").is_some() {
            return body();
        }
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("CANDLEBOOK_KERNEL", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
    }

    #[test]
    fn an_interrupt_stops_the_cell_and_the_next_cell_begins_anew() {
        in_a_kernel(
            "cell::tests::an_interrupt_stops_the_cell_and_the_next_cell_begins_anew",
            || {
                candlebook_cell_begin();
                assert!(!stopped() && check_stopped().is_ok());
                signal_hook::low_level::raise(signal_hook::consts::SIGINT).unwrap();
                assert!(stopped() && matches!(check_stopped(), Err(Error::Stopped)));
                candlebook_cell_end();
                candlebook_cell_begin();
                assert!(!stopped());
            },
        );
    }
}
