//! Ranks that are threads of one process, for tests: no launcher, and sums in the order of the ranks.

use crate::dist::summand::{Summand, from_bytes, to_bytes};
use crate::dist::transport::Transport;
use crate::dist::world::World;
use crate::error::Result;
use crate::lock::lock;
use std::sync::{Arc, Barrier, Mutex};

/// Values that the threads share.
#[derive(Debug)]
struct Exchange {
    barrier: Barrier,
    slots: Vec<Mutex<Vec<u8>>>,
}

#[derive(Debug)]
struct Thread {
    rank: usize,
    shared: Arc<Exchange>,
}

/// Runs a function on this number of ranks, each with a rayon pool of one thread; returns the results
/// in the order of the ranks.
pub(crate) fn on_threads<R: Send>(size: usize, f: impl Fn(World) -> R + Sync) -> Vec<R> {
    let shared = Arc::new(Exchange {
        barrier: Barrier::new(size),
        slots: (0..size).map(|_| Mutex::default()).collect(),
    });
    std::thread::scope(|scope| {
        let run = |rank: usize| {
            let (shared, f) = (Arc::clone(&shared), &f);
            scope.spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                let thread = Arc::new(Thread { rank, shared });
                pool.unwrap().install(|| {
                    let host = format!("h{rank}");
                    f(World::new(thread, &host).unwrap())
                })
            })
        };
        let threads: Vec<_> = (0..size).map(run).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

impl Thread {
    /// The bytes of all ranks.
    fn exchange(&self, own: &[u8]) -> Vec<Vec<u8>> {
        *lock(&self.shared.slots[self.rank]) = own.to_vec();
        self.shared.barrier.wait();
        let all = self
            .shared
            .slots
            .iter()
            .map(|slot| lock(slot).clone())
            .collect();
        self.shared.barrier.wait();
        all
    }

    fn sum<T: Summand + std::ops::AddAssign>(&self, values: &mut [T]) {
        for (rank, bytes) in self.exchange(&to_bytes(values)).iter().enumerate() {
            for (sum, value) in values.iter_mut().zip(from_bytes::<T>(bytes)) {
                if rank == 0 {
                    *sum = value;
                } else {
                    *sum += value;
                }
            }
        }
    }
}

impl Transport for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.slots.len()
    }

    fn sum_f32(&self, values: &mut [f32]) -> Result<()> {
        self.sum(values);
        Ok(())
    }

    fn sum_f64(&self, values: &mut [f64]) -> Result<()> {
        self.sum(values);
        Ok(())
    }

    fn gather(&self, own: &[u8], all: &mut [u8]) -> Result<()> {
        all.copy_from_slice(&self.exchange(own).concat());
        Ok(())
    }

    fn broadcast(&self, bytes: &mut [u8]) -> Result<()> {
        bytes.copy_from_slice(&self.exchange(bytes)[0]);
        Ok(())
    }
}
