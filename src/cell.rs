//! The life cycle of a notebook cell: the Stop button, and output that appears while the cell runs.
//!
//! The kernel's child process calls [`candlebook_cell_begin`] and [`candlebook_cell_end`] around
//! each cell. It looks them up by symbol name, because the cell has a copy of `std`, and so of its
//! output buffers, that is not the child program's.

use crate::error::{Error, Result};
use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Interval at which text without a newline is flushed while a cell runs.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

static RUNNING: AtomicBool = AtomicBool::new(false);

/// Number of interrupts since the cell began: one when Stop is pressed, a second one from the kernel
/// if the cell goes on.
static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// Counts interrupts, in a notebook: other programs keep their own meaning of Ctrl-C. If no handler
/// can be installed, the kernel ends the cell by force.
#[allow(unsafe_code)]
fn count_interrupts() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        if std::env::var_os("CANDLEBOOK_KERNEL").is_some() {
            let count = || {
                INTERRUPTS.fetch_add(1, Ordering::Relaxed);
            };
            // SAFETY: the handler only changes an atomic number.
            let _ = unsafe { signal_hook::low_level::register(signal_hook::consts::SIGINT, count) };
        }
    });
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
    count_interrupts();
    INTERRUPTS.load(Ordering::Relaxed) > 0
}

/// Leaves the cell if Stop was pressed and the cell goes on. The kernel calls it at the head of each
/// loop in a cell.
///
/// Unwinds without a message to the cell's end, where the variables of earlier cells are kept.
#[doc(hidden)]
#[inline]
pub fn leave_if_interrupted() {
    if INTERRUPTS.load(Ordering::Relaxed) > 1 {
        leave();
    }
}

#[cold]
fn leave() -> ! {
    std::panic::resume_unwind(Box::new("Stop was pressed"))
}

/// Stops the loops of this process, as an interrupt does.
pub(crate) fn request_stop() {
    INTERRUPTS.fetch_add(1, Ordering::Relaxed);
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
    count_interrupts();
    INTERRUPTS.store(0, Ordering::Relaxed);
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
                leave_if_interrupted();
                signal_hook::low_level::raise(signal_hook::consts::SIGINT).unwrap();
                assert!(std::panic::catch_unwind(leave_if_interrupted).is_err());
                candlebook_cell_end();
                candlebook_cell_begin();
                assert!(!stopped());
                leave_if_interrupted();
            },
        );
    }
}
