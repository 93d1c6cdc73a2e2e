//! Checks of PNG chunks.
//!
//! The decoder passes over a damaged chunk that is not critical. That may be the transparency or the
//! orientation, without which the pixels are others.

use crate::file::unreadable::Unreadable;
use flate2::Crc;

/// Before the first chunk.
const SIGNATURE_BYTES: usize = 8;
/// Length and name of a chunk.
const HEADER_BYTES: usize = 8;
const SUM_BYTES: usize = 4;

const GREY: u8 = 0;
const RGB: u8 = 2;
const PALETTE: u8 = 3;

/// Rejects a file with a chunk that does not match its checksum, or a transparency of another kind
/// of image. The decoder checks that the chunks are complete.
///
/// # Errors
/// If a chunk is damaged.
pub(super) fn check_chunks(file: &[u8]) -> Result<(), Unreadable> {
    let mut rest = file.get(SIGNATURE_BYTES..).unwrap_or_default();
    let (mut depth_and_kind, mut colors) = ((0, 0), 0);
    while let Some(chunk) = Chunk::first(rest) {
        chunk.check_sum()?;
        match (&chunk.name, chunk.body) {
            (b"IHDR", [_, _, _, _, _, _, _, _, depth, kind, ..]) => {
                depth_and_kind = (*depth, *kind);
            }
            (b"PLTE", body) => colors = body.len() / 3,
            (b"tRNS", body) => check_transparency(depth_and_kind, colors, body)?,
            _ => {}
        }
        rest = chunk.after;
    }
    Ok(())
}

/// Checks the size of a transparency, and that its samples have at most as many bits as the image.
fn check_transparency(
    (depth, kind): (u8, u8),
    colors: usize,
    body: &[u8],
) -> Result<(), Unreadable> {
    let (samples, rest) = body.as_chunks();
    let in_range = |sample: &[u8; 2]| depth >= 16 || u16::from_be_bytes(*sample) >> depth == 0;
    let fits = match kind {
        GREY | RGB => {
            let expected = if kind == RGB { 3 } else { 1 };
            samples.len() == expected && rest.is_empty() && samples.iter().all(in_range)
        }
        PALETTE => body.len() <= colors,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err("a chunk tRNS that does not fit the colors".into())
}

struct Chunk<'a> {
    name: [u8; 4],
    body: &'a [u8],
    /// The stored checksum of name and body.
    sum: u32,
    /// The file after this chunk.
    after: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The first chunk; `None` if it is not complete.
    fn first(file: &'a [u8]) -> Option<Chunk<'a>> {
        let (header, rest) = file.split_first_chunk::<HEADER_BYTES>()?;
        let [a, b, c, d, name @ ..] = *header;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let (body, rest) = rest.split_at_checked(length)?;
        let (sum, after) = rest.split_first_chunk::<SUM_BYTES>()?;
        Some(Chunk {
            name,
            body,
            sum: u32::from_be_bytes(*sum),
            after,
        })
    }

    fn check_sum(&self) -> Result<(), Unreadable> {
        let mut crc = Crc::new();
        crc.update(&self.name);
        crc.update(self.body);
        // The fuzzer's files never match; the decoder does not check them then either.
        if crc.sum() == self.sum || cfg!(fuzzing) {
            return Ok(());
        }
        let name = self.name.escape_ascii();
        Err(format!("a chunk {name} that does not match its checksum").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str) -> Vec<u8> {
        let path = format!("{}/tests/corpus/png/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    }

    #[test]
    fn a_damaged_transparency_is_an_error() {
        let mut file = corpus("transparent.png");
        assert_eq!(check_chunks(&file), Ok(()));
        let at = file.windows(4).position(|name| name == b"tRNS").unwrap();
        file[at + 4] ^= 1;
        assert_eq!(
            check_chunks(&file).unwrap_err().to_string(),
            "a chunk tRNS that does not match its checksum"
        );
        // A name that the decoder does not know.
        let mut file = corpus("transparent.png");
        file[at + 1] = b'\n';
        assert_eq!(
            check_chunks(&file).unwrap_err().to_string(),
            "a chunk t\\nNS that does not match its checksum"
        );
    }

    #[test]
    fn cut_files_are_left_to_the_decoder() {
        let file = corpus("transparent.png");
        for end in 0..file.len() {
            assert_eq!(check_chunks(&file[..end]), Ok(()));
        }
        let endless = [&file[..8], &[0xff; 4], b"IDAT"].concat();
        assert_eq!(check_chunks(&endless), Ok(()));
    }

    #[test]
    fn a_transparency_must_fit_the_image() {
        for (depth, kind, colors, body, fits) in [
            (8, GREY, 0, &[0, 200][..], true),
            (2, GREY, 0, &[0, 3], true),
            (2, GREY, 0, &[0, 4], false),
            (16, GREY, 0, &[4, 0], true),
            (8, GREY, 0, &[1], false),
            (8, GREY, 0, &[1, 0], false),
            (8, RGB, 0, &[0, 1, 0, 2, 1, 3], false),
            (8, RGB, 0, &[0, 1, 0, 2, 0, 3], true),
            (8, RGB, 0, &[0, 1], false),
            (8, PALETTE, 2, &[7, 7], true),
            (8, PALETTE, 2, &[7, 7, 7], false),
            (8, 6, 0, &[0, 1], false),
        ] {
            let result = check_transparency((depth, kind), colors, body);
            assert_eq!(result.is_ok(), fits, "{depth} {kind} {body:?}");
        }
    }
}
