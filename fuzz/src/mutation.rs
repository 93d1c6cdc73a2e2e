//! Mutations of what is inside a format.

use crate::packing::{pack, unpack};
use libfuzzer_sys::fuzzer_mutate;

/// Mutates the contents of a file in place and returns its size, or `None` if the file cannot be unpacked or has become
/// too large.
pub fn mutate_contents(
    reader: &str,
    data: &mut [u8],
    size: usize,
    max_size: usize,
) -> Option<usize> {
    let mut contents = unpack(reader, &data[..size])?;
    let length = contents.len();
    contents.resize(length.max(max_size), 0);
    let length = fuzzer_mutate(&mut contents, length, max_size.max(length));
    contents.truncate(length);
    let file = pack(reader, &data[..size], contents)?;
    if file.len() > max_size {
        return None;
    }
    data.get_mut(..file.len())?.copy_from_slice(&file);
    Some(file.len())
}
