//! Codes and reconstructions of a model, in evaluation mode.

use crate::data::{is_vector, to_finite, to_pixels};
use crate::error::{Error, Result};
use crate::layer::ForwardState;
use crate::model::autoencoder::Autoencoder;
use crate::model::inference::infer;
use crate::model::micro_batch::{map_labeled, map_micro_batches};
use crate::model::without_gradient::drop_gradient;
use candle_core::{DType, Device, Tensor};

impl Autoencoder {
    /// Encodes images, in evaluation mode (without dropout).
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, code); vectors also (n, d) or (d) -> (n, code)
    ///
    /// # Errors
    /// The images do not have the model's shape; a value is NaN or outside [0, 1], or for vectors
    /// infinite. Bytes (`u8`) are divided by 255.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(5)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.encode(&images)?.dims(), [5, 8]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn encode(&self, images: &Tensor) -> Result<Tensor> {
        let batch = self.image_batch("encode", images)?;
        let codes = map_micro_batches(&batch, |batch| self.encoder_net().infer(batch))?;
        Ok(codes.to_device(images.device())?)
    }

    /// Decodes codes to images, in evaluation mode.
    ///
    /// Without an image, unpooling writes values to the top left of their windows.
    ///
    /// # Shapes
    /// (n, code) or (code) -> (n, c, h, w)
    ///
    /// # Errors
    /// The codes do not have the shape [`Autoencoder::code_shape`]; a value is NaN or infinite.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// let codes = Tensor::randn(0f32, 1.0, (3, 8), &Device::Cpu)?;
    /// assert_eq!(ae.decode(&codes)?.dims(), [3, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn decode(&self, codes: &Tensor) -> Result<Tensor> {
        self.decode_with("decode", codes, None)
    }

    /// Decodes codes to images of these classes, in evaluation mode, for a decoder with
    /// [`Condition`](crate::layer::Layer::Condition).
    ///
    /// # Shapes
    /// (n, code), (n) -> (n, c, h, w)
    ///
    /// # Errors
    /// As [`Autoencoder::decode`]; another number of labels than of codes, or a label of no class.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let decoder = [Condition(10), Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    /// let ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(8)], &decoder)?;
    /// let codes = Tensor::zeros((2, 8), DType::F32, &Device::Cpu)?;
    /// assert_eq!(ae.decode_labeled(&codes, &[3, 7])?.dims(), [2, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn decode_labeled(&self, codes: &Tensor, labels: &[u32]) -> Result<Tensor> {
        let labels = Tensor::new(labels, &Device::Cpu)?;
        self.decode_with("decode_labeled", codes, Some(&labels))
    }

    fn decode_with(&self, what: &str, codes: &Tensor, labels: Option<&Tensor>) -> Result<Tensor> {
        let batch = to_finite(what, &self.shaped_codes(what, codes)?)?;
        let images = self.decode_batch(&batch, labels)?;
        Ok(images.to_device(codes.device())?)
    }

    /// Decodes codes that are checked and on the model's device.
    pub(crate) fn decode_batch(&self, codes: &Tensor, labels: Option<&Tensor>) -> Result<Tensor> {
        map_labeled(codes, labels, |codes, labels| {
            self.decoder_net().infer_labeled(codes, labels)
        })
    }

    /// Reconstructs images: encodes and decodes them, in evaluation mode.
    ///
    /// Unpooling writes values to the positions of the maxima that pooling found.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, c, h, w); vectors also (n, d) or (d) -> (n, d)
    ///
    /// # Errors
    /// The images do not have the model's shape; a value is NaN or outside [0, 1], or for vectors
    /// infinite. Bytes (`u8`) are divided by 255.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(5)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.reconstruct(&images)?.dims(), images.dims());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn reconstruct(&self, images: &Tensor) -> Result<Tensor> {
        self.reconstruct_with(images, None)
    }

    /// Reconstructs images of these classes, in evaluation mode, with a decoder with
    /// [`Condition`](crate::layer::Layer::Condition).
    ///
    /// # Shapes
    /// (n, c, h, w), (n) -> (n, c, h, w)
    ///
    /// # Errors
    /// As [`Autoencoder::reconstruct`]; another number of labels than of images, or a label of no
    /// class.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let decoder = [Condition(10), Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    /// let ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(8)], &decoder)?;
    /// let images = mnist_embedded()?.test.first(2)?;
    /// assert_eq!(ae.reconstruct_labeled(&images, &[3, 7])?.dims(), [2, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn reconstruct_labeled(&self, images: &Tensor, labels: &[u32]) -> Result<Tensor> {
        let labels = Tensor::new(labels, &Device::Cpu)?;
        self.reconstruct_with(images, Some(&labels))
    }

    /// Reconstructs images, with the labels that a layer may read.
    pub(crate) fn reconstruct_with(
        &self,
        images: &Tensor,
        labels: Option<&Tensor>,
    ) -> Result<Tensor> {
        let batch = self.image_batch("reconstruct", images)?;
        let output = self.reconstruct_batch(&batch, labels)?;
        Ok(shaped_as(images, output)?.to_device(images.device())?)
    }

    /// Reconstructs images that are checked and on the model's device.
    pub(crate) fn reconstruct_batch(
        &self,
        images: &Tensor,
        labels: Option<&Tensor>,
    ) -> Result<Tensor> {
        let lists = [self.encoder_net(), self.decoder_net()];
        map_labeled(images, labels, |batch, labels| {
            if let Some(output) = infer(self.plan(), &lists, batch)? {
                return Ok(output);
            }
            let var = lists.iter().find_map(|list| list.first_variable());
            let mut state = ForwardState {
                labels,
                ..self.forward_state()
            };
            drop_gradient(&self.run_layers(batch, None, &mut state)?, var)
        })
    }

    /// Checks images and moves them to the model's device, with a batch dimension. Bytes become
    /// floats. `what` names the caller in errors.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, c, h, w); vectors also (n, d) or (d) -> (n, 1, 1, d)
    ///
    /// # Errors
    /// The images do not have the model's shape; a pixel is NaN or outside [0, 1].
    pub(crate) fn image_batch(&self, what: &str, images: &Tensor) -> Result<Tensor> {
        let (c, h, w) = self.image_shape();
        let batch = self.with_image_shape(what, images)?;
        let batch = if is_vector((c, h, w)) {
            to_finite(what, &batch)?
        } else {
            to_pixels(what, &batch)?
        };
        Ok(batch.to_device(self.device())?)
    }

    /// Images as [`Autoencoder::image_batch`] gives them, with any values.
    pub(crate) fn shaped_images(&self, what: &str, images: &Tensor) -> Result<Tensor> {
        let batch = self.with_image_shape(what, images)?;
        let batch = if batch.dtype() == DType::U8 {
            to_pixels(what, &batch)?
        } else {
            batch.to_dtype(DType::F32)?
        };
        Ok(batch.to_device(self.device())?)
    }

    fn with_image_shape(&self, what: &str, images: &Tensor) -> Result<Tensor> {
        let (c, h, w) = self.image_shape();
        if is_vector((c, h, w)) && is_flat(images) {
            let vectors = batch(what, images, &[w])?;
            return Ok(vectors.reshape(((), 1, 1, w))?); // (n, d) -> (n, 1, 1, d)
        }
        batch(what, images, &[c, h, w])
    }

    /// Codes as `f32` on the model's device, with a batch dimension.
    ///
    /// # Shapes
    /// (n, code) or (code) -> (n, code)
    pub(crate) fn shaped_codes(&self, what: &str, codes: &Tensor) -> Result<Tensor> {
        let batch = batch(what, codes, self.code_shape())?;
        Ok(batch.to_dtype(DType::F32)?.to_device(self.device())?)
    }
}

/// True for vectors without the dimensions of images: (n, d) or (d).
fn is_flat(images: &Tensor) -> bool {
    images.rank() <= 2
}

/// Gives reconstructions of vectors the shape that the vectors have: (n, 1, 1, d) -> (n, d).
pub(crate) fn shaped_as(images: &Tensor, output: Tensor) -> Result<Tensor> {
    if is_flat(images) {
        return Ok(output.flatten_from(1)?);
    }
    Ok(output)
}

/// Checks the shape of images or codes and adds a missing batch dimension.
fn batch(what: &str, tensor: &Tensor, item: &[usize]) -> Result<Tensor> {
    match tensor.dims() {
        dims if dims == item => Ok(tensor.unsqueeze(0)?),
        [_, dims @ ..] if dims == item => Ok(tensor.clone()),
        dims => {
            let sides: Vec<String> = item.iter().map(usize::to_string).collect();
            let expected = format!("(n, {})", sides.join(", "));
            let hint = "The model was built for that shape";
            Err(Error::shape(what, expected, format!("{dims:?}"), hint))
        }
    }
}
