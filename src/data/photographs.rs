//! [`photographs`]: random crops of eight photographs inside this crate, for first experiments with
//! convolutions.
//!
//! `assets/README.md` names the photographers and the licenses.

use crate::data::dataset::Dataset;
use crate::data::photo::{Crop, Framing, Origin, PhotoSource, PhotoStream};
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::decode_image;
use crate::math::{Purpose, Rng};
use image::RgbImage;
use std::path::{Path, PathBuf};

/// A JPEG file of the crate.
struct Asset {
    name: &'static str,
    jpeg: &'static [u8],
}

macro_rules! asset {
    ($name:literal) => {
        Asset {
            name: $name,
            jpeg: include_bytes!(concat!("../../assets/photographs/", $name, ".jpg")),
        }
    };
}

const TRAIN: [Asset; 6] = [
    asset!("astronaut"),
    asset!("china"),
    asset!("flower"),
    asset!("hubble"),
    asset!("retina"),
    asset!("rocket"),
];
const TEST: [Asset; 2] = [asset!("chelsea"), asset!("coffee")];

const TRAIN_CROPS_PER_PHOTOGRAPH: usize = 500;
const TEST_CROPS_PER_PHOTOGRAPH: usize = 100;
const MIN_IMAGE_SIDE: usize = 8;
/// Less than the height of every photograph.
const MAX_IMAGE_SIDE: usize = 256;

/// Loads random crops, of random sizes, of eight free photographs inside this crate: 3,000 training
/// images from six of them, 200 test images from the other two, a cat and a cup of coffee. The label
/// is the photograph. Training images are cropped again in each epoch, and half of them are flipped.
///
/// # Shapes
/// (3, size, size); `size` is 8 to 256 pixels.
///
/// # Errors
/// If `size` is outside its range.
///
/// # Examples
/// ```
/// let data = candlebook::data::photographs(16)?;
/// assert_eq!((data.train.len(), data.image_shape()), (3000, (3, 16, 16)));
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn photographs(size: usize) -> Result<Dataset> {
    if !(MIN_IMAGE_SIDE..=MAX_IMAGE_SIDE).contains(&size) {
        let expected = format!("{MIN_IMAGE_SIDE} to {MAX_IMAGE_SIDE} pixels");
        return Err(Error::setting(
            "photographs",
            expected,
            size,
            "64 is a good start",
        ));
    }
    let (train, test) = (embedded(size, false)?, embedded(size, true)?);
    let source = "eight free photographs inside this crate";
    Dataset::new("photographs", source, train.split()?, test.split()?)
}

/// The crops for training, or those of the test.
///
/// # Errors
/// A photograph that cannot be decoded.
pub(crate) fn embedded(size: usize, test: bool) -> Result<RandomCrops> {
    match test {
        false => RandomCrops::new(&TRAIN, 0, TRAIN_CROPS_PER_PHOTOGRAPH, size),
        true => RandomCrops::new(&TEST, TRAIN.len(), TEST_CROPS_PER_PHOTOGRAPH, size),
    }
}

/// Squares cropped from photographs, with sides from the image size to the photograph's height.
#[derive(Debug)]
pub(crate) struct RandomCrops {
    photographs: Vec<Photograph>,
    /// Label of the first photograph.
    first_label: usize,
    /// Crops per photograph.
    each: usize,
    /// Height and width of the images, in pixels.
    size: usize,
}

#[derive(Debug)]
struct Photograph {
    name: PathBuf,
    pixels: RgbImage,
}

impl RandomCrops {
    fn new(assets: &[Asset], first_label: usize, each: usize, size: usize) -> Result<Self> {
        let decode = |asset: &Asset| {
            let (_, pixels) = decode_image(asset.jpeg).map_err(|reason| {
                let expected = "a photograph of this crate";
                reason.of(Path::new(asset.name), expected, "Install candlebook again")
            })?;
            Ok(Photograph {
                name: asset.name.into(),
                pixels,
            })
        };
        let photographs = assets.iter().map(decode).collect::<Result<_>>()?;
        Ok(RandomCrops {
            photographs,
            first_label,
            each,
            size,
        })
    }

    /// A split whose labels are the photographs.
    fn split(self) -> Result<Split> {
        let label = |i| (self.first_label + i % self.photographs.len()) as u32;
        let labels = (0..self.len()).map(label).collect();
        let classes = TRAIN
            .iter()
            .chain(&TEST)
            .map(|asset| asset.name.to_owned())
            .collect();
        let framing = Framing {
            size: self.size,
            crop: Crop::Random(0.5),
            flip: true,
        };
        let stream = PhotoStream::new(Path::new("photographs"), Box::new(self), framing, 0)?;
        Split::from_stream(stream, Some(labels))?.named(classes)
    }
}

impl PhotoSource for RandomCrops {
    fn len(&self) -> usize {
        self.each * self.photographs.len()
    }

    fn name(&self, i: usize) -> PathBuf {
        self.photographs[i % self.photographs.len()].name.clone()
    }

    fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
        let nth = i % self.photographs.len();
        let pixels = &self.photographs[nth].pixels;
        let (label, crop) = (self.first_label + nth, i / self.photographs.len());
        let mut rng = Rng::for_image(0, Purpose::Augment, label, crop);
        let mut up_to = |n: u32| (rng.unit() * (n + 1) as f32) as u32;
        let (width, height) = (pixels.width(), pixels.height());
        let max_side = width.min(height);
        let side = max_side - up_to(max_side.saturating_sub(self.size as u32));
        let (left, top) = (up_to(width - side), up_to(height - side));
        Ok(image::imageops::crop_imm(pixels, left, top, side, side).to_image())
    }

    fn origin(&self) -> Option<Origin> {
        Some(Origin::Embedded {
            size: self.size,
            test: self.first_label > 0,
        })
    }

    fn version(&self, _: usize) -> String {
        String::new()
    }
}
