//! The rounds of successive halving: runs wait for each other, and the worse ones end.

use super::search::Halving;
use crate::cell::stopped;
use crate::lock::{lock, wait_at_most};
use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Interval at which waiting runs look for Stop.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// The rounds of a sweep.
#[derive(Debug)]
pub(super) struct Rounds {
    state: Mutex<RoundState>,
    decided: Condvar,
}

#[derive(Debug)]
struct RoundState {
    /// `None` once no more runs are to end early.
    halving: Option<Halving>,
    /// Runs that have not ended.
    open: BTreeSet<usize>,
    /// Losses of the runs that wait for the end of the round.
    waiting: Vec<(f32, usize)>,
}

impl Rounds {
    /// Rounds of this number of runs; without a halving, no run waits.
    pub(super) fn new(halving: Option<Halving>, runs: usize) -> Self {
        Rounds {
            state: Mutex::new(RoundState {
                halving: halving.filter(|_| runs > 1),
                open: (0..runs).collect(),
                waiting: Vec::new(),
            }),
            decided: Condvar::new(),
        }
    }

    /// True if a round ends for its runs after this number of epochs.
    pub(super) fn ends_at(&self, epochs: usize) -> bool {
        let halving = lock(&self.state).halving;
        halving.is_some_and(|halving| halving.epochs == epochs)
    }

    /// Waits for the other runs at the end of a round. Returns true if the run goes on; so it does
    /// on Stop, which it notices itself.
    pub(super) fn wait_for_others(&self, run: usize, loss: f32) -> bool {
        let mut state = lock(&self.state);
        state.waiting.push((loss, run));
        state.decide_if_complete();
        self.decided.notify_all();
        while state.waiting.iter().any(|(_, waiting)| *waiting == run) {
            if stopped() {
                return true;
            }
            state = wait_at_most(&self.decided, state, STOP_INTERVAL);
        }
        state.open.contains(&run)
    }

    /// Reports that a run has ended, for any reason.
    pub(super) fn leave(&self, run: usize) {
        let mut state = lock(&self.state);
        state.open.remove(&run);
        state.decide_if_complete();
        self.decided.notify_all();
    }
}

impl RoundState {
    /// Ends the worse runs, once all that are open wait.
    fn decide_if_complete(&mut self) {
        let complete = !self.waiting.is_empty() && self.waiting.len() == self.open.len();
        let Some(Halving { epochs, factor }) = self.halving.filter(|_| complete) else {
            return;
        };
        let mut ranked = std::mem::take(&mut self.waiting);
        // Equal losses in the order of the runs.
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let kept = ranked.len().div_ceil(factor);
        for (_, run) in &ranked[kept..] {
            self.open.remove(run);
        }
        let epochs = epochs.saturating_mul(factor);
        // The last run is trained to its end.
        self.halving = (kept > 1).then_some(Halving { epochs, factor });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_third_goes_on_and_the_last_one_ends_no_more() {
        let halving = Halving {
            epochs: 2,
            factor: 3,
        };
        let rounds = Rounds::new(Some(halving), 7);
        let losses = [0.7, 0.1, 0.5, 0.3, 0.2, 0.6, 0.4];
        // Run 5 fails, and the others do not wait for it.
        let goes_on: Vec<bool> = std::thread::scope(|scope| {
            let run = |run: usize| {
                let rounds = &rounds;
                scope.spawn(move || match run {
                    5 => {
                        rounds.leave(run);
                        false
                    }
                    _ => {
                        assert!(rounds.ends_at(2));
                        rounds.wait_for_others(run, losses[run])
                    }
                })
            };
            let threads: Vec<_> = (0..7).map(run).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(goes_on, [false, true, false, false, true, false, false]);
        assert!(rounds.ends_at(6) && !rounds.ends_at(2));
        let rounds = &rounds;
        let [first, second] = std::thread::scope(|scope| {
            [(1, 0.05), (4, 0.01)]
                .map(|(run, loss)| scope.spawn(move || rounds.wait_for_others(run, loss)))
                .map(|thread| thread.join().unwrap())
        });
        assert_eq!((first, second), (false, true));
        assert!(!rounds.ends_at(18), "the last run is trained to its end");
    }

    #[test]
    fn without_halving_no_run_waits() {
        assert!(!Rounds::new(None, 3).ends_at(1));
        let halving = Halving {
            epochs: 1,
            factor: 2,
        };
        assert!(!Rounds::new(Some(halving), 1).ends_at(1));
    }
}
