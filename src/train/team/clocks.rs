//! Clocks of a rank: by time alone it notices that another rank or the notebook's process is gone.

use super::message::{ALIVE, Message, STOP};
use crate::cell::request_stop;
use crate::dist::{Mpi, World};
use crate::lock::lock;
use crate::show::pass_on_error;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time without a line of the notebook's process after which rank 0 ends the job.
const SILENCE_LIMIT: Duration = Duration::from_secs(15);
/// Interval of rank 0's messages, and of looks at the clocks.
const INTERVAL: Duration = Duration::from_secs(1);
/// Exit code of a rank that ends because another is gone.
const ALONE: i32 = 4;

/// The threads of a rank besides training.
pub(super) struct Clocks {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clocks {
    /// Starts to look at the clocks. `timeout` is the longest time that another rank may take to come to
    /// a collective operation.
    pub(super) fn start(mpi: &Arc<Mpi>, world: &World, timeout: Duration) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(Mutex::new(Instant::now()));
        if world.rank() == 0 {
            read_input(Arc::clone(&heard));
        }
        let (mpi, world, until) = (Arc::clone(mpi), world.clone(), Arc::clone(&ended));
        let thread = std::thread::Builder::new().name("candlebook-clocks".into());
        // Without the thread, a host that is gone is noticed by the notebook's process alone.
        let thread = thread.spawn(move || watch(&mpi, &world, timeout, &heard, &until));
        Clocks {
            ended,
            thread: thread.ok(),
        }
    }

    /// Ends the thread.
    pub(super) fn end(self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread {
            thread.thread().unpark();
            // A panic of the thread has no other effect.
            let _ = thread.join();
        }
    }
}

fn watch(mpi: &Mpi, world: &World, timeout: Duration, heard: &Mutex<Instant>, ended: &AtomicBool) {
    let waiting = world.waiting();
    while !ended.load(Ordering::Relaxed) {
        std::thread::park_timeout(INTERVAL);
        let time = waiting
            .as_ref()
            .map_or(Duration::ZERO, |waiting| waiting.time());
        if time > timeout {
            let text = format!(
                "{} has waited for another rank for {} seconds: its machine or the network is gone, \
                 or it computes for longer (Team::timeout)",
                world.name_of(world.rank()),
                timeout.as_secs_f64()
            );
            pass_on_error(&text);
            if world.rank() == 0 {
                Message::Failed { text }.send();
            }
            mpi.abort(ALONE);
        }
        if world.rank() == 0 && !ended.load(Ordering::Relaxed) {
            Message::Alive.send();
            if lock(heard).elapsed() > SILENCE_LIMIT {
                pass_on_error("The notebook's process is gone: the job ends.");
                mpi.abort(ALONE);
            }
        }
    }
}

/// Reads the lines of the notebook's process. The end of its input is none: some launchers do not pass
/// it on.
fn read_input(heard: Arc<Mutex<Instant>>) {
    let read = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match line.trim() {
                STOP => request_stop(),
                ALIVE => *lock(&heard) = Instant::now(),
                _ => {}
            }
        }
    };
    let thread = std::thread::Builder::new().name("candlebook-input".into());
    // Without the thread, the job ends after the limit, with a message.
    let _ = thread.spawn(read);
}
