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

/// Memory that a reader may hold at a time.
const MAX_BYTES: usize = 1 << 30;
/// Memory at which an allocation fails, to spare the machine before the read has ended.
const ALLOCATION_LIMIT: usize = 4 << 30;

// Counts what libFuzzer's own limit cannot: memory between two looks of it, and allocations without a sanitizer.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, ALLOCATION_LIMIT);

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
        match catch_unwind(AssertUnwindSafe(|| target.prepared.read(bytes))) {
            Ok(result) => record.end(result.is_ok(), ALLOCATOR.max_allocated()),
            Err(_) => panics::report_and_abort(),
        }
        if ALLOCATOR.max_allocated() > MAX_BYTES {
            eprintln!("fuzz: the reader held {} MB, more than {} MB", ALLOCATOR.max_allocated() >> 20, MAX_BYTES >> 20);
            std::process::abort();
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
