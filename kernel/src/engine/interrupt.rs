//! Stop in the process that runs cells: the kernel sends SIGINT, twice if the cell goes on.
//!
//! The first one asks: the helper's loops see it, and a cell that reads standard input finds its end.
//! The second one ends whatever the cell waits for, without harm to its variables: programs that it
//! started, and calls of `sleep`. Loops end by the checks that the kernel adds to them.

use super::process::end_descendants_but_jobs;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of interrupts since the cell began.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Counts the interrupts of each cell.
pub(super) struct Interrupts;

impl Interrupts {
    /// Starts the thread that handles interrupts. `end_input` ends the cell's standard input.
    ///
    /// # Errors
    /// If no handler can be installed or no thread started.
    pub(super) fn watch(end_input: impl Fn() + Send + 'static) -> std::io::Result<Interrupts> {
        let mut signals = Signals::new([SIGINT])?;
        std::thread::Builder::new()
            .name("candlebook-interrupts".into())
            .spawn(move || {
                for _ in signals.forever() {
                    let earlier = COUNT.fetch_add(1, Ordering::SeqCst);
                    end_input();
                    if earlier > 0 {
                        end_descendants_but_jobs();
                    }
                }
            })?;
        Ok(Interrupts)
    }

    /// Forgets the interrupts of an earlier cell.
    pub(super) fn clear(&self) {
        COUNT.store(0, Ordering::SeqCst);
    }
}

/// True if the cell is to end whatever it waits for.
pub(crate) fn is_urgent() -> bool {
    COUNT.load(Ordering::SeqCst) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_interrupt_of_a_cell_is_urgent() {
        let interrupts = Interrupts;
        COUNT.store(2, Ordering::SeqCst);
        assert!(is_urgent());
        interrupts.clear();
        assert!(!is_urgent());
    }
}
