//! Methods of the layers of sparse codes.

use crate::layer::aux_k::AuxKSettings;
use crate::layer::layer::Layer;

impl Layer {
    /// Keeps the columns of the weights of a dense layer at the Euclidean norm 1, after each step of
    /// [`Autoencoder::fit`](crate::model::Autoencoder::fit): the features of a sparse code. The norms
    /// would otherwise grow, and the values of the code shrink (Bricken and others, "Towards
    /// monosemanticity", 2023).
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Flatten, Linear(100), Relu, L1(1e-3)];
    /// let ae = Autoencoder::new((1, 1, 8), &encoder, &[Linear(8).unit_norm(), Unflatten(1, 1, 8)])?;
    /// let norms = ae.variables()[2].1.sqr()?.sum(0)?.to_vec1::<f32>()?;
    /// assert!(norms.iter().all(|norm| (norm - 1.0).abs() < 1e-5));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub const fn unit_norm(self) -> Layer {
        let layer = match &self {
            Layer::Linear(outputs) => Layer::UnitNormLinear(*outputs),
            other => other.unsupported("unit_norm", [None, None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }

    /// Revives dead units of a [`TopK`](Layer::TopK) or [`BatchTopK`](Layer::BatchTopK) code, which the
    /// last 10,000 training images did not use: for each image, the `values` largest values of dead
    /// units reconstruct what the code leaves over, and the squared error, times 1/32, is added to the
    /// loss. Half of the values of an image is common. The decoder is one dense layer:
    /// [`Linear(n).unit_norm()`](Layer::unit_norm). AuxK of Gao and others, "Scaling and evaluating
    /// sparse autoencoders", 2024.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let encoder = [Flatten, Linear(100), Relu, TopK(5).auxiliary(4)];
    /// let ae = Autoencoder::new((1, 1, 8), &encoder, &[Linear(8).unit_norm(), Unflatten(1, 1, 8)])?;
    /// assert_eq!(ae.buffers()[0].0, "encoder.3.unused");
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub const fn auxiliary(self, values: usize) -> Layer {
        let layer = match &self {
            Layer::TopK(k) => Layer::AuxK(AuxKSettings::new(*k, false, values)),
            Layer::BatchTopK(k) => Layer::AuxK(AuxKSettings::new(*k, true, values)),
            other => other.unsupported("auxiliary", [Some(values as f64), None]),
        };
        // A const fn cannot run destructors; only a residual block has anything to free.
        std::mem::forget(self);
        layer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_layers_have_no_such_settings() {
        let errors = [Layer::Relu.unit_norm(), Layer::L1(0.1).auxiliary(3)];
        let hints = errors.map(|layer| layer.kind().output_shape(&[4]).unwrap_err().hint);
        assert!(hints[0].ends_with("only Linear has it"), "{hints:?}");
        assert!(
            hints[1].ends_with("only TopK and BatchTopK have it"),
            "{hints:?}"
        );
    }
}
