//! Codes with labels.

use crate::data::Split;
use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeSet;

/// Codes as rows, with a label each.
pub(super) struct Labeled<'a> {
    /// (n, size), row-major.
    pub(super) codes: Vec<f32>,
    /// Values of a code.
    pub(super) size: usize,
    pub(super) labels: &'a [u32],
}

impl<'a> Labeled<'a> {
    /// # Shapes
    /// `codes` is (n, d) with finite values; `labels` is (n).
    ///
    /// # Errors
    /// Codes of another shape, none, or NaN; another number of labels.
    pub(super) fn new(what: &str, codes: &Tensor, labels: &'a [u32]) -> Result<Self> {
        let rows = matrix(what, codes)?;
        let (n, size) = codes.dims2()?;
        if labels.len() != n {
            let expected = format!("one label for each of {n} codes");
            let hint = "Take codes and labels from the same split";
            return Err(Error::shape(what, expected, labels.len(), hint));
        }
        Ok(Labeled {
            codes: rows,
            size,
            labels,
        })
    }

    /// The distinct labels, in order.
    ///
    /// # Errors
    /// There are fewer than two.
    pub(super) fn classes(&self, what: &str) -> Result<Vec<u32>> {
        let classes: BTreeSet<u32> = self.labels.iter().copied().collect();
        if classes.len() < 2 {
            let hint = "With one class there is nothing to tell apart";
            return Err(Error::shape(
                what,
                "labels of at least two classes",
                "one",
                hint,
            ));
        }
        Ok(classes.into_iter().collect())
    }

    /// Rejects test codes of another size.
    ///
    /// # Errors
    /// The sizes differ.
    pub(super) fn check_size(&self, what: &str, test: &Labeled<'_>) -> Result<()> {
        if self.size == test.size {
            return Ok(());
        }
        let expected = format!("test codes of {} values, as in training", self.size);
        let hint = "Encode both splits with the same model";
        Err(Error::shape(what, expected, test.size, hint))
    }
}

/// Values of codes as rows.
///
/// # Errors
/// The shape is not (n, d), there are no values, or one is NaN or infinite.
pub(super) fn matrix(what: &str, codes: &Tensor) -> Result<Vec<f32>> {
    if !matches!(codes.dims(), [n, d] if n * d > 0) {
        let hint = "ae.codes(&split)? has this shape";
        let got = format!("{:?}", codes.dims());
        return Err(Error::shape(what, "codes of shape (n, d)", got, hint));
    }
    let codes = codes.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
    let values: Vec<f32> = codes.flatten_all()?.to_vec1()?;
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let d = codes.dim(1)?;
        let got = format!("{} at [{}, {}]", values[at], at / d, at % d);
        let hint = "The model's weights may have diverged: train with a smaller learning rate";
        return Err(Error::shape(what, "finite codes", got, hint));
    }
    Ok(values)
}

/// Labels of a split.
///
/// # Errors
/// The split is empty or has none. `what` names the measure.
pub(super) fn labels_of(what: &str, split: &Split) -> Result<Vec<u32>> {
    split.not_empty(what)?;
    split.labels().ok_or_else(|| {
        let hint = "Load them with the images, e.g. Split::from_tensor(&images, Some(labels))";
        Error::shape(what, "images with labels", "none", hint)
    })
}
