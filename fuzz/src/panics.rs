//! Which panics are faults.
//!
//! The crate catches panics of image decoders and reports a damaged file, which is its answer and no fault. A panic in
//! the crate's own code is one even if it is caught, and so is every panic that leaves the reader.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

static LAST: Mutex<String> = Mutex::new(String::new());

/// Ends the run on panics of the crate's own code, and keeps the text of the others.
pub fn end_the_run_on_our_own() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("/"))
        .join("src");
    std::panic::set_hook(Box::new(move |info| {
        if info
            .location()
            .is_some_and(|location| Path::new(location.file()).starts_with(&own))
        {
            eprintln!("fuzz: {info}");
            std::process::abort();
        }
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    }));
}

/// Reports the last panic, which left the reader.
pub fn report_and_abort() -> ! {
    eprintln!(
        "fuzz: {}",
        LAST.lock().unwrap_or_else(PoisonError::into_inner)
    );
    std::process::abort();
}
