//! Checks of what BMP files leave open.
//!
//! Pixels that a run-length encoded file leaves out, and indices behind the end of the palette, have
//! no color. The decoder makes both black, other programs do not. It also takes the header for
//! pixels if the file says so.

use crate::file::unreadable::Unreadable;

const RUNS_8: u32 = 1;
const RUNS_4: u32 = 2;
const BIT_FIELDS: u32 = 3;
const FILE_HEADER_BYTES: usize = 14;
/// The header of OS/2, of another form: it has a complete palette and no runs.
const CORE_HEADER_BYTES: u32 = 12;
const INFO_HEADER_BYTES: u32 = 40;
/// Masks of red, green and blue behind the header; later headers include them.
const MASK_BYTES: usize = 12;

/// Rejects files with pixels without a color. The decoder checks the rest.
///
/// # Errors
/// If a pixel is left out, or its color is not in the palette, or the pixels begin in the header.
pub(super) fn check_colors(file: &[u8]) -> Result<(), Unreadable> {
    let Some(bitmap) = Bitmap::parse(file) else {
        return Ok(());
    };
    bitmap.check_bits()?;
    bitmap.check_start()?;
    match bitmap.compression {
        RUNS_8 | RUNS_4 => bitmap.check_runs(),
        0 => bitmap.check_rows(),
        _ => Ok(()),
    }
}

struct Bitmap<'a> {
    header_bytes: u32,
    width: usize,
    height: usize,
    bits: usize,
    compression: u32,
    /// Length of the palette; 0 if there is none.
    colors: usize,
    /// Position of the pixels in the file.
    start: usize,
    /// The file from there.
    data: &'a [u8],
}

fn u16_at(file: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?).into())
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

impl<'a> Bitmap<'a> {
    fn parse(file: &'a [u8]) -> Option<Bitmap<'a>> {
        let (start, header_bytes) = (u32_at(file, 10)? as usize, u32_at(file, 14)?);
        let core = header_bytes == CORE_HEADER_BYTES;
        let bits = u16_at(file, if core { 24 } else { 28 })?;
        let complete = if bits <= 8 { 1 << bits } else { 0 };
        let mut bitmap = Bitmap {
            header_bytes,
            width: u16_at(file, 18)?,
            height: u16_at(file, 20)?,
            bits,
            compression: 0,
            colors: complete,
            start,
            data: file.get(start..)?,
        };
        if !core {
            bitmap.width = u32_at(file, 18)? as usize;
            // Negative from top to bottom.
            bitmap.height = u32_at(file, 22)?.cast_signed().unsigned_abs() as usize;
            bitmap.compression = u32_at(file, 30)?;
            let colors = u32_at(file, 46)? as usize;
            if bits <= 8 && colors > 0 {
                bitmap.colors = colors;
            }
        }
        Some(bitmap)
    }

    /// Runs are of bytes or of halves of bytes, and no pixel lies in two bytes unless it fills them.
    fn check_bits(&self) -> Result<(), Unreadable> {
        let known = match self.compression {
            RUNS_8 => self.bits == 8,
            RUNS_4 => self.bits == 4,
            _ => [1, 2, 4, 8, 16, 24, 32].contains(&self.bits),
        };
        if known {
            return Ok(());
        }
        Err(format!("pixels of {} bits in a BMP of their kind", self.bits).into())
    }

    fn check_start(&self) -> Result<(), Unreadable> {
        let color_bytes = if self.header_bytes == CORE_HEADER_BYTES {
            3
        } else {
            4
        };
        let fields = self.header_bytes == INFO_HEADER_BYTES && self.compression == BIT_FIELDS;
        let header_end = (self.header_bytes as usize)
            .saturating_add(FILE_HEADER_BYTES)
            .saturating_add(if fields { MASK_BYTES } else { 0 })
            .saturating_add(self.colors.saturating_mul(color_bytes));
        if self.start >= header_end {
            return Ok(());
        }
        let start = self.start;
        Err(format!("pixels at byte {start}, in a header of {header_end} bytes").into())
    }

    fn check_index(&self, index: u8) -> Result<(), Unreadable> {
        if usize::from(index) < self.colors {
            return Ok(());
        }
        Err(format!("color {index} of a palette of {} colors", self.colors).into())
    }

    fn check_rows(&self) -> Result<(), Unreadable> {
        let stride = self.width.saturating_mul(self.bits).div_ceil(32) * 4;
        if self.bits > 8 || stride == 0 || self.colors >> self.bits > 0 {
            return Ok(());
        }
        let mask = ((1 << self.bits) - 1) as u8;
        for row in self.data.chunks_exact(stride).take(self.height) {
            for x in 0..self.width {
                let first = x * self.bits;
                let shift = 8 - self.bits - first % 8;
                self.check_index((row[first / 8] >> shift) & mask)?;
            }
        }
        Ok(())
    }

    fn check_runs(&self) -> Result<(), Unreadable> {
        let mut data = self.data;
        for _ in 0..self.height {
            let mut x = 0;
            while let Some(run) = self.next_run(&mut data)? {
                x += run;
            }
            if x < self.width {
                let width = self.width;
                return Err(format!("a row with {x} of its {width} pixels").into());
            }
        }
        Ok(())
    }

    /// The number of pixels of the next run, after a check of their colors; `None` at the end of a row.
    fn next_run(&self, data: &mut &[u8]) -> Result<Option<usize>, Unreadable> {
        let (code, rest) = data.split_first_chunk().ok_or("a file that ends early")?;
        *data = rest;
        let per_byte = 8 / self.bits.max(1);
        let (n, indices) = match *code {
            [0, 0] => return Ok(None),
            [0, 1] => {
                // The end of the image: further rows find no data.
                *data = &[];
                return Ok(None);
            }
            [0, 2] => return Err("a file that leaves pixels out".into()),
            [0, n] => {
                let n = usize::from(n);
                let bytes = n.div_ceil(per_byte);
                let taken = rest.split_at_checked(bytes.next_multiple_of(2));
                let (indices, rest) = taken.ok_or("a file that ends early")?;
                *data = rest;
                (n, &indices[..bytes])
            }
            [n, _] => (n.into(), &code[1..]),
        };
        self.check_indices(n, indices)?;
        Ok(Some(n))
    }

    /// Checks the first `n` indices of these bytes, which a run repeats.
    fn check_indices(&self, n: usize, bytes: &[u8]) -> Result<(), Unreadable> {
        let all: Vec<u8> = if self.bits == 4 {
            bytes
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .collect()
        } else {
            bytes.to_vec()
        };
        all.into_iter()
            .take(n)
            .try_for_each(|index| self.check_index(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bitmap of 3 x 2 pixels.
    fn file(bits: u16, compression: u32, colors: u32, data: &[u8]) -> Vec<u8> {
        let palette = [7; 4].repeat(if colors == 0 {
            1 << bits
        } else {
            colors as usize
        });
        let start = 54 + palette.len() as u32;
        let mut file = b"BM".to_vec();
        for number in [0, 0, start, 40, 3, 2] {
            file.extend(u32::to_le_bytes(number));
        }
        file.extend([1u16, bits].map(u16::to_le_bytes).concat());
        for number in [compression, data.len() as u32, 0, 0, colors, 0] {
            file.extend(u32::to_le_bytes(number));
        }
        [&file[..], &palette, data].concat()
    }

    fn result(file: &[u8]) -> Result<(), String> {
        check_colors(file).map_err(|reason| reason.to_string())
    }

    #[test]
    fn indices_must_be_in_the_palette() {
        for (bits, rows, bad) in [
            (8, [0, 1, 2, 9, 2, 1, 0, 9], [0, 1, 2, 9, 2, 3, 0, 9]),
            (
                4,
                [1, 0x20, 0, 0, 0x21, 0, 0, 0],
                [1, 0x30, 0, 0, 0x21, 0, 0, 0],
            ),
            (
                2,
                [0b00_01_10_11, 0, 0, 0, 0, 0, 0, 0],
                [0b00_01_11_11, 0, 0, 0, 0, 0, 0, 0],
            ),
        ] {
            assert_eq!(result(&file(bits, 0, 3, &rows)), Ok(()), "{bits}");
            let error = result(&file(bits, 0, 3, &bad)).unwrap_err();
            assert_eq!(error, "color 3 of a palette of 3 colors");
            assert_eq!(result(&file(bits, 0, 0, &bad)), Ok(()), "{bits}");
        }
    }

    #[test]
    fn widths_of_pixels_fit_their_kind() {
        for (bits, compression) in [
            (16, RUNS_8),
            (95, RUNS_4),
            (8, RUNS_4),
            (3, 0),
            (0, 0),
            (64, 0),
        ] {
            // A palette of four colors, whatever the bits say.
            let error = result(&file(bits, compression, 4, &[0; 32])).unwrap_err();
            assert_eq!(
                error,
                format!("pixels of {bits} bits in a BMP of their kind")
            );
        }
        for bits in [1, 2, 4, 8] {
            assert_eq!(result(&file(bits, 0, 0, &[0; 32])), Ok(()), "{bits} bits");
        }
    }

    #[test]
    fn pixels_begin_behind_the_header() {
        let whole = file(8, 0, 3, &[0; 8]);
        for (start, reason) in [
            (66, None),
            (65, Some("pixels at byte 65, in a header of 66 bytes")),
            (0, Some("pixels at byte 0, in a header of 66 bytes")),
        ] {
            let file = [&whole[..10], &[start, 0, 0, 0], &whole[14..]].concat();
            assert_eq!(result(&file).err().as_deref(), reason);
        }
    }

    #[test]
    fn runs_must_give_every_pixel_a_color() {
        let whole = [3, 1, 0, 0, 0, 3, 0, 1, 2, 9, 0, 1];
        assert_eq!(result(&file(8, RUNS_8, 3, &whole)), Ok(()));
        for (runs, reason) in [
            (
                &[3, 1, 0, 0, 2, 1, 0, 1][..],
                "a row with 2 of its 3 pixels",
            ),
            (&[3, 1, 0, 1, 3, 1, 0, 1], "a file that ends early"),
            (&[2, 1, 0, 0, 3, 1, 0, 1], "a row with 2 of its 3 pixels"),
            (
                &[1, 1, 0, 2, 1, 0, 1, 1, 0, 1],
                "a file that leaves pixels out",
            ),
            (&[3, 1, 0, 0, 0, 3, 0], "a file that ends early"),
            (
                &[3, 3, 0, 0, 3, 1, 0, 1],
                "color 3 of a palette of 3 colors",
            ),
        ] {
            assert_eq!(result(&file(8, RUNS_8, 3, runs)).unwrap_err(), reason);
        }
    }

    #[test]
    fn runs_of_four_bits_alternate_between_two_colors() {
        // The last index of an odd number is not used.
        let whole = [3, 0x12, 0, 0, 0, 3, 0x21, 0x03, 0, 1];
        assert_eq!(result(&file(4, RUNS_4, 3, &whole)), Ok(()));
        let bad = [3, 0x13, 0, 0, 3, 0x11, 0, 1];
        assert_eq!(
            result(&file(4, RUNS_4, 3, &bad)).unwrap_err(),
            "color 3 of a palette of 3 colors"
        );
    }
}
