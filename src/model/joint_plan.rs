//! Encoder and decoder as one plan.

use crate::layer::Node;
use crate::model::sequential::Sequential;
use crate::plan::Plan;

/// Joins encoder and decoder to one plan.
pub(crate) fn joint_plan(encoder: &Sequential, decoder: &Sequential) -> Plan {
    let offset = encoder.nodes().len();
    let shifted = decoder.nodes().iter().cloned().map(|node| Node {
        skip_source: node.skip_source.map(|i| i + offset),
        ..node
    });
    let nodes: Vec<Node> = encoder.nodes().iter().cloned().chain(shifted).collect();
    // The decoder's input shape is the encoder's output shape.
    let shapes = [encoder.shapes(), &decoder.shapes()[1..]].concat();
    Plan::of_model(&nodes, &shapes, offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;
    use crate::model::init::Init;

    #[test]
    fn the_decoder_reads_the_code() {
        let init = Init::default();
        let list = |name, units, inputs| {
            Sequential::new(name, &[Layer::Linear(units)], &[inputs], &init).unwrap()
        };
        let plan = joint_plan(&list("encoder", 3, 8), &list("decoder", 8, 3));
        assert_eq!((plan.stages().len(), plan.encoder_stages()), (2, 1));
        assert_eq!((plan.stages()[1].inputs, plan.stages()[1].outputs), (3, 8));
    }
}
