//! The order of what a cell writes to standard output and to standard error.
//!
//! They are two pipes, and the relay cannot tell which text was written first if both have some. So a
//! cell that changes from one to the other waits until the first one has been read.

use rustix::fd::OwnedFd;
use rustix::io::ioctl_fionread;
use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Time after which a text is written in any case: front ends may read slowly.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Time between two looks at a pipe.
const PAUSE: Duration = Duration::from_micros(20);

/// Copies of standard output and standard error.
static PIPES: OnceLock<[OwnedFd; 2]> = OnceLock::new();
/// The descriptor that was written to last.
static LAST: AtomicI32 = AtomicI32::new(0);

/// Keeps the order from now on.
pub(super) fn keep_order_of(out: OwnedFd, err: OwnedFd) {
    let _ = PIPES.set([out, err]);
}

/// Waits until the other stream has been read, if it was written to last.
pub(super) fn before_write(fd: c_int) {
    if LAST.load(Ordering::SeqCst) == fd {
        return;
    }
    if let Some([out, err]) = PIPES.get() {
        let other = if fd == 1 { err } else { out };
        let since = Instant::now();
        while !is_empty(other) && since.elapsed() < MAX_WAIT {
            std::thread::sleep(PAUSE);
        }
    }
    LAST.store(fd, Ordering::SeqCst);
}

fn is_empty(pipe: &OwnedFd) -> bool {
    ioctl_fionread(pipe).is_ok_and(|bytes| bytes == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};
    use std::fs::File;
    use std::io::{Read, Write};

    #[test]
    fn a_write_waits_for_the_reader_of_the_other_stream() {
        let (out, out_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (_err, err_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut writer = File::from(out_write.try_clone().unwrap());
        keep_order_of(out_write, err_write);
        before_write(1);
        writer.write_all(b"first").unwrap();
        let waiting = std::thread::spawn(|| before_write(2));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        File::from(out).read_exact(&mut [0; 5]).unwrap();
        waiting.join().unwrap();
    }
}
