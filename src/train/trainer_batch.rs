//! Batches of a [`Trainer`]: tensors that are checked as the data of `fit` is.

use super::trainer::Trainer;
use crate::data::{Batch, Split};
use crate::error::{Error, Result};
use crate::layer::Layer;
use candle_core::{DType, Tensor};

impl Trainer {
    /// The batch of some images.
    pub(super) fn batch(&self, images: &Tensor, labels: Option<&Tensor>) -> Result<Batch> {
        let (c, h, w) = self.model.image_shape();
        let most = self.batch_size;
        let n = images.dims().first().copied().unwrap_or(0);
        if images.dims() != [n, c, h, w] || n == 0 || n > most {
            let expected = format!("(b, {c}, {h}, {w}) with 1 to {most} images");
            let hint = "Fit::batch_size is the largest batch; the model has the other sizes";
            let got = format!("{:?}", images.dims());
            return Err(Error::shape("images", expected, got, hint));
        }
        if let (1, Some(place)) = (n, self.model.normalized_features()) {
            let expected = format!("at least 2 images in each batch for {place}");
            let hint = "Choose another batch size";
            return Err(Error::setting("images", expected, 1, hint));
        }
        let labels = labels.map(|labels| self.labels(labels)).transpose()?;
        if labels.is_none() && self.model.plan().reads_labels() {
            let expected = "labels, which Condition reads";
            let hint = "Call trainer.step_with_labels(&images, &labels)";
            return Err(Error::setting("step", expected, "images alone", hint));
        }
        let split = match (c, h) {
            (1, 1) => Split::vectors(&images.flatten_from(1)?, labels)?,
            _ => Split::from_tensor(images, labels)?,
        };
        self.model
            .check_loss("Fit::loss", self.loss, split.value_range())?;
        Ok(Batch::Positions(split, (0..n).collect()))
    }

    /// Labels of classes that the model has.
    fn labels(&self, labels: &Tensor) -> Result<Vec<u32>> {
        let labels = labels.to_dtype(DType::U32)?.to_vec1::<u32>()?;
        let classes = |layer: &Layer| match layer {
            Layer::Condition(classes) => Some(*classes),
            _ => None,
        };
        let classes = self.model.decoder().iter().find_map(classes);
        let largest = labels.iter().max().copied().unwrap_or(0);
        match classes {
            Some(classes) if largest as usize >= classes => {
                let expected = format!("labels of 0 to {}, as Condition({classes})", classes - 1);
                let hint = format!("Write Condition({})", largest + 1);
                Err(Error::setting("labels", expected, largest, hint))
            }
            _ => Ok(labels),
        }
    }
}
