//! Helpers shared by the test files.

use std::sync::{Mutex, MutexGuard};

const VARIABLES: [&str; 5] = [
    "CANDLEBOOK_DATA",
    "CANDLEBOOK_CACHE",
    "CANDLEBOOK_OFFLINE",
    "CANDLEBOOK_MIRROR",
    "XDG_CACHE_HOME",
];

/// Sets these variables and removes the others, for one test at a time.
pub fn environment(settings: &[(&str, &str)]) -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // SAFETY: every test that reads or writes the environment holds the lock.
    #[allow(unsafe_code)]
    unsafe {
        VARIABLES.iter().for_each(|name| std::env::remove_var(name));
        settings
            .iter()
            .for_each(|(name, value)| std::env::set_var(name, value));
    }
    guard
}
