//! A list of layers with their variables, and its forward pass on candle's autograd.

use crate::cpu_values::keeps_gradient_graphs;
use crate::error::Result;
use crate::layer::{
    FirstValues, ForwardState, Layer, LayerError, LayerVars, Node, Variable, nodes, shapes,
};
use crate::math::Rng;
use crate::model::errors::layer_error;
use crate::model::init::Init;
use crate::model::variables::{InitialVariables, check_weight_count, copy_variables};
use crate::plan::Plan;
use candle_core::{Device, Tensor, Var};

/// State before the first layer of a forward pass by a plan's layers.
pub(crate) fn forward_state(plan: &Plan, device: &Device) -> ForwardState {
    ForwardState {
        // A layer without a plan may read what candle's operations leave.
        cpu_ops: device.is_cpu() && !plan.is_unplanned() && !keeps_gradient_graphs(),
        ..Default::default()
    }
}

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
    /// Variables of each node that the optimizer trains.
    variables: Vec<Vec<Variable>>,
    /// Variables of each node that are measured in training.
    buffers: Vec<Vec<Variable>>,
    /// For each node that is tied to the encoder: the encoder's weights.
    tied: Vec<Option<Var>>,
}

impl Sequential {
    /// Creates the layers with initial weights.
    ///
    /// # Errors
    /// A layer does not fit the shape of its input.
    pub(crate) fn new(
        name: &'static str,
        layers: &[Layer],
        input: &[usize],
        init: &Init,
    ) -> Result<Self> {
        let nodes = nodes(layers);
        let shapes =
            shapes(&nodes, input).map_err(|(i, error)| layer_error(name, &nodes[i], error))?;
        for (node, input) in nodes.iter().zip(&shapes) {
            check_weight_count(name, node, input)?;
        }
        let mut variables = Vec::with_capacity(nodes.len());
        let mut buffers = Vec::with_capacity(nodes.len());
        let mut initial = InitialVariables::new(name, init);
        for (node, input) in nodes.iter().zip(&shapes) {
            let kind = node.layer.kind();
            variables.push(initial.next(node, kind.parameters(input))?);
            buffers.push(initial.next(node, kind.buffers(input))?);
        }
        let list = Sequential {
            name,
            layers: layers.to_vec(),
            plan: Plan::new(&nodes, &shapes),
            tied: vec![None; nodes.len()],
            nodes,
            shapes,
            variables,
            buffers,
        };
        list.constrain()?;
        Ok(list)
    }

    /// Restores the constraints of the layers' parameters.
    pub(crate) fn constrain(&self) -> Result<()> {
        let mut nodes = self.nodes.iter().enumerate();
        nodes.try_for_each(|(i, node)| node.layer.kind().constrain(self.vars(i)))
    }

    /// Ties the layers that say so to the weights of the encoder.
    ///
    /// # Errors
    /// The encoder has no dense layer there, or one of another shape.
    pub(crate) fn tie(&mut self, encoder: &Sequential) -> Result<()> {
        for (i, node) in self.nodes.iter().enumerate() {
            let Layer::TiedLinear(outputs, layer) = node.layer else {
                continue;
            };
            let shape = [self.shapes[i][0], outputs];
            let weight = encoder.dense_weight(layer);
            let found = weight.map_or("no dense layer".into(), |var| format!("{:?}", var.dims()));
            self.tied[i] = weight.filter(|var| var.dims() == shape).cloned();
            if self.tied[i].is_none() {
                let error = LayerError {
                    expected: format!("an encoder layer {layer} with weights {shape:?}"),
                    got: found,
                    hint: "Count from 0: in [Flatten, Linear(32)], Linear is layer 1".into(),
                };
                return Err(layer_error(self.name, node, error));
            }
        }
        Ok(())
    }

    /// Weights of the dense layer at this position of the list.
    fn dense_weight(&self, layer: usize) -> Option<&Var> {
        let name = layer.to_string();
        let i = self.nodes.iter().position(|node| node.name == name)?;
        let dense = matches!(
            self.nodes[i].layer,
            Layer::Linear(_) | Layer::UnitNormLinear(_)
        );
        dense.then(|| self.weight_and_bias(i).map(|(weight, _)| weight))?
    }

    /// Names of the tied weights in a PyTorch state dict, with the encoder's weights.
    pub(crate) fn named_tied(&self) -> Vec<(String, Var)> {
        let tied = self.tied.iter().enumerate();
        let named = tied
            .filter_map(|(i, var)| Some((format!("{}.weight", self.node_name(i)), var.clone()?)));
        named.collect()
    }

    /// Copies layers and variables to a device. Tied weights are tied again by [`Sequential::tie`].
    pub(crate) fn copy(&self, device: &Device) -> Result<Self> {
        Ok(Sequential {
            name: self.name,
            layers: self.layers.clone(),
            nodes: self.nodes.clone(),
            shapes: self.shapes.clone(),
            plan: self.plan.clone(),
            tied: vec![None; self.nodes.len()],
            variables: copy_variables(&self.variables, device)?,
            buffers: copy_variables(&self.buffers, device)?,
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
        let mut nodes = 0..self.nodes.len();
        while !nodes.is_empty() {
            let (ys, ran) = self.forward_nodes(nodes.clone(), &xs, rng.as_deref_mut(), state)?;
            xs = ys;
            nodes.start += ran;
        }
        Ok(xs)
    }

    /// Variables of a node.
    pub(crate) fn vars(&self, i: usize) -> LayerVars<'_> {
        LayerVars {
            learned: &self.variables[i],
            buffers: &self.buffers[i],
            tied: self.tied[i].as_ref(),
        }
    }

    /// Any variable; `None` if no layer has one.
    pub(crate) fn first_variable(&self) -> Option<&Var> {
        let first = self.variables.iter().flatten().next()?;
        Some(&first.var)
    }

    /// Weight and bias of a node that has these two.
    pub(crate) fn weight_and_bias(&self, i: usize) -> Option<(&Var, &Var)> {
        match self.variables[i].as_slice() {
            [weight, bias] => Some((&weight.var, &bias.var)),
            _ => None,
        }
    }

    /// Buffers of each node that has some.
    pub(crate) fn buffers_by_layer(&self) -> Vec<Vec<Variable>> {
        let lists = self.buffers.iter().filter(|buffers| !buffers.is_empty());
        lists.cloned().collect()
    }

    /// Trainable parameters of a node.
    pub(crate) fn count_params(&self, i: usize) -> usize {
        let variables = self.variables[i].iter();
        variables.map(|variable| variable.var.elem_count()).sum()
    }

    /// Name of a node in the model's table, such as `encoder.1`.
    pub(crate) fn node_name(&self, i: usize) -> String {
        format!("{}.{}", self.name, self.nodes[i].name)
    }

    /// Nodes whose first weights are those of the model's scheme, in order.
    pub(crate) fn weighted_nodes(&self) -> Vec<usize> {
        let has_weight = |i: &usize| {
            let specs = self.nodes[*i].layer.kind().parameters(&self.shapes[*i]);
            let mut values = specs.iter().map(|spec| spec.first_values);
            values.any(|values| values == FirstValues::Weight)
        };
        (0..self.nodes.len()).filter(has_weight).collect()
    }

    /// Names of the [`Sequential::weighted_nodes`].
    pub(crate) fn weighted_names(&self) -> Vec<String> {
        let nodes = self.weighted_nodes().into_iter();
        nodes.map(|i| self.node_name(i)).collect()
    }

    /// Trained variables under their names in a PyTorch state dict, in order.
    pub(crate) fn named_variables(&self) -> Vec<(String, Var)> {
        self.named(&self.variables)
    }

    /// Buffers under their names in a PyTorch state dict, in order.
    pub(crate) fn named_buffers(&self) -> Vec<(String, Var)> {
        self.named(&self.buffers)
    }

    fn named(&self, lists: &[Vec<Variable>]) -> Vec<(String, Var)> {
        let mut named = Vec::new();
        for (i, variables) in lists.iter().enumerate() {
            for Variable { name, var } in variables {
                named.push((format!("{}.{name}", self.node_name(i)), var.clone()));
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_the_names_of_a_pytorch_state_dict() {
        let layers = [Layer::Flatten, Layer::Linear(3), Layer::BatchNorm];
        let list = Sequential::new("encoder", &layers, &[1, 2, 2], &Init::default()).unwrap();
        let names = |named: Vec<(String, Var)>| -> Vec<String> {
            named.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(
            names(list.named_variables()),
            [
                "encoder.1.weight",
                "encoder.1.bias",
                "encoder.2.weight",
                "encoder.2.bias"
            ]
        );
        assert_eq!(
            names(list.named_buffers()),
            ["encoder.2.running_mean", "encoder.2.running_var"]
        );
        assert_eq!(list.weighted_names(), ["encoder.1"]);
        assert_eq!((list.count_params(1), list.output_shape()), (15, &[3][..]));
    }
}
