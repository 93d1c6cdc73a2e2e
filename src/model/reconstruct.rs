//! Codes and reconstructions of a model, in evaluation mode.

use crate::error::{Error, Result};
use crate::model::autoencoder::Autoencoder;
use crate::model::inference::infer;
use crate::model::micro_batch::map_micro_batches;
use candle_core::{DType, Tensor};

impl Autoencoder {
    /// Encodes images, in evaluation mode (without dropout).
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, code)
    ///
    /// # Errors
    /// The images do not have the model's shape.
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
    /// The codes do not have the shape [`Autoencoder::code_shape`].
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
        let batch = self.batch("decode", codes, self.code_shape())?;
        let images = map_micro_batches(&batch, |batch| self.decoder_net().infer(batch))?;
        Ok(images.to_device(codes.device())?)
    }

    /// Reconstructs images: encodes and decodes them, in evaluation mode.
    ///
    /// Unpooling writes values to the positions of the maxima that pooling found.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, c, h, w)
    ///
    /// # Errors
    /// The images do not have the model's shape.
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
        let batch = self.image_batch("reconstruct", images)?;
        let lists = [self.encoder_net(), self.decoder_net()];
        let output = map_micro_batches(&batch, |batch| match infer(self.plan(), &lists, batch)? {
            Some(output) => Ok(output),
            None => self.forward(batch, None),
        })?;
        Ok(output.to_device(images.device())?)
    }

    /// Checks the shape of images and adds a missing batch dimension. `what` names the caller in
    /// errors.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, c, h, w)
    pub(crate) fn image_batch(&self, what: &str, images: &Tensor) -> Result<Tensor> {
        let (c, h, w) = self.image_shape();
        self.batch(what, images, &[c, h, w])
    }

    /// Checks the shape of images or codes, adds a missing batch dimension, and moves the batch to
    /// the model's device.
    fn batch(&self, what: &str, tensor: &Tensor, item: &[usize]) -> Result<Tensor> {
        let batch = match tensor.dims() {
            dims if dims == item => tensor.unsqueeze(0)?,
            [_, dims @ ..] if dims == item => tensor.clone(),
            dims => {
                let sides: Vec<String> = item.iter().map(usize::to_string).collect();
                return Err(Error::shape(
                    what,
                    format!("(n, {})", sides.join(", ")),
                    format!("{dims:?}"),
                    "The model was built for that shape",
                ));
            }
        };
        Ok(batch.to_dtype(DType::F32)?.to_device(self.device())?)
    }
}
