//! A codebook that follows the vectors that choose its entries, by moving averages.
//!
//! Van den Oord and others, "Neural discrete representation learning", 2017, appendix A.1.

use crate::data::floats;
use crate::error::Result;
use crate::math::widest;
use candle_core::{D, Tensor};
use rayon::prelude::*;

/// Share of the moving averages that a step keeps.
const DECAY: f64 = 0.99;
/// An entry used less than this part of the mean use is unused.
const UNUSED: f64 = 0.1;
/// Rounds of k-means on the first batch.
const ROUNDS: usize = 10;

/// Codebook, and moving averages of the vectors that chose its entries.
pub(crate) struct Codebook {
    /// (entries, d)
    pub(crate) entries: Tensor,
    /// Number of vectors that chose an entry: (entries)
    pub(crate) counts: Tensor,
    /// Sum of these vectors: (entries, d)
    pub(crate) sums: Tensor,
}

impl Codebook {
    /// True before the first step.
    pub(crate) fn is_new(&self) -> Result<bool> {
        Ok(self.sum_of_counts()? == 0.0)
    }

    /// Starts with the k-means clusters of the vectors of a batch, from vectors at positions that the
    /// numbers, in [0, 1), choose.
    ///
    /// # Shapes
    /// `vectors` is (n, d).
    pub(crate) fn start(&mut self, vectors: &Tensor, numbers: &[f32]) -> Result<()> {
        self.entries = self.candidates(vectors, numbers)?;
        for _ in 0..ROUNDS {
            let (counts, sums) = self.chosen_by(vectors)?;
            let means = sums.broadcast_div(&counts.maximum(1.0)?.unsqueeze(1)?)?;
            self.entries = select(&counts.ge(1.0)?, &means, &self.entries)?;
        }
        Ok(())
    }

    /// Moves the entries toward the means of the vectors that chose them. Unused ones move to vectors of
    /// the batch.
    pub(crate) fn follow(&mut self, vectors: &Tensor, numbers: &[f32]) -> Result<()> {
        let (counts, sums) = self.chosen_by(vectors)?;
        let (kept, new) = match self.is_new()? {
            true => (0.0, 1.0),
            false => (DECAY, 1.0 - DECAY),
        };
        self.counts = ((&self.counts * kept)? + (counts * new)?)?;
        self.sums = ((&self.sums * kept)? + (sums * new)?)?;
        let mean = self.sum_of_counts()? / self.counts.elem_count() as f64;
        let used = self.counts.ge(UNUSED * mean)?;
        let candidates = self.candidates(vectors, numbers)?;
        self.sums = select(&used, &self.sums, &(candidates * mean)?)?;
        let means = (self.counts.ones_like()? * mean)?;
        self.counts = used.where_cond(&self.counts, &means)?;
        self.entries = self.sums.broadcast_div(&self.counts.unsqueeze(1)?)?;
        Ok(())
    }

    /// Number and sum of the vectors that choose each entry.
    fn chosen_by(&self, vectors: &Tensor) -> Result<(Tensor, Tensor)> {
        let nearest = nearest(vectors, &self.entries)?;
        let ones = Tensor::ones(vectors.dim(0)?, vectors.dtype(), vectors.device())?;
        let counts = self.counts.zeros_like()?.index_add(&nearest, &ones, 0)?;
        let sums = self.sums.zeros_like()?.index_add(&nearest, vectors, 0)?;
        Ok((counts, sums))
    }

    /// A vector of the batch for each entry.
    fn candidates(&self, vectors: &Tensor, numbers: &[f32]) -> Result<Tensor> {
        let (entries, n) = (self.entries.dim(0)?, vectors.dim(0)?);
        let position = |entry: usize| {
            let number = numbers.get(entry % numbers.len().max(1)).unwrap_or(&0.0);
            let first = (f64::from(*number) * n as f64) as usize;
            // Entries with the same number take different vectors.
            ((first + entry / numbers.len().max(1)) % n) as u32
        };
        let positions: Vec<u32> = (0..entries).map(position).collect();
        Ok(vectors.index_select(&Tensor::new(positions, vectors.device())?, 0)?)
    }

    fn sum_of_counts(&self) -> Result<f64> {
        let sum = self.counts.sum_all()?;
        Ok(sum.to_dtype(candle_core::DType::F64)?.to_scalar()?)
    }
}

/// Rows of `a` where the condition holds, else rows of `b`.
fn select(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let condition = condition.unsqueeze(1)?.broadcast_as(a.shape())?;
    Ok(condition
        .contiguous()?
        .where_cond(&a.contiguous()?, &b.contiguous()?)?)
}

/// Positions of the nearest entries: (n, d), (entries, d) -> (n), u32.
pub(crate) fn nearest(vectors: &Tensor, entries: &Tensor) -> Result<Tensor> {
    // x e - |e|² / 2 is largest where |x - e|² is smallest. One product computes it: (x, 1) (e, -|e|² / 2).
    let halves = (entries.sqr()?.sum_keepdim(D::Minus1)? * -0.5)?;
    let entries = Tensor::cat(&[entries, &halves], D::Minus1)?;
    let ones = Tensor::ones((vectors.dim(0)?, 1), vectors.dtype(), vectors.device())?;
    let scores = Tensor::cat(&[vectors, &ones], D::Minus1)?.matmul(&entries.t()?)?;
    largest(&scores)
}

/// Position of the largest value of each row: (n, d) -> (n), u32. Candle's `argmax` takes ten times as long
/// on the CPU.
fn largest(scores: &Tensor) -> Result<Tensor> {
    let (n, d) = scores.dims2()?;
    let (storage, layout) = scores.storage_and_layout();
    let Some(values) = floats(&storage, layout) else {
        return Ok(scores.argmax(D::Minus1)?);
    };
    let positions: Vec<u32> = values.par_chunks(d).map(largest_of).collect();
    Ok(Tensor::from_vec(positions, n, scores.device())?)
}

/// Position of the first largest value.
fn largest_of(row: &[f32]) -> u32 {
    let largest = widest!(|| row.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b)));
    let position = row.iter().position(|&value| value == largest);
    position.unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    /// 20 vectors around (1, 0), then 20 around (-1, 0), then 20 around (0, 3).
    fn vectors() -> Tensor {
        let near = |(x, y): (f64, f64), i: usize| {
            let angle = i as f64 * 0.7;
            [x + 0.1 * angle.sin(), y + 0.1 * angle.cos()]
        };
        let centers = [(1.0, 0.0), (-1.0, 0.0), (0.0, 3.0)];
        let all: Vec<[f64; 2]> = centers
            .iter()
            .flat_map(|&center| (0..20).map(move |i| near(center, i)))
            .collect();
        Tensor::from_vec(all.concat(), (60, 2), &Device::Cpu).unwrap()
    }

    fn codebook(entries: [[f64; 2]; 3]) -> Codebook {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F64, &Device::Cpu).unwrap();
        Codebook {
            entries: Tensor::new(&entries, &Device::Cpu).unwrap(),
            counts: zeros(&[3]),
            sums: zeros(&[3, 2]),
        }
    }

    fn assert_near(entries: &Tensor, expected: [[f64; 2]; 3], tolerance: f64) {
        let entries = entries.to_vec2::<f64>().unwrap();
        for expected in expected {
            let distance =
                |entry: &Vec<f64>| (entry[0] - expected[0]).hypot(entry[1] - expected[1]);
            let nearest = entries.iter().map(distance).fold(f64::INFINITY, f64::min);
            assert!(nearest < tolerance, "{expected:?}: {entries:?}");
        }
    }

    const CENTERS: [[f64; 2]; 3] = [[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0]];

    #[test]
    fn the_first_batch_is_clustered() {
        let mut codebook = codebook([[9.0, 9.0]; 3]);
        assert!(codebook.is_new().unwrap());
        codebook.start(&vectors(), &[0.1, 0.4, 0.9]).unwrap();
        assert_near(&codebook.entries, CENTERS, 0.05);
        codebook.follow(&vectors(), &[0.1, 0.4, 0.9]).unwrap();
        assert!(!codebook.is_new().unwrap());
        assert_eq!(codebook.counts.to_vec1::<f64>().unwrap(), [20.0; 3]);
        assert_near(&codebook.entries, CENTERS, 0.05);
    }

    #[test]
    fn entries_follow_the_vectors_that_choose_them() {
        let mut moved = codebook(CENTERS);
        moved.follow(&vectors(), &[0.5]).unwrap();
        let further = (vectors() + 0.5).unwrap();
        for _ in 0..500 {
            moved.follow(&further, &[0.5]).unwrap();
        }
        let expected = CENTERS.map(|[x, y]| [x + 0.5, y + 0.5]);
        assert_near(&moved.entries, expected, 0.05);
        // One step moves a hundredth of the way.
        let mut once = codebook(CENTERS);
        once.follow(&vectors(), &[0.5]).unwrap();
        let before = once.entries.to_vec2::<f64>().unwrap()[0][0];
        once.follow(&further, &[0.5]).unwrap();
        let after = once.entries.to_vec2::<f64>().unwrap()[0][0];
        assert!((after - before - 0.005).abs() < 1e-9, "{before} {after}");
    }

    #[test]
    fn the_nearest_entry_has_the_smallest_distance() {
        let values =
            |n: usize, step: f64| -> Vec<f64> { (0..n).map(|i| (i as f64 * step).sin()).collect() };
        let vectors = Tensor::from_vec(values(40 * 3, 0.7), (40, 3), &Device::Cpu).unwrap();
        let entries = Tensor::from_vec(values(20 * 3, 1.3), (20, 3), &Device::Cpu).unwrap();
        let differences = vectors
            .unsqueeze(1)
            .unwrap()
            .broadcast_sub(&entries)
            .unwrap();
        let distances = differences.sqr().unwrap().sum(2).unwrap(); // (40, 20)
        let expected = distances.argmin(1).unwrap().to_vec1::<u32>().unwrap();
        for dtype in [DType::F32, DType::F64] {
            let [vectors, entries] = [&vectors, &entries].map(|t| t.to_dtype(dtype).unwrap());
            let found = nearest(&vectors, &entries).unwrap();
            assert_eq!(found.to_vec1::<u32>().unwrap(), expected, "{dtype:?}");
        }
        assert_eq!(largest_of(&[1.0, 3.0, 3.0, f32::NAN]), 1);
    }

    #[test]
    fn unused_entries_move_to_vectors_of_the_batch() {
        let mut codebook = codebook([[1.0, 0.0], [-1.0, 0.0], [50.0, 50.0]]);
        // The third entry is the vector at 0.75 * 60.
        codebook.follow(&vectors(), &[0.1, 0.4, 0.75]).unwrap();
        let entries = codebook.entries.to_vec2::<f64>().unwrap();
        let expected = vectors().to_vec2::<f64>().unwrap()[45].clone();
        for (a, b) in entries[2].iter().zip(expected) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
