//! The `Images` trait: tensors, image files and collections of them as input of montages.

use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};

/// One or more images of the same size: a tensor, an [`Image`](crate::show::Image), or a slice,
/// array or vector of them.
///
/// # Shapes
/// A tensor is (h, w), (1, h, w), (3, h, w), or a batch (n, c, h, w) with c = 1 or 3. Floats are in
/// [0, 1], `u8` in 0 to 255. A collection that mixes gray and color images becomes color.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// use candlebook::show::Images;
/// let gray = Tensor::zeros((1, 28, 28), DType::F32, &Device::Cpu)?;
/// let color = Tensor::zeros((2, 3, 28, 28), DType::F32, &Device::Cpu)?;
/// assert_eq!([gray, color].images()?.dims(), [3, 3, 28, 28]);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub trait Images {
    /// All images as one tensor.
    ///
    /// # Shapes
    /// (n, c, h, w), f32, on the CPU.
    ///
    /// # Errors
    /// If the shape is a different one, the sizes differ, or there are no images.
    fn images(&self) -> Result<Tensor>;
}

impl Images for Tensor {
    fn images(&self) -> Result<Tensor> {
        let images = batch(self)?;
        if images.elem_count() == 0 {
            return Err(Error::shape(
                "images",
                "at least one pixel",
                format!("{:?}", self.dims()),
                "Pass at least one image",
            ));
        }
        let floats = images.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        Ok(if self.dtype() == DType::U8 {
            (floats / 255.0)?
        } else {
            floats
        })
    }
}

/// Adds the missing dimensions: (h, w) or (c, h, w) -> (n, c, h, w).
fn batch(tensor: &Tensor) -> Result<Tensor> {
    match tensor.dims() {
        [h, w] => Ok(tensor.reshape((1, 1, *h, *w))?), // (h, w) -> (1, 1, h, w)
        [1 | 3, _, _] => Ok(tensor.unsqueeze(0)?),     // (c, h, w) -> (1, c, h, w)
        [_, 1 | 3, _, _] => Ok(tensor.clone()),
        dims => Err(Error::shape(
            "images",
            "(h, w), (1 or 3, h, w) or (n, 1 or 3, h, w)",
            format!("{dims:?}"),
            "Reshape the tensor, select one channel with .narrow(1, 0, 1), or show every channel with Montage::filters",
        )),
    }
}

impl<I: Images> Images for [I] {
    fn images(&self) -> Result<Tensor> {
        let batches = self
            .iter()
            .map(Images::images)
            .collect::<Result<Vec<_>>>()?;
        let Some(first) = batches.first() else {
            return Err(Error::shape(
                "images",
                "at least one",
                "none",
                "Pass at least one image",
            ));
        };
        let (_, _, h, w) = first.dims4()?;
        let channels = batches.iter().map(|batch| batch.dims()[1]);
        let channels = channels.max().unwrap_or(1);
        let batches = batches
            .iter()
            .map(|batch| with_channels(batch, channels, [h, w]))
            .collect::<Result<Vec<_>>>()?;
        Ok(Tensor::cat(&batches, 0)?)
    }
}

/// Repeats the channel of gray images, and checks the size.
fn with_channels(images: &Tensor, channels: usize, size: [usize; 2]) -> Result<Tensor> {
    let [h, w] = size;
    let (n, _, height, width) = images.dims4()?;
    if (height, width) != (h, w) {
        return Err(Error::shape(
            "images",
            format!("images of one size, {h} x {w}"),
            format!("{height} x {width}"),
            "Show images of each size separately",
        ));
    }
    Ok(images.broadcast_as((n, channels, h, w))?) // (n, 1 or c, h, w) -> (n, c, h, w)
}

impl<I: Images> Images for Vec<I> {
    fn images(&self) -> Result<Tensor> {
        self.as_slice().images()
    }
}

impl<I: Images, const N: usize> Images for [I; N] {
    fn images(&self) -> Result<Tensor> {
        self.as_slice().images()
    }
}

impl<I: Images + ?Sized> Images for &I {
    fn images(&self) -> Result<Tensor> {
        (**self).images()
    }
}
