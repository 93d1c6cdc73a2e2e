//! The last dense layer of a forward pass, which a penalty on its slopes reads.

use candle_core::{Result, Tensor};

/// Weights of a dense layer, and the slope of the activation after it.
#[derive(Clone, Debug)]
pub(crate) struct DenseOutput {
    /// (units, inputs)
    pub(crate) weight: Tensor,
    pub(crate) slope: OutputSlope,
}

/// Derivative of an activation as a function of its output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OutputSlope {
    /// No activation.
    One,
    Sigmoid,
    Tanh,
    Relu,
}

impl OutputSlope {
    /// The derivative where the output is `h`.
    pub(crate) fn of(self, h: &Tensor) -> Result<Tensor> {
        match self {
            OutputSlope::One => h.ones_like(),
            OutputSlope::Sigmoid => h * (1.0 - h)?,
            OutputSlope::Tanh => 1.0 - h.sqr()?,
            OutputSlope::Relu => h.gt(0.0)?.to_dtype(h.dtype()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn slopes_follow_from_outputs() {
        let of = |slope: OutputSlope, h: f64| {
            let h = Tensor::new(&[h], &Device::Cpu).unwrap();
            slope.of(&h).unwrap().to_vec1::<f64>().unwrap()[0]
        };
        assert_eq!(of(OutputSlope::One, 0.3), 1.0);
        assert_eq!(of(OutputSlope::Sigmoid, 0.25), 0.1875);
        assert_eq!(of(OutputSlope::Tanh, 0.5), 0.75);
        assert_eq!(
            (of(OutputSlope::Relu, 2.0), of(OutputSlope::Relu, 0.0)),
            (1.0, 0.0)
        );
    }
}
