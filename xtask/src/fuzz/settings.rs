//! The arguments of `cargo xtask fuzz`.

use super::{READERS, Reader};
use std::path::PathBuf;

pub(super) const USAGE: &str = "\
cargo xtask fuzz [READER ...] [--runs N | --seconds S]
cargo xtask fuzz READER --replay FILE

Reads mutated files with every reader of the helper crate, or with the named ones, one on each processor, and keeps the
files that reach new code. A reader fails on a file if it panics, dies, holds more than 1 GB, or takes more than 5 s of
processor time.

  --runs N       files for each reader
  --seconds S    time for each reader; defaults to 60
  --replay FILE  reads one file, for instance one that a run has found

Seeds are in tests/corpus/READER. Found files, the corpus of earlier runs and libFuzzer's log are in
target/fuzz/READER. The first run compiles all dependencies with instrumentation, which takes some minutes. It needs a
C++ compiler.

Readers: model weights checkpoint npy npz csv results idx cifar cifar_names jpeg png webp bmp gif image_folder packed lmdb datum";

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Budget {
    Runs(u64),
    Seconds(u64),
}

const DEFAULT_BUDGET: Budget = Budget::Seconds(60);

/// Parsed arguments.
pub(super) struct Settings {
    pub(super) readers: Vec<&'static Reader>,
    pub(super) budget: Budget,
    pub(super) replay: Option<PathBuf>,
}

impl Settings {
    /// Parses the arguments.
    ///
    /// # Errors
    /// If a reader or an option is unknown, or a value is missing or does not fit.
    pub(super) fn parse(arguments: &[&str]) -> Result<Settings, String> {
        let mut settings = Settings {
            readers: Vec::new(),
            budget: DEFAULT_BUDGET,
            replay: None,
        };
        let mut arguments = arguments.iter();
        while let Some(&argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next().copied();
                value.ok_or_else(|| format!("{argument}: expected a value, got none.\n\n{USAGE}"))
            };
            match argument {
                "--runs" => settings.budget = Budget::Runs(number(argument, value()?)?),
                "--seconds" => settings.budget = Budget::Seconds(number(argument, value()?)?),
                "--replay" => settings.replay = Some(value()?.into()),
                name => settings.readers.push(named(name)?),
            }
        }
        if settings.replay.is_some() && settings.readers.len() != 1 {
            let got = settings.readers.len();
            return Err(format!(
                "--replay: expected one reader, got {got}. Name the file's reader first"
            ));
        }
        if settings.readers.is_empty() {
            settings.readers.extend(&READERS);
        }
        Ok(settings)
    }
}

fn number(option: &str, value: &str) -> Result<u64, String> {
    let number = value.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("{option}: expected a number from 1, got {value}"))
}

fn named(name: &str) -> Result<&'static Reader, String> {
    let reader = READERS.iter().find(|reader| reader.name == name);
    reader.ok_or_else(|| format!("expected a reader, got {name}\n\n{USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_and_a_budget_are_parsed() {
        let settings = Settings::parse(&["png", "--runs", "5000", "gif"])
            .ok()
            .unwrap();
        let names: Vec<&str> = settings.readers.iter().map(|reader| reader.name).collect();
        assert_eq!(names, ["png", "gif"]);
        assert_eq!(settings.budget, Budget::Runs(5000));
        assert_eq!(settings.replay, None);
        let all = Settings::parse(&[]).ok().unwrap();
        assert_eq!(all.readers.len(), READERS.len());
        assert_eq!(all.budget, DEFAULT_BUDGET);
    }

    #[test]
    fn a_file_is_replayed_by_one_reader() {
        let settings = Settings::parse(&["png", "--replay", "a file"])
            .ok()
            .unwrap();
        assert_eq!(settings.replay, Some("a file".into()));
        for arguments in [&["--replay", "a"][..], &["png", "gif", "--replay", "a"]] {
            let error = Settings::parse(arguments).err().unwrap();
            assert!(
                error.starts_with("--replay: expected one reader"),
                "{error}"
            );
        }
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (arguments, expected) in [
            (&["tiff"][..], "expected a reader, got tiff"),
            (&["--jobs"], "expected a reader, got --jobs"),
            (&["--runs"], "--runs: expected a value"),
            (&["--runs", "0"], "--runs: expected a number from 1, got 0"),
            (
                &["--seconds", "1m"],
                "--seconds: expected a number from 1, got 1m",
            ),
        ] {
            let error = Settings::parse(arguments).err().unwrap();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn the_help_names_every_reader() {
        let names: Vec<&str> = READERS.iter().map(|reader| reader.name).collect();
        assert!(USAGE.ends_with(&format!("Readers: {}", names.join(" "))));
    }
}
