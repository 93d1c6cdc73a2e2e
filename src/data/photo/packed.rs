//! A file of frames: what was decoded once is read back as it is, in this run and the next.
//!
//! Its name is a hash of the photographs' names, sizes and times and of how they are framed, so that a change makes another
//! file. Layout, little-endian: magic; how many; for each its end in bytes (u64), width and height (u16, zero where it could
//! not be read); then red, green and blue of every pixel.

use crate::cell::check_stopped;
use crate::data::photo::frame::{Crop, Frame, Framing};
use crate::data::photo::source::PhotoSource;
use crate::error::{Error, Result};
use crate::file::{AtomicFile, Sha256};
use crate::lock::lock;
use crate::show::StatusLine;
use rayon::prelude::*;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

const MAGIC: &[u8; 16] = b"candlebook pack1";
const HEADER: u64 = 24;
const ENTRY: u64 = 12;
/// So many photographs are decoded together.
const CHUNK: usize = 256;

#[derive(Debug)]
pub(crate) struct Packed {
    file: Mutex<File>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    end: u64,
    width: u16,
    height: u16,
}

impl Packed {
    /// The packed file of a source's frames in a folder, made where it is not there or is damaged. `note` is told what
    /// cannot be read, and may end it.
    pub(crate) fn open_or_make(
        folder: &Path,
        source: &dyn PhotoSource,
        framing: Framing,
        note: impl Fn(usize, String) -> Result<()>,
    ) -> Result<Packed> {
        let path = folder.join(format!("{}.frames", key(source, framing)?));
        let n = source.len();
        let packed = match Packed::open(&path, n, framing) {
            Some(packed) => packed,
            None => {
                std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
                make(&path, source, framing, &note)?;
                Packed::open(&path, n, framing).ok_or_else(|| {
                    let hint = "Check the disk, or leave out `packed`";
                    Error::file(&path, "the frames just written", "something else", hint)
                })?
            }
        };
        for (i, _) in packed
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.width == 0)
        {
            note(i, "could not be decoded when it was packed".into())?;
        }
        Ok(packed)
    }

    /// Opens a file and checks that it is whole.
    fn open(path: &Path, n: usize, framing: Framing) -> Option<Packed> {
        let mut file = File::open(path).ok()?;
        let mut header = [0; HEADER as usize];
        file.read_exact(&mut header).ok()?;
        let (magic, count) = header.split_at(MAGIC.len());
        if magic != MAGIC || u64::from_le_bytes(count.try_into().ok()?) != n as u64 {
            return None;
        }
        let mut table = vec![0; n * ENTRY as usize];
        file.read_exact(&mut table).ok()?;
        let entry = |bytes: &[u8; ENTRY as usize]| Entry {
            end: u64::from_le_bytes([
                bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
            ]),
            width: u16::from_le_bytes([bytes[8], bytes[9]]),
            height: u16::from_le_bytes([bytes[10], bytes[11]]),
        };
        let entries: Vec<Entry> = table.as_chunks().0.iter().map(entry).collect();
        let mut at = HEADER + ENTRY * n as u64;
        for entry in &entries {
            let sides = (usize::from(entry.width), usize::from(entry.height));
            let fits = match framing.crop {
                Crop::Center => sides == (framing.size, framing.size),
                Crop::Random(_) => sides.0.min(sides.1) >= framing.size,
            };
            at += 3 * u64::from(entry.width) * u64::from(entry.height);
            if entry.end != at || !(fits || sides == (0, 0)) {
                return None;
            }
        }
        (file.metadata().ok()?.len() == at).then(|| Packed {
            file: Mutex::new(file),
            entries,
        })
    }

    /// One frame; or why it cannot be had.
    pub(crate) fn frame(&self, i: usize) -> std::result::Result<Frame, String> {
        let Entry { end, width, height } = self.entries[i];
        if width == 0 {
            return Err("could not be decoded when it was packed".into());
        }
        let (width, height) = (usize::from(width), usize::from(height));
        let mut bytes = vec![0; 3 * width * height];
        let mut file = lock(&self.file);
        file.seek(SeekFrom::Start(end - bytes.len() as u64))
            .map_err(|error| error.to_string())?;
        file.read_exact(&mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(Frame {
            width,
            height,
            bytes,
        })
    }
}

/// Decodes every photograph once and writes the file, whole or not at all.
fn make(
    path: &Path,
    source: &dyn PhotoSource,
    framing: Framing,
    note: &impl Fn(usize, String) -> Result<()>,
) -> Result<()> {
    let n = source.len();
    let decode = |i| {
        check_stopped()?;
        Ok((
            i,
            source
                .read(i)
                .and_then(|photograph| framing.frame(&photograph)),
        ))
    };
    let mut out = BufWriter::with_capacity(1 << 20, AtomicFile::create(path)?);
    let mut entries = Vec::with_capacity(n);
    let mut end = HEADER + ENTRY * n as u64;
    out.seek(SeekFrom::Start(end))
        .map_err(Error::io("write", path))?;
    let mut line = StatusLine::new();
    for start in (0..n).step_by(CHUNK) {
        check_stopped()?;
        line.update(|| format!("decoding photographs: {start} of {n}"));
        let frames: Vec<_> = (start..n.min(start + CHUNK))
            .into_par_iter()
            .map(decode)
            .collect::<Result<_>>()?;
        for (i, frame) in frames {
            let frame = frame.or_else(|reason| {
                note(i, reason)?;
                Ok::<_, Error>(Frame {
                    width: 0,
                    height: 0,
                    bytes: Vec::new(),
                })
            })?;
            out.write_all(&frame.bytes)
                .map_err(Error::io("write", path))?;
            end += frame.bytes.len() as u64;
            // A frame is at most four times as long as the largest size, 4096 * 8/7.
            entries.push(Entry {
                end,
                width: frame.width as u16,
                height: frame.height as u16,
            });
        }
    }
    out.seek(SeekFrom::Start(0))
        .map_err(Error::io("write", path))?;
    let mut table = MAGIC.to_vec();
    table.extend((n as u64).to_le_bytes());
    for Entry { end, width, height } in entries {
        table.extend(
            end.to_le_bytes()
                .into_iter()
                .chain(width.to_le_bytes())
                .chain(height.to_le_bytes()),
        );
    }
    out.write_all(&table).map_err(Error::io("write", path))?;
    out.into_inner()
        .map_err(|error| Error::io("write", path)(error.into_error()))?
        .commit()?;
    line.finish(|| {
        format!(
            "{n} photographs decoded, {:.0} MB in {}",
            end as f64 / 1e6,
            path.display()
        )
    });
    Ok(())
}

/// A name for these photographs, framed so.
fn key(source: &dyn PhotoSource, framing: Framing) -> Result<String> {
    let mut hash = Sha256::default();
    // What is cut from a frame does not change it.
    hash.update(format!(
        "{} {}\n",
        framing.size,
        matches!(framing.crop, Crop::Center)
    ));
    for i in 0..source.len() {
        check_stopped()?;
        hash.update(source.name(i).as_os_str().as_encoded_bytes());
        hash.update(format!("\n{}\n", source.version(i)));
    }
    Ok(hash.hex()[..32].to_owned())
}
