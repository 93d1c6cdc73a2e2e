//! `cargo xtask fuzz`: mutated files for every reader, guided by the coverage that they reach.

mod build;
mod report;
mod settings;
mod target;

use crate::workspace::Workspace;
use build::build;
use settings::{Budget, Settings, USAGE};
use std::path::Path;
use std::sync::Mutex;
use target::Target;

/// A reader, as `tests/readers/readers.rs` lists it.
struct Reader {
    name: &'static str,
    /// Length limit of the mutated files.
    max_bytes: usize,
    /// File name in `fuzz/dictionaries`, without its extension.
    dictionary: Option<&'static str>,
}

const fn reader(name: &'static str, max_bytes: usize, dictionary: &'static str) -> Reader {
    Reader {
        name,
        max_bytes,
        dictionary: if dictionary.is_empty() {
            None
        } else {
            Some(dictionary)
        },
    }
}

const READERS: [Reader; 19] = [
    reader("model", 8192, "model"),
    reader("weights", 8192, "model"),
    reader("checkpoint", 8192, "model"),
    reader("npy", 4096, "npy"),
    reader("npz", 4096, "npz"),
    reader("csv", 1024, ""),
    reader("results", 1024, ""),
    reader("idx", 4096, "idx"),
    reader("cifar", 2 * 3073, ""),
    reader("cifar_names", 1024, ""),
    reader("jpeg", 4096, "jpeg"),
    reader("png", 4096, "png"),
    reader("webp", 4096, "webp"),
    reader("bmp", 4096, "bmp"),
    reader("gif", 4096, "gif"),
    reader("image_folder", 4096, "images"),
    reader("packed", 1024, ""),
    reader("lmdb", 8192, "lmdb"),
    reader("datum", 2048, ""),
];

/// Fuzzes readers, or replays a file.
///
/// # Errors
/// If the arguments are wrong, the fuzzer cannot be built, or a reader fails on a file.
pub(crate) fn fuzz(arguments: &[&str]) -> Result<(), String> {
    if arguments == ["--help"] {
        println!("{USAGE}");
        return Ok(());
    }
    let settings = Settings::parse(arguments)?;
    let workspace = Workspace::new()?;
    let program = build(&workspace)?;
    let target = |reader| Target::new(&workspace, &program, reader);
    if let Some(file) = &settings.replay {
        return target(settings.readers[0])?.replay(file);
    }
    let targets = settings.readers.iter().map(|reader| target(reader));
    let targets: Vec<Target<'_>> = targets.collect::<Result<_, _>>()?;
    match run_all(&targets, settings.budget) {
        0 => Ok(()),
        1 => Err("1 reader failed".into()),
        n => Err(format!("{n} readers failed")),
    }
}

/// Runs the targets, one on each processor, and returns the number of those that failed.
fn run_all(targets: &[Target<'_>], budget: Budget) -> usize {
    let next = Mutex::new(targets.iter());
    let worker = || {
        let mut failed = 0;
        loop {
            // Taken before the run, so that the lock is not held during it.
            let Some(target) = next.lock().ok().and_then(|mut next| next.next()) else {
                return failed;
            };
            match target.run(budget) {
                Ok(line) => println!("xtask: fuzz: {line}"),
                Err(finding) => {
                    failed += 1;
                    println!("xtask: fuzz: {finding}");
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        // A worker that panicked has not finished its target.
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or(1))
            .sum()
    })
}

fn failed_at(path: &Path) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_corpus_has_a_reader_and_every_dictionary_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let entries = std::fs::read_dir(root.join("tests/corpus")).unwrap();
        let mut corpora: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        corpora.sort();
        let mut names = READERS.map(|reader| reader.name);
        names.sort_unstable();
        assert_eq!(corpora, names);
        for name in READERS.iter().filter_map(|reader| reader.dictionary) {
            let path = root.join(format!("fuzz/dictionaries/{name}.dict"));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}
