//! `read` and `write`, by which cells use their standard streams: the process that runs cells learns
//! that one waits for input or is about to write.
//!
//! The dynamic linker resolves the calls of cells, through their shared `libstd`, to this program's
//! functions first. The system says of no pipe that a reader waits for it, and keeps no order between
//! the texts in two pipes. Programs that a cell starts have functions of their own: they find
//! standard input at its end.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

/// Functions of the process that runs cells.
pub(crate) struct Hooks {
    /// Waits for a byte of standard input.
    pub(crate) next_byte: fn() -> NextByte,
    /// Called before a write to standard output (1) or standard error (2).
    pub(crate) before_write: fn(c_int),
}

/// The next byte of a cell's standard input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NextByte {
    Byte(u8),
    End,
    /// The cell ignores the end.
    Failed,
    /// The cell has replaced its standard input: its file is to be read.
    Replaced,
}

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// The error `EIO`, in Linux's `errno.h`.
const INPUT_OUTPUT_ERROR: c_int = 5;

/// Calls these functions from now on.
pub(crate) fn set_hooks(hooks: Hooks) {
    let _ = HOOKS.set(hooks);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
unsafe extern "C" {
    /// The C library's own functions.
    fn __read(fd: c_int, buffer: *mut c_void, count: usize) -> isize;
    fn __write(fd: c_int, buffer: *const c_void, count: usize) -> isize;
    fn __errno_location() -> *mut c_int;
}

/// Replaces the C library's function of this name. Reads one byte of standard input at a time, so that
/// the rest of a line stays with the process, which can drop it when the cell ends.
///
/// # Safety
/// As for the C library's: `buffer` points to a place for `count` bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, unreachable_pub)] // The linker finds the symbol by its name; the C library's gives way to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn read(fd: c_int, buffer: *mut c_void, count: usize) -> isize {
    let hooks = HOOKS.get().filter(|_| fd == 0 && count > 0);
    match hooks.map(|hooks| (hooks.next_byte)()) {
        Some(NextByte::Byte(byte)) => {
            // SAFETY: the caller passes a pointer to a place for at least one byte.
            unsafe { *buffer.cast::<u8>() = byte };
            1
        }
        Some(NextByte::End) => 0,
        Some(NextByte::Failed) => {
            // SAFETY: the C library returns a pointer to this thread's error number.
            unsafe { *__errno_location() = INPUT_OUTPUT_ERROR };
            -1
        }
        // SAFETY: as the caller promises.
        Some(NextByte::Replaced) | None => unsafe { __read(fd, buffer, count) },
    }
}

/// Replaces the C library's function of this name.
///
/// # Safety
/// As for the C library's: `buffer` points to `count` bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, unreachable_pub)] // As above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, count: usize) -> isize {
    if let Some(hooks) = HOOKS.get().filter(|_| fd == 1 || fd == 2) {
        (hooks.before_write)(fd);
    }
    // SAFETY: as the caller promises.
    unsafe { __write(fd, buffer, count) }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;
    use std::io::Read;

    /// In a process of its own: the hooks belong to the whole process.
    #[test]
    fn the_standard_library_reads_and_writes_by_these_functions() {
        const CHILD: &str = "CANDLEBOOK_TEST_OF_STREAMS";
        let test =
            "standard_streams::tests::the_standard_library_reads_and_writes_by_these_functions";
        if std::env::var_os(CHILD).is_some() {
            return in_the_child();
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, "1")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("1 passed"), "{text}");
    }

    fn in_the_child() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static READS: AtomicUsize = AtomicUsize::new(0);
        static WRITES: AtomicUsize = AtomicUsize::new(0);
        set_hooks(Hooks {
            next_byte: || match READS.fetch_add(1, Ordering::SeqCst) {
                0 => NextByte::Byte(b'a'),
                1 => NextByte::Byte(b'\n'),
                2 => NextByte::End,
                3 => NextByte::Failed,
                _ => NextByte::Replaced,
            },
            before_write: |fd| {
                WRITES.fetch_add(fd as usize, Ordering::SeqCst);
            },
        });
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a\n");
        let error = std::io::stdin().read_line(&mut text).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(INPUT_OUTPUT_ERROR));
        // The process's own standard input is at its end.
        assert_eq!(std::io::stdin().read_line(&mut text).unwrap(), 0);
        let before = WRITES.load(Ordering::SeqCst);
        eprintln!("x");
        assert!(WRITES.load(Ordering::SeqCst) >= before + 2);
    }
}
