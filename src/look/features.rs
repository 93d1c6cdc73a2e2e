//! Features and filters: the weights of decoder and encoder as images.

use crate::data::vectors_as_lines;
use crate::error::{Error, Result};
use crate::model::Autoencoder;
use crate::show::{Montage, Scale};
use candle_core::{DType, Tensor};

impl Autoencoder {
    /// Columns of the decoder's last matrix as images: the image that each hidden unit adds.
    /// Negative weights are blue, positive ones red. After `fit`, the title says how many units are
    /// [dead](Autoencoder::dead_units): their images are noise.
    ///
    /// # Errors
    /// The decoder's last linear layer does not output the image.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8), Relu])?;
    /// assert_eq!(ae.features()?.tensor().dims(), [8, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn features(&self) -> Result<Montage> {
        let (c, h, w) = self.image_shape();
        let weight = self.feature_matrix()?;
        let units = weight.dims()[1];
        // (c*h*w, units) -> (units, c, h, w)
        let columns = weight.t()?.reshape((units, c, h, w))?;
        let dead = match self.known_dead_units()? {
            Some(dead) => format!(", {dead} of {units} units dead"),
            None => String::new(),
        };
        let montage = Montage::new(&columns)?.scale(Scale::Symmetric);
        Ok(vectors_as_lines(montage, (c, h, w))
            .title(format!("columns of the decoder matrix{dead}")))
    }

    /// The decoder's output for each basis vector of the code: one value is 1, all others are 0.
    ///
    /// Each image is scaled to its own range, because a single unit changes it little.
    ///
    /// # Errors
    /// A candle operation fails, for example for lack of memory.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.basis_responses()?.tensor().dims(), [8, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn basis_responses(&self) -> Result<Montage> {
        let size = self.code_shape().iter().product();
        let shape = [&[size], self.code_shape()].concat();
        // (size, size) -> (size, code)
        let basis = Tensor::eye(size, DType::F32, self.device())?.reshape(shape)?;
        let montage = Montage::new(&self.decode(&basis)?)?.scale(Scale::MinMax);
        Ok(vectors_as_lines(montage, self.image_shape())
            .title("decoder output for each basis vector of the code"))
    }

    /// Weights of the encoder's first layer as images: the rows of a matrix, or the filters of a
    /// convolution.
    ///
    /// # Errors
    /// The encoder has no layer with weights.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Conv2d(6, 5), Relu])?;
    /// assert_eq!(ae.filters()?.tensor().dims(), [6, 1, 5, 5]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn filters(&self) -> Result<Montage> {
        let (c, h, w) = self.image_shape();
        let weight = self.input_weight()?;
        match *weight.dims() {
            [units, inputs] if inputs == c * h * w => {
                // (units, c*h*w) -> (units, c, h, w)
                let rows = weight.reshape((units, c, h, w))?;
                Ok(Montage::new(&rows)?
                    .scale(Scale::Symmetric)
                    .title("rows of the encoder matrix"))
            }
            _ => Montage::filters(&weight),
        }
    }

    /// Weight of the encoder's first linear or convolutional layer. Batch normalization has one
    /// number per channel, which is not a filter.
    fn input_weight(&self) -> Result<Tensor> {
        let encoder = self.encoder_net();
        let weights = (0..encoder.nodes().len()).filter_map(|i| encoder.weight_and_bias(i));
        weights
            .map(|(weight, _)| weight.as_tensor().detach())
            .find(|weight| weight.rank() > 1)
            .ok_or_else(|| Error::Layer {
                place: "filters of the encoder".into(),
                expected: "a layer with weights".into(),
                got: "none".into(),
                hint: "Add one, such as Linear(128)".into(),
            })
    }
}
