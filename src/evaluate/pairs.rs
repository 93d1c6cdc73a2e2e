//! Images and their reconstructions as slices, image by image.

use crate::cell::check_stopped;
use crate::data::{Split, is_vector};
use crate::error::{Error, Result};
use crate::model::{Autoencoder, micro_batch};
use candle_core::{DType, Device, Tensor};

/// Images of one shape, and as many others to compare them with.
pub(super) struct Pairs {
    images: Vec<f32>,
    others: Vec<f32>,
    /// Channels, height and width.
    pub(super) shape: [usize; 3],
}

impl Pairs {
    /// # Shapes
    /// Both (n, c, h, w) or (c, h, w)
    ///
    /// # Errors
    /// The shapes differ or are others.
    pub(super) fn new(what: &str, images: &Tensor, others: &Tensor) -> Result<Self> {
        if images.dims() != others.dims() {
            let expected = format!("two tensors of one shape, {:?}", images.dims());
            let hint = "Compare each image with its own reconstruction";
            return Err(Error::shape(
                what,
                expected,
                format!("{:?}", others.dims()),
                hint,
            ));
        }
        let shape = match *images.dims() {
            [c, h, w] | [_, c, h, w] if c * h * w > 0 => [c, h, w],
            ref dims => {
                let got = format!("{dims:?}");
                let hint = "Add a channel dimension with .unsqueeze(0)?";
                return Err(Error::shape(what, "(n, c, h, w) or (c, h, w)", got, hint));
            }
        };
        Ok(Pairs {
            images: floats(images)?,
            others: floats(others)?,
            shape,
        })
    }

    /// Each image beside its other.
    pub(super) fn all(&self) -> Vec<(&[f32], &[f32])> {
        let size = self.shape.iter().product();
        let images = self.images.chunks_exact(size);
        images.zip(self.others.chunks_exact(size)).collect()
    }
}

fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    let floats = tensor.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
    Ok(floats.flatten_all()?.to_vec1()?)
}

/// A measure of each pair of images.
pub(super) type Measure = fn(&Tensor, &Tensor) -> Result<Vec<f32>>;

/// Mean of a measure over the images of a split and the images that `others` makes from them.
///
/// # Errors
/// On Stop, and those of `others` and of `measure`.
pub(super) fn mean_over(
    split: &Split,
    others: impl Fn(&Tensor, Option<&Tensor>) -> Result<Tensor>,
    measure: Measure,
) -> Result<f64> {
    let (c, h, w) = split.image_shape();
    let mut sum = 0.0;
    let positions: Vec<usize> = (0..split.len()).collect();
    for positions in positions.chunks(micro_batch(c * h * w)) {
        check_stopped()?;
        let images = split.images(positions)?;
        let labels = split.labels_at(positions)?;
        let values = measure(&images, &others(&images, labels.as_ref())?)?;
        sum += values.into_iter().map(f64::from).sum::<f64>();
    }
    Ok(sum / split.len() as f64)
}

/// Mean squared error of each pair of images.
pub(super) fn squared_errors(images: &Tensor, others: &Tensor) -> Result<Vec<f32>> {
    let squares = (images - others)?.sqr()?;
    Ok(squares.flatten_from(1)?.mean(1)?.to_vec1()?) // (n, c, h, w) -> (n)
}

impl Autoencoder {
    /// Reconstructions as images, also of a model that outputs logits.
    pub(super) fn reconstructed(&self, images: &Tensor, labels: Option<&Tensor>) -> Result<Tensor> {
        let output = self.reconstruct_with(images, labels)?;
        self.trained_loss().images_from(output)
    }

    /// Mean of a measure over the images of a split and their reconstructions.
    ///
    /// # Errors
    /// Vectors, which have no range; an empty split; images without the model's shape; and those of
    /// `measure`.
    pub(super) fn mean_quality(&self, what: &str, split: &Split, measure: Measure) -> Result<f64> {
        split.not_empty(what)?;
        let (c, h, w) = split.image_shape();
        if is_vector((c, h, w)) {
            let got = format!("vectors of {w} values");
            let hint = "Vectors have no range of values: use ae.evaluate(&split)";
            return Err(Error::shape(
                what,
                "images with values in [0, 1]",
                got,
                hint,
            ));
        }
        mean_over(
            split,
            |images, labels| self.reconstructed(images, labels),
            measure,
        )
    }
}
