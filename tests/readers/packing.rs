//! The contents of a format behind lengths and checksums. Mutated bytes rarely match those: so the contents are mutated,
//! and packed again.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Limit of unpacked contents, so that a bomb does not end the mutation.
const MAX_BYTES: usize = 1 << 16;
const MAX_ENTRIES: usize = 8;
const CIFAR_RECORD_BYTES: usize = 3073;

/// The contents of a reader's file, or `None` if it is none of the packed formats.
pub fn unpack(reader: &str, file: &[u8]) -> Option<Vec<u8>> {
    match reader {
        "model" | "weights" | "checkpoint" => tensor_header(file).map(<[u8]>::to_vec),
        "idx" if file.starts_with(&[0x1f, 0x8b]) => limited(GzDecoder::new(file)),
        "npz" => arrays(file)?.pop().map(|(_, array)| array),
        "idx" | "npy" | "cifar" => Some(file.to_vec()),
        _ => None,
    }
}

/// A file like `file` with other contents.
pub fn pack(reader: &str, file: &[u8], contents: Vec<u8>) -> Option<Vec<u8>> {
    match reader {
        "model" | "weights" | "checkpoint" => Some(with_tensor_header(file, &contents)),
        "idx" if file.starts_with(&[0x1f, 0x8b]) => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&resized_idx(contents)).ok()?;
            encoder.finish().ok()
        }
        "npz" => {
            let mut arrays = arrays(file)?;
            arrays.last_mut()?.1 = resized_npy(contents);
            archive(&arrays, file)
        }
        "idx" => Some(resized_idx(contents)),
        "npy" => Some(resized_npy(contents)),
        "cifar" => {
            let records = contents.len().div_ceil(CIFAR_RECORD_BYTES).max(1);
            Some(resized(contents, 0, Some(records * CIFAR_RECORD_BYTES)))
        }
        _ => None,
    }
}

fn limited(from: impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Cuts or extends the values after `start` to a length, if that is small.
fn resized(mut file: Vec<u8>, start: usize, length: Option<usize>) -> Vec<u8> {
    if let Some(length) = length.filter(|&length| length <= MAX_BYTES) {
        file.resize(start + length, 0);
    }
    file
}

fn product(mut numbers: impl Iterator<Item = usize>) -> Option<usize> {
    numbers.try_fold(1usize, usize::checked_mul)
}

/// The JSON at the start of a safetensors file.
fn tensor_header(file: &[u8]) -> Option<&[u8]> {
    let (length, rest) = file.split_first_chunk()?;
    rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

fn with_tensor_header(file: &[u8], header: &[u8]) -> Vec<u8> {
    let values = tensor_header(file).map_or(0, |header| 8 + header.len());
    [
        &(header.len() as u64).to_le_bytes(),
        header,
        &file[values..],
    ]
    .concat()
}

fn resized_idx(file: Vec<u8>) -> Vec<u8> {
    let start = 4 + 4 * usize::from(file.get(3).copied().unwrap_or_default());
    let Some(dims) = file.get(4..start) else {
        return file;
    };
    let dims = dims
        .as_chunks()
        .0
        .iter()
        .map(|dim| u32::from_be_bytes(*dim) as usize);
    let length = product(dims);
    resized(file, start, length)
}

/// Sets the length of the header to its last brace, and that of the values to the product of the shape.
fn resized_npy(mut file: Vec<u8>) -> Vec<u8> {
    let start = if file.get(6) == Some(&1) { 10 } else { 12 };
    let Some(end) = file
        .iter()
        .rposition(|&byte| byte == b'}')
        .filter(|&end| end >= start)
    else {
        return file;
    };
    let text = String::from_utf8_lossy(&file[start..end]).into_owned();
    file[8..10].copy_from_slice(&((end + 1 - start) as u16).to_le_bytes());
    let shape = text
        .split('(')
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    let dims = shape
        .unwrap_or_default()
        .split(',')
        .filter_map(|dim| dim.trim().parse().ok());
    let width = text.split('\'').find_map(|word| {
        word.strip_prefix(['<', '>', '|', '='])?
            .get(1..)?
            .parse()
            .ok()
    });
    let length = product(dims.chain(width));
    resized(file, end + 1, length)
}

/// Names and contents of an archive's files.
fn arrays(file: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut archive = ZipArchive::new(Cursor::new(file)).ok()?;
    let entries = archive.len().min(MAX_ENTRIES);
    let entry = |i| {
        let entry = archive.by_index(i).ok()?;
        Some((entry.name().ok()?.to_string(), limited(entry)?))
    };
    (0..entries).map(entry).collect()
}

fn archive(arrays: &[(String, Vec<u8>)], like: &[u8]) -> Option<Vec<u8>> {
    // The method of the first entry.
    let stored = like.get(8) == Some(&0);
    let method = if stored {
        CompressionMethod::Stored
    } else {
        CompressionMethod::Deflated
    };
    let options = SimpleFileOptions::default().compression_method(method);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in arrays {
        writer.start_file(name.as_str(), options).ok()?;
        writer.write_all(contents).ok()?;
    }
    writer.finish().ok().map(Cursor::into_inner)
}
