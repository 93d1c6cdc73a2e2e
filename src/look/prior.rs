//! A prior that is fitted to the codes of a model which has none.

use super::mixture::{Codes, Mixture};
use super::samples::check_count;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::math::{Purpose, Rng};
use crate::model::Autoencoder;
use crate::show::Montage;
use candle_core::DType;

/// Images whose codes are taken, at most, from all parts of a split.
const MAX_IMAGES: usize = 10_000;

/// Maximum size of a code: a covariance has its square.
const MAX_CODE: usize = 1024;

const MAX_COMPONENTS: usize = 100;

/// Distribution of the codes of a model, from [`Autoencoder::fit_prior`].
#[derive(Clone, Debug)]
pub struct Prior {
    mixture: Mixture,
    code_shape: Vec<usize>,
}

impl Autoencoder {
    /// Fits a mixture of normal distributions with full covariances to the codes of a split, of which
    /// at most 10,000 images are taken. One component is a normal distribution. The same split gives
    /// the same prior.
    ///
    /// Ghosh and others, "From variational to deterministic autoencoders", 2020, use 10 components.
    ///
    /// # Errors
    /// `components` is not in 1 to 100; there are fewer than two images for each; the code has more
    /// than 1024 values.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8), L2(1e-5)])?;
    /// ae.fit(&data, &Fit { epochs: 1, batch_size: 20, ..Default::default() })?;
    /// let prior = ae.fit_prior(&data.train, 2)?;
    /// assert_eq!(prior.samples(&ae, 10, 0)?.tensor().dims(), [10, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn fit_prior(&self, split: &Split, components: usize) -> Result<Prior> {
        let size = self.code_shape().iter().product::<usize>();
        check(split.len().min(MAX_IMAGES), components, size)?;
        let codes = codes(self, split, size)?;
        let mut rng = Rng::new(0, Purpose::Noise);
        let Some(mixture) = Mixture::fit(&codes, components, &mut rng) else {
            let hint = "Train with a smaller learning rate, or add L2(1e-4) behind the code";
            let expected = "codes with finite covariances";
            return Err(Error::setting(
                "fit_prior",
                expected,
                "too large ones",
                hint,
            ));
        };
        Ok(Prior {
            mixture,
            code_shape: self.code_shape().to_vec(),
        })
    }
}

impl Prior {
    /// Images that a model decodes from `n` codes drawn from the prior.
    ///
    /// # Errors
    /// The model has codes of another shape, or `n` is not in 1 to 10,000.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// let prior = ae.fit_prior(&data.train, 1)?;
    /// let (images, again) = (prior.samples(&ae, 3, 7)?, prior.samples(&ae, 3, 7)?);
    /// assert_eq!(images.to_png()?, again.to_png()?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn samples(&self, model: &Autoencoder, n: usize, seed: u64) -> Result<Montage> {
        check_count("samples", n)?;
        if model.code_shape() != self.code_shape {
            let expected = format!("a model with codes of shape {:?}", self.code_shape);
            let got = format!("{:?}", model.code_shape());
            let hint = "Give the model whose prior it is";
            return Err(Error::shape("samples", expected, got, hint));
        }
        let mut rng = Rng::new(seed, Purpose::Noise);
        let images = model.generate(self.mixture.draw(n, &mut rng))?;
        let title = match self.mixture.components.len() {
            1 => "codes drawn from a fitted normal distribution".to_owned(),
            n => format!("codes drawn from a fitted mixture of {n}"),
        };
        Ok(Montage::new(&images)?.title(title))
    }
}

fn check(images: usize, components: usize, size: usize) -> Result<()> {
    let most = MAX_COMPONENTS.min(images / 2);
    if !(1..=most).contains(&components) {
        let expected = format!("1 to {most} components, at most half the images");
        let hint = "10 are common; 1 is a normal distribution";
        return Err(Error::setting("fit_prior", expected, components, hint));
    }
    if size > MAX_CODE {
        let expected = format!("a code of at most {MAX_CODE} values");
        let hint = "End the encoder with Flatten and Linear(16)";
        return Err(Error::setting("fit_prior", expected, size, hint));
    }
    Ok(())
}

/// Codes of images from all parts of a split.
fn codes(model: &Autoencoder, split: &Split, size: usize) -> Result<Codes> {
    let n = split.len().min(MAX_IMAGES);
    let positions: Vec<usize> = (0..n).map(|i| i * split.len() / n).collect();
    let codes = model.codes_at(split, &positions)?.to_dtype(DType::F64)?;
    let units = codes.reshape((n, size))?.t()?; // (size, n)
    Ok(Codes::new(units.flatten_all()?.to_vec1()?, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_rejected() {
        assert!(check(100, 10, 16).is_ok());
        let text = check(10, 6, 16).unwrap_err().to_string();
        assert!(text.contains("expected 1 to 5 components"), "{text}");
        assert!(check(100, 0, 16).is_err());
        assert!(check(100, 1, 2000).is_err());
    }
}
