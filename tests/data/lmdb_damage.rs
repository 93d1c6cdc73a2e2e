//! Damaged LMDB databases: an error in words or unreadable records, never the end of the process.

use crate::caffe::{Writer, key, pixels, pixels_of, write};
use crate::support::error;
use candlebook::data::lmdb_folder;
use candlebook::prelude::*;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const PAGE: usize = 4096;
const RANDOM_MUTATIONS: usize = 20_000;

/// A database that is damaged and repaired in place.
struct Patient {
    folder: tempfile::TempDir,
    whole: Vec<u8>,
    file: File,
    opened: usize,
    refused: usize,
}

impl Patient {
    /// Inline and large records, two levels, free pages, both meta pages in use.
    fn new() -> Patient {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::create(folder.path());
        let record = |i: usize| match i % 16 {
            0 => pixels_of([30, 30 + i], [i as u8; 3], Some(i as i64)),
            _ => pixels([i as u8; 3], Some(i as i64)),
        };
        writer.put((0..50).map(|i| (key(i), record(i))));
        writer.delete((20..30).map(key));
        writer.put((50..60).map(|i| (key(i), record(i))));
        writer.close(folder.path());
        let path = folder.path().join("data.mdb");
        let whole = std::fs::read(&path).unwrap();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        Patient {
            folder,
            whole,
            file,
            opened: 0,
            refused: 0,
        }
    }

    /// Reads all records of the file with these bytes replaced.
    fn mutate(&mut self, bytes: &[(usize, u8)]) {
        for &(at, byte) in bytes {
            self.file.write_all_at(&[byte], at as u64).unwrap();
        }
        match read_all(self.folder.path()) {
            Ok(()) => self.opened += 1,
            Err(text) => {
                self.refused += 1;
                assert!(text.contains(": expected "), "{bytes:?}: {text}");
            }
        }
        for &(at, _) in bytes {
            let byte = &self.whole[at..=at];
            self.file.write_all_at(byte, at as u64).unwrap();
        }
    }

    /// Neither every mutation is noticed by the reader nor none.
    fn check_counts(&self) {
        let (opened, refused) = (self.opened, self.refused);
        assert!(
            opened > 500 && refused > 500,
            "{opened} opened, {refused} refused"
        );
        println!("{opened} opened, {refused} refused");
    }

    /// Offsets of the bytes that give the structure: the meta pages, the headers of pages, the
    /// offsets of nodes, their headers, and the page numbers of large values.
    fn structure(&self) -> Vec<usize> {
        let number = |at: usize| u16::from_le_bytes([self.whole[at], self.whole[at + 1]]) as usize;
        let mut found: Vec<usize> = [0, PAGE]
            .iter()
            .flat_map(|&meta| meta..meta + 152)
            .collect();
        for page in (2 * PAGE..self.whole.len()).step_by(PAGE) {
            found.extend(page..page + 16);
            let lower = number(page + 12);
            if number(page + 10) > 2 || lower > PAGE {
                continue;
            }
            found.extend(page + 16..page + lower);
            for pointer in (16..lower).step_by(2) {
                let node = page + number(page + pointer);
                let key_end = node + 8 + number(node + 6);
                found.extend(node..node + 8);
                found.extend(key_end..(key_end + 8).min(page + PAGE));
            }
        }
        found
    }
}

/// Opens a database and decodes every image; an unreadable one counts as read.
fn read_all(path: &Path) -> Result<(), String> {
    let settings = PhotoSettings {
        size: 1,
        max_unreadable: usize::MAX,
        ..Default::default()
    };
    let data = lmdb_folder(path, &settings).map_err(|error| error.to_string())?;
    for split in [&data.train, &data.test] {
        split.first(usize::MAX).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % n as u64) as usize
    }
}

#[test]
fn each_byte_of_the_structure_may_be_wrong() {
    let mut patient = Patient::new();
    let structure = patient.structure();
    assert!(structure.len() > 1000, "{}", structure.len());
    for at in structure {
        let byte = patient.whole[at];
        for wrong in [0, 0xff, !byte, byte ^ 1] {
            if wrong != byte {
                patient.mutate(&[(at, wrong)]);
            }
        }
    }
    patient.check_counts();
}

#[test]
fn random_bytes_may_be_wrong() {
    let mut patient = Patient::new();
    let structure = patient.structure();
    let mut numbers = Numbers(14);
    for round in 0..RANDOM_MUTATIONS {
        let bytes: Vec<_> = (0..1 + numbers.below(6))
            .map(|_| {
                let at = match round % 4 {
                    0 => numbers.below(patient.whole.len()),
                    _ => structure[numbers.below(structure.len())],
                };
                let byte = match numbers.below(3) {
                    // A small number is more often a plausible offset, length or page.
                    0 => numbers.below(24),
                    _ => numbers.below(256),
                };
                (at, byte as u8)
            })
            .collect();
        patient.mutate(&bytes);
    }
    patient.check_counts();
}

#[test]
fn pages_may_be_swapped() {
    let patient = Patient::new();
    let pages = patient.whole.len() / PAGE;
    let path = patient.folder.path().join("data.mdb");
    let page = |i: usize| &patient.whole[i * PAGE..][..PAGE];
    let mut refused = 0;
    for (to, from) in (0..pages).flat_map(|to| (0..pages).map(move |from| (to, from))) {
        patient
            .file
            .write_all_at(page(from), (to * PAGE) as u64)
            .unwrap();
        refused += usize::from(read_all(&path).is_err());
        patient
            .file
            .write_all_at(page(to), (to * PAGE) as u64)
            .unwrap();
    }
    assert!(refused > pages, "{refused} of {}", pages * pages);
}

#[test]
fn a_file_cut_off_at_any_page_is_an_error() {
    let patient = Patient::new();
    let end = patient.whole.len();
    let cuts = (0..end).step_by(PAGE).flat_map(|at| [at, at + 1, at + 200]);
    for at in cuts.chain([end - 1]) {
        patient.file.set_len(at as u64).unwrap();
        let text = read_all(patient.folder.path()).unwrap_err();
        assert!(
            text.ends_with("Check that the copy is complete"),
            "{at}: {text}"
        );
        patient.file.write_all_at(&patient.whole, 0).unwrap();
    }
    assert_eq!(read_all(patient.folder.path()), Ok(()));
}

/// A database of 200 records, and its file.
fn database() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..200).map(|i| pixels([i; 3], Some(1))).collect();
    write(folder.path(), &records);
    let file = folder.path().join("data.mdb");
    (folder, file)
}

#[test]
fn a_file_that_changes_while_it_is_open_has_unreadable_records() {
    let (folder, file) = database();
    let whole = std::fs::read(&file).unwrap();
    for change in [2 * PAGE, 5 * PAGE + 9, 0] {
        let data = lmdb_folder(folder.path(), &PhotoSettings::default()).unwrap();
        data.train.first(1).unwrap();
        let open = OpenOptions::new().write(true).open(&file).unwrap();
        open.set_len(change as u64).unwrap();
        let text = error(data.train.first(20));
        let words = "the database has changed since it was loaded. Load it again";
        assert!(text.contains(words), "{text}");
        std::fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_open_stays_readable() {
    let (folder, file) = database();
    let data = lmdb_folder(folder.path(), &PhotoSettings::default()).unwrap();
    let other = folder.path().join("other");
    std::fs::write(&other, b"another file").unwrap();
    std::fs::rename(other, file).unwrap();
    assert_eq!(data.train.first(180).unwrap().dim(0).unwrap(), 180);
}

#[test]
fn other_kinds_of_databases_are_errors() {
    let (folder, file) = database();
    let whole = std::fs::read(&file).unwrap();
    let read = |patches: &[(usize, &[u8])]| {
        let mut bytes = whole.clone();
        for meta in [0, PAGE] {
            for (at, patch) in patches {
                bytes[meta + at..][..patch.len()].copy_from_slice(patch);
            }
        }
        std::fs::write(&file, bytes).unwrap();
        read_all(folder.path()).unwrap_err()
    };
    let magic = 0xBEEF_C0DE_u32;
    let (swapped, dump) = (magic.to_be_bytes(), "with mdb_dump and import it here");
    for (patches, got, hint) in [
        (
            &[(16, &swapped[..])][..],
            "got one of a big-endian computer. ",
            dump,
        ),
        (
            &[(16, &[0; 4]), (12, &swapped)],
            "got one of a big-endian computer. ",
            dump,
        ),
        (
            &[(16, &[0; 4]), (12, &magic.to_le_bytes())],
            "got one of a 32-bit computer. ",
            dump,
        ),
        (&[(20, &[2])], "got one of format version 2. ", dump),
        (
            &[(40, &[0, 0x18])],
            "got one with pages of 6144 bytes. ",
            "the copy",
        ),
        (
            &[(92, &[4])],
            "got one with several values per key. ",
            "one value per key",
        ),
    ] {
        let text = read(patches);
        let expected = format!("expected an LMDB database of Caffe's records, {got}");
        assert!(text.contains(&expected) && text.contains(hint), "{text}");
    }
}

#[test]
fn named_databases_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::named(folder.path(), Some("images"));
    writer.put((0..9).map(|i| (key(i), pixels([1; 3], Some(1)))));
    writer.close(folder.path());
    let text = read_all(folder.path()).unwrap_err();
    let words = "expected an LMDB database of Caffe's records, got one with named databases. Write";
    assert!(text.contains(words), "{text}");
}

#[test]
fn a_record_of_600_mib_is_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let long = pixels_of([60, 60], [1; 3], Some(1));
    write(folder.path(), &[pixels([1; 3], Some(1)), long]);
    let path = folder.path().join("data.mdb");
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let put = |at: usize, number: u32| file.write_all_at(&number.to_le_bytes(), at as u64).unwrap();
    // The length is 8 bytes before the key, the number of the first overflow page after it.
    let found = bytes.windows(key(1).len()).position(|at| at == key(1));
    let at = found.unwrap();
    put(at - 8, 600 << 20);
    let page = usize::from(bytes[at + key(1).len()]);
    let (pages, last_page) = (160_000, 170_000);
    put(page * PAGE + 12, pages);
    put(136, last_page);
    put(PAGE + 136, last_page);
    // A sparse file takes no space.
    file.set_len((u64::from(last_page) + 1) * PAGE as u64)
        .unwrap();
    let settings = PhotoSettings {
        max_unreadable: 0,
        test_split: 0.5,
        ..Default::default()
    };
    let data = lmdb_folder(folder.path(), &settings).unwrap();
    let text = error(data.train.first(2).and(data.test.first(2)));
    let words = "expected at most 512000000 bytes of an image, 8 per pixel, got 629145600";
    assert!(text.contains(words), "{text}");
}
