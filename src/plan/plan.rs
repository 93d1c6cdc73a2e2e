//! Lowering of a list of layers to stages.
//!
//! A layer with weights and the activation and dropout after it are one stage. Layers that only
//! change the shape have no stage.

use crate::layer::{
    Activation, CpuOp, LayerShapes, LowerContext, Lowered, Node, Number, Term, VariableSpec,
    Workspace,
};
use crate::plan::identity::Identity;
use crate::plan::stage::Stage;
use crate::plan::whole_batch::WholeBatchOp;
use std::collections::HashSet;
use std::sync::Arc;

/// Minimum floating-point operations for several threads; below, waking a thread takes longer
/// than the work it saves.
pub(crate) const MIN_PARALLEL_FLOPS: usize = 2_000_000;

/// Stages of a model, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    stages: Vec<Stage>,
    /// Stages before the decoder's first one.
    encoder_stages: usize,
    /// Parameters of all stages.
    parameters: usize,
    /// A layer reads more than its input, so that the plan cannot run.
    unplanned: bool,
    /// Set when the last stage's output is the code or a residual block reads it, so that no
    /// activation or dropout can be fused into that stage.
    sealed: bool,
}

impl Plan {
    /// Lowers a flattened list of layers. `shapes` has one shape before the first node and one
    /// after each.
    pub(crate) fn new(nodes: &[Node], shapes: &[Vec<usize>]) -> Self {
        Self::of_model(nodes, shapes, nodes.len())
    }

    /// Lowers the layers of an encoder, and those of its decoder, which begin at the node `decoder`.
    pub(crate) fn of_model(nodes: &[Node], shapes: &[Vec<usize>], decoder: usize) -> Self {
        let mut plan = Plan::default();
        let mut context = LowerContext::default();
        // For each node: the stage that reads its input.
        let mut reader = Vec::with_capacity(nodes.len());
        let skip_sources: HashSet<usize> =
            nodes.iter().filter_map(|node| node.skip_source).collect();
        for (i, node) in nodes.iter().enumerate() {
            plan.sealed |= skip_sources.contains(&i) || i == decoder;
            if i <= decoder {
                plan.encoder_stages = plan.stages.len();
            }
            reader.push(plan.stages.len());
            let shapes = LayerShapes {
                before: &shapes[i],
                after: &shapes[i + 1],
            };
            context.next = plan.stages.len();
            context.skip_source = node.skip_source.and_then(|i| reader.get(i)).copied();
            let kind = node.layer.kind();
            match kind.lower(shapes, &mut context) {
                Lowered::Nothing => {}
                Lowered::Activation(activation) => plan.push_activation(activation, shapes),
                Lowered::Dropout(p) => plan.push_dropout(p, shapes),
                Lowered::CpuOp(op) => plan.push(op, shapes, &kind.parameters(shapes.before)),
                Lowered::WholeBatch => plan.push_whole_batch(node, shapes),
                Lowered::Unplanned => {
                    plan.unplanned = true;
                    plan.push_whole_batch(node, shapes);
                }
            }
        }
        if decoder >= nodes.len() {
            plan.encoder_stages = plan.stages.len();
        }
        if let Some(last) = plan.stages.last().filter(|last| last.whole_batch.is_some()) {
            // The loss is computed in the shards.
            let shape = [last.outputs];
            let shapes = LayerShapes {
                before: &shape,
                after: &shape,
            };
            plan.push(Arc::new(Identity), shapes, &[]);
        }
        plan
    }

    /// Appends a stage of the whole batch. It is never the first: shards read their images there.
    fn push_whole_batch(&mut self, node: &Node, shapes: LayerShapes<'_>) {
        if self.stages.is_empty() {
            let shapes = LayerShapes {
                after: shapes.before,
                ..shapes
            };
            self.push(Arc::new(Identity), shapes, &[]);
        }
        let op = Arc::new(WholeBatchOp::new(node.layer.clone(), shapes.before));
        self.push(op.clone(), shapes, op.parameters());
        if let Some(last) = self.stages.last_mut() {
            last.whole_batch = Some(op);
        }
    }

    /// Appends a stage.
    fn push(&mut self, op: Arc<dyn CpuOp>, shapes: LayerShapes<'_>, parameters: &[VariableSpec]) {
        let values: usize = parameters.iter().map(VariableSpec::len).sum();
        let biases = parameters.get(1).map_or(0, VariableSpec::len);
        let parameters = self.parameters..self.parameters + values;
        self.parameters = parameters.end;
        self.sealed = false;
        self.stages.push(Stage {
            op,
            whole_batch: None,
            activation: None,
            dropout: None,
            inputs: shapes.before.iter().product(),
            outputs: shapes.after.iter().product(),
            parameters,
            biases,
        });
    }

    /// Fuses an activation into the last stage. Its derivative needs the stage's output, so only
    /// dropout may follow it.
    fn push_activation(&mut self, activation: Arc<dyn Activation>, shapes: LayerShapes<'_>) {
        let full = |last: &Stage| {
            last.activation.is_some() || last.dropout.is_some() || last.whole_batch.is_some()
        };
        if self.sealed || self.stages.last().is_none_or(full) {
            self.push(Arc::new(Identity), shapes, &[]);
        }
        if let Some(last) = self.stages.last_mut() {
            last.activation = Some(activation);
        }
    }

    /// Fuses dropout into the last stage, which can have one dropout.
    fn push_dropout(&mut self, p: f64, shapes: LayerShapes<'_>) {
        let full = |last: &Stage| last.dropout.is_some() || last.whole_batch.is_some();
        if self.sealed || self.stages.last().is_none_or(full) {
            self.push(Arc::new(Identity), shapes, &[]);
        }
        if let Some(last) = self.stages.last_mut() {
            last.dropout = Some(p);
        }
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Number of the encoder's stages. The last one's output is the code.
    pub(crate) fn encoder_stages(&self) -> usize {
        self.encoder_stages
    }

    /// Number of parameters of all stages.
    pub(crate) fn parameters(&self) -> usize {
        self.parameters
    }

    /// True if the model runs by candle only.
    pub(crate) fn is_unplanned(&self) -> bool {
        self.unplanned
    }

    /// True if a layer reads the labels of the images.
    pub(crate) fn reads_labels(&self) -> bool {
        let mut ops = self.stages.iter().filter_map(Stage::whole_batch);
        ops.any(WholeBatchOp::reads_labels)
    }

    /// Stages whose op adds a term to the loss, in order.
    pub(crate) fn term_stages(&self) -> impl Iterator<Item = (usize, Term)> {
        let stages = self.stages.iter().enumerate();
        stages.filter_map(|(i, stage)| Some((i, stage.op.term()?)))
    }

    /// Factor that makes the term of a stage's op a part of the mean loss; 0 without a term.
    pub(crate) fn term_scale(&self, i: usize) -> f64 {
        let values = self.stages.last().map_or(1, |last| last.outputs);
        self.stages[i]
            .op
            .term()
            .map_or(0.0, |term| term.scale(values))
    }

    /// Floating-point operations of one image's forward pass.
    pub(crate) fn flops(&self) -> usize {
        let stage_flops = |stage: &Stage| stage.op.flops().unwrap_or(2 * stage.parameters.len());
        self.stages.iter().map(stage_flops).sum()
    }

    /// Allocates each stage's workspace for `rows` images.
    pub(crate) fn workspaces<T: Number>(&self, rows: usize, training: bool) -> Vec<Workspace<T>> {
        let workspace = |(i, stage): (usize, &Stage)| {
            // The optimizer computes the gradients of dense stages itself.
            let gradients = if training && !stage.op.dense() {
                stage.parameters.len()
            } else {
                0
            };
            Workspace {
                gradients: vec![T::ZERO; gradients],
                ..stage
                    .arithmetic()
                    .workspace(stage.op_shape(i, rows), training)
            }
        };
        self.stages.iter().enumerate().map(workspace).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Layer, nodes, shapes};

    fn plan(layers: &[Layer], input: &[usize]) -> Plan {
        let nodes = nodes(layers);
        Plan::new(&nodes, &shapes(&nodes, input).unwrap())
    }

    #[test]
    fn activation_and_dropout_are_fused_and_reshapes_have_no_stage() {
        let layers = [
            Layer::Flatten,
            Layer::Linear(5),
            Layer::Relu,
            Layer::Dropout(0.5),
            Layer::Tanh,
        ];
        let plan = plan(&layers, &[1, 2, 3]);
        assert_eq!(plan.stages().len(), 2);
        let [linear, tanh] = plan.stages() else {
            unreachable!()
        };
        assert!(linear.activation.is_some() && linear.dropout == Some(0.5));
        assert!(tanh.activation.is_some() && !tanh.has_weights());
        assert_eq!((plan.parameters(), plan.flops()), (35, 70));
    }

    #[test]
    fn activation_is_not_fused_into_a_stage_that_a_residual_block_reads() {
        let block = Layer::Residual(vec![Layer::Relu, Layer::Linear(4)]);
        let plan = plan(&[Layer::Linear(4), block], &[4]);
        let activations: Vec<bool> = plan
            .stages()
            .iter()
            .map(|stage| stage.activation.is_some())
            .collect();
        assert_eq!(activations, [false, true, false, false]);
        assert_eq!(plan.stages()[3].op.skip_source(), Some(1));
    }
}
