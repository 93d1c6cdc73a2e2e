//! Quantized codes: reconstructions from codes of a few bits per value.

use crate::error::{Error, Result};
use crate::model::Autoencoder;
use candle_core::Tensor;

impl Autoencoder {
    /// Reconstructs images from codes whose values are rounded to `bits` bits, 1 to 16: the quality
    /// at a code of `bits` times its size.
    ///
    /// The levels of each value of the code are equally spaced over its range in the codes of
    /// `levels_of`, such as training images. The positions of maxima are not part of a code, so
    /// unpooling writes values to the top left of their windows.
    ///
    /// # Shapes
    /// `images` (n, c, h, w), `levels_of` (m, c, h, w) -> (n, c, h, w)
    ///
    /// # Errors
    /// `bits` is out of range, or the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// let images = data.test.first(5)?;
    /// let quantized = ae.reconstruct_quantized(&images, 8, &data.train.first(100)?)?;
    /// assert_eq!(quantized.dims(), images.dims());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn reconstruct_quantized(
        &self,
        images: &Tensor,
        bits: u32,
        levels_of: &Tensor,
    ) -> Result<Tensor> {
        if !(1..=16).contains(&bits) {
            return Err(Error::setting(
                "bits",
                "1 to 16",
                bits,
                "8 store each value in a byte",
            ));
        }
        let codes = self.encode(images)?;
        let others = self.encode(levels_of)?.to_device(images.device())?;
        let (low, high) = (others.min_keepdim(0)?, others.max_keepdim(0)?);
        let codes = codes.broadcast_maximum(&low)?.broadcast_minimum(&high)?;
        // A value that is constant would have a step of 0.
        let step = ((high - &low)? / f64::from((1u32 << bits) - 1))?
            .maximum(f64::from(f32::MIN_POSITIVE))?;
        let levels = codes.broadcast_sub(&low)?.broadcast_div(&step)?.round()?;
        self.decode(&levels.broadcast_mul(&step)?.broadcast_add(&low)?)
    }
}
