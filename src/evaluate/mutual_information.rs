//! Mutual information gap (Chen, Li, Grosse and Duvenaud, "Isolating sources of disentanglement in
//! variational autoencoders", 2018).

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::labels::{labels_of, matrix};
use crate::model::Autoencoder;
use candle_core::Tensor;
use std::collections::BTreeMap;

/// Bins of equal width for the values of a unit, as in `disentanglement_lib`.
const BINS: usize = 20;

/// Mutual information gap of codes and known factors, in [0, 1]. It is 1 if each factor is told by
/// one unit and no other.
///
/// For each factor v, (I(z₁; v) - I(z₂; v)) / H(v) with the two units that tell most about it, then
/// the mean over the factors. Units are divided into 20 bins of equal width between their smallest
/// and their largest value. `disentanglement_lib`: `mig.compute_mig`.
///
/// # Shapes
/// `codes` is (n, d) with d of at least 2; each factor is (n).
///
/// # Errors
/// Codes of another shape or with NaN; no factor, or one of another length or with one value only.
///
/// # Examples
/// ```
/// use candlebook::evaluate::mutual_information_gap;
/// use candlebook::prelude::*;
/// let codes = Tensor::new(&[[0f32, 1.0], [0.0, 2.0], [5.0, 1.0], [5.0, 2.0]], &Device::Cpu)?;
/// assert_eq!(mutual_information_gap(&codes, &[vec![7, 7, 9, 9]])?, 1.0);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn mutual_information_gap(codes: &Tensor, factors: &[Vec<u32>]) -> Result<f64> {
    let values = matrix(WHAT, codes)?;
    let (n, d) = codes.dims2()?;
    if d < 2 {
        let hint = "The gap is between two units of the code";
        return Err(Error::shape(WHAT, "codes of at least two values", d, hint));
    }
    if factors.is_empty() {
        let hint = "Pass the labels of the images";
        return Err(Error::shape(WHAT, "at least one factor", "none", hint));
    }
    let units: Vec<Vec<u32>> = (0..d)
        .map(|unit| {
            bins(
                &values
                    .iter()
                    .skip(unit)
                    .step_by(d)
                    .copied()
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let gaps = factors.iter().map(|factor| gap(&units, factor, n));
    let sum = gaps.sum::<Result<f64>>()?;
    Ok(sum / factors.len() as f64)
}

const WHAT: &str = "mutual_information_gap";

fn gap(units: &[Vec<u32>], factor: &[u32], n: usize) -> Result<f64> {
    if factor.len() != n {
        let expected = format!("one value for each of {n} codes");
        let hint = "Take codes and labels from the same split";
        return Err(Error::shape(WHAT, expected, factor.len(), hint));
    }
    let entropy = mutual_information(factor, factor);
    if factor.iter().all(|value| *value == factor[0]) {
        let hint = "Leave out factors that do not vary";
        return Err(Error::shape(
            WHAT,
            "a factor of at least two values",
            "one",
            hint,
        ));
    }
    let mut told: Vec<f64> = units
        .iter()
        .map(|unit| mutual_information(unit, factor))
        .collect();
    told.sort_by(|a, b| b.total_cmp(a));
    Ok((told[0] - told[1]) / entropy)
}

/// Number of the bin of each value, as numpy's `histogram` and `digitize` divide them.
fn bins(values: &[f32]) -> Vec<u32> {
    let low = values.iter().fold(f32::INFINITY, |a, b| a.min(*b));
    let high = values.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    let (low, width) = (
        f64::from(low),
        (f64::from(high) - f64::from(low)) / BINS as f64,
    );
    let edges: Vec<f64> = (1..BINS).map(|i| low + i as f64 * width).collect();
    let bin = |value: &f32| edges.partition_point(|edge| *edge <= f64::from(*value)) as u32;
    values.iter().map(bin).collect()
}

/// I(a; b) = Σ p(a, b) ln(p(a, b) / (p(a) p(b))), in nats.
fn mutual_information(a: &[u32], b: &[u32]) -> f64 {
    let n = a.len() as f64;
    let counts = |values: &[u32]| {
        let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
        values
            .iter()
            .for_each(|value| *counts.entry(*value).or_default() += 1.0);
        counts
    };
    let (in_a, in_b) = (counts(a), counts(b));
    let mut pairs: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    a.iter()
        .zip(b)
        .for_each(|(a, b)| *pairs.entry((*a, *b)).or_default() += 1.0);
    let term =
        |((a, b), count): (&(u32, u32), &f64)| count / n * (count * n / (in_a[a] * in_b[b])).ln();
    pairs.iter().map(term).sum()
}

impl Autoencoder {
    /// Mutual information gap of the code and the labels of a split, in [0, 1]: see
    /// [`mutual_information_gap`], which also takes several factors.
    ///
    /// # Errors
    /// Images without labels, or of one class only; a code of one value; images without the model's
    /// shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(400, 100);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!((0.0..0.5).contains(&ae.mutual_information_gap(&data.test)?));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn mutual_information_gap(&self, split: &Split) -> Result<f64> {
        let labels = labels_of(WHAT, split)?;
        mutual_information_gap(&self.codes(split)?, &[labels])
    }
}
