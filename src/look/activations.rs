//! Activations: the output of every layer for one image.

use crate::error::Result;
use crate::layer::{ForwardState, Layer, Node, shape};
use crate::model::Autoencoder;
use crate::show::{Content, Montage, Scale, Show, evcxr_display};
use candle_core::{Device, Tensor};

/// Maximum width of a montage of features, in pixels.
const MAX_WIDTH: usize = 30_000;

/// The output of every layer for one image, in order. It renders itself as a row of images per
/// layer.
#[derive(Clone, Debug)]
pub struct Activations {
    /// The input, then every layer that computes values.
    pub layers: Vec<LayerActivation>,
}

/// The output of one layer for one image.
#[derive(Clone, Debug)]
pub struct LayerActivation {
    /// The layer, as in the weights file and in code: "encoder.1 Linear(128)".
    pub name: String,
    /// The output, without the batch dimension.
    pub values: Tensor,
}

impl Autoencoder {
    /// Computes the output of every layer for one image, from the input to the reconstruction.
    ///
    /// # Shapes
    /// `image` is (c, h, w) or (1, c, h, w).
    ///
    /// # Errors
    /// The image does not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let image = mnist_embedded()?.test.first(1)?;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8), Relu])?;
    /// let activations = ae.activations(&image)?;
    /// assert_eq!(activations.layers[1].name, "encoder.1 Linear(8)");
    /// assert_eq!(activations.layers[1].values.dims(), [8]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn activations(&self, image: &Tensor) -> Result<Activations> {
        let mut xs = self.image_batch("activations", image)?.narrow(0, 0, 1)?;
        let mut state = ForwardState::default();
        let mut layers = vec![activation("input".to_owned(), &xs)?];
        for (list, net) in [
            ("encoder", self.encoder_net()),
            ("decoder", self.decoder_net()),
        ] {
            for (i, node) in net.nodes().iter().enumerate() {
                xs = net.forward_node(i, &xs, None, &mut state)?;
                if let Some(layer) = layer_name(node) {
                    layers.push(activation(format!("{list}.{} {layer}", node.name), &xs)?);
                }
            }
        }
        Ok(Activations { layers })
    }
}

/// (1, ...) -> (...)
fn activation(name: String, batch: &Tensor) -> Result<LayerActivation> {
    let values = batch.squeeze(0)?.detach();
    Ok(LayerActivation { name, values })
}

/// Name of a layer, or `None` if it does not change values in evaluation mode.
fn layer_name(node: &Node) -> Option<String> {
    match &node.layer {
        Layer::Flatten | Layer::Unflatten(..) => None,
        layer if layer.acts_in_training_only() => None,
        Layer::Residual(_) => Some("+ input".into()),
        layer => Some(layer.to_string()),
    }
}

impl Show for Activations {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut contents = Vec::new();
        for LayerActivation { name, values } in &self.layers {
            let values = values.to_device(&Device::Cpu)?;
            let in_unit_range = name == "input" || name.ends_with("Sigmoid");
            let scale = if in_unit_range {
                Scale::Unit
            } else {
                Scale::MinMax
            };
            let title = format!("{name}: {}", shape(values.dims()));
            contents.extend(montage(&values)?.scale(scale).title(title).contents()?);
        }
        Ok(contents)
    }
}
evcxr_display!(Activations);

/// Three channels as a color image, others as a gray image per channel, features as one image.
fn montage(values: &Tensor) -> Result<Montage> {
    match *values.dims() {
        [c, h, w] if c == 3 => Montage::new(values.reshape((1, c, h, w))?),
        [c, h, w] => Ok(Montage::new(values.reshape((c, 1, h, w))?)?.columns(12)),
        _ => {
            let n = values.elem_count();
            let rows = rows(n);
            let columns = n / rows;
            let max_zoom = (MAX_WIDTH / (columns + 2)).max(1);
            let zoom = (128 / rows).clamp(4, 12).min(max_zoom);
            Ok(Montage::new(values.reshape((rows, columns))?)?.zoom(zoom))
        }
    }
}

/// Rows of the most nearly square image of `n` values: the largest divisor up to the square root.
fn rows(n: usize) -> usize {
    (1..=n)
        .take_while(|rows| rows * rows <= n)
        .filter(|rows| n.is_multiple_of(*rows))
        .last()
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_laid_out_as_squares_where_possible() {
        assert_eq!([1, 7, 12, 36, 128].map(rows), [1, 1, 3, 6, 8]);
    }
}
