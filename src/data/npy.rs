//! NumPy's files: pictures and labels from `.npy` and `.npz`.
//!
//! Source: the description of the format in NumPy's `numpy.lib.format`. A head may claim anything, so its size is compared
//! with what is there before memory is taken.

use crate::data::split::Split;
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Heads of plain arrays have 118 bytes; longer ones than this are those of something else.
const LONGEST_HEAD: usize = 1 << 16;
/// More than this is no picture set but a file that claims nonsense, or unpacks into it.
const LARGEST: u64 = 8 << 30;

/// Pictures from a NumPy array in a file, with labels from another where there are any.
///
/// # Shapes
/// (n, h, w) for one channel; (n, c, h, w) or (n, h, w, c) with 1 or 3 channels. Where both fit, as with (10, 3, 5, 3), the
/// channels come first. Labels are (n,). C order and Fortran order are read alike.
///
/// Bytes (`uint8`) stay bytes, 0 to 255. Floats (`float32`, `float64`) must lie in [0, 1]. Labels are integers of any size,
/// 0 or more.
///
/// # Errors
/// A file that is not a whole NumPy array; another shape or type; a float outside [0, 1] or not a number; a negative label;
/// labels that are not one for each picture.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let train = npy_images("x_train.npy", Some("y_train.npy"))?;
/// let test = npy_images("x_test.npy", None)?;
/// let data = Dataset::new("shapes", "x_train.npy", train, test)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn npy_images(images: impl AsRef<Path>, labels: Option<&str>) -> Result<Split> {
    let path = images.as_ref();
    let images = Array::open(path)?;
    let labels = labels
        .map(|labels| Array::open(labels.as_ref())?.labels(labels.as_ref()))
        .transpose()?;
    images.split(path, labels)
}

/// Pictures from an archive of NumPy arrays (`numpy.savez`, `numpy.savez_compressed`): the array of one name, with labels
/// from another where there are any.
///
/// # Shapes
/// As [`npy_images`].
///
/// # Errors
/// As [`npy_images`]; and a file that is not a whole archive, or has no array of that name.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// // Keras' mnist.npz
/// let train = npz_images("mnist.npz", "x_train", Some("y_train"))?;
/// let test = npz_images("mnist.npz", "x_test", Some("y_test"))?;
/// let data = Dataset::new("MNIST", "mnist.npz", train, test)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn npz_images(path: impl AsRef<Path>, images: &str, labels: Option<&str>) -> Result<Split> {
    let path = path.as_ref();
    let labels = labels
        .map(|name| Array::of_archive(path, name)?.labels(&path.join(name)))
        .transpose()?;
    Array::of_archive(path, images)?.split(&path.join(images), labels)
}

/// An array as it is in a file.
#[derive(Debug, PartialEq)]
struct Array {
    /// `u`nsigned, `i`nteger or `f`loat.
    kind: u8,
    /// Bytes of a value.
    width: usize,
    big_endian: bool,
    fortran: bool,
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

impl Array {
    fn open(path: &Path) -> Result<Array> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        Array::read(path, BufReader::new(file), length)
    }

    fn of_archive(path: &Path, name: &str) -> Result<Array> {
        let damaged = |error: zip::result::ZipError| {
            Error::file(
                path,
                "a whole .npz archive",
                error,
                "Write it again with numpy.savez",
            )
        };
        let file = File::open(path).map_err(Error::io("read", path))?;
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        let full = if name.ends_with(".npy") {
            name.to_owned()
        } else {
            format!("{name}.npy")
        };
        if archive.index_for_name(&full).is_none() {
            let names = archive
                .file_names()
                .flatten()
                .map(|name| name.trim_end_matches(".npy").to_owned());
            let names: Vec<String> = names.take(20).collect();
            let got = if names.is_empty() {
                "an empty archive".into()
            } else {
                names.join(", ")
            };
            return Err(Error::file(
                path,
                format!("an array {name}"),
                got,
                "Give one of its names",
            ));
        }
        let entry = archive.by_name(&full).map_err(damaged)?;
        let length = entry.size();
        Array::read(&path.join(name), entry, length)
    }

    /// Reads an array of a file of so many bytes.
    fn read(path: &Path, mut from: impl Read, length: u64) -> Result<Array> {
        let wrong = |expected: &str, got: String| {
            Error::file(
                path,
                expected,
                got,
                "Write it again with numpy.save, as a plain array",
            )
        };
        let mut start = [0; 8];
        if from.read_exact(&mut start).is_err() || start[..6] != *MAGIC {
            return Err(wrong("a NumPy array", "a file of another kind".into()));
        }
        let mut size = [0; 4];
        let wide = if start[6] == 1 { 2 } else { 4 };
        from.read_exact(&mut size[..wide])
            .map_err(|error| wrong("a whole head", error.to_string()))?;
        let head = u32::from_le_bytes(size) as usize;
        if head > LONGEST_HEAD {
            return Err(wrong(
                "the head of a plain array",
                format!("one of {head} bytes"),
            ));
        }
        let mut text = vec![0; head];
        from.read_exact(&mut text)
            .map_err(|error| wrong("a whole head", error.to_string()))?;
        let text = String::from_utf8_lossy(&text);
        let mut array = parse(&text).ok_or_else(|| {
            wrong(
                "the head of a plain array of numbers",
                text.chars().take(120).collect(),
            )
        })?;
        let claimed = array
            .dims
            .iter()
            .try_fold(array.width as u64, |all, &d| all.checked_mul(d as u64));
        let there = length.saturating_sub((8 + wide + head) as u64);
        if claimed != Some(there) || there > LARGEST {
            let claimed = claimed
                .filter(|&n| n <= LARGEST)
                .map_or("far too many".into(), |n| n.to_string());
            let expected = format!("{claimed} bytes after the head, for shape {:?}", array.dims);
            return Err(wrong(&expected, there.to_string()));
        }
        // An archive may say anything of an entry's size: memory grows with what really comes.
        from.take(there)
            .read_to_end(&mut array.bytes)
            .map_err(|error| wrong("whole data", error.to_string()))?;
        if array.bytes.len() as u64 != there {
            return Err(wrong(
                &format!("{there} bytes after the head"),
                array.bytes.len().to_string(),
            ));
        }
        Ok(array)
    }

    /// Its pictures.
    fn split(self, path: &Path, labels: Option<Vec<u32>>) -> Result<Split> {
        if self.dims.contains(&0) {
            let (expected, got) = (
                "at least one picture of at least one pixel",
                format!("shape {:?}", self.dims),
            );
            return Err(Error::file(path, expected, got, "Check what wrote it"));
        }
        // Of the picture's number, channel, row and column: the axis in the file. None: there are no channels.
        let channels = |axis: usize| matches!(self.dims.get(axis), Some(1 | 3));
        let axes = match self.dims.len() {
            3 => [Some(0), None, Some(1), Some(2)],
            4 if channels(1) => [0, 1, 2, 3].map(Some),
            4 if channels(3) => [0, 3, 1, 2].map(Some),
            _ => {
                let hint = "Reshape it in Python, e.g. x.reshape(n, h, w)";
                let expected = "shape (n, h, w), (n, c, h, w) or (n, h, w, c) with 1 or 3 channels";
                return Err(Error::file(
                    path,
                    expected,
                    format!("{:?}", self.dims),
                    hint,
                ));
            }
        };
        let order = self.order(axes);
        let [n, c, h, w] = axes.map(|axis| axis.map_or(1, |axis| self.dims[axis]));
        match (self.kind, self.width) {
            (b'u', 1) => {
                let bytes = match order {
                    Some(order) => order.map(|at| self.bytes[at]).collect(),
                    None => self.bytes,
                };
                Split::from_bytes(bytes, (c, h, w), labels)
            }
            (b'f', 4 | 8) => {
                let values: Vec<f32> = match order {
                    Some(order) => order
                        .map(|at| self.float(path, at))
                        .collect::<Result<_>>()?,
                    None => (0..n * c * h * w)
                        .map(|at| self.float(path, at))
                        .collect::<Result<_>>()?,
                };
                Split::from_tensor(
                    &Tensor::from_vec(values, (n, c, h, w), &Device::Cpu)?,
                    labels,
                )
            }
            _ => {
                let hint = "Convert it in Python: x.astype('uint8') for 0 to 255, x.astype('float32') for [0, 1]";
                Err(Error::file(
                    path,
                    "pictures of uint8, float32 or float64",
                    self.type_name(),
                    hint,
                ))
            }
        }
    }

    /// Where each value of (n, c, h, w) is in the file, counted in values; none where they are in that order already.
    fn order(&self, axes: [Option<usize>; 4]) -> Option<impl Iterator<Item = usize> + use<>> {
        if !self.fortran && axes.iter().flatten().is_sorted() {
            return None;
        }
        let step = |axis: usize| -> usize {
            let faster = if self.fortran {
                &self.dims[..axis]
            } else {
                &self.dims[axis + 1..]
            };
            faster.iter().product()
        };
        let [n, c, h, w] =
            axes.map(|axis| axis.map_or((1, 0), |axis| (self.dims[axis], step(axis))));
        let along = |(length, step): (usize, usize)| (0..length).map(move |i| i * step);
        Some(along(n).flat_map(move |at| {
            along(c).flat_map(move |c| {
                along(h).flat_map(move |h| along(w).map(move |w| at + c + h + w))
            })
        }))
    }

    /// A value's bytes, the lowest first.
    fn value(&self, at: usize) -> [u8; 8] {
        let mut value = [0; 8];
        value[..self.width].copy_from_slice(&self.bytes[at * self.width..][..self.width]);
        if self.big_endian {
            value[..self.width].reverse();
        }
        value
    }

    fn float(&self, path: &Path, at: usize) -> Result<f32> {
        let bytes = self.value(at);
        let value = match self.width {
            4 => f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
            _ => f64::from_le_bytes(bytes),
        };
        if (0.0..=1.0).contains(&value) {
            return Ok(value as f32);
        }
        let hint = "Scale it in Python, e.g. x / 255, or keep the bytes as uint8";
        Err(Error::file(
            path,
            "floats in [0, 1]",
            format!("{value} at {:?}", self.place(at)),
            hint,
        ))
    }

    /// Its labels.
    fn labels(&self, path: &Path) -> Result<Vec<u32>> {
        if !matches!(self.kind, b'i' | b'u') {
            let hint = "Convert them in Python: y.astype('int64')";
            return Err(Error::file(
                path,
                "labels that are integers",
                self.type_name(),
                hint,
            ));
        }
        if self.dims.len() != 1 {
            let hint = "In Python: y.ravel(), or y.argmax(1) for one-hot labels";
            return Err(Error::file(
                path,
                "labels of shape (n,)",
                format!("{:?}", self.dims),
                hint,
            ));
        }
        let label = |at: usize| {
            let bits = u64::from_le_bytes(self.value(at));
            let unused = 64 - 8 * self.width as u32;
            // The sign of a narrow integer is not yet that of a wide one.
            let value = if self.kind == b'i' {
                i128::from((bits << unused) as i64 >> unused)
            } else {
                i128::from(bits)
            };
            u32::try_from(value).map_err(|_| {
                let hint = "Leave out what has no label";
                Error::file(
                    path,
                    "labels from 0 to 4294967295",
                    format!("{value} at [{at}]"),
                    hint,
                )
            })
        };
        (0..self.dims[0]).map(label).collect()
    }

    /// The indices of a value of the file.
    fn place(&self, mut at: usize) -> Vec<usize> {
        let mut place = vec![0; self.dims.len()];
        let mut of_axis = |axis: usize| {
            place[axis] = at % self.dims[axis];
            at /= self.dims[axis];
        };
        if self.fortran {
            (0..self.dims.len()).for_each(of_axis)
        } else {
            (0..self.dims.len()).rev().for_each(&mut of_axis)
        }
        place
    }

    /// Its type, as NumPy calls it.
    fn type_name(&self) -> String {
        let kind = match self.kind {
            b'u' => "uint",
            b'i' => "int",
            _ => "float",
        };
        format!("{kind}{}", 8 * self.width)
    }
}

/// Reads a head: `{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }`. None where it is anything else.
fn parse(head: &str) -> Option<Array> {
    let (mut kind, mut fortran, mut dims) = (None, None, None);
    let mut rest = head.trim().strip_prefix('{')?;
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" => {
                let (name, after) = quoted(rest)?;
                kind = Some(number_kind(name)?);
                after
            }
            "fortran_order" => {
                fortran = Some(rest.starts_with("True"));
                rest.strip_prefix("True")
                    .or_else(|| rest.strip_prefix("False"))?
            }
            "shape" => {
                let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                let numbers = inside
                    .split(',')
                    .map(str::trim)
                    .filter(|number| !number.is_empty());
                // Python 2 wrote 3L.
                dims = Some(
                    numbers
                        .map(|number| number.trim_end_matches('L').parse().ok())
                        .collect::<Option<_>>()?,
                );
                after
            }
            _ => return None,
        }
        .trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    let (kind, width, big_endian) = kind?;
    Some(Array {
        kind,
        width,
        big_endian,
        fortran: fortran?,
        dims: dims?,
        bytes: Vec::new(),
    })
}

/// A word in quotes, and what stands behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// Kind, width and whether the highest byte comes first: `<f4` is a float of four bytes, the lowest first.
fn number_kind(name: &str) -> Option<(u8, usize, bool)> {
    let (order, kind) = (name.chars().next()?, name.get(1..2)?);
    let width = name.get(2..)?.parse().ok()?;
    let known = match kind {
        "u" | "i" => matches!(width, 1 | 2 | 4 | 8),
        "f" => matches!(width, 2 | 4 | 8),
        _ => false,
    };
    (known && "<>|=".contains(order)).then(|| (kind.as_bytes()[0], width, order == '>'))
}
