//! A list of layers with their variables, and its forward pass on candle's autograd.

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
        for i in 0..self.nodes.len() {
            xs = self.forward_node(i, &xs, rng.as_deref_mut(), state)?;
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
    use crate::layer::{AvgPool2d, Conv2d, ConvTranspose2d, MaxPool2d, MaxUnpool2d, Upsample};
    use crate::math::Purpose;
    use candle_core::DType;

    fn values(tensor: &Tensor) -> Vec<f64> {
        tensor
            .flatten_all()
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap()
            .to_vec1()
            .unwrap()
    }

    /// Sum of the outputs times fixed numbers, in f64, in training mode.
    fn weighted_sum(list: &Sequential, input: &Tensor) -> Tensor {
        let mut state = ForwardState::default();
        let out = list
            .forward(input, Some(&mut Rng::new(4, Purpose::Dropout)), &mut state)
            .unwrap();
        let n = out.elem_count();
        let fixed: Vec<f64> = (0..n).map(|i| (1.7 * i as f64).sin()).collect();
        let fixed = Tensor::from_vec(fixed, out.shape(), &Device::Cpu).unwrap();
        (out * fixed).unwrap().sum_all().unwrap()
    }

    /// Lists of layers that together have every kind of layer, for images of 4 x 4 x 4.
    fn lists() -> Vec<Vec<Layer>> {
        let conv = Conv2d(4, 3).padding(1);
        let up = ConvTranspose2d(2, 3).stride(2).padding(1).output_padding(1);
        vec![
            vec![Layer::Flatten, Layer::Linear(3), Layer::BatchNorm],
            vec![conv.clone().stride(2).dilation(2).groups(2)],
            vec![up.clone().groups(2)],
            vec![up.output_padding_hw(0, 1), conv.clone().stride(2)],
            vec![ConvTranspose2d(3, 2).dilation(2).output_padding_hw(1, 0)],
            vec![MaxPool2d(2), Layer::Tanh, MaxUnpool2d(2)],
            vec![MaxUnpool2d(2)],
            vec![MaxPool2d(3).ceil_mode(), MaxUnpool2d(3).output_size(4, 4)],
            vec![AvgPool2d(3).ceil_mode(), Upsample(3).output_size(5, 4)],
            vec![AvgPool2d(2), Layer::Sigmoid, Upsample(3)],
            vec![Layer::Softplus],
            vec![Layer::BatchNorm, Layer::Gelu, Layer::Dropout(0.3)],
            vec![Layer::LayerNorm, Layer::Silu, Layer::SpatialDropout(0.5)],
            vec![Layer::GroupNorm(2), Layer::Softmax],
            vec![Layer::Flatten, Layer::GroupNorm(4), Layer::Softmax],
            vec![Layer::LeakyRelu(0.2), Layer::Elu(0.7), Layer::Relu],
            vec![Layer::Residual(vec![
                conv,
                Layer::Residual(vec![Layer::Tanh]),
                Layer::BatchNorm,
            ])],
        ]
    }

    /// Builds a list of layers with weights and biases other than the initial ones and zeros.
    fn list(layers: &[Layer]) -> Sequential {
        let list = Sequential::new("list", layers, &[4, 4, 4], &Init::default()).unwrap();
        for (k, (_, var)) in list.named_variables().iter().enumerate() {
            let values: Vec<f32> = (0..var.elem_count())
                .map(|i| (0.9 * (i + k) as f32).cos() * 0.7)
                .collect();
            let tensor = Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap();
            var.set(&tensor).unwrap();
        }
        list
    }

    /// A value of a variable and the weighted sum there.
    struct Sample {
        x: f64,
        sum: f64,
    }

    /// Computes the weighted sum with value `i` of `var` moved by `step` from its value in `point`.
    fn sample(
        list: &Sequential,
        input: &Var,
        var: &Var,
        point: &[f64],
        i: usize,
        step: f64,
    ) -> Sample {
        let mut near = point.to_vec();
        near[i] += step;
        let near = Tensor::from_vec(near, var.shape(), &Device::Cpu).unwrap();
        var.set(&near.to_dtype(var.dtype()).unwrap()).unwrap();
        Sample {
            // Rounded to the variable's type.
            x: values(var)[i],
            sum: weighted_sum(list, input).to_scalar::<f64>().unwrap(),
        }
    }

    #[test]
    fn gradients_match_finite_differences() {
        for layers in lists() {
            let list = list(&layers);
            let start: Vec<f64> = (0..2 * 64).map(|i| (0.37 * (i * i) as f64).sin()).collect();
            let input = Var::from_vec(start, (2, 4, 4, 4), &Device::Cpu).unwrap();
            let gradients = weighted_sum(&list, &input).backward().unwrap();
            let named = list.named_variables().into_iter();
            let mut vars: Vec<Var> = named.map(|(_, var)| var).collect();
            vars.push(input.clone());
            for var in vars {
                let gradient = values(gradients.get(&var).unwrap());
                let point = values(&var);
                for i in (0..point.len()).step_by(point.len().div_ceil(12)) {
                    let low = sample(&list, &input, &var, &point, i, -1e-4);
                    let high = sample(&list, &input, &var, &point, i, 1e-4);
                    sample(&list, &input, &var, &point, i, 0.0);
                    let slope = (high.sum - low.sum) / (high.x - low.x);
                    // Weights and their gradients are f32.
                    let tolerance = 2e-5 * gradient[i].abs().max(1.0);
                    assert!(
                        (slope - gradient[i]).abs() < tolerance,
                        "{layers:?}: {} instead of {slope}",
                        gradient[i]
                    );
                }
            }
        }
    }
}
