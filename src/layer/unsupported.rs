//! A layer with a setting that its kind does not have: rejected when the model is built.

use crate::error::Result;
use crate::layer::kind::{ForwardContext, LayerKind, LayerShapes, LowerContext, Lowered};
use crate::layer::layer_error::{ShapeResult, reject};
use crate::layer::variable::LayerVars;
use candle_core::Tensor;

/// A setting that a layer's kind does not have, as in `Linear(128).stride(2)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnsupportedSetting {
    /// Kind of the layer.
    pub(crate) kind: &'static str,
    /// Name of the setting.
    pub(crate) setting: &'static str,
    /// Values of the setting; `ceil_mode` has none, `output_size` two.
    pub(crate) values: [Option<f64>; 2],
}

impl LayerKind for UnsupportedSetting {
    fn output_shape(&self, _input: &[usize]) -> ShapeResult {
        let UnsupportedSetting { kind, setting, .. } = self;
        let kinds = match *setting {
            "output_padding" | "output_padding_hw" => "ConvTranspose2d has it",
            "ceil_mode" => "MaxPool2d and AvgPool2d have it",
            "output_size" => "MaxUnpool2d and Upsample have it",
            "free_bits" | "warm_up" | "total_correlation" | "softplus_deviation"
            | "sampled_divergence" => "Gaussian has it",
            "tied" | "unit_norm" => "Linear has it",
            "auxiliary" => "TopK and BatchTopK have it",
            "commitment" | "learned_codebook" => "VectorQuantize has it",
            "beta" | "temperature" | "anneal" | "straight_through" => "Gumbel has it",
            _ => "Conv2d and ConvTranspose2d have it",
        };
        reject(
            format!("a layer with the setting {setting}"),
            kind,
            format!("Remove .{setting}(...); only {kinds}"),
        )
    }

    fn candle_forward(
        &self,
        xs: &Tensor,
        _vars: LayerVars<'_>,
        _context: &mut ForwardContext<'_>,
    ) -> Result<Tensor> {
        Ok(xs.clone())
    }

    fn lower(&self, _shapes: LayerShapes<'_>, _context: &mut LowerContext) -> Lowered {
        Lowered::Nothing
    }
}
