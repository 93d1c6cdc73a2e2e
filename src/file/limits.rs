//! [`Limits`]: bounds on the memory and the time that reading one file may take.
//!
//! A small file can claim to be huge. Every reader therefore compares the sizes in the file's header
//! with these limits, and with the size of the file itself, before it allocates memory.

use crate::error::Error;
use crate::lock::lock;
use std::path::Path;
use std::sync::Mutex;

/// Maximum nesting of arrays and objects in JSON; `serde_json` itself gives up at 128. A residual
/// block takes two levels. It bounds the stack, so it cannot be raised.
pub(crate) const MAX_JSON_DEPTH: usize = 120;
/// Bytes of JSON per layer, more than any layer takes: bounds the work before layers are counted.
const MAX_LAYER_BYTES: u64 = 256;
/// Bytes of a weights file's header per layer: weights, running moments and the optimizer's moments,
/// each with its name and shape.
const MAX_LAYER_HEADER_BYTES: u64 = 1600;
/// Bytes per pixel of the deepest image format, RGBA with 16 bits per channel.
const MAX_PIXEL_BYTES: u64 = 8;
/// Bytes per pixel of the most expensive decoders: RGBA with 16 bits per channel, and its copy with
/// 8 bits.
pub(super) const MAX_DECODER_BYTES: u64 = 12;
/// A compressed file of ordinary data unpacks to less than this multiple of its size.
const MAX_USUAL_RATIO: u64 = 16;
/// Deflate, of gzip and zip files, cannot compress further.
const MAX_DEFLATE_RATIO: u64 = 1032;

/// Limits on what one file may take, valid for the whole process. Every error of a limit shows the
/// line that raises it.
///
/// Files from strangers can claim any size. With the default limits, opening one keeps the process
/// below 1 GB of memory.
///
/// # Examples
/// ```
/// use candlebook::Limits;
/// // Photographs of a 100-megapixel camera.
/// Limits { pixels: 110_000_000, ..Default::default() }.apply();
/// assert_eq!(Limits::current().pixels, 110_000_000);
/// # Limits::default().apply();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of an image. A decoder uses up to 12 bytes per pixel, and an image with its tensor 15.
    /// Large photographs of a data set are decoded one after the other if several would take more
    /// than one of this size and more than 128 MiB per thread. Defaults to 64,000,000: 960 MB. PIL's
    /// `Image.MAX_IMAGE_PIXELS`.
    pub pixels: u64,
    /// Bytes that an array in a compressed file (`.gz`, `.npz`) may unpack to. Files of more than a
    /// sixteenth of it may unpack to 16 times their size. Defaults to 268,435,456 (256 MiB).
    /// Uncompressed arrays have no limit: the file must be as large as the array.
    pub unpacked_bytes: u64,
    /// Layers of a model in a file, including those in residual blocks. Defaults to 10,000.
    pub layers: u64,
}

const DEFAULT: Limits = Limits {
    pixels: 64_000_000,
    unpacked_bytes: 1 << 28,
    layers: 10_000,
};

static CURRENT: Mutex<Limits> = Mutex::new(DEFAULT);

impl Default for Limits {
    fn default() -> Self {
        DEFAULT
    }
}

impl Limits {
    /// The limits in force.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(candlebook::Limits::current(), candlebook::Limits::default());
    /// ```
    pub fn current() -> Limits {
        *lock(&CURRENT)
    }

    /// Puts the limits into force, for files that are read from now on.
    ///
    /// # Examples
    /// ```
    /// candlebook::Limits { layers: 20_000, ..Default::default() }.apply();
    /// # candlebook::Limits::default().apply();
    /// ```
    pub fn apply(self) {
        *lock(&CURRENT) = self;
    }

    /// Maximum size of an encoded image file: every pixel uncompressed.
    pub(crate) fn image_file_bytes(&self) -> u64 {
        self.pixels.saturating_mul(MAX_PIXEL_BYTES)
    }

    /// Checks the width and height in an image's header.
    ///
    /// # Errors
    /// If the image has too many pixels.
    pub(crate) fn check_pixels(&self, width: u64, height: u64) -> Result<(), OverLimit> {
        let pixels = width.saturating_mul(height);
        let over = || OverLimit {
            field: "pixels",
            limit: self.pixels,
            needed: pixels,
            unit: "pixels",
            got: format!("{width} x {height} = {pixels}"),
        };
        check(pixels <= self.pixels, over)
    }

    /// Checks the memory that decoding an image takes, which is more than 12 bytes per pixel for some files.
    ///
    /// # Errors
    /// If it is more than that of the largest image.
    pub(crate) fn check_decoder(
        &self,
        width: u64,
        height: u64,
        bytes: u64,
    ) -> Result<(), OverLimit> {
        self.check_pixels(width, height)?;
        let pixels = width.saturating_mul(height);
        let needed = bytes.div_ceil(MAX_DECODER_BYTES);
        let over = || OverLimit {
            field: "pixels",
            limit: (u128::from(self.pixels) * u128::from(pixels) / u128::from(needed.max(1)))
                as u64,
            needed,
            unit: "pixels in an image of this structure",
            got: format!("{width} x {height} = {pixels}"),
        };
        check(needed <= self.pixels, over)
    }

    /// Checks the size of an encoded image in a database.
    ///
    /// # Errors
    /// If it has more bytes than the allowed pixels can take.
    pub(crate) fn check_record(&self, bytes: u64) -> Result<(), OverLimit> {
        let unit = "bytes of an image, 8 per pixel";
        check_bytes(bytes, ("pixels", self.pixels), MAX_PIXEL_BYTES, unit)
    }

    /// Checks the size that a compressed file's header claims.
    ///
    /// # Errors
    /// If `bytes` are too many for `packed` bytes of compressed data.
    pub(crate) fn check_unpacked(&self, bytes: u64, packed: u64) -> Result<(), OverLimit> {
        let usual = packed.saturating_mul(MAX_USUAL_RATIO);
        let limit = self.unpacked_bytes.max(usual);
        let over = || OverLimit {
            field: "unpacked_bytes",
            limit,
            needed: bytes,
            unit: "bytes after decompression",
            got: format!("{bytes} from {packed} compressed bytes"),
        };
        check(bytes <= limit, over)
    }

    /// Checks the number of layers of an architecture.
    ///
    /// # Errors
    /// If they are too many.
    pub(crate) fn check_layers(&self, layers: u64) -> Result<(), OverLimit> {
        let over = || OverLimit {
            field: "layers",
            limit: self.layers,
            needed: layers,
            unit: "layers",
            got: layers.to_string(),
        };
        check(layers <= self.layers, over)
    }

    /// Checks the size of a weights file's header, before it is parsed.
    ///
    /// # Errors
    /// If it has more bytes than the allowed layers can take.
    pub(crate) fn check_header(&self, bytes: u64) -> Result<(), OverLimit> {
        let unit = "bytes of header, 1600 per layer";
        check_bytes(bytes, ("layers", self.layers), MAX_LAYER_HEADER_BYTES, unit)
    }

    /// Checks the size of an architecture's JSON, before its layers are counted.
    ///
    /// # Errors
    /// If it has more bytes than the allowed layers can take.
    pub(crate) fn check_architecture(&self, bytes: u64) -> Result<(), OverLimit> {
        let unit = "bytes of architecture, 256 per layer";
        check_bytes(bytes, ("layers", self.layers), MAX_LAYER_BYTES, unit)
    }
}

/// Checks the size of parts before they are counted, by the bytes that one part takes.
fn check_bytes(
    bytes: u64,
    (field, parts): (&'static str, u64),
    bytes_each: u64,
    unit: &'static str,
) -> Result<(), OverLimit> {
    let limit = parts.saturating_mul(bytes_each);
    let over = || OverLimit {
        field,
        limit,
        needed: bytes.div_ceil(bytes_each),
        unit,
        got: bytes.to_string(),
    };
    check(bytes <= limit, over)
}

fn check(fits: bool, over: impl FnOnce() -> OverLimit) -> Result<(), OverLimit> {
    if fits { Ok(()) } else { Err(over()) }
}

/// The most bytes that this many bytes of gzip or zip data can hold.
pub(crate) fn max_inflated(packed: u64) -> u64 {
    packed.saturating_mul(MAX_DEFLATE_RATIO)
}

/// A size above a limit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OverLimit {
    /// The field of [`Limits`].
    field: &'static str,
    limit: u64,
    needed: u64,
    unit: &'static str,
    got: String,
}

impl OverLimit {
    /// The error for a file.
    pub(crate) fn of(&self, path: &Path) -> Error {
        let expected = format!("at most {} {}", self.limit, self.unit);
        Error::file(path, expected, &self.got, self.hint())
    }

    fn hint(&self) -> String {
        format!(
            "If the file is what you expect, raise the limit: \
             candlebook::Limits {{ {}: {}, ..Default::default() }}.apply()",
            self.field, self.needed
        )
    }
}

impl std::fmt::Display for OverLimit {
    /// The reason in one clause, for messages that name the file themselves.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "expected at most {} {}, got {}. {}",
            self.limit,
            self.unit,
            self.got,
            self.hint()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_limit_the_size_and_the_line_that_raises_it() {
        let limits = Limits::default();
        assert_eq!(limits.check_pixels(8000, 8000), Ok(()));
        let error = limits.check_pixels(8001, 8000).unwrap_err();
        assert_eq!(
            error.of(Path::new("a.png")).to_string(),
            "a.png: expected at most 64000000 pixels, got 8001 x 8000 = 64008000. If the file is what \
             you expect, raise the limit: candlebook::Limits { pixels: 64008000, \
             ..Default::default() }.apply()"
        );
        assert!(
            error
                .of(Path::new("a.png"))
                .to_string()
                .ends_with(&error.to_string())
        );
        assert!(limits.check_pixels(u64::MAX, u64::MAX).is_err());
        assert_eq!(limits.check_record(512_000_000), Ok(()));
        let error = limits.check_record(512_000_001).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "expected at most 512000000 bytes of an image, 8 per pixel, got 512000001. "
            ) && error.contains("{ pixels: 64000001, "),
            "{error}"
        );
        assert_eq!(limits.check_layers(10_000), Ok(()));
        let error = limits.check_layers(10_001).unwrap_err().to_string();
        assert!(
            error.starts_with("expected at most 10000 layers, got 10001."),
            "{error}"
        );
    }

    #[test]
    fn large_compressed_files_may_unpack_to_sixteen_times_their_size() {
        let limits = Limits::default();
        assert_eq!(limits.check_unpacked(1 << 28, 300_000), Ok(()));
        let error = limits.check_unpacked((1 << 28) + 1, 300_000).unwrap_err();
        assert!(
            error.to_string().starts_with(
                "expected at most 268435456 bytes after decompression, got 268435457 from 300000 \
                 compressed bytes."
            ),
            "{error}"
        );
        assert_eq!(limits.check_unpacked(1 << 32, 1 << 28), Ok(()));
        assert!(limits.check_unpacked((1 << 32) + 1, 1 << 28).is_err());
        assert_eq!(max_inflated(u64::MAX), u64::MAX);
    }
}
