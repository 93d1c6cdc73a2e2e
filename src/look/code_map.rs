//! Entries of a codebook that images choose.

use crate::data::Split;
use crate::error::{Error, Result};
use crate::layer::{Layer, code_rows, nearest_entries};
use crate::model::Autoencoder;
use crate::show::Montage;
use candle_core::{DType, Device, Tensor};

impl Autoencoder {
    /// Entries of the codebook that images choose, for an encoder that ends in
    /// [`VectorQuantize`](crate::layer::VectorQuantize()).
    ///
    /// # Shapes
    /// (n, c, h, w) -> (n, h', w'), u32, for a code of h' x w' pixels, or (n) for a code of features
    ///
    /// # Errors
    /// The encoder does not end in a codebook; the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Conv2d(8, 4).stride(4), Relu, Conv2d(4, 1), VectorQuantize(16)];
    /// let ae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// let images = mnist_embedded()?.test.first(3)?;
    /// assert_eq!(ae.code_entries(&images)?.dims(), [3, 7, 7]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn code_entries(&self, images: &Tensor) -> Result<Tensor> {
        let (_, codebook) = self.codebook("code_entries")?;
        let codes = self.encode(images)?.to_device(self.device())?;
        let entries = nearest_entries(&code_rows(&codes)?, &codebook)?;
        let shape = match *codes.dims() {
            [n, _, h, w] => vec![n, h, w],
            _ => vec![codes.dim(0)?],
        };
        Ok(entries.reshape(shape)?.to_device(images.device())?)
    }

    /// The first `n` images of a split, above the entries of the codebook that their pixels choose, as
    /// shades from the first entry, black, to the last one, white, and above their reconstructions.
    ///
    /// # Errors
    /// The encoder does not end in a codebook for images; the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Conv2d(8, 4).stride(4), Relu, Conv2d(4, 1), VectorQuantize(16)];
    /// let ae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
    /// let maps = ae.code_maps(&mnist_embedded()?.test, 5)?;
    /// assert_eq!(maps.tensor().dims(), [15, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn code_maps(&self, split: &Split, n: usize) -> Result<Montage> {
        let (entries, _) = self.codebook("code_maps")?;
        let originals = split.first(n)?;
        let chosen = self.code_entries(&originals)?;
        let (_, c, height, width) = originals.dims4()?;
        let [n, rows, columns] = *chosen.dims() else {
            let hint = "A code of features has one entry: see code_entries";
            let got = "one entry for an image";
            return Err(Error::setting("code_maps", "a code of pixels", got, hint));
        };
        let shades = (chosen.to_dtype(DType::F32)? / (entries - 1) as f64)?;
        let maps = shades.reshape((n, 1, rows, columns))?;
        let maps = maps
            .upsample_nearest2d(height, width)?
            .repeat((1, c, 1, 1))?;
        let output = self.reconstruct(&originals)?.to_device(&Device::Cpu)?;
        let reconstructions = self.trained_loss().images_from(output)?;
        Montage::rows(&[
            ("originals", &originals),
            ("entries", &maps.to_device(&Device::Cpu)?),
            ("reconstructions", &reconstructions),
        ])
    }

    /// Number of entries, and the codebook: (entries, d).
    fn codebook(&self, what: &str) -> Result<(usize, Tensor)> {
        let net = self.encoder_net();
        let last = net
            .nodes()
            .iter()
            .rposition(|node| !node.layer.acts_in_training_only());
        if let Some(i) = last
            && let Layer::VectorQuantize(settings) = net.nodes()[i].layer
        {
            let codebook = settings.codebook(net.vars(i)).detach();
            return Ok((codebook.dim(0)?, codebook));
        }
        let expected = "an encoder that ends in a codebook";
        let got = self
            .encoder()
            .last()
            .map_or("no layer".into(), Layer::to_string);
        Err(Error::setting(
            what,
            expected,
            got,
            "End it with VectorQuantize(128)",
        ))
    }
}
