//! No file takes the process: the corpora of the fuzzer, and seeded mutations of them, through every reader.
//!
//! `cargo xtask fuzz` searches further.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod mutate;
mod packing;
mod readers;
mod seeds;

use mutate::Mutator;
use readers::READERS;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Mutated files for each file of a corpus.
const MUTATIONS: usize = 1000;
const MAX_FILE_BYTES: usize = 4096;
const MAX_TOTAL_BYTES: usize = 300 << 10;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// Names and contents of a reader's files, in the order of their names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(corpora().join(name)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| (name(path), std::fs::read(path).unwrap()))
        .collect()
}

/// Files that must be read. The others, named by the fuzzer, need not be.
fn is_whole(name: &str) -> bool {
    name.len() < 40
}

/// A folder in memory where the system has one: some file systems write a file that is replaced to the disk at once.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
    .unwrap()
}

fn set_cache(folder: &Path) {
    // SAFETY: this program reads and writes the environment through the standard library only, which locks it.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("CANDLEBOOK_CACHE", folder);
    }
}

#[test]
fn every_reader_has_a_small_corpus() {
    let mut total = 0;
    for reader in &READERS {
        let files = corpus(reader.name);
        assert!(!files.is_empty(), "{}", reader.name);
        for (name, bytes) in files {
            assert!(bytes.len() <= MAX_FILE_BYTES, "{}/{name}", reader.name);
            total += bytes.len();
        }
    }
    assert!(total <= MAX_TOTAL_BYTES, "{total} bytes");
    let folders = std::fs::read_dir(corpora()).unwrap().count();
    assert_eq!(folders, READERS.len(), "a corpus without a reader");
}

#[test]
fn every_reader_survives_its_corpus_and_mutations_of_it() {
    let root = scratch();
    set_cache(&root.path().join("cache"));
    for (number, reader) in READERS.iter().enumerate() {
        let folder = root.path().join(reader.name);
        std::fs::create_dir_all(&folder).unwrap();
        let prepared = reader.prepare(&folder);
        let mut mutator = Mutator(number as u64);
        for (name, bytes) in corpus(reader.name) {
            println!("{}/{name}", reader.name);
            let read = prepared.read(&bytes);
            assert!(
                read.is_ok() || !is_whole(&name),
                "{}/{name}: {read:?}",
                reader.name
            );
            for _ in 0..MUTATIONS {
                // An error is an answer; a panic or an abort ends the test.
                let _ = prepared.read(&mutator.mutated(reader.name, &bytes));
            }
        }
    }
}
