//! Hidden units that are never active, counted after training.

use crate::data::Split;
use crate::error::Result;
use crate::layer::ForwardState;
use crate::model::autoencoder::Autoencoder;
use crate::model::micro_batch::micro_batch;
use crate::model::sequential::Sequential;
use crate::model::unit_ranges::{UnitRanges, measured_positions};
use candle_core::Tensor;

/// On a GPU, candle's convolutions copy each pixel for each position in a window of 3 x 3.
const WINDOW: usize = 9;

/// Layers that the sentence names.
const MAX_NAMED: usize = 3;

/// Hidden units of a layer, and the number of them that are never active.
struct LayerUnits {
    /// Name of the layer in the model's table.
    name: String,
    units: usize,
    inactive: usize,
}

/// A layer with weights and the last node that belongs to it: its activation, if it has one.
struct HiddenLayer {
    name: String,
    end: usize,
    ranges: Option<UnitRanges>,
}

impl Autoencoder {
    /// A sentence that says how many hidden units output the same value for every image, as a unit
    /// behind a ReLU does whose sum is always negative. A channel is one unit. After Stop too.
    /// `None` for a model without hidden layers, and if the units cannot be measured.
    pub(crate) fn activity(&self, split: &Split) -> Option<String> {
        let layers = self.inactive_units(split).ok()?;
        let units: usize = layers.iter().map(|layer| layer.units).sum();
        (units > 0).then(|| sentence(&layers, units))
    }

    fn inactive_units(&self, split: &Split) -> Result<Vec<LayerUnits>> {
        let (c, h, w) = self.image_shape();
        let mut encoder = hidden_layers(self.encoder_net());
        let mut decoder = hidden_layers(self.decoder_net());
        decoder.pop(); // Its units are the pixels.
        let positions = measured_positions(split.len(), c * h * w);
        if positions.len() < 2 {
            return Ok(Vec::new());
        }
        let largest = [self.encoder_net(), self.decoder_net()].map(largest_shape);
        let copies = if self.forward_state().cpu_ops {
            1
        } else {
            WINDOW
        };
        let values = copies * largest[0].max(largest[1]);
        for positions in positions.chunks(micro_batch(values)) {
            let images = self.image_batch("activity", &split.images(positions)?)?;
            let mut state = self.forward_state();
            let code = measured(self.encoder_net(), &images, &mut state, &mut encoder)?;
            measured(self.decoder_net(), &code, &mut state, &mut decoder)?;
        }
        let ranges = encoder.into_iter().chain(decoder);
        let counted = ranges.filter_map(|HiddenLayer { name, ranges, .. }| {
            let ranges = ranges?;
            Some(ranges.constant().map(|constant| LayerUnits {
                name,
                units: ranges.len(),
                inactive: constant.len(),
            }))
        });
        counted.collect()
    }
}

/// Values of an image between two nodes, at most.
fn largest_shape(list: &Sequential) -> usize {
    let sizes = list.shapes().iter().map(|shape| shape.iter().product());
    sizes.max().unwrap_or(1)
}

/// The layers with weights of a list.
fn hidden_layers(list: &Sequential) -> Vec<HiddenLayer> {
    let mut weighted = list.weighted_nodes();
    // The weights of a discriminator make no units.
    weighted.retain(|&i| !list.nodes()[i].layer.acts_in_training_only());
    let layers = weighted.iter().map(|&i| HiddenLayer {
        name: list.node_name(i),
        end: last_of_layer(list, &weighted, i),
        ranges: None,
    });
    layers.collect()
}

/// The node before the next layer with weights or of another shape. Activations and normalizations
/// keep the shape.
fn last_of_layer(list: &Sequential, weighted: &[usize], i: usize) -> usize {
    let (n, shapes) = (list.nodes().len(), list.shapes());
    let mut behind = i + 1..n;
    let next = behind.find(|j| weighted.contains(j) || shapes[j + 1] != shapes[i + 1]);
    next.unwrap_or(n) - 1
}

/// Runs a list in evaluation mode and widens the ranges of its hidden layers.
fn measured(
    list: &Sequential,
    xs: &Tensor,
    state: &mut ForwardState,
    layers: &mut [HiddenLayer],
) -> Result<Tensor> {
    let mut xs = xs.clone();
    for i in 0..list.nodes().len() {
        xs = list.forward_node(i, &xs, None, state)?.detach();
        for layer in layers.iter_mut().filter(|layer| layer.end == i) {
            layer.ranges = Some(UnitRanges::widened(layer.ranges.take(), &units(&xs)?)?);
        }
    }
    Ok(xs)
}

/// Values of a unit in rows: (b, units) or (b, c, h, w) -> (b*h*w, c).
fn units(xs: &Tensor) -> Result<Tensor> {
    if xs.rank() < 3 {
        return Ok(xs.clone());
    }
    let channels = xs.dim(1)?;
    let pixels = xs.flatten_from(2)?.transpose(1, 2)?; // (b, h*w, c)
    Ok(pixels.reshape(((), channels))?)
}

fn sentence(layers: &[LayerUnits], units: usize) -> String {
    let inactive: usize = layers.iter().map(|layer| layer.inactive).sum();
    if inactive == 0 {
        return "every hidden unit is active".into();
    }
    let verb = if inactive == 1 { "is" } else { "are" };
    let with_inactive = layers.iter().filter(|layer| layer.inactive > 0);
    let mut named: Vec<String> = with_inactive
        .map(|layer| format!("{} of {} in {}", layer.inactive, layer.units, layer.name))
        .collect();
    if named.len() > MAX_NAMED {
        named.truncate(MAX_NAMED);
        named.push("...".into());
    }
    let named = named.join(", ");
    format!("{inactive} of {units} hidden units {verb} never active: {named}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Conv2d, Layer, MaxPool2d};
    use candle_core::Device;

    /// Images of 4 x 4 pixels.
    fn images() -> Split {
        let values: Vec<f32> = (0..160).map(|i| (i % 7) as f32 / 7.0).collect();
        let images = Tensor::from_vec(values, (10, 1, 4, 4), &Device::Cpu).unwrap();
        Split::from_tensor(&images, None).unwrap()
    }

    /// Sets the biases of the first units so low that a ReLU outputs 0, and the others so high that
    /// it does not.
    fn silence(ae: &Autoencoder, name: &str, units: usize) {
        let variables = ae.variables();
        let (_, bias) = variables.iter().find(|(other, _)| other == name).unwrap();
        let mut values = bias.to_vec1::<f32>().unwrap();
        values.fill(10.0);
        values[..units].fill(-100.0);
        let values = Tensor::new(values, &Device::Cpu).unwrap();
        bias.set(&values).unwrap();
    }

    #[test]
    fn silent_units_are_counted_by_layer() {
        let encoder = [
            Layer::Flatten,
            Layer::Linear(6),
            Layer::Relu,
            Layer::Linear(3),
        ];
        let ae = Autoencoder::symmetric((1, 4, 4), &encoder).unwrap();
        let activity = || ae.activity(&images()).unwrap();
        silence(&ae, "encoder.1.bias", 0);
        silence(&ae, "decoder.0.bias", 0);
        silence(&ae, "decoder.2.bias", 16); // Pixels are no hidden units.
        assert_eq!(activity(), "every hidden unit is active");
        silence(&ae, "decoder.0.bias", 1);
        let one = "1 of 15 hidden units is never active: 1 of 6 in decoder.0";
        assert_eq!(activity(), one);
        silence(&ae, "encoder.1.bias", 2);
        let three =
            "3 of 15 hidden units are never active: 2 of 6 in encoder.1, 1 of 6 in decoder.0";
        assert_eq!(activity(), three);
    }

    #[test]
    fn a_channel_is_a_unit_and_pooling_ends_a_layer() {
        let conv = Conv2d(4, 3).padding(1);
        let encoder = [conv, Layer::BatchNorm, Layer::Relu, MaxPool2d(2)];
        let ae = Autoencoder::symmetric((1, 4, 4), &encoder).unwrap();
        silence(&ae, "encoder.1.bias", 3);
        let expected = "3 of 4 hidden units are never active: 3 of 4 in encoder.0";
        assert_eq!(ae.activity(&images()).unwrap(), expected);
    }

    #[test]
    fn at_most_three_layers_are_named() {
        let pair = [Layer::Linear(4), Layer::Relu];
        let encoder = [&[Layer::Flatten], &pair[..], &pair, &pair, &pair].concat();
        let ae = Autoencoder::symmetric((1, 4, 4), &encoder).unwrap();
        silence(&ae, "encoder.1.bias", 4);
        let activity = ae.activity(&images()).unwrap();
        assert!(
            activity.starts_with("28 of 28 hidden units are never active: 4 of 4 in encoder.1, ")
        );
        assert!(activity.ends_with("4 of 4 in encoder.5, ..."), "{activity}");
    }

    #[test]
    fn a_model_without_hidden_units_and_a_single_image_have_no_sentence() {
        let flat = [Layer::Unflatten(1, 4, 4)];
        let ae = Autoencoder::new((1, 4, 4), &[Layer::Flatten], &flat).unwrap();
        assert_eq!(ae.activity(&images()), None);
        let ae = Autoencoder::symmetric((1, 4, 4), &[Layer::Flatten, Layer::Linear(2)]).unwrap();
        assert!(ae.activity(&images()).is_some());
        assert_eq!(ae.activity(&images().take(1)), None);
    }
}
