//! The batches of an epoch, in a given order.

use crate::data::augmenter::Augmenter;
use crate::data::images::{Augment, Decoded};
use crate::data::lookahead::Lookahead;
use crate::data::pixels::to_floats;
use crate::data::split::Split;
use crate::dist::World;
use crate::error::Result;
use crate::math::Real;
use candle_core::{Device, Tensor};
use std::ops::Range;
use std::sync::Arc;

/// Some images of a split.
#[derive(Debug)]
pub(crate) enum Batch {
    /// Images at these positions of a split in memory.
    Positions(Split, Vec<usize>),
    /// Decoded photographs of a split.
    Decoded(Split, Vec<Decoded>),
    /// Images of another batch, changed when they are read.
    Augmented(Box<Batch>, Arc<Augmenter>),
    /// A rank's images of a batch that several ranks share.
    Share(Box<Batch>, Share),
}

/// Place of a rank's images in a batch that several ranks share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    /// Number of the rank's first image in the batch.
    pub(crate) first: usize,
    /// Images of the whole batch.
    pub(crate) total: usize,
}

impl Batch {
    /// The number of images, of a share those of the rank.
    pub(crate) fn len(&self) -> usize {
        match self {
            Batch::Positions(_, positions) => positions.len(),
            Batch::Decoded(_, images) => images.len(),
            Batch::Augmented(batch, _) | Batch::Share(batch, _) => batch.len(),
        }
    }

    /// Place of the images in the batch of all ranks; `None` if this rank has the whole batch.
    pub(crate) fn share(&self) -> Option<Share> {
        match self {
            Batch::Share(_, share) => Some(*share),
            _ => None,
        }
    }

    /// The number of images on all ranks.
    pub(crate) fn total(&self) -> usize {
        self.share().map_or(self.len(), |share| share.total)
    }

    /// The position of image `i` in the split.
    pub(crate) fn position(&self, i: usize) -> usize {
        match self {
            Batch::Positions(_, positions) => positions[i],
            Batch::Decoded(_, images) => images[i].position,
            Batch::Augmented(batch, _) | Batch::Share(batch, _) => batch.position(i),
        }
    }

    /// The split of the images.
    fn split(&self) -> &Split {
        match self {
            Batch::Positions(split, _) | Batch::Decoded(split, _) => split,
            Batch::Augmented(batch, _) | Batch::Share(batch, _) => batch.split(),
        }
    }

    /// Writes some of the images one after the other, as floats in [0, 1].
    ///
    /// # Errors
    /// If the split does not have one of the positions.
    pub(crate) fn fill<T: Real>(&self, range: Range<usize>, values: &mut [T]) -> Result<()> {
        match self {
            Batch::Positions(split, positions) => split.fill(&positions[range], values),
            Batch::Decoded(_, images) => {
                let images = &images[range];
                let size = images.first().map_or(1, |image| image.bytes.len());
                let pairs = values.chunks_exact_mut(size).zip(images);
                pairs.for_each(|(values, image)| to_floats(&image.bytes, values));
                Ok(())
            }
            Batch::Augmented(batch, augmenter) => batch.fill_augmented(augmenter, range, values),
            Batch::Share(batch, _) => batch.fill(range, values),
        }
    }

    fn fill_augmented<T: Real>(
        &self,
        augmenter: &Augmenter,
        range: Range<usize>,
        values: &mut [T],
    ) -> Result<()> {
        let (c, h, w) = self.split().image_shape();
        let mut images = vec![0f32; range.len() * c * h * w];
        self.fill(range.clone(), &mut images)?;
        let mut before = Vec::new();
        for (i, image) in range.zip(images.chunks_exact_mut(c * h * w)) {
            augmenter.apply(self.split().index[self.position(i)], image, &mut before);
        }
        let pairs = values.iter_mut().zip(images);
        pairs.for_each(|(value, float)| *value = float.into());
        Ok(())
    }

    /// All images.
    ///
    /// # Shapes
    /// (b, c, h, w), f32 in [0, 1], on the CPU.
    ///
    /// # Errors
    /// If the split does not have one of the positions.
    pub(crate) fn images(&self) -> Result<Tensor> {
        let (c, h, w) = self.split().image_shape();
        let mut values = vec![0f32; self.len() * c * h * w];
        self.fill(0..self.len(), &mut values)?;
        Ok(Tensor::from_vec(
            values,
            (self.len(), c, h, w),
            &Device::Cpu,
        )?)
    }

    /// The labels, if the split has labels. An image that replaces an unreadable one has its own.
    ///
    /// # Shapes
    /// (b), u32, on the CPU.
    ///
    /// # Errors
    /// If candle cannot create the tensor.
    pub(crate) fn labels(&self) -> Result<Option<Tensor>> {
        match self {
            Batch::Positions(split, positions) => split.labels_at(positions),
            Batch::Decoded(split, images) => {
                let positions: Vec<usize> = images.iter().map(|image| image.position).collect();
                split.labels_at(&positions)
            }
            Batch::Augmented(batch, _) | Batch::Share(batch, _) => batch.labels(),
        }
    }
}

impl Split {
    /// Labels of the images at these positions, if the split has labels: (n), u32.
    pub(crate) fn labels_at(&self, positions: &[usize]) -> Result<Option<Tensor>> {
        let labels = positions.iter().map(|&position| self.label(position));
        let labels: Option<Vec<u32>> = labels.collect();
        let labels = labels.map(|labels| Tensor::new(labels, &Device::Cpu));
        Ok(labels.transpose()?)
    }
}

/// The batches of an epoch. Photographs are decoded ahead.
#[derive(Debug)]
pub(crate) struct Batches {
    split: Split,
    /// Positions of this process's images.
    order: Vec<usize>,
    batches: std::vec::IntoIter<Rows>,
    lookahead: Option<Lookahead>,
    augmenter: Option<Arc<Augmenter>>,
}

/// A batch before its images are read.
#[derive(Clone, Debug)]
struct Rows {
    /// Places in the order.
    own: Range<usize>,
    share: Option<Share>,
}

impl Batches {
    /// The images at these positions in batches, with the crops and flips of `augment`.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn new(
        split: &Split,
        order: Vec<usize>,
        batch_size: usize,
        augment: Option<Augment>,
    ) -> Result<Self> {
        Self::shared(split, order, batch_size, augment, &World::default())
    }

    /// As [`Batches::new`], of each batch the images of this rank.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn shared(
        split: &Split,
        order: Vec<usize>,
        batch_size: usize,
        augment: Option<Augment>,
        world: &World,
    ) -> Result<Self> {
        let (mut own, mut batches) = (Vec::new(), Vec::new());
        for positions in order.chunks(batch_size) {
            let total = positions.len();
            let rows = world.rows(total);
            let first = rows.start;
            let start = own.len();
            own.extend_from_slice(&positions[rows]);
            batches.push(Rows {
                own: start..own.len(),
                share: world.shares(total).then_some(Share { first, total }),
            });
        }
        let most = batches.iter().map(|rows| rows.own.len()).max().unwrap_or(0);
        let lookahead = split
            .streamed()
            .then(|| Lookahead::start(split, &own, most, augment))
            .transpose()?;
        Ok(Batches {
            split: split.clone(),
            order: own,
            batches: batches.into_iter(),
            lookahead,
            augmenter: None,
        })
    }

    /// Changes the images of all batches.
    pub(crate) fn augmented(self, augmenter: Augmenter) -> Self {
        Batches {
            augmenter: Some(Arc::new(augmenter)),
            ..self
        }
    }

    /// A batch of the next images.
    fn batch(&self, rows: Rows) -> Result<Batch> {
        let positions = &self.order[rows.own];
        let mut batch = match &self.lookahead {
            None => Batch::Positions(self.split.clone(), positions.to_vec()),
            Some(ahead) => Batch::Decoded(self.split.clone(), ahead.take(positions.len())?),
        };
        if let Some(augmenter) = &self.augmenter {
            batch = Batch::Augmented(Box::new(batch), Arc::clone(augmenter));
        }
        Ok(match rows.share {
            Some(share) => Batch::Share(Box::new(batch), share),
            None => batch,
        })
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.batches.next()?;
        Some(self.batch(rows))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.batches.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augmentation::Augmentation;
    use crate::dist::on_threads;

    #[test]
    fn batches_follow_the_order_and_carry_labels() {
        let split = Split::from_bytes(vec![0, 51, 255], (1, 1, 1), Some(vec![7, 8, 9])).unwrap();
        let batches = Batches::new(&split, vec![2, 0, 1], 2, None).unwrap();
        let seen: Vec<(Vec<f32>, Vec<u32>)> = batches
            .map(|batch| {
                let batch = batch.unwrap();
                let images = batch.images().unwrap().flatten_all().unwrap();
                let labels = batch.labels().unwrap().unwrap();
                (images.to_vec1().unwrap(), labels.to_vec1().unwrap())
            })
            .collect();
        assert_eq!(seen, [(vec![1.0, 0.0], vec![9, 7]), (vec![0.2], vec![8])]);
    }

    #[test]
    fn augmented_batches_change_images_and_keep_labels() {
        let split = Split::from_bytes(vec![0, 51, 255, 102], (1, 1, 2), Some(vec![7, 8])).unwrap();
        let order = vec![1, 0];
        let epoch = Augment { seed: 0, epoch: 1 };
        // The range of brightness ends at 0, and values never leave that of the data.
        let brightness = [Augmentation::Brightness { change: 1.0 }];
        let augmenter = Augmenter::new(&brightness, epoch, &split);
        let mut batches = Batches::new(&split, order, 2, None)
            .unwrap()
            .augmented(augmenter);
        let batch = batches.next().unwrap().unwrap();
        let values = |batch: &Batch| -> Vec<f32> {
            batch
                .images()
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap()
        };
        let changed = values(&batch);
        assert_eq!(
            batch.labels().unwrap().unwrap().to_vec1::<u32>().unwrap(),
            [8, 7]
        );
        assert_eq!((batch.len(), batch.position(0), changed[2]), (2, 1, 0.0));
        assert_ne!(changed[1], 0.4);
        // A part of the batch has the same pixels as the whole.
        let mut second = [0f64; 2];
        batch.fill(1..2, &mut second).unwrap();
        assert_eq!(second, [f64::from(changed[2]), f64::from(changed[3])]);
    }

    #[test]
    fn ranks_share_each_batch_and_a_small_last_one_is_whole() {
        let split = Split::from_bytes((0..8).collect(), (1, 1, 1), None).unwrap();
        let seen = on_threads(3, |world| {
            let order: Vec<usize> = (0..8).rev().collect();
            let batches = Batches::shared(&split, order, 3, None, &world).unwrap();
            let of = |batch: Result<Batch>| {
                let batch = batch.unwrap();
                let positions = (0..batch.len()).map(|i| batch.position(i));
                (
                    positions.collect::<Vec<_>>(),
                    batch.total(),
                    batch.share().is_some(),
                )
            };
            batches.map(of).collect::<Vec<_>>()
        });
        for (rank, seen) in seen.into_iter().enumerate() {
            let shared = |first: usize| (vec![first - rank], 3, true);
            assert_eq!(seen, [shared(7), shared(4), (vec![1, 0], 2, false)]);
        }
    }

    #[test]
    fn batches_of_a_split_without_labels_have_none() {
        let split = Split::from_bytes(vec![0, 255], (1, 1, 1), None).unwrap();
        let mut batches = Batches::new(&split, vec![0, 1], 2, None).unwrap();
        assert!(batches.next().unwrap().unwrap().labels().unwrap().is_none());
        assert!(batches.next().is_none());
    }
}
