//! Training images as bytes, for other processes: those in memory whole, photographs by their names.
//!
//! The bytes are a JSON header after its length in eight bytes, then the pixels.

use crate::data::dataset::Dataset;
use crate::data::photo::{Framing, LmdbRecords, Origin, PhotoFiles, PhotoSource, PhotoStream};
use crate::data::photographs::embedded;
use crate::data::pixels::Pixels;
use crate::data::split::{ImageShape, Split};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything about the training images but pixels in memory.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    name: String,
    source: String,
    shape: ImageShape,
    labels: Option<Vec<u32>>,
    classes: Vec<String>,
    index: Vec<usize>,
    storage: Storage,
}

#[derive(Debug, Serialize, Deserialize)]
enum Storage {
    Bytes,
    Floats,
    Photographs {
        origin: Origin,
        framing: Framing,
        max_unreadable: usize,
        /// Folder of the packed file.
        packed: Option<PathBuf>,
    },
}

impl Dataset {
    /// The training images, for [`Dataset::from_transfer`] in another process.
    ///
    /// # Errors
    /// Photographs whose names are not UTF-8.
    pub(crate) fn to_transfer(&self) -> Result<Vec<u8>> {
        let split = &self.train;
        let header = Header {
            name: self.name.clone(),
            source: self.source.clone(),
            shape: split.image_shape(),
            labels: split.source_labels().map(<[u32]>::to_vec),
            classes: split.classes().unwrap_or_default().to_vec(),
            index: split.index.to_vec(),
            storage: storage(&split.pixels)?,
        };
        let json = serde_json::to_vec(&header).map_err(|error| {
            let hint = "Rename the files, or train without a team";
            Error::setting("team", "photographs with names in UTF-8", error, hint)
        })?;
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json);
        match &split.pixels {
            Pixels::Bytes(pixels) => bytes.extend_from_slice(pixels),
            Pixels::Floats(floats) => bytes.extend(floats.iter().flat_map(|v| v.to_le_bytes())),
            Pixels::Streamed(_) => {}
        }
        Ok(bytes)
    }

    /// The data set of [`Dataset::to_transfer`], without test images.
    ///
    /// # Errors
    /// Bytes that are no data set; a folder of photographs that this machine does not have.
    pub(crate) fn from_transfer(bytes: &[u8]) -> Result<Self> {
        let (header, pixels) = parse(bytes).ok_or_else(damaged)?;
        let train = match header.storage {
            Storage::Bytes => Split::from_bytes(pixels.to_vec(), header.shape, header.labels)?,
            Storage::Floats => {
                let (values, _) = pixels.as_chunks::<4>();
                let values = values.iter().map(|&value| f32::from_le_bytes(value));
                Split::from_floats(values.collect(), header.shape, header.labels)?
            }
            Storage::Photographs {
                origin,
                framing,
                max_unreadable,
                packed,
            } => {
                let root = origin.root().to_owned();
                let stream = PhotoStream::new(&root, open(origin)?, framing, max_unreadable)?;
                let stream = match packed {
                    Some(folder) => stream.packed(&folder)?,
                    None => stream,
                };
                Split::from_stream(stream, header.labels)?
            }
        };
        let train = match header.classes.is_empty() {
            true => train,
            false => train.named(header.classes)?,
        };
        if header.index.iter().any(|&i| i >= train.len()) {
            return Err(damaged());
        }
        let train = train.select(header.index);
        Dataset::new(header.name, header.source, train.clone(), train.take(0))
    }
}

fn storage(pixels: &Pixels) -> Result<Storage> {
    Ok(match pixels {
        Pixels::Bytes(_) => Storage::Bytes,
        Pixels::Floats(_) => Storage::Floats,
        Pixels::Streamed(stream) => photographs(stream)?,
    })
}

fn photographs(stream: &Arc<PhotoStream>) -> Result<Storage> {
    let origin = stream.source().origin().ok_or_else(|| {
        let hint = "Train without a team";
        Error::setting(
            "team",
            "photographs of a folder or a database",
            "others",
            hint,
        )
    })?;
    Ok(Storage::Photographs {
        origin: origin.absolute()?,
        framing: stream.framing(),
        max_unreadable: stream.max_unreadable(),
        packed: stream
            .packed_folder()
            .map(std::path::absolute)
            .transpose()
            .map_err(Error::io("find", stream.root()))?,
    })
}

/// Opens photographs, in the same order.
///
/// # Errors
/// A folder or database that this machine does not have.
fn open(origin: Origin) -> Result<Box<dyn PhotoSource>> {
    match origin {
        Origin::Files { root, names } => {
            std::fs::read_dir(&root).map_err(Error::io("read", &root))?;
            let names = names.into_iter().map(|(folder, names)| {
                let names = names.into_iter().map(|name| OsString::from(name).into());
                (folder, names.collect())
            });
            Ok(Box::new(PhotoFiles::new(&root, names.collect())))
        }
        Origin::Lmdb { path } => Ok(Box::new(LmdbRecords::open(&path)?.0)),
        Origin::Embedded { size, test } => Ok(Box::new(embedded(size, test)?)),
    }
}

fn parse(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (json, pixels) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(json).ok()?, pixels))
}

fn damaged() -> Error {
    let hint = "Use the same version of Candlebook on all hosts";
    Error::setting("team", "the training images of a job", "other bytes", hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::photo::Crop;
    use crate::data::{PhotoSettings, image_folder, mnist_embedded};
    use candle_core::{Device, Tensor};
    use std::collections::BTreeMap;

    fn values(split: &Split) -> Vec<f32> {
        let all: Vec<usize> = (0..split.len()).collect();
        split
            .images(&all)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap()
    }

    fn transferred(data: &Dataset) -> Dataset {
        Dataset::from_transfer(&data.to_transfer().unwrap()).unwrap()
    }

    #[test]
    fn images_in_memory_keep_pixels_labels_and_index() {
        let data = mnist_embedded().unwrap().take(30, 5);
        let (_, train) = data.train.divide(&(0..30).rev().collect::<Vec<_>>(), 10);
        let data = Dataset::new("digits", "memory", train.clone(), train).unwrap();
        let copy = transferred(&data);
        assert_eq!((copy.train.len(), copy.test.len()), (20, 0));
        assert_eq!(copy.train.labels(), data.train.labels());
        assert_eq!(copy.train.index, data.train.index);
        assert_eq!(values(&copy.train), values(&data.train));
    }

    #[test]
    fn vectors_keep_their_range() {
        let vectors = Tensor::new(&[[-3f32, 2.0], [5.0, 0.5]], &Device::Cpu).unwrap();
        let split = Split::vectors(&vectors, None).unwrap();
        let data = Dataset::new("vectors", "memory", split.clone(), split).unwrap();
        let copy = transferred(&data);
        assert_eq!(copy.train.value_range(), data.train.value_range());
        assert_eq!(values(&copy.train), [-3.0, 2.0, 5.0, 0.5]);
    }

    #[test]
    fn photographs_are_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..20u8 {
            let file = folder.path().join(format!("{i}.png"));
            image::RgbImage::from_pixel(9, 7, image::Rgb([i; 3]))
                .save(file)
                .unwrap();
        }
        let settings = PhotoSettings {
            size: 4,
            crop: Crop::Random(0.5),
            test_split: 0.2,
            ..Default::default()
        };
        let data = image_folder(folder.path(), &settings).unwrap();
        let copy = transferred(&data);
        assert_eq!(copy.train.len(), 16);
        assert_eq!(values(&copy.train), values(&data.train));
    }

    #[test]
    fn the_photographs_of_this_crate_are_cropped_again() {
        let data = crate::data::photographs(8).unwrap().take(20, 20);
        let copy = transferred(&data);
        assert_eq!(values(&copy.train), values(&data.train));
        assert_eq!(copy.train.classes(), data.train.classes());
        let swapped = Dataset::new("test", "crate", data.test.clone(), data.train).unwrap();
        assert_eq!(values(&transferred(&swapped).train), values(&data.test));
    }

    #[test]
    fn files_are_opened_in_their_order_and_a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let names = BTreeMap::from([
            (root.join("b"), list(&["2.png", "1.png"])),
            (root.join("a"), list(&["x.png"])),
        ]);
        let opened = open(Origin::Files { root, names }).unwrap();
        let names = (0..opened.len()).map(|i| opened.name(i));
        let expected = ["a/x.png", "b/1.png", "b/2.png"].map(|name| folder.path().join(name));
        assert_eq!(names.collect::<Vec<_>>(), expected);
        let again = open(opened.origin().unwrap()).unwrap();
        assert_eq!(again.name(2), expected[2]);
        let root = "/no/photographs".into();
        let names = BTreeMap::new();
        let error = open(Origin::Files { root, names }).unwrap_err().to_string();
        assert!(
            error.starts_with("/no/photographs: cannot read: "),
            "{error}"
        );
    }

    #[test]
    fn other_bytes_are_an_error() {
        let bytes = mnist_embedded().unwrap().take(2, 1).to_transfer().unwrap();
        for bytes in [&bytes[..4], &bytes[..100], b"", &[255; 64]] {
            let error = Dataset::from_transfer(bytes).unwrap_err().to_string();
            assert!(
                error.starts_with("team: expected the training images"),
                "{error}"
            );
        }
    }
}
