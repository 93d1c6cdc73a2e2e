//! Helpers shared by the test files.

use candlebook::prelude::*;
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
    unsafe {
        VARIABLES.iter().for_each(|name| std::env::remove_var(name));
        settings
            .iter()
            .for_each(|(name, value)| std::env::set_var(name, value));
    }
    guard
}

/// The error's text.
pub fn error<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string(),
    }
}

/// The first value of each channel of each image, from 0 to 255.
pub fn colors(split: &Split) -> Vec<[u8; 3]> {
    let images = split.first(usize::MAX).unwrap();
    let values = images.i((.., .., 0, 0)).unwrap().to_vec2::<f32>().unwrap();
    values
        .iter()
        .map(|v| [v[0], v[1], v[2]].map(|v| (v * 255.0).round() as u8))
        .collect()
}

/// The table that a data set shows.
pub fn table(data: &Dataset) -> String {
    data.contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned()
}
