//! Histograms of the weights.

use crate::error::Result;
use crate::layer::shape;
use crate::model::Autoencoder;
use crate::show::{Plot, Plots};

const BINS: usize = 60;

impl Autoencoder {
    /// A histogram of the weights of each layer.
    ///
    /// # Errors
    /// A weight cannot be copied from its device.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// ae.weights_histogram()?
    /// # ; Ok::<(), candlebook::Error>(())
    /// ```
    pub fn weights_histogram(&self) -> Result<Plots> {
        let variables = self.variables().into_iter();
        let weights = variables.filter(|(name, _)| name.ends_with("weight"));
        Ok(Plots::new(weights.map(|(name, var)| {
            Plot::new()
                .size(400, 240)
                .title(format!("{name}, {}", shape(var.dims())))
                .y_label("weights")
                .histogram("", var.as_tensor(), BINS)
        })))
    }
}
