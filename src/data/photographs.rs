//! Eight photographs inside this crate, cut into pictures: something to try convolutions with when no others are at hand.
//!
//! Free photographs; who took each and on which terms is said in `assets/README.md`.

use crate::data::photo::{Crop, Framing, PhotoSource, PhotoStream};
use crate::data::split::{Dataset, Split};
use crate::error::{Error, Result};
use crate::file::decode_image;
use crate::math::{Purpose, Rng};
use image::RgbImage;
use std::path::{Path, PathBuf};

/// The photographs to learn from, and those held out.
const TRAIN: [(&str, &[u8]); 6] = [
    (
        "astronaut",
        include_bytes!("../../assets/photographs/astronaut.jpg"),
    ),
    (
        "china",
        include_bytes!("../../assets/photographs/china.jpg"),
    ),
    (
        "flower",
        include_bytes!("../../assets/photographs/flower.jpg"),
    ),
    (
        "hubble",
        include_bytes!("../../assets/photographs/hubble.jpg"),
    ),
    (
        "retina",
        include_bytes!("../../assets/photographs/retina.jpg"),
    ),
    (
        "rocket",
        include_bytes!("../../assets/photographs/rocket.jpg"),
    ),
];
const TEST: [(&str, &[u8]); 2] = [
    (
        "chelsea",
        include_bytes!("../../assets/photographs/chelsea.jpg"),
    ),
    (
        "coffee",
        include_bytes!("../../assets/photographs/coffee.jpg"),
    ),
];

/// How many pictures are cut from each photograph.
const CUTS: (usize, usize) = (500, 100);
/// Pictures are smaller than the photographs are high.
const MOST: usize = 256;

/// Pictures cut at random places and sizes from the eight free photographs inside this crate: 3,000 of six of them for
/// training, 200 of the other two, a cat and a cup of coffee, for test. Labels are the photographs. In training each picture is
/// cut a little differently in each epoch, and half of them are mirrored.
///
/// # Shapes
/// (3, size, size); `size` is 8 to 256 pixels.
///
/// # Errors
/// A size outside its range.
///
/// # Examples
/// ```
/// let data = candlebook::photographs(16)?;
/// assert_eq!((data.train.len(), data.image_shape()), (3000, (3, 16, 16)));
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn photographs(size: usize) -> Result<Dataset> {
    if !(8..=MOST).contains(&size) {
        return Err(Error::setting(
            "photographs",
            format!("8 to {MOST} pixels"),
            size,
            "64 is a good start",
        ));
    }
    let train = cuts(&TRAIN, size, CUTS.0, 0)?;
    let test = cuts(&TEST, size, CUTS.1, TRAIN.len())?;
    Dataset::new(
        "photographs",
        "eight free photographs inside this crate",
        train,
        test,
    )
}

/// So many pictures of each photograph, in turn. Their labels start from a number.
fn cuts(photographs: &[(&str, &[u8])], size: usize, each: usize, first: usize) -> Result<Split> {
    let mut source = Cuts {
        size,
        first,
        each,
        photographs: Vec::new(),
    };
    for (name, bytes) in photographs {
        let (_, photograph) = decode_image(bytes).map_err(|reason| {
            Error::file(
                Path::new(name),
                "a photograph of this crate",
                reason,
                "Install it again",
            )
        })?;
        source.photographs.push((PathBuf::from(name), photograph));
    }
    let labels = (0..source.len())
        .map(|i| (first + i % photographs.len()) as u32)
        .collect();
    let names = TRAIN
        .iter()
        .chain(&TEST)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let framing = Framing {
        size,
        crop: Crop::Random(0.5),
        flip: true,
    };
    let stream = PhotoStream::new(Path::new("photographs"), Box::new(source), framing, 0)?;
    Split::from_stream(stream, Some(labels))?.named(names)
}

/// Squares of photographs, from the size of a picture to the whole height.
#[derive(Debug)]
struct Cuts {
    size: usize,
    first: usize,
    each: usize,
    photographs: Vec<(PathBuf, RgbImage)>,
}

impl PhotoSource for Cuts {
    fn len(&self) -> usize {
        self.each * self.photographs.len()
    }

    fn name(&self, i: usize) -> PathBuf {
        self.photographs[i % self.photographs.len()].0.clone()
    }

    fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
        let nth = i % self.photographs.len();
        let photograph = &self.photographs[nth].1;
        let mut draws = Rng::for_image(
            0,
            Purpose::Augment,
            self.first + nth,
            i / self.photographs.len(),
        );
        let (width, height) = (photograph.width(), photograph.height());
        let most = width.min(height);
        let mut below = |n: u32| (draws.unit() * (n + 1) as f32) as u32;
        let side = most - below(most.saturating_sub(self.size as u32));
        let (left, top) = (below(width - side), below(height - side));
        Ok(image::imageops::crop_imm(photograph, left, top, side, side).to_image())
    }

    fn version(&self, _: usize) -> String {
        String::new()
    }
}
