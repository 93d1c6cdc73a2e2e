//! Checks of the sizes that a WebP file claims.
//!
//! The decoder reads cut-off files: it takes the rest of the file for a chunk that claims more. It
//! also allocates EXIF data and lossy frames by their own claims: a file of 100 bytes made it take
//! 1.3 GB.

use crate::file::unreadable::Unreadable;

/// Name and length.
const HEADER_BYTES: u64 = 8;
/// Start of the first chunk: after `RIFF`, the length, and `WEBP`.
const FIRST_CHUNK: u64 = 12;
/// Place and duration of an animation's frame, before its chunks.
const FRAME_HEADER_BYTES: u64 = 16;
/// At the start of a lossy image, after a tag of three bytes.
const LOSSY_MAGIC: [u8; 3] = [0x9d, 0x01, 0x2a];
/// The upper bits of a lossy image's side are a scale, which decoders ignore.
const LOSSY_SIDE_MASK: u16 = 0x3fff;

/// A part of a RIFF file.
#[derive(Clone, Copy)]
struct Chunk {
    name: [u8; 4],
    /// Start of the contents.
    start: u64,
    /// Claimed length of the contents.
    length: u64,
}

impl Chunk {
    /// The chunk at a position.
    fn at(file: &[u8], position: u64) -> Option<Chunk> {
        let length = u32::from_le_bytes(array(file, position + 4)?);
        Some(Chunk {
            name: array(file, position)?,
            start: position + HEADER_BYTES,
            length: length.into(),
        })
    }

    /// The file up to the end of this chunk.
    ///
    /// # Errors
    /// If the file ends before it.
    fn contents(self, file: &[u8]) -> Result<&[u8], Unreadable> {
        let end = usize::try_from(self.start + self.length).ok();
        end.and_then(|end| file.get(..end)).ok_or_else(|| {
            let there = (file.len() as u64).saturating_sub(self.start);
            let (name, length) = (self.name.escape_ascii(), self.length);
            format!("a file with {there} of the {length} bytes of its part {name}").into()
        })
    }

    /// The position of the next chunk: chunks have an even length.
    fn next(self) -> u64 {
        self.start + self.length.next_multiple_of(2)
    }
}

/// Rejects files that are cut off, and frames larger than the image.
///
/// # Errors
/// If a claim is false.
pub(super) fn check_claims(file: &[u8]) -> Result<(), Unreadable> {
    let Some(riff) = Chunk::at(file, 0) else {
        return Ok(());
    };
    let contents = riff.contents(file)?;
    let first = Chunk::at(contents, FIRST_CHUNK);
    // Files of another first chunk hold only an image, whose size the reader knows.
    let header = first.filter(|chunk| &chunk.name == b"VP8X");
    let canvas = header.and_then(|header| canvas(contents, header));
    for chunk in chunks(contents, FIRST_CHUNK) {
        let frame = chunk.contents(contents)?;
        check_frame(contents, chunk, canvas)?;
        if &chunk.name == b"ANMF" {
            for chunk in chunks(frame, chunk.start + FRAME_HEADER_BYTES) {
                chunk.contents(frame)?;
                check_frame(frame, chunk, canvas)?;
            }
        }
    }
    Ok(())
}

/// Width and height in the header of an extended file.
fn canvas(file: &[u8], header: Chunk) -> Option<(u32, u32)> {
    let side = |at| {
        let [a, b, c] = array(file, header.start + at)?;
        Some(u32::from_le_bytes([a, b, c, 0]) + 1)
    };
    Some((side(4)?, side(7)?))
}

/// The chunks from a position to the end of the file.
fn chunks(file: &[u8], position: u64) -> impl Iterator<Item = Chunk> {
    let first = Chunk::at(file, position);
    std::iter::successors(first, |chunk| Chunk::at(file, chunk.next()))
}

/// Checks the size of a lossy image. That of a lossless one is checked by the decoder.
fn check_frame(file: &[u8], chunk: Chunk, canvas: Option<(u32, u32)>) -> Result<(), Unreadable> {
    let sides = (array(file, chunk.start + 6), array(file, chunk.start + 8));
    let (Some(width), Some(height), Some(canvas), b"VP8 ") =
        (sides.0, sides.1, canvas, &chunk.name)
    else {
        return Ok(());
    };
    let [width, height] =
        [width, height].map(|side| u32::from(u16::from_le_bytes(side) & LOSSY_SIDE_MASK));
    let lossy = array(file, chunk.start + 3) == Some(LOSSY_MAGIC);
    if lossy && (width > canvas.0 || height > canvas.1) {
        let (w, h) = canvas;
        return Err(format!("a frame of {width} x {height} in an image of {w} x {h}").into());
    }
    Ok(())
}

fn array<const N: usize>(file: &[u8], position: u64) -> Option<[u8; N]> {
    let rest = file.get(usize::try_from(position).ok()?..)?;
    rest.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat};
    use std::io::Cursor;

    /// A file of the corpus with other bytes at the place of `from`.
    fn changed(name: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
        let path = format!("{}/tests/corpus/webp/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut file = std::fs::read(path).unwrap();
        let at = file.windows(from.len()).position(|bytes| bytes == from);
        let at = at.unwrap_or_else(|| panic!("{name} has no {from:?}"));
        file[at..at + to.len()].copy_from_slice(to);
        file
    }

    fn reason(file: &[u8]) -> String {
        check_claims(file).unwrap_err().to_string()
    }

    #[test]
    fn cut_files_are_rejected() {
        for name in [
            "lossy.webp",
            "lossless_alpha.webp",
            "animated.webp",
            "exif.webp",
        ] {
            let file = changed(name, b"RIFF", b"RIFF");
            assert_eq!(check_claims(&file), Ok(()), "{name}");
            for end in HEADER_BYTES as usize..file.len() {
                let reason = reason(&file[..end]);
                assert!(reason.starts_with("a file with "), "{name}: {reason}");
                assert!(
                    reason.ends_with("bytes of its part RIFF"),
                    "{name}: {reason}"
                );
            }
        }
    }

    #[test]
    fn chunks_must_be_in_the_file() {
        let file = changed("exif.webp", b"EXIF\x1a", b"EXIF\xff\xff\xff\xff");
        assert_eq!(
            reason(&file),
            "a file with 26 of the 4294967295 bytes of its part EXIF"
        );
        let file = changed("lossy.webp", b"RIFF", b"RIFF");
        let file = [&file[..4], &[20, 0, 0, 0], &file[8..]].concat();
        assert!(
            reason(&file).starts_with("a file with 8 of the "),
            "{}",
            reason(&file)
        );
        // Inside a frame.
        let file = changed("animated.webp", b"VP8 ", b"EXIF");
        let at = file.windows(4).position(|bytes| bytes == b"EXIF").unwrap();
        let file = [&file[..at + 4], &[0xff; 4], &file[at + 8..]].concat();
        assert!(reason(&file).contains("of the 4294967295 bytes of its part EXIF"));
    }

    #[test]
    fn frames_must_fit_into_the_image() {
        for name in ["lossy_alpha.webp", "animated.webp"] {
            let magic = &LOSSY_MAGIC[..];
            assert_eq!(check_claims(&changed(name, magic, magic)), Ok(()), "{name}");
            let giant = [magic, &[0xff; 4]].concat();
            let reason = reason(&changed(name, magic, &giant));
            assert!(
                reason.starts_with("a frame of 16383 x 16383 in an image of "),
                "{name}: {reason}"
            );
        }
    }

    #[test]
    fn files_of_one_chunk_are_complete() {
        let mut file = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(3, 2)
            .write_to(&mut file, ImageFormat::WebP)
            .unwrap();
        assert_eq!(check_claims(&file.into_inner()), Ok(()));
    }
}
