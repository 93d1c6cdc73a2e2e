//! k nearest neighbors: how well the labels of near codes tell a label.

use crate::cell::check_stopped;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::labels::{Labeled, labels_of};
use crate::math::{Matrix, matmul};
use crate::model::Autoencoder;
use crate::show::{StatusLine, thousands};
use candle_core::Tensor;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Distances of one task.
const CHUNK_DISTANCES: usize = 1 << 21;
/// Test codes between two updates of the progress.
const BLOCK_ROWS: usize = 1024;

/// Accuracy of the majority label among the `k` nearest training codes, by Euclidean distance.
///
/// Of labels with equally many votes, the smallest wins. scikit-learn:
/// `KNeighborsClassifier(k).fit(train, labels).score(test, labels)`.
///
/// # Shapes
/// Codes are (n, d), labels (n).
///
/// # Errors
/// Codes of another shape or size, or with NaN; another number of labels than of codes; training
/// labels of one class only; `k` of 0 or above the number of training codes.
///
/// # Examples
/// ```
/// use candlebook::evaluate::knn_accuracy;
/// use candlebook::prelude::*;
/// let codes = Tensor::new(&[[-2f32], [-1.0], [1.0], [2.0]], &Device::Cpu)?;
/// let accuracy = knn_accuracy((&codes, &[0, 0, 1, 1]), (&codes, &[0, 0, 1, 0]), 1)?;
/// assert_eq!(accuracy, 0.75);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn knn_accuracy(train: (&Tensor, &[u32]), test: (&Tensor, &[u32]), k: usize) -> Result<f64> {
    const WHAT: &str = "knn_accuracy";
    let mut train = Labeled::new(WHAT, train.0, train.1)?;
    let mut test = Labeled::new(WHAT, test.0, test.1)?;
    train.check_size(WHAT, &test)?;
    train.classes(WHAT)?;
    check_k(k, train.labels.len())?;
    center(&mut train, &mut test);
    let neighbors = Neighbors::new(&train, k);
    let mut line = StatusLine::new();
    let n = test.labels.len();
    let mut right = 0;
    let blocks = test
        .codes
        .chunks(BLOCK_ROWS * test.size)
        .zip(test.labels.chunks(BLOCK_ROWS));
    for ((codes, labels), done) in blocks.zip((0..).step_by(BLOCK_ROWS)) {
        check_stopped()?;
        line.update(|| {
            format!(
                "nearest neighbors: {} of {} images",
                thousands(done),
                thousands(n)
            )
        });
        right += neighbors.count_right(codes, labels);
    }
    line.finish(|| format!("nearest neighbors: {} images", thousands(n)));
    Ok(right as f64 / n as f64)
}

fn check_k(k: usize, n: usize) -> Result<()> {
    if (1..=n).contains(&k) {
        return Ok(());
    }
    let expected = format!("1 to {n}, the number of training images");
    Err(Error::setting("k", expected, k, "5 is usual"))
}

/// Subtracts the mean training code from all codes: distances stay, and lose fewer digits.
fn center(train: &mut Labeled<'_>, test: &mut Labeled<'_>) {
    let n = train.labels.len() as f64;
    let mut mean = vec![0f64; train.size];
    for row in train.codes.chunks_exact(train.size) {
        let pairs = mean.iter_mut().zip(row);
        pairs.for_each(|(sum, value)| *sum += f64::from(*value) / n);
    }
    for codes in [&mut train.codes, &mut test.codes] {
        for row in codes.chunks_exact_mut(mean.len()) {
            let pairs = row.iter_mut().zip(&mean);
            pairs.for_each(|(value, mean)| *value = (f64::from(*value) - mean) as f32);
        }
    }
}

/// Training codes to search.
struct Neighbors<'a> {
    train: &'a Labeled<'a>,
    /// Half the squared length of each code.
    half_squares: Vec<f32>,
    k: usize,
}

/// A training code and half its squared distance, up to a constant.
#[derive(Clone, Copy)]
struct Neighbor {
    distance: f32,
    position: usize,
}

impl<'a> Neighbors<'a> {
    fn new(train: &'a Labeled<'a>, k: usize) -> Self {
        let half_square = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>() / 2.0;
        let rows = train.codes.par_chunks_exact(train.size);
        Neighbors {
            half_squares: rows.map(half_square).collect(),
            train,
            k,
        }
    }

    /// Number of codes whose label wins the vote of their neighbors.
    fn count_right(&self, codes: &[f32], labels: &[u32]) -> usize {
        let rows = (CHUNK_DISTANCES / self.half_squares.len()).clamp(1, 256);
        let chunks = codes.par_chunks(rows * self.train.size);
        let right = chunks.zip(labels.par_chunks(rows)).map(|(codes, labels)| {
            let products = self.products(codes, labels.len());
            let rows = products.chunks_exact(self.half_squares.len());
            rows.zip(labels)
                .filter(|(row, label)| self.vote(row) == **label)
                .count()
        });
        right.sum()
    }

    /// # Shapes
    /// (rows, size) -> (rows, training codes)
    fn products(&self, codes: &[f32], rows: usize) -> Vec<f32> {
        let (n, size) = (self.half_squares.len(), self.train.size);
        let train = Matrix::new(&self.train.codes, n, size);
        let mut products = vec![0f32; rows * n];
        matmul(
            Matrix::new(codes, rows, size),
            train.transposed(),
            &mut products,
            false,
        );
        products
    }

    /// The label of most of the nearest training codes, given the products with all of them.
    fn vote(&self, products: &[f32]) -> u32 {
        let mut votes: BTreeMap<u32, usize> = BTreeMap::new();
        for neighbor in self.nearest(products) {
            *votes
                .entry(self.train.labels[neighbor.position])
                .or_default() += 1;
        }
        // The last maximum in descending order is the smallest label.
        let most = votes.into_iter().rev().max_by_key(|(_, votes)| *votes);
        most.map_or(0, |(label, _)| label)
    }

    /// The nearest training codes in ascending order: |a - b|² / 2 = |a|² / 2 + |b|² / 2 - a b.
    fn nearest(&self, products: &[f32]) -> Vec<Neighbor> {
        let mut nearest: Vec<Neighbor> = Vec::with_capacity(self.k + 1);
        let mut worst = f32::INFINITY;
        for (position, (half, product)) in self.half_squares.iter().zip(products).enumerate() {
            let distance = half - product;
            if distance >= worst {
                continue;
            }
            let at = nearest.partition_point(|near| near.distance <= distance);
            nearest.insert(at, Neighbor { distance, position });
            nearest.truncate(self.k);
            if nearest.len() == self.k {
                worst = nearest[self.k - 1].distance;
            }
        }
        nearest
    }
}

impl Autoencoder {
    /// Accuracy of the majority label among the `k` training images with the nearest codes, over
    /// the test images: see [`knn_accuracy`].
    ///
    /// # Errors
    /// Images without labels; training labels of one class only; `k` of 0 or above the number of
    /// training images; images without the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(400, 100);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!(ae.knn_accuracy(&data, 5)? > 0.3);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn knn_accuracy(&self, data: &Dataset, k: usize) -> Result<f64> {
        let train = labels_of("knn_accuracy", &data.train)?;
        let test = labels_of("knn_accuracy", &data.test)?;
        check_k(k, train.len())?;
        let codes = (self.codes(&data.train)?, self.codes(&data.test)?);
        knn_accuracy((&codes.0, &train), (&codes.1, &test), k)
    }
}
