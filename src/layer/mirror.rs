//! Decoders that mirror an encoder.

use crate::layer::conv::ConvSettings;
use crate::layer::conv_transpose::ConvTransposeSettings;
use crate::layer::layer::Layer;
use crate::layer::layer_error::{LayerError, reject};
use crate::layer::linear::linear_inputs;
use crate::layer::nodes::Node;

/// Builds the decoder that mirrors an encoder, given the encoder's flattened nodes and their
/// [`shapes`](crate::layer::nodes::shapes).
///
/// Layers that change the shape or have weights are inverted in reverse order. The layers between
/// two of them (activation, normalization, dropout) move between their inverses. Those before the
/// first layer with weights have no mirror: dropout there corrupts the image, and would corrupt the
/// output. Neither has an activation behind the last layer with weights that bounds the code, as in
/// `[Conv2d(8, 3), Softmax, Flatten]`: it would bound it a second time. `last`, if given, follows the last layer with weights: a sigmoid keeps pixels in [0, 1].
/// `[Flatten, Linear(512), Relu, Linear(32)]` becomes
/// `[Linear(512), Relu, Linear(784), Sigmoid, Unflatten(1, 28, 28)]`.
///
/// # Errors
/// Index of the first node that has no mirror, and the reason.
pub(crate) fn mirror(
    encoder: &[Layer],
    nodes: &[Node],
    shapes: &[Vec<usize>],
    last: Option<Layer>,
) -> Result<Vec<Layer>, (usize, LayerError)> {
    for (i, layer) in encoder.iter().enumerate() {
        // A block's own node follows those of its layers.
        let node = nodes.partition_point(|node| node.top <= i) - 1;
        check_mirror(layer).map_err(|error| (node, error))?;
    }
    // Nodes are in the order of the layers they belong to.
    let input_of = |i: usize| &shapes[nodes.partition_point(|node| node.top < i)];
    let inverses: Vec<(usize, Vec<Layer>)> = (0..encoder.len())
        .map(|i| (i, inverses(&encoder[i], input_of(i))))
        .filter(|(_, inverses)| !inverses.is_empty())
        .collect();
    let mut weights = inverses.iter().map(|(i, _)| *i);
    let first_weights = weights.find(|&i| has_weights(&encoder[i]));
    let last_weights = encoder.iter().rposition(has_weights);
    let is_mirrored = |i: &usize| {
        let of_code = Some(*i) > last_weights && bounds_values(&encoder[*i]);
        !of_code && !belongs_to_encoder(&encoder[*i])
    };
    let mut decoder = Vec::new();
    for (nth, (i, inverse)) in inverses.iter().enumerate().rev() {
        decoder.extend_from_slice(inverse);
        // The layers before layer i in the encoder follow its inverse.
        if first_weights.is_some_and(|first| first < *i) {
            let between = inverses[nth - 1].0 + 1..*i;
            decoder.extend(between.filter(is_mirrored).map(|i| encoder[i].clone()));
        }
        if Some(*i) == first_weights {
            decoder.extend(last.clone());
        }
    }
    Ok(decoder)
}

/// Rejects a layer that no layer inverts.
fn check_mirror(layer: &Layer) -> Result<(), LayerError> {
    let transposed = match layer {
        Layer::ConvTranspose2d(transposed) => transposed,
        Layer::Repeat(_)
        | Layer::Module(_)
        | Layer::TiedLinear(..)
        | Layer::Save(_)
        | Layer::Concat(..) => {
            return reject(
                "layers that can be mirrored",
                layer,
                "Pass a decoder to Autoencoder::new",
            );
        }
        _ => return Ok(()),
    };
    let ((rows, columns), stride) = (transposed.output_padding, transposed.conv.stride);
    if rows.max(columns) < stride {
        return Ok(());
    }
    reject(
        format!("output_padding below the stride, {stride}, which a convolution can undo"),
        rows.max(columns),
        "Only then can it be mirrored: choose less, or pass a decoder to Autoencoder::new",
    )
}

/// True for layers that corrupt the input or draw the code.
fn belongs_to_encoder(layer: &Layer) -> bool {
    matches!(
        layer,
        Layer::GaussianNoise(_)
            | Layer::MaskingNoise(_)
            | Layer::SaltAndPepperNoise(_)
            | Layer::Gaussian(_)
            | Layer::Gumbel(_)
            | Layer::Fsq(_)
            | Layer::TopK(_)
            | Layer::BatchTopK(_)
            | Layer::AuxK(_)
            | Layer::L1(_)
            | Layer::L2(_)
            | Layer::KlSparsity(..)
            | Layer::WinnerTakeAll(_)
            | Layer::Mmd(_)
            | Layer::Adversarial(..)
            | Layer::VectorQuantize(_)
            | Layer::MaskSteps(_)
            | Layer::Contractive(_)
    )
}

/// True for activations whose output has two bounds, and changes when they are applied again.
fn bounds_values(layer: &Layer) -> bool {
    matches!(layer, Layer::Sigmoid | Layer::Tanh | Layer::Softmax)
}

fn has_weights(layer: &Layer) -> bool {
    matches!(
        layer,
        Layer::Linear(_)
            | Layer::UnitNormLinear(_)
            | Layer::Conv2d(_)
            | Layer::ConvTranspose2d(_)
            | Layer::Residual(_)
            | Layer::Lstm(_)
            | Layer::LstmSteps(_)
            | Layer::Attention(_)
    )
}

/// The layers that restore the input shape.
fn inverses(layer: &Layer, input: &[usize]) -> Vec<Layer> {
    match (layer, input) {
        (&Layer::Lstm(units), &[steps, features]) => vec![
            Layer::Repeat(steps),
            Layer::LstmSteps(units),
            Layer::Linear(features),
        ],
        (&Layer::LstmSteps(units), &[_, features]) => {
            vec![Layer::LstmSteps(units), Layer::Linear(features)]
        }
        _ => inverse(layer, input).into_iter().collect(),
    }
}

/// The layer that restores the input shape, or `None` if a layer has neither shape change nor
/// weights.
fn inverse(layer: &Layer, input: &[usize]) -> Option<Layer> {
    match *layer {
        Layer::Flatten => match *input {
            [c, h, w] => Some(Layer::Unflatten(c, h, w)),
            [steps, features] => Some(Layer::Sequence(steps, features)),
            _ => None,
        },
        Layer::Unflatten(..) => Some(Layer::Flatten),
        Layer::Linear(_) | Layer::UnitNormLinear(_) => Some(Layer::Linear(linear_inputs(input))),
        Layer::Patches(height, width) => match *input {
            [c, h, w] => Some(Layer::Unpatches(height, width, (c, h, w))),
            _ => None,
        },
        Layer::Unpatches(height, width, _) => Some(Layer::Patches(height, width)),
        Layer::Sequence(..) => Some(Layer::Flatten),
        Layer::Conv2d(conv) => Some(inverse_conv(conv, input)),
        Layer::ConvTranspose2d(transposed) => Some(Layer::Conv2d(ConvSettings {
            out_channels: input[0],
            ..transposed.conv
        })),
        Layer::MaxPool2d(pool) => Some(Layer::MaxUnpool2d(pool.inverse(input))),
        Layer::MaxUnpool2d(unpool) => Some(Layer::MaxPool2d(unpool.inverse())),
        Layer::AvgPool2d(pool) => Some(Layer::Upsample(pool.inverse(input))),
        Layer::Upsample(upsample) => Some(Layer::AvgPool2d(upsample.inverse())),
        Layer::Residual(_) | Layer::Attention(_) => Some(layer.clone()),
        Layer::BatchNorm
        | Layer::LayerNorm
        | Layer::GroupNorm(_)
        | Layer::Relu
        | Layer::LeakyRelu(_)
        | Layer::Elu(_)
        | Layer::Gelu
        | Layer::Silu
        | Layer::Softplus
        | Layer::Sigmoid
        | Layer::Tanh
        | Layer::Softmax
        | Layer::Clamp(..)
        | Layer::Dropout(_)
        | Layer::SpatialDropout(_)
        | Layer::GaussianNoise(_)
        | Layer::MaskingNoise(_)
        | Layer::SaltAndPepperNoise(_)
        | Layer::Gaussian(_)
        | Layer::Gumbel(_)
        | Layer::Fsq(_)
        | Layer::TopK(_)
        | Layer::BatchTopK(_)
        | Layer::AuxK(_)
        | Layer::L1(_)
        | Layer::L2(_)
        | Layer::KlSparsity(..)
        | Layer::WinnerTakeAll(_)
        | Layer::Mmd(_)
        | Layer::Adversarial(..)
        | Layer::VectorQuantize(_)
        | Layer::Condition(_)
        | Layer::Repeat(_)
        | Layer::Lstm(_)
        | Layer::LstmSteps(_)
        | Layer::Positions
        | Layer::MaskSteps(_)
        | Layer::Contractive(_)
        | Layer::TiedLinear(..)
        | Layer::Save(_)
        | Layer::Concat(..)
        | Layer::Module(_)
        | Layer::UnsupportedSetting(_) => None,
    }
}

/// A convolution if the stride is 1, else a transposed convolution.
fn inverse_conv(conv: ConvSettings, input: &[usize]) -> Layer {
    let reach = conv.reach();
    let inverse = ConvSettings {
        out_channels: input[0],
        ..conv
    };
    if conv.stride == 1 && conv.padding <= reach {
        return Layer::Conv2d(ConvSettings {
            padding: reach - conv.padding,
            ..inverse
        });
    }
    Layer::ConvTranspose2d(ConvTransposeSettings {
        conv: inverse,
        output_padding: (conv.skipped(input[1]), conv.skipped(input[2])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::builder::{Conv2d, ConvTranspose2d};
    use crate::layer::nodes::{nodes, shapes};

    fn mirrored(encoder: &[Layer], input: &[usize]) -> Vec<Layer> {
        let nodes = nodes(encoder);
        let shapes = shapes(&nodes, input).unwrap();
        mirror(encoder, &nodes, &shapes, Some(Layer::Sigmoid)).unwrap()
    }

    #[test]
    fn layers_before_the_first_weights_have_no_mirror() {
        let decoder = [Layer::Linear(4), Layer::Sigmoid, Layer::Unflatten(1, 2, 2)];
        let dropout = Layer::Dropout(0.3);
        let front = [dropout.clone(), Layer::Flatten, Layer::Linear(3)];
        assert_eq!(mirrored(&front, &[1, 2, 2]), decoder);
        let between = [Layer::Flatten, dropout.clone(), Layer::Linear(3)];
        assert_eq!(mirrored(&between, &[1, 2, 2]), decoder);
        let normalized = [
            Layer::BatchNorm,
            Layer::Flatten,
            Layer::Relu,
            Layer::Linear(3),
        ];
        assert_eq!(mirrored(&normalized, &[1, 2, 2]), decoder);
        let deep = [Layer::Flatten, Layer::Linear(5), dropout, Layer::Linear(3)];
        let inner = [Layer::Linear(5), Layer::Dropout(0.3), Layer::Linear(4)];
        assert_eq!(mirrored(&deep, &[1, 2, 2])[..3], inner);
    }

    #[test]
    fn activations_that_bound_the_code_have_no_mirror() {
        for activation in [Layer::Softmax, Layer::Sigmoid, Layer::Tanh] {
            let dense = [Layer::Flatten, Layer::Linear(3), activation.clone()];
            assert_eq!(
                mirrored(&dense, &[1, 2, 2]),
                [Layer::Linear(4), Layer::Sigmoid, Layer::Unflatten(1, 2, 2)]
            );
            let conv = Conv2d(8, 3).padding(1);
            let channels = [conv, activation.clone(), Layer::Flatten];
            let back = [
                Layer::Unflatten(8, 4, 4),
                Conv2d(3, 3).padding(1),
                Layer::Sigmoid,
            ];
            assert_eq!(mirrored(&channels, &[3, 4, 4]), back);
            let hidden = [
                Layer::Linear(5),
                activation.clone(),
                Layer::Linear(3),
                Layer::Relu,
            ];
            assert_eq!(
                mirrored(&hidden, &[4])[..2],
                [Layer::Linear(5), activation.clone()]
            );
        }
    }

    #[test]
    fn dense_layers_are_inverted_in_reverse_order() {
        let encoder = [
            Layer::Flatten,
            Layer::Linear(512),
            Layer::Relu,
            Layer::Linear(32),
        ];
        let decoder = [
            Layer::Linear(512),
            Layer::Relu,
            Layer::Linear(784),
            Layer::Sigmoid,
            Layer::Unflatten(1, 28, 28),
        ];
        assert_eq!(mirrored(&encoder, &[1, 28, 28]), decoder);
    }

    #[test]
    fn strided_convolutions_become_transposed_convolutions() {
        let strided = Conv2d(8, 3).stride(2).padding(1);
        let transposed = ConvTranspose2d(3, 3).stride(2).padding(1);
        assert_eq!(
            mirrored(std::slice::from_ref(&strided), &[3, 16, 16]),
            [transposed.clone().output_padding(1), Layer::Sigmoid]
        );
        assert_eq!(
            mirrored(&[strided], &[3, 15, 15]),
            [transposed, Layer::Sigmoid]
        );
    }
}
