//! Lists of layers, flattened to the order in which they run, and shape inference over them.

use crate::layer::layer::Layer;
use crate::layer::layer_error::{LayerError, reject, shape};
use crate::math::Interval;

/// Maximum values per image between two layers (4 GB). Larger shapes are typing errors.
pub(crate) const MAX_VALUES: u128 = 1 << 30;

/// A layer in a flattened list. The layers of a residual block precede the node that adds the
/// block's input.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Position in its list, prefixed by the positions of the enclosing blocks: "3", "3.0".
    pub(crate) name: String,
    pub(crate) layer: Layer,
    /// For the end of a residual block: the node whose input is added.
    pub(crate) skip_source: Option<usize>,
    /// Position in the outermost list, of the layer or of the block around it.
    pub(crate) top: usize,
}

/// Flattens a list of layers.
pub(crate) fn nodes(layers: &[Layer]) -> Vec<Node> {
    fn push(layers: &[Layer], prefix: &str, top: Option<usize>, nodes: &mut Vec<Node>) {
        for (i, layer) in layers.iter().enumerate() {
            let name = format!("{prefix}{i}");
            let top = top.unwrap_or(i);
            let mut skip_source = None;
            if let Layer::Residual(block) = layer {
                skip_source = Some(nodes.len());
                push(block, &format!("{name}."), Some(top), nodes);
            }
            nodes.push(Node {
                name,
                layer: layer.clone(),
                skip_source,
                top,
            });
        }
    }
    let mut nodes = Vec::new();
    push(layers, "", None, &mut nodes);
    nodes
}

/// Infers the shapes along a flattened list: one before the first node, and one after each.
///
/// # Errors
/// Index of the first node that does not fit, and the reason.
pub(crate) fn shapes(
    nodes: &[Node],
    input: &[usize],
) -> Result<Vec<Vec<usize>>, (usize, LayerError)> {
    let mut shapes = vec![input.to_vec()];
    for (i, node) in nodes.iter().enumerate() {
        if let Layer::Contractive(_) = node.layer {
            check_contractive(&nodes[..i]).map_err(|error| (i, error))?;
        }
        let output = node_output(node, &shapes).map_err(|error| (i, error))?;
        shapes.push(output);
    }
    Ok(shapes)
}

/// Rejects a place that does not follow a dense layer, with an activation whose derivative is known.
fn check_contractive(before: &[Node]) -> Result<(), LayerError> {
    let mut last = before.iter().rev().map(|node| &node.layer).peekable();
    last.next_if(|layer| matches!(layer, Layer::Sigmoid | Layer::Tanh | Layer::Relu));
    if matches!(last.next(), Some(Layer::Linear(_))) {
        return Ok(());
    }
    let got = before.last().map(|node| node.layer.to_string());
    reject(
        "Linear before it, with Sigmoid, Tanh, Relu or no activation",
        got.unwrap_or("no layer".into()),
        "Write Linear(32), Sigmoid, Contractive(0.1)",
    )
}

/// Output shape of a node, given the shapes up to its input.
fn node_output(node: &Node, shapes: &[Vec<usize>]) -> Result<Vec<usize>, LayerError> {
    let input = &shapes[shapes.len() - 1];
    let output = node.layer.kind().output_shape(input)?;
    if let Some(source) = node.skip_source.filter(|&source| shapes[source] != output) {
        return reject(
            format!("a block with output shape {}", shape(&shapes[source])),
            shape(&output),
            "A 3 x 3 convolution with padding 1 keeps height and width; \
             end the block with as many channels as its input",
        );
    }
    let values: u128 = output.iter().map(|&side| side as u128).product();
    if values > MAX_VALUES {
        return reject(
            format!("at most {MAX_VALUES} values per image"),
            values,
            "Choose a smaller size",
        );
    }
    Ok(output)
}

/// Values that a flattened list can produce in training from inputs in this interval.
pub(crate) fn output_range(nodes: &[Node], input: Interval) -> Interval {
    nodes
        .iter()
        .fold(input, |range, node| node.layer.kind().output_range(range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::builder::Conv2d;
    use crate::layer::pool_builder::{AvgPool2d, MaxPool2d, Upsample};

    #[test]
    fn blocks_are_flattened_before_the_node_that_adds_their_input() {
        let layers = [
            Layer::Flatten,
            Layer::Residual(vec![Layer::Relu, Layer::Residual(vec![Layer::Tanh])]),
        ];
        let nodes = nodes(&layers);
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["0", "1.0", "1.1.0", "1.1", "1"]);
        let sources: Vec<_> = nodes.iter().map(|node| node.skip_source).collect();
        assert_eq!(sources, [None, None, None, Some(2), Some(1)]);
        let tops: Vec<_> = nodes.iter().map(|node| node.top).collect();
        assert_eq!(tops, [0, 1, 1, 1, 1]);
    }

    #[test]
    fn output_ranges_follow_the_last_layers() {
        let range = |layers: &[Layer]| output_range(&nodes(layers), Interval::UNIT);
        let (linear, sigmoid) = (Layer::Linear(4), Layer::Sigmoid);
        assert_eq!(range(std::slice::from_ref(&linear)), Interval::UNBOUNDED);
        assert_eq!(
            range(&[linear.clone(), sigmoid.clone(), Upsample(2)]),
            Interval::UNIT
        );
        assert_eq!(
            range(&[linear.clone(), Layer::Relu]),
            Interval::new(0.0, f64::INFINITY)
        );
        assert_eq!(
            range(&[linear.clone(), Layer::Elu(0.5)]),
            Interval::new(-0.5, f64::INFINITY)
        );
        assert_eq!(
            range(&[sigmoid.clone(), Layer::Dropout(0.5)]),
            Interval::new(0.0, 2.0)
        );
        assert_eq!(
            range(&[sigmoid, Layer::Residual(vec![Layer::Relu])]),
            Interval::UNBOUNDED
        );
        assert_eq!(range(&[AvgPool2d(2), Upsample(2)]), Interval::UNIT);
    }

    #[test]
    fn a_contractive_penalty_follows_a_dense_layer() {
        let of = |layers: &[Layer]| shapes(&nodes(layers), &[4]);
        let (dense, penalty) = (Layer::Linear(3), Layer::Contractive(0.1));
        assert!(of(&[dense.clone(), penalty.clone()]).is_ok());
        assert!(of(&[dense.clone(), Layer::Tanh, penalty.clone()]).is_ok());
        let (i, error) = of(&[dense, Layer::Gelu, penalty.clone()]).unwrap_err();
        assert_eq!((i, error.got.as_str()), (2, "Gelu"));
        assert!(of(&[penalty]).is_err());
    }

    #[test]
    fn shape_inference_names_the_first_node_that_does_not_fit() {
        let layers = [Conv2d(4, 3), MaxPool2d(2), Layer::Linear(3)];
        let nodes = nodes(&layers);
        assert_eq!(shapes(&nodes[..2], &[1, 8, 8]).unwrap()[2], [4, 3, 3]);
        let (i, error) = shapes(&nodes, &[1, 8, 8]).unwrap_err();
        assert_eq!((i, error.got.as_str()), (2, "4 x 3 x 3"));
    }
}
