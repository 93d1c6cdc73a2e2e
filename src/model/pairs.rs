//! Pairs of an encoder's layer with weights and its mirror in the decoder.

use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::model::autoencoder::Autoencoder;
use crate::model::init::Init;
use crate::model::sequential::Sequential;
use candle_core::Var;
use std::ops::Range;

/// A pair: positions in the lists of encoder and decoder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    encoder: Range<usize>,
    decoder: Range<usize>,
}

impl Autoencoder {
    /// Divides the model into pairs, the outermost first.
    ///
    /// # Errors
    /// The decoder does not mirror the encoder.
    pub(crate) fn pairs(&self) -> Result<Vec<Pair>> {
        let (encoder, decoder) = (self.encoder_net(), self.decoder_net());
        let (outer, inner) = (weighted(encoder), weighted(decoder));
        if outer.len() != inner.len() || outer.is_empty() {
            let got = format!("{} and {}", outer.len(), inner.len());
            return Err(unpaired(got));
        }
        let mut pairs = Vec::new();
        let (mut start, mut end) = (0, decoder.layers().len());
        for (i, &layer) in outer.iter().enumerate() {
            let Some(&next) = outer.get(i + 1) else {
                break;
            };
            let border = before_reshapes(encoder, layer, next);
            let shape = shape_before(encoder, border);
            let [earlier, later] = [inner[inner.len() - 2 - i], inner[inner.len() - 1 - i]];
            let mut borders = (earlier + 1..=later).rev();
            let found = borders.find(|&at| shape_before(decoder, at) == shape);
            let Some(found) = found else {
                return Err(unpaired(format!(
                    "none of the shape {shape:?} in the decoder"
                )));
            };
            pairs.push(Pair {
                encoder: start..border,
                decoder: found..end,
            });
            (start, end) = (border, found);
        }
        pairs.push(Pair {
            encoder: start..encoder.layers().len(),
            decoder: 0..end,
        });
        Ok(pairs)
    }

    /// A pair as a model of its own, with copies of its variables. Codes are its vectors.
    pub(crate) fn part(&self, pair: &Pair) -> Result<Autoencoder> {
        let mut encoder = self.encoder()[pair.encoder.clone()].to_vec();
        let mut decoder = self.decoder()[pair.decoder.clone()].to_vec();
        let mut input = self.image_shape();
        if pair.encoder.start > 0 {
            let shape = shape_before(self.encoder_net(), pair.encoder.start);
            input = (1, 1, shape.iter().product());
            let restored = match *shape {
                [c, h, w] => Some(Layer::Unflatten(c, h, w)),
                [steps, features] => Some(Layer::Sequence(steps, features)),
                _ => None,
            };
            if let Some(layer) = restored {
                encoder.insert(0, layer);
                decoder.push(Layer::Flatten);
            }
            encoder.insert(0, Layer::Flatten);
        }
        let init = Init {
            device: self.device().clone(),
            ..Default::default()
        };
        let part = Autoencoder::new_with(input, &encoder, &decoder, &init)?;
        copy(&self.pair_variables(pair), &part.all_variables())?;
        Ok(part)
    }

    /// Copies the variables of a part back.
    pub(crate) fn set_part(&self, pair: &Pair, part: &Autoencoder) -> Result<()> {
        copy(&part.all_variables(), &self.pair_variables(pair))
    }

    fn pair_variables(&self, pair: &Pair) -> Vec<Var> {
        let encoder = variables(self.encoder_net(), &pair.encoder);
        [encoder, variables(self.decoder_net(), &pair.decoder)].concat()
    }

    fn all_variables(&self) -> Vec<Var> {
        self.pair_variables(&Pair {
            encoder: 0..self.encoder().len(),
            decoder: 0..self.decoder().len(),
        })
    }
}

/// Variables and buffers of the layers at these positions.
fn variables(list: &Sequential, positions: &Range<usize>) -> Vec<Var> {
    let nodes = list.nodes().iter().enumerate();
    let inside = nodes.filter(|(_, node)| positions.contains(&node.top));
    let variables =
        inside.flat_map(|(i, _)| list.vars(i).learned.iter().chain(list.vars(i).buffers));
    variables.map(|variable| variable.var.clone()).collect()
}

fn copy(from: &[Var], to: &[Var]) -> Result<()> {
    for (from, to) in from.iter().zip(to) {
        to.set(&from.as_tensor().copy()?)?;
    }
    Ok(())
}

/// Positions of the layers with weights.
fn weighted(list: &Sequential) -> Vec<usize> {
    let nodes = list.weighted_nodes().into_iter().map(|i| &list.nodes()[i]);
    let nodes = nodes.filter(|node| !node.layer.acts_in_training_only());
    let mut tops: Vec<usize> = nodes.map(|node| node.top).collect();
    tops.dedup();
    tops
}

/// Shape of the input of the layer at this position.
fn shape_before(list: &Sequential, position: usize) -> &[usize] {
    let nodes = list.nodes();
    &list.shapes()[nodes.partition_point(|node| node.top < position)]
}

/// Position of the first of the reshaping layers directly before `next`, behind `layer`.
fn before_reshapes(list: &Sequential, layer: usize, next: usize) -> usize {
    let reshapes = |at: usize| {
        matches!(
            list.layers()[at],
            Layer::Flatten | Layer::Unflatten(..) | Layer::Sequence(..)
        )
    };
    let mut border = next;
    while border - 1 > layer && reshapes(border - 1) {
        border -= 1;
    }
    border
}

fn unpaired(got: String) -> Error {
    Error::setting(
        "pretrain",
        "a decoder with a mirror for each encoder layer with weights",
        got,
        "Build the model with Autoencoder::symmetric",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Conv2d, MaxPool2d};

    fn pairs(encoder: &[Layer]) -> Vec<Pair> {
        let ae = Autoencoder::symmetric((1, 8, 8), encoder).unwrap();
        let pairs = ae.pairs().unwrap();
        for pair in &pairs {
            let part = ae.part(pair).unwrap();
            ae.set_part(pair, &part).unwrap();
        }
        pairs
    }

    #[test]
    fn activations_and_poolings_stay_with_their_layer() {
        let dense = [
            Layer::Flatten,
            Layer::Linear(5),
            Layer::Relu,
            Layer::Linear(3),
        ];
        // Linear(5), Relu, Linear(64), Sigmoid, Unflatten(1, 8, 8)
        let pair = |encoder, decoder| Pair { encoder, decoder };
        assert_eq!(pairs(&dense), [pair(0..3, 2..5), pair(3..4, 0..2)]);
        let conv = [
            Conv2d(2, 3).padding(1),
            Layer::Relu,
            MaxPool2d(2),
            Layer::Flatten,
            Layer::Linear(3),
        ];
        // Linear(32), Unflatten(2, 4, 4), MaxUnpool2d(2), Relu, Conv2d(1, 3).padding(1), Sigmoid
        assert_eq!(pairs(&conv), [pair(0..3, 2..6), pair(3..5, 0..2)]);
    }

    #[test]
    fn a_part_has_the_weights_of_the_model() {
        let encoder = [Layer::Flatten, Layer::Linear(5), Layer::Linear(3)];
        let ae = Autoencoder::symmetric((1, 2, 2), &encoder).unwrap();
        let part = ae.part(&ae.pairs().unwrap()[1]).unwrap();
        assert_eq!(part.image_shape(), (1, 1, 5));
        let values = |ae: &Autoencoder, name: &str| {
            let variables = ae.variables().into_iter();
            let mut found = variables.filter(|(other, _)| other == name);
            found.next().unwrap().1.to_vec2::<f32>().unwrap()
        };
        let weight = values(&ae, "encoder.2.weight");
        assert_eq!(values(&part, "encoder.1.weight"), weight);
    }

    #[test]
    fn other_decoders_are_rejected() {
        let decoder = [
            Layer::Linear(7),
            Layer::Linear(4),
            Layer::Unflatten(1, 2, 2),
        ];
        let encoder = [Layer::Flatten, Layer::Linear(3)];
        let ae = Autoencoder::new((1, 2, 2), &encoder, &decoder).unwrap();
        let text = ae.pairs().unwrap_err().to_string();
        assert!(text.contains("got 1 and 2"), "{text}");
    }
}
