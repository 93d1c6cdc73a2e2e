//! Sparse codes whose dead units are trained by an auxiliary loss.
//!
//! A unit that no image used for some time is dead: it gets no gradient, and stays dead. The largest
//! values of the dead units of an image are a second code, which the decoder gets beside the first one.
//! It learns to reconstruct what the first one leaves over (`unit_norm_linear`).
//!
//! Gao and others, "Scaling and evaluating sparse autoencoders", 2024 (AuxK).

use crate::error::Result;
use crate::layer::batch_top_k::BatchTopK;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::top_k::{TopK, host_values, largest, masked};
use crate::layer::variable::{FirstValues, LayerVars, VariableSpec};
use crate::math::Interval;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Images after which an unused unit is dead.
const DEAD_AFTER: f32 = 10_000.0;

/// Settings of a [`TopK`](crate::layer::Layer::TopK) or [`BatchTopK`](crate::layer::Layer::BatchTopK)
/// layer with an [`auxiliary`](crate::layer::Layer::auxiliary) loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuxKSettings {
    /// Values to keep.
    pub(crate) k: usize,
    /// The images of a batch share the values, as in `BatchTopK`.
    pub(crate) shared: bool,
    /// Values of dead units in the second code, at most.
    pub(crate) auxiliary: usize,
}

impl AuxKSettings {
    pub(crate) const fn new(k: usize, shared: bool, auxiliary: usize) -> Self {
        AuxKSettings {
            k,
            shared,
            auxiliary,
        }
    }

    /// The settings as written in code.
    pub(crate) fn call(&self) -> String {
        let kind = if self.shared { "BatchTopK" } else { "TopK" };
        format!("{kind}({}).auxiliary({})", self.k, self.auxiliary)
    }

    fn selection(&self) -> Box<dyn LayerKind> {
        if self.shared {
            Box::new(BatchTopK(self.k))
        } else {
            Box::new(TopK(self.k))
        }
    }

    /// The second code: for each image, its largest positive values of dead units. None if no unit is
    /// dead.
    fn second_code(&self, xs: &Tensor, values: &[f32], unused: &[f32]) -> Result<Option<Tensor>> {
        let units = unused.len();
        let dead: Vec<usize> = (0..units).filter(|&i| unused[i] >= DEAD_AFTER).collect();
        if dead.is_empty() {
            return Ok(None);
        }
        let mut mask = vec![0f32; values.len()];
        let (mut of_dead, mut order) = (Vec::with_capacity(dead.len()), Vec::new());
        for (row, mask) in values.chunks_exact(units).zip(mask.chunks_exact_mut(units)) {
            of_dead.clear();
            of_dead.extend(dead.iter().map(|&i| row[i]));
            let chosen = largest(&of_dead, self.auxiliary.min(dead.len()), &mut order);
            for i in chosen.map(|nth| dead[nth]).filter(|&i| row[i] > 0.0) {
                mask[i] = 1.0;
            }
        }
        Ok(Some(masked(xs, mask)?))
    }
}

impl LayerKind for AuxKSettings {
    fn output_shape(&self, input: &[usize]) -> ShapeResult {
        if self.auxiliary == 0 {
            let hint = "Half of the values of an input is common";
            return reject("at least 1 value for the auxiliary loss", 0, hint);
        }
        self.selection().output_shape(input)
    }

    /// Those of the selection, and for each unit the number of images since it was used.
    fn buffers(&self, input: &[usize]) -> Vec<VariableSpec> {
        let unused = VariableSpec::new("unused", input, FirstValues::Constant(0.0));
        let mut buffers = self.selection().buffers(input);
        buffers.push(unused);
        buffers
    }

    fn output_range(&self, input: Interval) -> Interval {
        self.selection().output_range(input)
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        vars: LayerVars<'_>,
        context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        let Some((unused, buffers)) = vars.buffers.split_last() else {
            unreachable!("the layer is created with its buffers")
        };
        let vars = LayerVars { buffers, ..vars };
        let code = self.selection().candle_forward(xs, vars, context)?;
        let (images, units) = xs.dims2()?;
        let mut second = None;
        if context.rng.is_some() {
            let mut counts = host_values(unused.var.as_tensor())?;
            for row in host_values(&code)?.chunks_exact(units) {
                for (count, value) in counts.iter_mut().zip(row) {
                    *count = if *value == 0.0 { *count + 1.0 } else { 0.0 };
                }
            }
            // More images than an f32 can count are no more dead.
            counts
                .iter_mut()
                .for_each(|count| *count = count.min(DEAD_AFTER));
            second = self.second_code(xs, &host_values(xs)?, &counts)?;
            let counts = Tensor::from_vec(counts, units, xs.device())?;
            context.state.updates.push((unused.var.clone(), counts));
        }
        let none = || xs.narrow(0, images, 0);
        context.state.second_code = Some(second.map_or_else(none, Ok)?);
        Ok(code)
    }

    fn lower(&self, _shapes: LayerShapes<'_>, context: &mut LowerContext) -> Lowered {
        // A plan never begins with a stage of the whole batch.
        context.second_code = Some(context.next.max(1));
        Lowered::WholeBatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::kind::ForwardState;
    use crate::layer::variable::Variable;
    use crate::math::{Purpose, Rng};
    use candle_core::{Device, Var};

    const SETTINGS: AuxKSettings = AuxKSettings {
        k: 1,
        shared: false,
        auxiliary: 2,
    };

    /// Code and second code of two images, with these numbers of images since a unit was used.
    fn forward(training: bool, unused: [f32; 5]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let buffers = [Variable {
            name: "unused".into(),
            var: Var::new(&unused, &Device::Cpu).unwrap(),
        }];
        let vars = LayerVars {
            buffers: &buffers,
            ..Default::default()
        };
        let xs = [[0.9f32, 0.2, 0.5, 0.4, 0.3], [0.1, 0.0, 0.3, 0.8, 0.7]];
        let xs = Tensor::new(&xs, &Device::Cpu).unwrap();
        let (mut state, mut rng) = (ForwardState::default(), Rng::new(0, Purpose::Dropout));
        let mut context = ForwardContext {
            rng: training.then_some(&mut rng),
            state: &mut state,
        };
        let code = SETTINGS.candle_forward(&xs, vars, &mut context).unwrap();
        state.update_buffers().unwrap();
        let second = state.second_code.unwrap();
        let counts = buffers[0].var.to_vec1().unwrap();
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
        (values(&code), values(&second), counts)
    }

    #[test]
    fn the_second_code_has_the_largest_values_of_dead_units() {
        let long = DEAD_AFTER - 1.0;
        let (code, second, counts) = forward(true, [long, long, long, 0.0, DEAD_AFTER]);
        let first = [0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.8, 0.0];
        assert_eq!(code, first);
        // Units 1, 2 and 4 are dead; 0 is used again.
        let of_dead = [0.0, 0.0, 0.5, 0.0, 0.3, 0.0, 0.0, 0.3, 0.0, 0.7];
        assert_eq!(second, of_dead);
        assert_eq!(counts, [1.0, DEAD_AFTER, DEAD_AFTER, 0.0, DEAD_AFTER]);
    }

    #[test]
    fn without_dead_units_and_in_evaluation_the_second_code_is_empty() {
        let (code, second, counts) = forward(true, [0.0; 5]);
        assert!(second.is_empty());
        assert_eq!(counts, [1.0, 2.0, 2.0, 0.0, 2.0]);
        let (evaluated, second, counts) = forward(false, [DEAD_AFTER; 5]);
        assert_eq!((evaluated, counts), (code, vec![DEAD_AFTER; 5]));
        assert!(second.is_empty());
    }

    #[test]
    fn settings_out_of_range_are_rejected() {
        assert_eq!(SETTINGS.output_shape(&[8]), Ok(vec![8]));
        let none = AuxKSettings {
            auxiliary: 0,
            ..SETTINGS
        };
        assert!(none.output_shape(&[8]).is_err());
        assert!(SETTINGS.output_shape(&[0]).is_err());
    }
}
