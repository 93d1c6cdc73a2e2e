//! A list of layers with their variables, and its forward pass on candle's autograd.

use crate::error::Result;
use crate::layer::{ForwardContext, ForwardState, Layer, LayerVars, Node, nodes, shapes};
use crate::math::Rng;
use crate::model::errors::layer_error;
use crate::model::variables::{
    VarPair, check_weight_count, copy_pairs, initial_running_stats, initial_variables,
};
use crate::plan::Plan;
use candle_core::{Device, Tensor, Var};

/// Layers in order, with their variables. PyTorch: `nn.Sequential`.
///
/// `encoder.1.weight` is the weight of layer 1 of the list "encoder".
#[derive(Debug)]
pub(crate) struct Sequential {
    name: &'static str,
    layers: Vec<Layer>,
    nodes: Vec<Node>,
    /// One shape before the first node and one after each, without the batch dimension.
    shapes: Vec<Vec<usize>>,
    /// The layers as stages of CPU ops.
    plan: Plan,
    /// Weight and bias of each node that has parameters.
    variables: Vec<Option<VarPair>>,
    /// Running mean and variance of each node that normalizes.
    buffers: Vec<Option<VarPair>>,
}

impl Sequential {
    /// Creates the layers with initial weights from `rng`.
    ///
    /// # Errors
    /// A layer does not fit the shape of its input.
    pub(crate) fn new(
        name: &'static str,
        layers: &[Layer],
        input: &[usize],
        rng: &mut Rng,
        device: &Device,
    ) -> Result<Self> {
        let nodes = nodes(layers);
        let shapes =
            shapes(&nodes, input).map_err(|(i, error)| layer_error(name, &nodes[i], error))?;
        for (node, input) in nodes.iter().zip(&shapes) {
            check_weight_count(name, node, input)?;
        }
        let mut variables = Vec::with_capacity(nodes.len());
        let mut buffers = Vec::with_capacity(nodes.len());
        for (Node { layer, .. }, input) in nodes.iter().zip(&shapes) {
            variables.push(initial_variables(layer, input, rng, device)?);
            buffers.push(initial_running_stats(layer, input, device)?);
        }
        Ok(Sequential {
            name,
            layers: layers.to_vec(),
            plan: Plan::new(&nodes, &shapes),
            nodes,
            shapes,
            variables,
            buffers,
        })
    }

    /// Copies layers and variables to a device.
    pub(crate) fn copy(&self, device: &Device) -> Result<Self> {
        Ok(Sequential {
            name: self.name,
            layers: self.layers.clone(),
            nodes: self.nodes.clone(),
            shapes: self.shapes.clone(),
            plan: self.plan.clone(),
            variables: copy_pairs(&self.variables, device)?,
            buffers: copy_pairs(&self.buffers, device)?,
        })
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The flattened layers, in the order in which they run.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One shape before the first node and one after each, without the batch dimension.
    pub(crate) fn shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// Shape of the output, without the batch dimension.
    pub(crate) fn output_shape(&self) -> &[usize] {
        &self.shapes[self.nodes.len()]
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs the layers. `rng` is given in training only: dropout draws from it, and batch
    /// normalization uses the statistics of the batch.
    ///
    /// Max-pooling leaves the positions of its maxima in `state` for unpooling.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    pub(crate) fn forward(
        &self,
        xs: &Tensor,
        mut rng: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<Tensor> {
        let mut xs = xs.clone();
        for i in 0..self.nodes.len() {
            xs = self.forward_node(i, &xs, rng.as_deref_mut(), state)?;
        }
        Ok(xs)
    }

    /// Runs one node.
    pub(crate) fn forward_node(
        &self,
        i: usize,
        xs: &Tensor,
        rng: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<Tensor> {
        for _ in self.nodes.iter().filter(|node| node.skip_source == Some(i)) {
            state.skip_inputs.push(xs.clone());
        }
        let kind = self.nodes[i].layer.kind();
        kind.candle_forward(xs, self.vars(i), &mut ForwardContext { rng, state })
    }

    /// Variables of a node.
    pub(crate) fn vars(&self, i: usize) -> LayerVars<'_> {
        LayerVars {
            learned: self.variables[i].as_ref(),
            running: self.buffers[i].as_ref(),
        }
    }

    /// Weight and bias of a node that has parameters.
    pub(crate) fn weight_and_bias(&self, i: usize) -> Option<&VarPair> {
        self.variables[i].as_ref()
    }

    /// Trainable parameters of a node.
    pub(crate) fn count_params(&self, i: usize) -> usize {
        self.variables[i]
            .as_ref()
            .map_or(0, |(weight, bias)| weight.elem_count() + bias.elem_count())
    }

    /// Weights and biases under their names in a PyTorch state dict, in order.
    pub(crate) fn named_variables(&self) -> Vec<(String, Var)> {
        self.named(&self.variables, ["weight", "bias"])
    }

    /// Running means and variances under their names in a PyTorch state dict, in order.
    pub(crate) fn named_buffers(&self) -> Vec<(String, Var)> {
        self.named(&self.buffers, ["running_mean", "running_var"])
    }

    fn named(&self, pairs: &[Option<VarPair>], suffixes: [&str; 2]) -> Vec<(String, Var)> {
        let mut named = Vec::new();
        for (node, pair) in self.nodes.iter().zip(pairs) {
            let Some((a, b)) = pair else { continue };
            for (suffix, var) in suffixes.iter().zip([a, b]) {
                let name = format!("{}.{}.{suffix}", self.name, node.name);
                named.push((name, var.clone()));
            }
        }
        named
    }
}

#[cfg(test)]
mod tests;
