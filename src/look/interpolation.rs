//! Paths between the codes of images: along straight lines and along great circles.

use crate::data::vectors_as_lines;
use crate::error::{Error, Result};
use crate::look::traversal::check_steps;
use crate::model::Autoencoder;
use crate::show::Montage;
use candle_core::Tensor;

/// Maximum frames of a loop.
const MAX_FRAMES: usize = 1000;
/// Sine of the angle below which two codes are on one line, where a great circle is not defined.
const MIN_SINE: f64 = 1e-6;

/// The code at a share of the way from the first code to the second one.
type Path = fn(&[f32], &[f32], f32) -> Vec<f32>;

impl Autoencoder {
    /// Reconstructions along the straight line between the codes of two images, in equal steps.
    ///
    /// # Errors
    /// `steps` is not in 2 to 1000, or the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(2)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// let path = ae.interpolation(&images.i(0)?, &images.i(1)?, 9)?;
    /// assert_eq!(path.tensor().dims(), [9, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn interpolation(&self, from: &Tensor, to: &Tensor, steps: usize) -> Result<Montage> {
        self.montage_between(from, to, steps, straight)
    }

    /// Reconstructions along the great circle between the codes of two images, in equal angles:
    /// spherical interpolation (White, "Sampling generative networks", 2016). The lengths of the codes
    /// stay between those of both ends. On a straight line, codes of N(0, 1) become shorter than the
    /// decoder has seen.
    ///
    /// # Errors
    /// As [`Autoencoder::interpolation`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(2)?;
    /// let encoder = [Flatten, Linear(16), Gaussian(1.0)];
    /// let vae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// let path = vae.spherical_interpolation(&images.i(0)?, &images.i(1)?, 9)?;
    /// assert_eq!(path.tensor().dims(), [9, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn spherical_interpolation(
        &self,
        from: &Tensor,
        to: &Tensor,
        steps: usize,
    ) -> Result<Montage> {
        self.montage_between(from, to, steps, spherical)
    }

    /// Reconstructions along a path through the codes of several images and back to the first one,
    /// with `steps` images from each to the next. The path is spherical for codes close to N(0, 1),
    /// and straight for others. [`Montage::animate`] plays it.
    ///
    /// # Shapes
    /// `images` is (n, c, h, w), the montage has n x steps images.
    ///
    /// # Errors
    /// There are fewer than 2 images or more than 1000 steps in all, `steps` is below 2, or the
    /// images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(4)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// ae.interpolation_loop(&images, 10)?.zoom(5).animate(10.0)?
    /// # ; Ok::<(), candlebook::Error>(())
    /// ```
    pub fn interpolation_loop(&self, images: &Tensor, steps: usize) -> Result<Montage> {
        check_steps(steps)?;
        let images = self.image_batch("interpolation_loop", images)?;
        let n = images.dim(0)?;
        if n < 2 || n * steps > MAX_FRAMES {
            return Err(Error::setting(
                "interpolation_loop",
                format!("at least 2 images, and at most {MAX_FRAMES} steps in all"),
                format!("{n} images with {steps} steps each"),
                "Start with 5 images and 10 steps",
            ));
        }
        let path = if self.has_normal_prior() {
            spherical
        } else {
            straight
        };
        let shares: Vec<f32> = (0..steps).map(|i| i as f32 / steps as f32).collect();
        let image = |i: usize| images.narrow(0, i % n, 1);
        let frames = (0..n)
            .map(|i| self.images_between(&image(i)?, &image(i + 1)?, &shares, path))
            .collect::<Result<Vec<_>>>()?;
        let montage = Montage::new(&Tensor::cat(&frames, 0)?)?.columns(steps);
        Ok(vectors_as_lines(montage, self.image_shape()))
    }

    fn montage_between(
        &self,
        from: &Tensor,
        to: &Tensor,
        steps: usize,
        path: Path,
    ) -> Result<Montage> {
        check_steps(steps)?;
        let shares = (0..steps).map(|step| step as f32 / (steps - 1) as f32);
        let shares: Vec<f32> = shares.collect();
        let images = self.images_between(from, to, &shares, path)?;
        let captions = shares.iter().map(|share| format!("{:.0} %", share * 100.0));
        Ok(vectors_as_lines(Montage::new(&images)?, self.image_shape())
            .columns(steps)
            .captions(captions))
    }

    /// Reconstructions at shares of the way between the codes of two images, in ascending order.
    fn images_between(
        &self,
        from: &Tensor,
        to: &Tensor,
        shares: &[f32],
        path: Path,
    ) -> Result<Tensor> {
        let (start, end) = (self.code_of(from)?, self.code_of(to)?);
        // Unpooling uses the maxima of the nearer image.
        let half = shares.partition_point(|share| *share <= 0.5);
        let parts = [(&shares[..half], from), (&shares[half..], to)];
        let images = parts
            .into_iter()
            .filter(|(shares, _)| !shares.is_empty())
            .map(|(shares, image)| {
                let codes = shares.iter().flat_map(|share| path(&start, &end, *share));
                self.decode_like(codes.collect(), image)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Tensor::cat(&images, 0)?)
    }
}

/// The code at a share of the straight line.
fn straight(from: &[f32], to: &[f32], share: f32) -> Vec<f32> {
    let pairs = from.iter().zip(to);
    pairs.map(|(a, b)| a + (b - a) * share).collect()
}

/// (sin((1 - t) w) a + sin(t w) b) / sin(w), with w the angle between the codes a and b.
fn spherical(from: &[f32], to: &[f32], share: f32) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    let lengths = (dot(from, from) * dot(to, to)).sqrt();
    let angle = (dot(from, to) / lengths).clamp(-1.0, 1.0).acos();
    let (sine, t) = (angle.sin(), f64::from(share));
    // A code of zeros has the angle NaN.
    if sine.is_nan() || sine <= MIN_SINE {
        return straight(from, to, share);
    }
    let (a, b) = (((1.0 - t) * angle).sin() / sine, (t * angle).sin() / sine);
    let pairs = from.iter().zip(to);
    pairs
        .map(|(x, y)| (a * f64::from(*x) + b * f64::from(*y)) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(code: &[f32], expected: &[f32]) {
        let near = code.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "{code:?}");
    }

    #[test]
    fn spherical_paths_match_scipy() {
        // from scipy.spatial import geometric_slerp
        // geometric_slerp([0.6, 0.8, 0], [0, 0, 1], [0.25])
        let (a, b) = ([0.6, 0.8, 0.0], [0.0, 0.0, 1.0]);
        assert_close(
            &spherical(&a, &b, 0.25),
            &[0.554_327_7, 0.739_103_6, 0.382_683_4],
        );
        assert_close(&spherical(&a, &b, 0.0), &a);
        assert_close(&spherical(&a, &b, 1.0), &b);
    }

    #[test]
    fn codes_on_one_line_are_joined_by_it() {
        assert_close(&spherical(&[1.0, 1.0], &[3.0, 3.0], 0.5), &[2.0, 2.0]);
        assert_close(&spherical(&[1.0, 0.0], &[-1.0, 0.0], 0.25), &[0.5, 0.0]);
        assert_close(&spherical(&[0.0, 0.0], &[1.0, 0.0], 0.5), &[0.5, 0.0]);
    }
}
