//! A split's images as tensors, floats and decoded bytes.

use crate::cell::check_stopped;
use crate::data::photo::PhotoStream;
use crate::data::pixels::{Pixels, to_floats};
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::math::{Purpose, Real, Rng};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

/// Selects the random crops and flips of training images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Augment {
    pub(crate) seed: u64,
    pub(crate) epoch: usize,
}

/// A decoded photograph.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    /// Its position in the split. Differs from the requested one if that file is unreadable.
    pub(crate) position: usize,
    /// Bytes from 0 to 255, (c, h, w).
    pub(crate) bytes: Vec<u8>,
}

impl Split {
    /// Returns the images at these positions.
    ///
    /// # Shapes
    /// (positions, c, h, w), f32 in [0, 1], on the CPU.
    ///
    /// # Errors
    /// If a position is not below [`Split::len`]. For photographs also if there are too many
    /// unreadable files, and on Stop.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.images(&[3, 1])?;
    /// assert_eq!(images.dims(), [2, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn images(&self, positions: &[usize]) -> Result<Tensor> {
        let (c, h, w) = self.image_shape();
        let mut values = vec![0f32; positions.len() * c * h * w];
        if self.streamed() {
            let images = positions
                .par_iter()
                .zip(values.par_chunks_exact_mut(c * h * w));
            images.try_for_each(|(position, values)| {
                check_stopped()?;
                self.fill(&[*position], values)
            })?;
        } else {
            self.fill(positions, &mut values)?;
        }
        Ok(Tensor::from_vec(
            values,
            (positions.len(), c, h, w),
            &Device::Cpu,
        )?)
    }

    /// Returns the first `n` images, or all of them if there are fewer.
    ///
    /// # Shapes
    /// (n, c, h, w), f32 in [0, 1], on the CPU.
    ///
    /// # Errors
    /// Only for photographs: if there are too many unreadable files, and on Stop.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// assert_eq!(images.dims(), [12, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn first(&self, n: usize) -> Result<Tensor> {
        self.images(&(0..n.min(self.len())).collect::<Vec<_>>())
    }

    /// Returns the mean image: the best constant prediction, a baseline for any model.
    ///
    /// # Shapes
    /// (1, c, h, w), f32 in [0, 1], on the CPU.
    ///
    /// # Errors
    /// If the split is empty, and on Stop. For photographs also if there are too many unreadable
    /// files.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let mean = mnist_embedded()?.test.mean_image()?;
    /// assert_eq!(mean.dims(), [1, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn mean_image(&self) -> Result<Tensor> {
        self.not_empty("Split::mean_image")?;
        let (c, h, w) = self.image_shape();
        let mut sum = vec![0f64; c * h * w];
        // Large images: a few megabytes at a time.
        let step = ((1 << 22) / (c * h * w)).clamp(1, 1024);
        for start in (0..self.len()).step_by(step) {
            check_stopped()?;
            let positions: Vec<usize> = (start..self.len().min(start + step)).collect();
            let batch = self.images(&positions)?.sum(0)?; // (b, c, h, w) -> (c, h, w)
            let batch = batch
                .to_dtype(DType::F64)?
                .flatten_all()?
                .to_vec1::<f64>()?;
            sum.iter_mut()
                .zip(batch)
                .for_each(|(sum, value)| *sum += value);
        }
        let mean: Vec<f32> = sum.iter().map(|v| (v / self.len() as f64) as f32).collect();
        Ok(Tensor::from_vec(mean, (1, c, h, w), &Device::Cpu)?)
    }

    /// Writes the images at these positions one after the other, as floats in [0, 1].
    ///
    /// # Errors
    /// If a position is not below [`Split::len`]. For photographs also if there are too many
    /// unreadable files.
    pub(crate) fn fill<T: Real>(&self, positions: &[usize], values: &mut [T]) -> Result<()> {
        let (c, h, w) = self.image_shape();
        let size = c * h * w;
        for (&position, values) in positions.iter().zip(values.chunks_exact_mut(size)) {
            let i = self.source_index(position)?;
            match &self.pixels {
                Pixels::Bytes(bytes) => to_floats(&bytes[i * size..][..size], values),
                Pixels::Floats(floats) => {
                    let pairs = values.iter_mut().zip(&floats[i * size..]);
                    pairs.for_each(|(value, float)| *value = (*float).into());
                }
                Pixels::Streamed(stream) => {
                    to_floats(&self.decode_from(stream, position, None)?.bytes, values)
                }
            }
        }
        Ok(())
    }

    /// Decodes a streamed image. If its file is unreadable, the next readable image replaces it.
    ///
    /// # Errors
    /// If no image is readable, or more are unreadable than the stream allows.
    pub(crate) fn decode(&self, position: usize, augment: Option<Augment>) -> Result<Decoded> {
        self.source_index(position)?;
        match &self.pixels {
            Pixels::Streamed(stream) => self.decode_from(stream, position, augment),
            _ => Ok(Decoded {
                position,
                bytes: Vec::new(),
            }),
        }
    }

    fn decode_from(
        &self,
        stream: &PhotoStream,
        position: usize,
        augment: Option<Augment>,
    ) -> Result<Decoded> {
        let mut bytes = vec![0; stream.framing().bytes()];
        for position in (position..self.len()).chain(0..position) {
            let i = self.index[position];
            let mut rng = augment.map(|by| Rng::for_image(by.seed, Purpose::Augment, by.epoch, i));
            if stream.read(i, rng.as_mut(), &mut bytes)? {
                return Ok(Decoded { position, bytes });
            }
        }
        let hint = "Check the source of the images";
        Err(Error::shape(
            "images",
            "at least one readable image",
            "none",
            hint,
        ))
    }

    fn source_index(&self, position: usize) -> Result<usize> {
        self.index.get(position).copied().ok_or_else(|| {
            let expected = format!("below {}", self.len());
            Error::setting("position", expected, position, "Positions count from 0")
        })
    }
}
