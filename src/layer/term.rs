//! [`Term`]: what a layer adds to the loss of training.

use crate::error::Result;
use candle_core::{DType, Tensor};

/// A term of the loss, as a mean over the images of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Term {
    /// Name in tables and charts.
    pub(crate) name: &'static str,
    pub(crate) unit: TermUnit,
}

/// Loss that the number of an image is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TermUnit {
    /// The sum of the reconstruction loss over the image's values, as a divergence in nats is.
    Image,
    /// The mean of the reconstruction loss over the image's values.
    Value,
}

impl Term {
    /// Factor that makes the number of an image a part of the mean loss over its `values` values.
    pub(crate) fn scale(self, values: usize) -> f64 {
        match self.unit {
            TermUnit::Image => 1.0 / values as f64,
            TermUnit::Value => 1.0,
        }
    }
}

/// The value of a term for one batch, with its gradient: a scalar, the mean over the images.
#[derive(Clone, Debug)]
pub(crate) struct TermValue {
    pub(crate) term: Term,
    pub(crate) mean: Tensor,
}

/// Values from which a term is computed: half-precision ones in f32, in which losses are computed.
pub(crate) fn full_precision(xs: &Tensor) -> Result<Tensor> {
    match xs.dtype() {
        DType::F64 => Ok(xs.clone()),
        _ => Ok(xs.to_dtype(DType::F32)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divergence_is_divided_by_the_values_of_an_image() {
        let term = |unit| Term { name: "KL", unit };
        assert_eq!(term(TermUnit::Image).scale(784), 1.0 / 784.0);
        assert_eq!(term(TermUnit::Value).scale(784), 1.0);
    }

    #[test]
    fn terms_of_half_precision_values_are_computed_in_f32() {
        let of = |dtype| {
            let xs = Tensor::ones(3, dtype, &candle_core::Device::Cpu).unwrap();
            full_precision(&xs).unwrap().dtype()
        };
        assert_eq!(of(DType::BF16), DType::F32);
        assert_eq!((of(DType::F32), of(DType::F64)), (DType::F32, DType::F64));
    }
}
