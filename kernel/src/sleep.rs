//! `clock_nanosleep`, by which `std::thread::sleep` waits: it ends early at an urgent Stop.
//!
//! The dynamic linker resolves the calls of cells, through their shared `libstd`, to this program's
//! function first. Nothing else can end a sleep: the standard library goes on after a signal, and
//! without it the process would have to be killed, with all variables.

use rustix::io::Errno;
use rustix::thread::{NanosleepRelativeResult, clock_nanosleep_relative};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::ffi::c_int;
use std::sync::OnceLock;

/// Tells whether sleeping is to end; set in the process that runs cells.
static IS_URGENT: OnceLock<fn() -> bool> = OnceLock::new();

/// Interval at which a sleep looks for Stop.
const SLICE: Timespec = milliseconds(100);
/// Length of a sleep after an urgent Stop, so that a loop around it does not spin.
const SHORT: Timespec = milliseconds(1);

const fn milliseconds(count: i64) -> Timespec {
    Timespec {
        tv_sec: 0,
        tv_nsec: count * 1_000_000,
    }
}

/// Flag of an absolute time, in Linux's `time.h`.
const TIMER_ABSTIME: c_int = 1;

/// Lets sleeping end early from now on.
pub(crate) fn end_early_if(is_urgent: fn() -> bool) {
    let _ = IS_URGENT.set(is_urgent);
}

fn is_urgent() -> bool {
    IS_URGENT.get().is_some_and(|is_urgent| is_urgent())
}

/// Replaces the C library's function of this name.
///
/// # Safety
/// As for the C library's: `request` points to a time, and `remain` is null or points to a place for
/// one.
#[allow(unsafe_code, unreachable_pub)] // The linker finds the symbol by its name; the C library's gives way to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_nanosleep(
    clock: c_int,
    flags: c_int,
    request: *const Timespec,
    remain: *mut Timespec,
) -> c_int {
    let clock = match clock {
        0 => ClockId::Realtime,
        1 => ClockId::Monotonic,
        7 => ClockId::Boottime,
        _ => return Errno::NOTSUP.raw_os_error(),
    };
    // SAFETY: the caller passes a pointer to a time.
    let request = unsafe { *request };
    if request.tv_sec < 0 || !(0..1_000_000_000).contains(&request.tv_nsec) {
        return Errno::INVAL.raw_os_error();
    }
    let is_absolute = flags & TIMER_ABSTIME != 0;
    let end = if is_absolute {
        Some(request)
    } else {
        clock_gettime(clock).checked_add(request)
    };
    match sleep_until(clock, end) {
        Ok(()) => 0,
        Err(rest) => {
            if !is_absolute && !remain.is_null() {
                // SAFETY: the caller passes a pointer to a place for a time.
                unsafe { *remain = rest };
            }
            Errno::INTR.raw_os_error()
        }
    }
}

/// Sleeps until a time, or for ever without one. A signal ends the sleep with the rest of the time.
fn sleep_until(clock: ClockId, end: Option<Timespec>) -> Result<(), Timespec> {
    loop {
        let left = match end {
            Some(end) => match end.checked_sub(clock_gettime(clock)) {
                Some(left) if left > Timespec::default() => left,
                _ => return Ok(()),
            },
            None => SLICE,
        };
        let is_urgent = is_urgent();
        let longest = if is_urgent { SHORT } else { SLICE };
        let part = if IS_URGENT.get().is_some() {
            left.min(longest)
        } else {
            left
        };
        match clock_nanosleep_relative(clock, &part) {
            NanosleepRelativeResult::Interrupted(_) if !is_urgent => return Err(left),
            _ if is_urgent => return Ok(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    #[test]
    fn sleeping_takes_its_time_and_ends_early_if_urgent() {
        let start = Instant::now();
        std::thread::sleep(Duration::from_millis(250));
        assert!(start.elapsed() >= Duration::from_millis(250));
        // Only in this thread: other tests sleep too.
        thread_local! { static URGENT: Cell<bool> = const { Cell::new(false) } }
        end_early_if(|| URGENT.get());
        std::thread::sleep(Duration::from_millis(150));
        URGENT.set(true);
        // An hour: the test would not end.
        std::thread::sleep(Duration::from_secs(3600));
    }

    #[test]
    #[allow(unsafe_code)]
    fn invalid_times_and_clocks_are_rejected() {
        let invalid = Timespec {
            tv_sec: 0,
            tv_nsec: -1,
        };
        let sleep = |clock| {
            // SAFETY: the request is a valid pointer, and null is allowed for the rest.
            unsafe { clock_nanosleep(clock, 0, &invalid, std::ptr::null_mut()) }
        };
        assert_eq!(sleep(1), Errno::INVAL.raw_os_error());
        assert_eq!(sleep(1000), Errno::NOTSUP.raw_os_error());
    }
}
