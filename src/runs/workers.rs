//! Threads that train the models of a sweep.

use crate::error::{Error, Result};
use crate::lock::lock;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Threads for some jobs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Workers {
    /// Models that compute at a time.
    pub(super) seats: usize,
    /// Threads of each model.
    pub(super) threads: usize,
}

impl Workers {
    /// One thread per job; more if there are fewer jobs than threads.
    pub(super) fn for_jobs(jobs: usize) -> Self {
        Self::of(jobs, rayon::current_num_threads())
    }

    fn of(jobs: usize, threads: usize) -> Self {
        let seats = jobs.clamp(1, threads.max(1));
        Workers {
            seats,
            threads: (threads / seats).max(1),
        }
    }
}

/// Runs the jobs on `n` threads, while `follow` receives what they send.
///
/// # Errors
/// No thread can be started.
pub(super) fn work<J: Send, U: Send>(
    n: usize,
    jobs: Vec<J>,
    run: impl Fn(J, &Sender<U>) + Sync,
    follow: impl FnOnce(&Receiver<U>),
) -> Result<()> {
    let queue = Mutex::new(VecDeque::from(jobs));
    let next = || lock(&queue).pop_front();
    let (sender, receiver) = channel();
    let started = std::thread::scope(|scope| {
        let start = |_| {
            let (sender, next, run) = (sender.clone(), &next, &run);
            let thread = std::thread::Builder::new().name("candlebook-sweep".into());
            let spawned = thread.spawn_scoped(scope, move || {
                while let Some(job) = next() {
                    run(job, &sender);
                }
            });
            spawned.map(|_| ())
        };
        let started: std::io::Result<Vec<()>> = (0..n).map(start).collect();
        // The receiver ends with the last thread.
        drop(sender);
        follow(&receiver);
        started
    });
    // The threads that have started run all jobs.
    match started {
        Err(error) if !lock(&queue).is_empty() => {
            let hint = "End other programs, or train fewer models";
            Err(Error::setting("sweep", "threads for its runs", error, hint))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_has_one_thread_or_its_share() {
        let workers = |seats, threads| Workers { seats, threads };
        assert_eq!(Workers::of(12, 2), workers(2, 1));
        assert_eq!(Workers::of(2, 8), workers(2, 4));
        assert_eq!(Workers::of(3, 8), workers(3, 2));
        assert_eq!(Workers::of(1, 8), workers(1, 8));
        assert_eq!(Workers::of(0, 0), workers(1, 1));
    }

    #[test]
    fn every_job_runs_once() {
        let run = |job: usize, sender: &Sender<usize>| sender.send(job).unwrap();
        let mut received = Vec::new();
        work(3, (0..20).collect(), run, |updates| {
            received.extend(updates)
        })
        .unwrap();
        received.sort();
        assert_eq!(received, (0..20).collect::<Vec<_>>());
    }
}
