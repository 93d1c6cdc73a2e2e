//! A list of layers brought to life: variables, and the forward pass on candle's autograd.

use crate::error::{Error, Result};
use crate::layer::{
    ForwardContext, ForwardState, Layer, LayerError, LayerVars, Node, ParameterShapes, nodes,
    shapes,
};
use crate::math::{Rng, scale_and_shift};
use crate::plan::{Plan, StageParams};
use candle_core::{DType, Device, Layout, Storage, Tensor, Var};

/// Layers with their variables. `encoder.1.weight` is the weight of the layer at position 1 of the chain "encoder".
#[derive(Debug)]
pub(crate) struct Sequential {
    name: &'static str,
    layers: Vec<Layer>,
    nodes: Vec<Node>,
    /// One shape before the first step and one after each, without the batch.
    shapes: Vec<Vec<usize>>,
    /// How the processor runs the layers.
    plan: Plan,
    /// For each step, if it learns: weight and bias.
    variables: Vec<Option<(Var, Var)>>,
    /// For each step, if it normalizes: running mean and variance.
    buffers: Vec<Option<(Var, Var)>>,
}

impl Sequential {
    /// Variables drawn from `rng` for these layers.
    ///
    /// # Errors
    /// The first layer that does not fit.
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
            let count = weights(&node.layer, input);
            if count > MOST_WEIGHTS {
                let error = LayerError {
                    expected: format!("at most {MOST_WEIGHTS} weights"),
                    got: count.to_string(),
                    hint: "Choose a smaller size".into(),
                };
                return Err(layer_error(name, node, error));
            }
        }
        let of = |(node, input): (&Node, &Vec<usize>)| variables(&node.layer, input, rng, device);
        let variables = nodes.iter().zip(&shapes).map(of).collect::<Result<_>>()?;
        let running = |(node, input): (&Node, &Vec<usize>)| -> Result<Option<(Var, Var)>> {
            let both = || {
                Ok((
                    Var::zeros(input[0], DType::F32, device)?,
                    Var::ones(input[0], DType::F32, device)?,
                ))
            };
            node.layer.kind().has_running_stats().then(both).transpose()
        };
        let buffers = nodes
            .iter()
            .zip(&shapes)
            .map(running)
            .collect::<Result<_>>()?;
        let plan = Plan::new(&nodes, &shapes);
        Ok(Sequential {
            name,
            layers: layers.to_vec(),
            nodes,
            plan,
            shapes,
            variables,
            buffers,
        })
    }

    /// The same chain with variables of its own, on a device: candle's `clone` would share the storage, and training the
    /// copy would train the original.
    pub(crate) fn copy(&self, device: &Device) -> Result<Self> {
        let copy = |var: &Var| -> Result<Var> {
            let own = if var.device().same_device(device) {
                var.as_tensor().copy()?
            } else {
                var.to_device(device)?
            };
            Ok(Var::from_tensor(&own)?)
        };
        let copies = |pairs: &[Option<(Var, Var)>]| -> Result<Vec<Option<(Var, Var)>>> {
            let pair = |pair: &Option<(Var, Var)>| {
                pair.as_ref()
                    .map(|(a, b)| Ok((copy(a)?, copy(b)?)))
                    .transpose()
            };
            pairs.iter().map(pair).collect()
        };
        Ok(Sequential {
            name: self.name,
            layers: self.layers.clone(),
            nodes: self.nodes.clone(),
            shapes: self.shapes.clone(),
            plan: self.plan.clone(),
            variables: copies(&self.variables)?,
            buffers: copies(&self.buffers)?,
        })
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layers in the order in which they run.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// The shape that comes out, without the batch.
    pub(crate) fn output(&self) -> &[usize] {
        // There is always the shape before the first layer.
        &self.shapes[self.nodes.len()]
    }

    /// Runs the layers. Dropout happens, and normalizations measure, where a generator is given: in training.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    ///
    /// Pooling leaves behind where its maxima were, and unpooling takes it from there.
    pub(crate) fn forward(
        &self,
        xs: &Tensor,
        mut dropout: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<Tensor> {
        let mut xs = xs.clone();
        for i in 0..self.nodes.len() {
            xs = self.node(i, &xs, dropout.as_deref_mut(), state)?;
        }
        Ok(xs)
    }

    /// Runs the layers in evaluation mode, without gradients: by the plan where there is one, on the CPU.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    pub(crate) fn infer(&self, xs: &Tensor) -> Result<Tensor> {
        match infer(&self.plan, &[self], xs)? {
            Some(out) => Ok(out),
            None => Ok(self
                .forward(xs, None, &mut ForwardState::default())?
                .detach()),
        }
    }

    /// Runs one step.
    pub(crate) fn node(
        &self,
        i: usize,
        xs: &Tensor,
        rng: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<Tensor> {
        for _ in self.nodes.iter().filter(|node| node.skip_source == Some(i)) {
            state.skip_inputs.push(xs.clone());
        }
        let own = LayerVars {
            learned: self.variables[i].as_ref(),
            running: self.buffers[i].as_ref(),
        };
        self.nodes[i]
            .layer
            .kind()
            .candle_forward(xs, own, &mut ForwardContext { rng, state })
    }

    /// Every variable that is learned, under its name in a PyTorch state dict, in order.
    pub(crate) fn named_variables(&self) -> Vec<(String, Var)> {
        self.named(&self.variables, ["weight", "bias"])
    }

    /// Every running mean and variance, under its name in a PyTorch state dict, in order.
    pub(crate) fn named_buffers(&self) -> Vec<(String, Var)> {
        self.named(&self.buffers, ["running_mean", "running_var"])
    }

    fn named(
        &self,
        pairs: &[Option<(Var, Var)>],
        [first, second]: [&str; 2],
    ) -> Vec<(String, Var)> {
        let mut named = Vec::new();
        for (node, (a, b)) in self
            .nodes
            .iter()
            .zip(pairs)
            .filter_map(|(node, pair)| Some((node, pair.as_ref()?)))
        {
            let name = |what: &str| format!("{}.{}.{what}", self.name, node.name);
            named.extend([(name(first), a.clone()), (name(second), b.clone())]);
        }
        named
    }

    /// The weight and bias of a step, if it learns.
    pub(crate) fn weights_of(&self, i: usize) -> Option<&(Var, Var)> {
        self.variables[i].as_ref()
    }

    /// How many numbers a step learns.
    pub(crate) fn parameters(&self, i: usize) -> usize {
        self.variables[i]
            .as_ref()
            .map_or(0, |(weight, bias)| weight.elem_count() + bias.elem_count())
    }
}

/// Runs chains one after the other by the plan of all their layers; none where weights or pictures are
/// not as plans need them: elsewhere than on the CPU.
pub(crate) fn infer(plan: &Plan, chains: &[&Sequential], xs: &Tensor) -> Result<Option<Tensor>> {
    let (Device::Cpu, DType::F32, Some(last)) = (xs.device(), xs.dtype(), chains.last()) else {
        return Ok(None);
    };
    let xs = xs.contiguous()?;
    let all = chains
        .iter()
        .flat_map(|chain| chain.variables.iter().zip(&chain.buffers));
    let pairs: Vec<_> = all
        .filter_map(|(learned, buffers)| Some((learned.as_ref()?, buffers.as_ref())))
        .collect();
    let held: Vec<_> = pairs
        .iter()
        .flat_map(|((w, b), _)| [w, b])
        .map(|var| var.storage_and_layout())
        .collect();
    let slices = held
        .iter()
        .map(|(storage, layout)| floats(storage, layout))
        .collect::<Option<Vec<_>>>();
    let (storage, layout) = xs.storage_and_layout();
    let (Some(slices), Some(pictures)) = (slices, floats(&storage, layout)) else {
        return Ok(None);
    };
    // What a normalization multiplies by and adds.
    let affines =
        pairs
            .iter()
            .zip(slices.chunks_exact(2))
            .map(|((_, buffers), own)| -> Result<_> {
                let Some((mean, variance)) = buffers else {
                    return Ok(None);
                };
                Ok(Some(scale_and_shift(
                    &mean.to_vec1::<f32>()?,
                    &variance.to_vec1::<f32>()?,
                    own[0],
                    own[1],
                )))
            });
    let affines = affines.collect::<Result<Vec<_>>>()?;
    let mut params = slices
        .chunks_exact(2)
        .zip(&affines)
        .map(|(pair, affine)| match affine {
            Some((scale, shift)) => StageParams {
                weight: scale.as_slice(),
                bias: shift.as_slice(),
            },
            None => StageParams {
                weight: pair[0],
                bias: pair[1],
            },
        });
    let stages = plan.stages().iter();
    let params: Vec<StageParams<'_, f32>> = stages
        .map(|stage| {
            if stage.has_weights() {
                params.next().unwrap_or_default()
            } else {
                StageParams::default()
            }
        })
        .collect();
    let out = plan.infer(&params, pictures);
    Ok(Some(Tensor::from_vec(
        out,
        [&[xs.dim(0)?], last.output()].concat(),
        xs.device(),
    )?))
}

/// The values of a tensor on the CPU, if they stand in a row.
fn floats<'a>(storage: &'a Storage, layout: &Layout) -> Option<&'a [f32]> {
    let (start, end) = layout.contiguous_offsets()?;
    match storage {
        Storage::Cpu(storage) => storage.as_slice::<f32>().ok()?.get(start..end),
        _ => None,
    }
}

/// The error for a layer that does not fit: which list, which position, which layer.
pub(crate) fn layer_error(list: &str, node: &Node, error: LayerError) -> Error {
    let LayerError {
        expected,
        got,
        hint,
    } = error;
    Error::Layer {
        place: format!("{list} layer {}, {}", node.name, node.layer),
        expected,
        got,
        hint,
    }
}

/// More weights than this in one layer (16 GB) are a slip of the finger.
const MOST_WEIGHTS: u128 = 1 << 32;

/// How many weights a layer has for an input.
fn weights(layer: &Layer, input: &[usize]) -> u128 {
    layer.kind().parameter_shapes(input).map_or(0, |shapes| {
        shapes.weight.iter().map(|&d| d as u128).product()
    })
}

/// How many weights a list of layers has, before it is made; 0 where it does not fit.
pub(crate) fn count_weights(layers: &[Layer], input: &[usize]) -> (u128, Vec<usize>) {
    let nodes = nodes(layers);
    let Ok(shapes) = shapes(&nodes, input) else {
        return (0, input.to_vec());
    };
    let count = nodes
        .iter()
        .zip(&shapes)
        .map(|(node, input)| weights(&node.layer, input))
        .sum();
    (count, shapes[nodes.len()].clone())
}

/// As [`LayerKind::parameter_shapes`](crate::layer::LayerKind::parameter_shapes) says.
fn variables(
    layer: &Layer,
    input: &[usize],
    rng: &mut Rng,
    device: &Device,
) -> Result<Option<(Var, Var)>> {
    let Some(ParameterShapes { weight, bias }) = layer.kind().parameter_shapes(input) else {
        return Ok(None);
    };
    if weight.len() == 1 {
        return Ok(Some((
            Var::ones(weight, DType::F32, device)?,
            Var::zeros(bias, DType::F32, device)?,
        )));
    }
    let bound = 1.0 / (weight[1..].iter().product::<usize>() as f32).sqrt();
    let mut draw = |shape: Vec<usize>| -> Result<Var> {
        let values = rng.uniform(shape.iter().product(), -bound, bound);
        Ok(Var::from_tensor(
            &Tensor::from_vec(values, shape, device)?.to_dtype(DType::F32)?,
        )?)
    };
    Ok(Some((draw(weight)?, draw(bias)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Conv2d, ConvTranspose2d};
    use crate::math::Purpose;

    fn values(tensor: &Tensor) -> Vec<f64> {
        tensor
            .flatten_all()
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap()
            .to_vec1()
            .unwrap()
    }

    /// The sum of what comes out times fixed numbers, in f64, with dropout and normalization as in training.
    fn sum(chain: &Sequential, input: &Tensor) -> Tensor {
        let mut state = ForwardState::default();
        let out = chain
            .forward(input, Some(&mut Rng::new(4, Purpose::Dropout)), &mut state)
            .unwrap();
        let n = out.elem_count();
        let fixed: Vec<f64> = (0..n).map(|i| (1.7 * i as f64).sin()).collect();
        let fixed = Tensor::from_vec(fixed, out.shape(), &Device::Cpu).unwrap();
        (out * fixed).unwrap().sum_all().unwrap()
    }

    #[test]
    fn gradients_are_finite_differences() {
        let conv = Conv2d(4, 3).padding(1);
        let up = ConvTranspose2d(2, 3).stride(2).padding(1).output_padding(1);
        let lists: Vec<Vec<Layer>> = vec![
            vec![Layer::Flatten, Layer::Linear(3), Layer::BatchNorm],
            vec![conv.clone().stride(2).dilation(2).groups(2)],
            vec![up.groups(2)],
            vec![Layer::MaxPool2d(2), Layer::Tanh, Layer::MaxUnpool2d(2)],
            vec![Layer::MaxUnpool2d(2)],
            vec![Layer::AvgPool2d(2), Layer::Sigmoid, Layer::Upsample(3)],
            vec![Layer::BatchNorm, Layer::Gelu, Layer::Dropout(0.3)],
            vec![Layer::LeakyRelu(0.2), Layer::Elu(0.7), Layer::Relu],
            vec![Layer::Residual(vec![
                conv,
                Layer::Residual(vec![Layer::Tanh]),
                Layer::BatchNorm,
            ])],
        ];
        for layers in lists {
            let chain = Sequential::new(
                "list",
                &layers,
                &[4, 4, 4],
                &mut Rng::new(1, Purpose::Init),
                &Device::Cpu,
            )
            .unwrap();
            for (k, (_, variable)) in chain.named_variables().iter().enumerate() {
                // Away from ones and zeros.
                let own = (0..variable.elem_count())
                    .map(|i| (0.9 * (i + k) as f32).cos() * 0.7)
                    .collect::<Vec<_>>();
                variable
                    .set(&Tensor::from_vec(own, variable.shape(), &Device::Cpu).unwrap())
                    .unwrap();
            }
            let start: Vec<f64> = (0..2 * 64).map(|i| (0.37 * (i * i) as f64).sin()).collect();
            let input = Var::from_vec(start, (2, 4, 4, 4), &Device::Cpu).unwrap();
            let gradients = sum(&chain, &input).backward().unwrap();
            let mut variables: Vec<Var> = chain
                .named_variables()
                .into_iter()
                .map(|(_, variable)| variable)
                .collect();
            variables.push(input.clone());
            for variable in variables {
                let known = values(gradients.get(&variable).unwrap());
                let at = values(&variable);
                for i in (0..at.len()).step_by(at.len().div_ceil(12)) {
                    let moved = |by: f64| {
                        let mut near = at.clone();
                        near[i] += by;
                        let near = Tensor::from_vec(near, variable.shape(), &Device::Cpu).unwrap();
                        variable
                            .set(&near.to_dtype(variable.dtype()).unwrap())
                            .unwrap();
                        (
                            values(&variable)[i],
                            sum(&chain, &input).to_scalar::<f64>().unwrap(),
                        )
                    };
                    let ((low, below), (high, above)) = (moved(-1e-4), moved(1e-4));
                    moved(0.0);
                    let difference = (above - below) / (high - low);
                    // Weights are kept, and so gradients handed back, in f32.
                    let apart = (difference - known[i]).abs();
                    assert!(
                        apart < 2e-5 * known[i].abs().max(1.0),
                        "{layers:?}: {} for {difference}",
                        known[i]
                    );
                }
            }
        }
    }
}
