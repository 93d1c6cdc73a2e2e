//! Sequences (b, steps, features) from features, and back.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{LayerError, ShapeResult, reject, shape};
use crate::layer::variable::LayerVars;
use crate::math::Interval;
use candle_core::Tensor;

/// Reshapes features to a sequence: (b, steps * n) -> (b, steps, n).
pub(crate) struct Sequence(pub(crate) usize, pub(crate) usize);

impl LayerKind for Sequence {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        let Sequence(steps, features) = *self;
        let values = steps.saturating_mul(features);
        if *input != [values] {
            return reject(
                format!("{steps} x {features} = {values} flat features"),
                shape(input),
                format!("Put Linear({values}) before it"),
            );
        }
        Ok(vec![steps, features])
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.reshape((xs.dim(0)?, self.0, self.1))?)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Nothing
    }
}

/// Repeats features in each of this number of steps: (b, n) -> (b, steps, n).
pub(crate) struct Repeat(pub(crate) usize);

impl LayerKind for Repeat {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if self.0 == 0 {
            return reject("at least 1 step", 0, "Repeat(28) gives one for each row");
        }
        match *input {
            [n] => Ok(vec![self.0, n]),
            _ => reject("flat features", shape(input), "Put Flatten before it"),
        }
    }

    fn output_range(&self, input: Interval) -> Interval {
        input
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.unsqueeze(1)?.repeat((1, self.0, 1))?)
    }

    fn joins_images(&self) -> bool {
        false
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::WholeBatch
    }
}

/// Steps and features of a sequence.
///
/// # Errors
/// Another shape.
pub(crate) fn sequence_shape(input: &[usize]) -> std::result::Result<(usize, usize), LayerError> {
    match *input {
        [steps, features] => Ok((steps, features)),
        _ => reject(
            "a sequence",
            shape(input),
            "Put Patches(1, width), which cuts images into rows, or Sequence(steps, n) before it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use candle_core::Device;

    #[test]
    fn a_sequence_takes_exactly_its_values() {
        assert_eq!(Sequence(3, 4).output_shape(&[12]), Ok(vec![3, 4]));
        let error = Sequence(3, 4).output_shape(&[10]).unwrap_err();
        assert_eq!(error.hint, "Put Linear(12) before it");
        assert!(Sequence(usize::MAX, 2).output_shape(&[12]).is_err());
        assert!(sequence_shape(&[1, 28, 28]).is_err());
    }

    #[test]
    fn features_are_repeated_in_each_step() {
        let xs = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let mut context = ForwardContext {
            rng: None,
            state: &mut ForwardState::default(),
        };
        let ys = Repeat(2).candle_forward(&xs, LayerVars::default(), &mut context);
        let expected = [[[1.0, 2.0]; 2], [[3.0, 4.0]; 2]];
        assert_eq!(ys.unwrap().to_vec3::<f32>().unwrap(), expected);
        assert!(Repeat(0).output_shape(&[2]).is_err());
    }
}
