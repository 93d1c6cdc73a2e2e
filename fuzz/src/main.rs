//! One reader under libFuzzer. `cargo xtask fuzz` builds and starts it.
//!
//! Environment: `CANDLEBOOK_FUZZ_READER` names the reader, `CANDLEBOOK_FUZZ_FOLDER` is an empty folder for its files and
//! for the record, best in memory; `CANDLEBOOK_CACHE` a folder in it.
#![no_main]

#[path = "../../tests/readers/readers.rs"]
mod readers;
#[path = "../../tests/readers/packing.rs"]
mod packing;
mod mutation;
mod panics;
mod record;

use cap::Cap;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use readers::{Prepared, Reader};
use record::Record;
use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Processor time that a read may take.
const MAX_TIME: Duration = Duration::from_secs(5);
/// Memory that a reader may hold at a time.
const MAX_BYTES: usize = 1 << 30;
/// Memory at which an allocation fails, to spare the machine before the read has ended.
const ALLOCATION_LIMIT: usize = 4 << 30;

// Counts what libFuzzer's own limit cannot: memory between two looks of it, and allocations without a sanitizer.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, ALLOCATION_LIMIT);

/// Reports a fault; libFuzzer then keeps the file.
fn fail(reason: &str) -> ! {
    eprintln!("fuzz: {reason}");
    std::process::abort();
}

struct Target {
    reader: &'static Reader,
    prepared: Prepared,
    record: Mutex<Record>,
}

static TARGET: OnceLock<Target> = OnceLock::new();

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: start this program with cargo xtask fuzz"))
}

fn target() -> Target {
    let name = variable("CANDLEBOOK_FUZZ_READER");
    let reader = Reader::named(&name).unwrap_or_else(|| panic!("there is no reader {name}"));
    let folder = PathBuf::from(variable("CANDLEBOOK_FUZZ_FOLDER"));
    let files = folder.join("files");
    std::fs::create_dir_all(&files).unwrap_or_else(|error| panic!("{}: {error}", files.display()));
    let prepared = reader.prepare(&files);
    panics::end_the_run_on_our_own();
    Target {
        reader,
        prepared,
        record: Mutex::new(Record::new(folder.join("record"))),
    }
}

fuzz_target!(
    init: {
        TARGET.get_or_init(target);
    },
    |bytes: &[u8]| {
        let target = TARGET.get_or_init(target);
        let mut record = target.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.begin(bytes);
        let result = catch_unwind(AssertUnwindSafe(|| target.prepared.read(bytes)));
        let Ok(result) = result else {
            panics::report_and_abort()
        };
        let peak = ALLOCATOR.max_allocated();
        let time = record.end(result.is_ok(), peak);
        if time > MAX_TIME {
            fail(&format!("the reader took {:.1} s, more than {} s", time.as_secs_f64(), MAX_TIME.as_secs()));
        }
        if peak > MAX_BYTES {
            fail(&format!("the reader held {} MB, more than {} MB", peak >> 20, MAX_BYTES >> 20));
        }
    }
);

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // Half of the files: whole formats also need damaged lengths.
    let packed = seed.is_multiple_of(2);
    let name = TARGET.get_or_init(target).reader.name;
    let size_of_packed = packed.then(|| mutation::mutate_contents(name, data, size, max_size));
    size_of_packed
        .flatten()
        .unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
