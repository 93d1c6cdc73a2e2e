//! Layers as written in code.

use crate::layer::layer::Layer;
use crate::layer::unsupported::UnsupportedSetting;

/// Layers as written in a list.
fn listed(layers: &[Layer]) -> String {
    let layers: Vec<String> = layers.iter().map(Layer::to_string).collect();
    layers.join(", ")
}

/// Prints the layer as written in code.
impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Layer::Unflatten(c, h, w) => write!(f, "Unflatten({c}, {h}, {w})"),
            Layer::Conv2d(conv) => write!(f, "Conv2d{}", conv.call((0, 0))),
            Layer::ConvTranspose2d(transposed) => {
                let call = transposed.conv.call(transposed.output_padding);
                write!(f, "ConvTranspose2d{call}")
            }
            Layer::MaxPool2d(pool) => write!(f, "MaxPool2d{}", pool.call()),
            Layer::AvgPool2d(pool) => write!(f, "AvgPool2d{}", pool.call()),
            Layer::MaxUnpool2d(unpool) => write!(f, "MaxUnpool2d{}", unpool.call()),
            Layer::Upsample(upsample) => write!(f, "Upsample{}", upsample.call()),
            Layer::Gaussian(gaussian) => write!(f, "Gaussian{}", gaussian.call()),
            Layer::VectorQuantize(quantize) => write!(f, "VectorQuantize{}", quantize.call()),
            Layer::TiedLinear(outputs, layer) => write!(f, "Linear({outputs}).tied({layer})"),
            Layer::UnitNormLinear(outputs) => write!(f, "Linear({outputs}).unit_norm()"),
            Layer::AuxK(settings) => f.write_str(&settings.call()),
            Layer::Module(module) => write!(f, "Module({})", module.name),
            Layer::Gumbel(gumbel) => write!(f, "Gumbel{}", gumbel.call()),
            Layer::Fsq(levels) => write!(f, "Fsq(vec!{levels:?})"),
            Layer::Residual(block) => write!(f, "Residual(vec![{}])", listed(block)),
            Layer::Adversarial(discriminator, weight) => {
                write!(
                    f,
                    "Adversarial(vec![{}], {weight:?})",
                    listed(discriminator)
                )
            }
            Layer::UnsupportedSetting(unsupported) => {
                let UnsupportedSetting {
                    kind,
                    setting,
                    values,
                } = unsupported;
                let values: Vec<String> = values.iter().flatten().map(f64::to_string).collect();
                write!(f, "{kind}.{setting}({})", values.join(", "))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::code_builder::{Concat, VectorQuantize};

    #[test]
    fn layers_print_as_they_are_written() {
        let block = Layer::Residual(vec![Layer::LayerNorm, Layer::Attention(2)]);
        for (layer, written) in [
            (block, "Residual(vec![LayerNorm, Attention(2)])"),
            (Layer::Fsq(vec![8, 5]), "Fsq(vec![8, 5])"),
            (Layer::Linear(9).tied(1), "Linear(9).tied(1)"),
            (Layer::Linear(9).unit_norm(), "Linear(9).unit_norm()"),
            (Layer::TopK(9).auxiliary(4), "TopK(9).auxiliary(4)"),
            (VectorQuantize(64), "VectorQuantize(64)"),
            (Concat("a", 4), "Concat(\"a\", 4)"),
            (
                Layer::Unpatches(1, 4, (1, 4, 4)),
                "Unpatches(1, 4, (1, 4, 4))",
            ),
        ] {
            assert_eq!(layer.to_string(), written);
        }
    }
}
