//! Work on the threads of candle's CPU operations, the calling thread among them.
//!
//! Operations of one graph follow each other on the same threads, so none waits for a second pool to
//! wake up.

use crate::lock::lock;
use candle_core::utils::barrier_pool;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;

/// Values that one job takes of an elementwise operation: they stay in the cache between its passes.
pub(crate) const JOB_VALUES: usize = 1 << 14;

/// Minimum values of an elementwise operation for several threads; below, waking a thread takes longer
/// than the work it saves.
const MIN_PARALLEL_VALUES: usize = 1 << 16;

/// Number of threads: candle's, or fewer if the caller is in a smaller rayon pool, as the runs of a
/// sweep and the ranks of a team are.
pub(crate) fn thread_count() -> usize {
    let threads = barrier_pool().n_workers() + 1;
    threads.min(rayon::current_num_threads())
}

/// Calls a function with every job. Threads take the next job when they have done one.
///
/// `f` must call neither candle nor `for_each`: candle's threads run one operation at a time, so a
/// nested call would wait for itself.
pub(crate) fn for_each<J: Send>(jobs: impl IntoIterator<Item = J>, f: impl Fn(J) + Sync) {
    let jobs: Vec<Mutex<Option<J>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let run = |job: &Mutex<Option<J>>| {
        let job = lock(job).take();
        job.into_iter().for_each(&f);
    };
    if jobs.len() <= 1 || thread_count() <= 1 {
        // Wakes no thread.
        return jobs.iter().for_each(run);
    }
    // A panic inside candle's pool would make it unusable.
    let panic: Mutex<Option<Box<dyn Any + Send>>> = Mutex::new(None);
    barrier_pool().execute_chunked(jobs.len(), |range| {
        for job in &jobs[range] {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| run(job))) {
                *lock(&panic) = Some(payload);
            }
        }
    });
    let payload = lock(&panic).take();
    if let Some(payload) = payload {
        resume_unwind(payload);
    }
}

/// [`for_each`] for the jobs of an elementwise operation on this many values.
pub(crate) fn for_each_block<J: Send>(
    values: usize,
    jobs: impl IntoIterator<Item = J>,
    f: impl Fn(J) + Sync,
) {
    if values < MIN_PARALLEL_VALUES {
        jobs.into_iter().for_each(f);
    } else {
        for_each(jobs, f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_values_are_all_changed() {
        for n in [0, 1, MIN_PARALLEL_VALUES - 1, MIN_PARALLEL_VALUES + 1] {
            let mut values = vec![1; n];
            for_each_block(n, values.chunks_mut(JOB_VALUES), |values| {
                values.iter_mut().for_each(|value| *value += 1);
            });
            assert_eq!(values, vec![2; n]);
        }
    }

    #[test]
    fn every_job_is_done_once() {
        let mut squares = vec![0; 1000];
        for_each(squares.iter_mut().enumerate(), |(i, square)| {
            *square += i * i;
        });
        let right = |(i, square): (usize, &usize)| *square == i * i;
        assert!(squares.iter().enumerate().all(right));
        assert!(thread_count() > 0);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_threads_go_on() {
        let mut done = [false; 8];
        let result = catch_unwind(AssertUnwindSafe(|| {
            for_each(done.iter_mut().enumerate(), |(i, done)| {
                assert_ne!(i, 3, "job 3");
                *done = true;
            });
        }));
        let message = *result.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("job 3"), "{message}");
        assert!(!done[3]);
        for_each(done.iter_mut(), |done| *done = true);
        assert_eq!(done, [true; 8]);
    }
}
