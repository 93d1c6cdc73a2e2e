//! Augmentation of the images of a batch, and a montage of its results.

use crate::data::augmentation::Augmentation;
use crate::data::images::Augment;
use crate::data::split::{ImageShape, Split};
use crate::data::transform::Pixels;
use crate::error::{Error, Result};
use crate::math::{Interval, Purpose, Rng};
use crate::show::Montage;
use candle_core::{Device, Tensor};

/// Maximum number of images in a montage of augmentations.
const MAX_IMAGES: usize = 1000;

/// Augmentations of the training images in one epoch. They depend on seed, epoch and image alone.
#[derive(Debug)]
pub(crate) struct Augmenter {
    list: Vec<Augmentation>,
    epoch: Augment,
    shape: ImageShape,
    range: Interval,
}

impl Augmenter {
    pub(crate) fn new(list: &[Augmentation], epoch: Augment, split: &Split) -> Self {
        Augmenter {
            list: list.to_vec(),
            epoch,
            shape: split.image_shape(),
            range: split.value_range(),
        }
    }

    /// Changes the image with this number in its source. `before` is a buffer.
    pub(super) fn apply(&self, image: usize, values: &mut [f32], before: &mut Vec<f32>) {
        let Augment { seed, epoch } = self.epoch;
        let mut rng = Rng::for_image(seed, Purpose::Transform, epoch, image);
        let mut pixels = Pixels::new(values, before, self.shape);
        let (low, high) = (self.range.low as f32, self.range.high as f32);
        for augmentation in &self.list {
            self.apply_one(augmentation, &mut pixels, &mut rng);
            pixels.clamp(low, high);
        }
    }

    fn apply_one(&self, augmentation: &Augmentation, pixels: &mut Pixels<'_>, rng: &mut Rng) {
        let (_, h, w) = self.shape;
        let mut unit = || f64::from(rng.unit());
        match *augmentation {
            Augmentation::FlipHorizontal if unit() < 0.5 => pixels.flip_horizontal(),
            Augmentation::FlipVertical if unit() < 0.5 => pixels.flip_vertical(),
            Augmentation::FlipHorizontal | Augmentation::FlipVertical => {}
            Augmentation::Shift { pixels: most } => {
                let mut by = || (unit() * (2 * most + 1) as f64) as isize - most as isize;
                let (right, down) = (by(), by());
                pixels.shift(right, down);
            }
            Augmentation::Crop { min_share } => {
                let share = min_share + (1.0 - min_share) * unit();
                let (top, left) = (unit(), unit());
                pixels.crop(share.sqrt(), top, left);
            }
            Augmentation::Rotation { degrees } => pixels.rotate(degrees * (2.0 * unit() - 1.0)),
            Augmentation::Brightness { change } => {
                pixels.multiply((1.0 + change * (2.0 * unit() - 1.0)) as f32);
            }
            Augmentation::Cutout { size } => {
                let (y, x) = ((unit() * h as f64) as usize, (unit() * w as f64) as usize);
                pixels.cut_out(size, y, x, 0.0);
            }
        }
    }
}

impl Split {
    /// One image and what augmentations make of it, as [`fit`](crate::model::Autoencoder::fit) trains
    /// on it in epochs 1 to `n` with this seed.
    ///
    /// # Errors
    /// A position that the split does not have; a setting outside its range; vectors; `n` is not 1 to
    /// 1000.
    ///
    /// # Examples
    /// ```
    /// use candlebook::data::Augmentation;
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?;
    /// let rotation = [Augmentation::Rotation { degrees: 15.0 }];
    /// let montage = data.train.augmented(3, 7, &rotation, 0)?;
    /// assert_eq!(montage.tensor().dims(), [8, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn augmented(
        &self,
        position: usize,
        n: usize,
        augment: &[Augmentation],
        seed: u64,
    ) -> Result<Montage> {
        let shape = self.image_shape();
        augment.iter().try_for_each(|one| one.check(shape))?;
        if !(1..=MAX_IMAGES).contains(&n) {
            let expected = format!("1 to {MAX_IMAGES} images");
            return Err(Error::setting(
                "augmented",
                expected,
                n,
                "8 give a first impression",
            ));
        }
        let (c, h, w) = shape;
        let mut images = vec![0f32; c * h * w];
        self.fill(&[position], &mut images)?;
        images = images.repeat(n + 1);
        let mut before = Vec::new();
        for (epoch, image) in images.chunks_exact_mut(c * h * w).enumerate().skip(1) {
            let augmenter = Augmenter::new(augment, Augment { seed, epoch }, self);
            augmenter.apply(self.index[position], image, &mut before);
        }
        let images = Tensor::from_vec(images, (n + 1, c, h, w), &Device::Cpu)?;
        let captions = (0..=n).map(|epoch| match epoch {
            0 => "original".to_owned(),
            epoch => format!("epoch {epoch}"),
        });
        Ok(Montage::new(&images)?.captions(captions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split() -> Split {
        let bytes: Vec<u8> = (0..2 * 64).map(|i| (40 + i) as u8).collect();
        Split::from_bytes(bytes, (1, 8, 8), None).unwrap()
    }

    fn augmenter(list: &[Augmentation], seed: u64, epoch: usize) -> Augmenter {
        Augmenter::new(list, Augment { seed, epoch }, &split())
    }

    fn applied(augmenter: &Augmenter, image: usize) -> Vec<f32> {
        let mut values = vec![0.0; 64];
        split().fill(&[image], &mut values).unwrap();
        augmenter.apply(image, &mut values, &mut Vec::new());
        values
    }

    const ALL: [Augmentation; 7] = [
        Augmentation::FlipHorizontal,
        Augmentation::FlipVertical,
        Augmentation::Shift { pixels: 2 },
        Augmentation::Crop { min_share: 0.5 },
        Augmentation::Rotation { degrees: 20.0 },
        Augmentation::Brightness { change: 0.9 },
        Augmentation::Cutout { size: 3 },
    ];

    #[test]
    fn seed_epoch_and_image_determine_the_result() {
        let first = applied(&augmenter(&ALL, 1, 1), 0);
        assert_eq!(applied(&augmenter(&ALL, 1, 1), 0), first);
        assert_ne!(applied(&augmenter(&ALL, 2, 1), 0), first);
        assert_ne!(applied(&augmenter(&ALL, 1, 2), 0), first);
        assert!(first.iter().all(|value| (0.0..=1.0).contains(value)));
    }

    #[test]
    fn each_augmentation_covers_its_range() {
        let shift = [Augmentation::Shift { pixels: 1 }];
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..900 {
            // The pixel in the middle tells the shift: 8 a row, 1 a column.
            let value = applied(&augmenter(&shift, 0, epoch), 0)[36] * 255.0 - 40.0;
            *counts.entry(value.round() as i32).or_insert(0) += 1;
        }
        let shifts: Vec<i32> = counts.keys().copied().collect();
        assert_eq!(shifts, [27, 28, 29, 35, 36, 37, 43, 44, 45]);
        assert!(counts.values().all(|n| (60..140).contains(n)), "{counts:?}");
        let flip = [Augmentation::FlipHorizontal];
        let flipped = |epoch: &usize| applied(&augmenter(&flip, 0, *epoch), 0)[0] * 255.0 > 40.5;
        let flips = (0..900).filter(flipped).count();
        assert!((390..510).contains(&flips), "{flips}");
    }

    #[test]
    fn values_stay_in_the_range_of_the_data() {
        let values: Vec<f32> = (0..64).map(|i| 0.25 + 0.5 * i as f32 / 63.0).collect();
        let split = Split::from_floats(values.clone(), (1, 8, 8), None).unwrap();
        for epoch in 0..100 {
            let augmenter = Augmenter::new(&ALL, Augment { seed: 0, epoch }, &split);
            let mut values = values.clone();
            augmenter.apply(0, &mut values, &mut Vec::new());
            assert!(values.iter().all(|value| (0.25..=0.75).contains(value)));
        }
    }
}
