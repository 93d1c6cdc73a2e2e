//! Decoding of JPEG files in memory, the bottleneck of large photograph data sets.
//!
//! Two decoders share the files, because each of them returns wrong pixels for some valid ones without
//! an error. `zune-jpeg` is the fast one. It reads what cameras and editors write, but not baseline
//! files with a scan for each component, nor most sampling factors. `jpeg-decoder` reads most of those.
//! The headers decide, and a file that neither reads correctly is an error.

mod frame;
mod general;
mod pixels;
mod progression;
mod segments;
mod slice;
mod structure;
mod usual;

use crate::file::limits::Limits;
use crate::file::memory::Decoded;
use crate::file::unreadable::Unreadable;
use structure::Structure;

/// Decodes a JPEG file to grey or RGB pixels, and its EXIF orientation.
///
/// # Errors
/// If it is damaged or ends early, larger than a limit, or of a structure that no decoder reads.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let structure = Structure::read(bytes)?;
    if usual::reads(&structure) {
        usual::decode(bytes, &structure, limits)
    } else {
        general::decode(bytes, &structure, limits)
    }
}

#[cfg(test)]
mod tests;
