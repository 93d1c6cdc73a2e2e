//! [`PackedFrames`]: a file of decoded frames, read back in later epochs and runs.
//!
//! Its name is a hash of the photographs' names, sizes and modification times and of the framing,
//! so a change leads to another file. Layout, little-endian: magic (16 bytes), number of frames
//! (u64); per frame the offset of its end (u64), width and height (u16, zero if the photograph is
//! unreadable); then the pixels of all frames, (height, width, 3).

use crate::cell::check_stopped;
use crate::data::photo::crop::Crop;
use crate::data::photo::frame::{Frame, Framing};
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
const HEADER_BYTES: usize = 24;
const ENTRY_BYTES: usize = 12;
/// Photographs decoded in parallel before their frames are written.
const PHOTOS_PER_WRITE: usize = 256;
const UNREADABLE: &str = "unreadable when the file was packed";

/// An open file of frames.
#[derive(Debug)]
pub(crate) struct PackedFrames {
    file: Mutex<File>,
    entries: Vec<Entry>,
}

/// A frame's place in the file.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Offset of its end.
    end: u64,
    width: u16,
    height: u16,
}

impl Entry {
    fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Entry {
        let [e0, e1, e2, e3, e4, e5, e6, e7, w0, w1, h0, h1] = *bytes;
        Entry {
            end: u64::from_le_bytes([e0, e1, e2, e3, e4, e5, e6, e7]),
            width: u16::from_le_bytes([w0, w1]),
            height: u16::from_le_bytes([h0, h1]),
        }
    }

    fn to_bytes(self) -> impl Iterator<Item = u8> {
        let sides = self
            .width
            .to_le_bytes()
            .into_iter()
            .chain(self.height.to_le_bytes());
        self.end.to_le_bytes().into_iter().chain(sides)
    }

    fn unreadable(&self) -> bool {
        self.width == 0
    }

    fn bytes(&self) -> u64 {
        3 * u64::from(self.width) * u64::from(self.height)
    }

    /// Returns true if this framing produces frames of this size.
    fn fits(&self, framing: Framing) -> bool {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        match framing.crop {
            _ if (width, height) == (0, 0) => true,
            Crop::Center => (width, height) == (framing.size, framing.size),
            Crop::Random(_) => {
                width.min(height) >= framing.size && width.max(height) <= framing.max_frame_side()
            }
        }
    }
}

impl PackedFrames {
    /// Opens the packed file of a source, or creates it if it is missing or damaged. `note` is
    /// called for every unreadable photograph; its error ends the work.
    ///
    /// # Errors
    /// If the folder cannot be written, on an error of `note`, and on Stop.
    pub(crate) fn open_or_create(
        folder: &Path,
        source: &dyn PhotoSource,
        framing: Framing,
        note: impl Fn(usize, String) -> Result<()>,
    ) -> Result<PackedFrames> {
        let path = folder.join(format!("{}.frames", key(source, framing)?));
        let n = source.len();
        let packed = match PackedFrames::open(&path, n, framing) {
            Some(packed) => packed,
            None => {
                std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
                create(&path, source, framing, &note)?;
                PackedFrames::open(&path, n, framing).ok_or_else(|| {
                    let hint = "Check the disk, or set PhotoSettings::packed to false";
                    Error::file(&path, "the frames just written", "other data", hint)
                })?
            }
        };
        for (i, entry) in packed.entries.iter().enumerate() {
            if entry.unreadable() {
                note(i, UNREADABLE.into())?;
            }
        }
        Ok(packed)
    }

    /// Opens a file; `None` if it is missing, cut off, or of other photographs.
    fn open(path: &Path, n: usize, framing: Framing) -> Option<PackedFrames> {
        let mut file = File::open(path).ok()?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header).ok()?;
        let (magic, count) = header.split_at(MAGIC.len());
        if magic != MAGIC || u64::from_le_bytes(count.try_into().ok()?) != n as u64 {
            return None;
        }
        let mut table = vec![0; n * ENTRY_BYTES];
        file.read_exact(&mut table).ok()?;
        let entries: Vec<Entry> = table.as_chunks().0.iter().map(Entry::from_bytes).collect();
        let mut end = first_frame(n);
        for entry in &entries {
            end += entry.bytes();
            if entry.end != end || !entry.fits(framing) {
                return None;
            }
        }
        let whole = file.metadata().ok()?.len() == end;
        whole.then(|| PackedFrames {
            file: Mutex::new(file),
            entries,
        })
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// The reason why it is unreadable.
    pub(crate) fn frame(&self, i: usize) -> std::result::Result<Frame, String> {
        let entry = self.entries[i];
        if entry.unreadable() {
            return Err(UNREADABLE.into());
        }
        let (width, height) = (usize::from(entry.width), usize::from(entry.height));
        let mut bytes = vec![0; 3 * width * height];
        let mut file = lock(&self.file);
        let start = SeekFrom::Start(entry.end - bytes.len() as u64);
        file.seek(start).map_err(|error| error.to_string())?;
        file.read_exact(&mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(Frame {
            width,
            height,
            bytes,
        })
    }
}

/// Offset of the first frame in a file of `n`.
fn first_frame(n: usize) -> u64 {
    (HEADER_BYTES + ENTRY_BYTES * n) as u64
}

/// Decodes every photograph once and writes the file. It gets its name only when it is complete.
fn create(
    path: &Path,
    source: &dyn PhotoSource,
    framing: Framing,
    note: &impl Fn(usize, String) -> Result<()>,
) -> Result<()> {
    let n = source.len();
    let mut writer = FrameWriter::create(path, n)?;
    let mut line = StatusLine::new();
    for start in (0..n).step_by(PHOTOS_PER_WRITE) {
        check_stopped()?;
        line.update(|| format!("decoding photographs: {start} of {n}"));
        let frames: Vec<_> = (start..n.min(start + PHOTOS_PER_WRITE))
            .into_par_iter()
            .map(|i| {
                check_stopped()?;
                Ok((
                    i,
                    source
                        .read(i)
                        .and_then(|photograph| framing.frame(&photograph)),
                ))
            })
            .collect::<Result<_>>()?;
        for (i, frame) in frames {
            match frame {
                Ok(frame) => writer.write(&frame)?,
                Err(reason) => {
                    note(i, reason)?;
                    writer.write(&Frame {
                        width: 0,
                        height: 0,
                        bytes: Vec::new(),
                    })?;
                }
            }
        }
    }
    let megabytes = writer.finish()? as f64 / 1e6;
    line.finish(|| {
        format!(
            "{n} photographs decoded, {megabytes:.0} MB in {}",
            path.display()
        )
    });
    Ok(())
}

/// Writes frames behind the room for their entries, then the entries.
struct FrameWriter<'a> {
    path: &'a Path,
    out: BufWriter<AtomicFile>,
    entries: Vec<Entry>,
    end: u64,
}

impl<'a> FrameWriter<'a> {
    fn create(path: &'a Path, n: usize) -> Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, AtomicFile::create(path)?);
        let end = first_frame(n);
        out.seek(SeekFrom::Start(end))
            .map_err(Error::io("write", path))?;
        Ok(FrameWriter {
            path,
            out,
            entries: Vec::with_capacity(n),
            end,
        })
    }

    fn write(&mut self, frame: &Frame) -> Result<()> {
        self.out
            .write_all(&frame.bytes)
            .map_err(Error::io("write", self.path))?;
        self.end += frame.bytes.len() as u64;
        // u16 suffices: a frame is at most 4 times as long as the largest short side, 4096 * 8/7.
        let (width, height) = (frame.width as u16, frame.height as u16);
        self.entries.push(Entry {
            end: self.end,
            width,
            height,
        });
        Ok(())
    }

    /// Writes header and entries and renames the file; returns its size in bytes.
    fn finish(mut self) -> Result<u64> {
        let path = self.path;
        let mut table = MAGIC.to_vec();
        table.extend((self.entries.len() as u64).to_le_bytes());
        table.extend(self.entries.iter().flat_map(|entry| entry.to_bytes()));
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(Error::io("write", path))?;
        self.out
            .write_all(&table)
            .map_err(Error::io("write", path))?;
        let file = self.out.into_inner();
        file.map_err(|error| Error::io("write", path)(error.into_error()))?
            .commit()?;
        Ok(self.end)
    }
}

/// The file's name: a hash of the photographs and of the framing.
fn key(source: &dyn PhotoSource, framing: Framing) -> Result<String> {
    let mut hash = Sha256::default();
    // The minimum share of random crops and flips do not change the frames.
    let centered = matches!(framing.crop, Crop::Center);
    hash.update(format!("{} {centered}\n", framing.size));
    for i in 0..source.len() {
        check_stopped()?;
        hash.update(source.name(i).as_os_str().as_encoded_bytes());
        hash.update(format!("\n{}\n", source.version(i)));
    }
    Ok(hash.hex()[..32].to_owned())
}
