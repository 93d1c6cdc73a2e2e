//! The life of a notebook cell as the helper sees it: output that shows at once, and Stop.
//!
//! The kernel's child process calls [`candlebook_cell_begin`] and [`candlebook_cell_end`] around each cell. It finds
//! them by name, because the cell and the child's own program have different copies of `std` and so of its buffers.

use crate::error::{Error, Result};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How often text without a newline is sent on while a cell runs.
const FLUSH_EVERY: Duration = Duration::from_millis(50);

static RUNNING: AtomicBool = AtomicBool::new(false);

fn flag() -> &'static Arc<AtomicBool> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    STOP.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        // Only inside a notebook: a program of the user's keeps its own meaning of Ctrl-C. Where no handler can be
        // installed, Stop still ends the cell, by the kernel's force.
        if std::env::var_os("CANDLEBOOK_KERNEL").is_some() {
            let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&flag));
        }
        flag
    })
}

/// Whether Stop was pressed since the cell began. `fit` and every long loop of this crate poll it; a loop of yours may too.
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
    flag().load(Ordering::Relaxed)
}

/// An error where Stop was pressed, for loops that have nothing to hand back.
pub(crate) fn unless_stopped() -> Result<()> {
    if stopped() {
        Err(Error::Stopped)
    } else {
        Ok(())
    }
}

/// Called by the kernel before a cell's code runs: forgets an earlier Stop and starts to send text on as it is printed.
#[unsafe(no_mangle)]
pub extern "C" fn candlebook_cell_begin() {
    flag().store(false, Ordering::Relaxed);
    if !RUNNING.swap(true, Ordering::Relaxed) {
        // Where no thread can be started, text waits for its newline or the end of the cell.
        let _ = std::thread::Builder::new()
            .name("candlebook-flush".into())
            .spawn(|| {
                while RUNNING.load(Ordering::Relaxed) {
                    std::thread::sleep(FLUSH_EVERY);
                    let _ = std::io::stdout().flush();
                }
            });
    }
}

/// Called by the kernel after a cell's code has run: sends what is still in the buffer.
#[unsafe(no_mangle)]
pub extern "C" fn candlebook_cell_end() {
    RUNNING.store(false, Ordering::Relaxed);
    let _ = std::io::stdout().flush();
}
