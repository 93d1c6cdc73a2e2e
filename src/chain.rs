//! A list of layers brought to life: variables, and the forward pass on candle's autograd.

use crate::error::{Error, Result};
use crate::layer::{Conv, Layer, Misfit, shapes};
use crate::plan::{Plan, Stage, Weights};
use crate::rng::Rng;
use candle_core::{D, DType, Device, Layout, Storage, Tensor, Var};

/// Layers with their variables. `encoder.1.weight` is the weight of the layer at position 1 of the chain "encoder".
#[derive(Debug)]
pub(crate) struct Chain {
    name: &'static str,
    layers: Vec<Layer>,
    /// One shape before the first layer and one after each, without the batch.
    shapes: Vec<Vec<usize>>,
    /// How the processor runs the layers; none where one of them is not known to plans.
    plan: Option<Plan>,
    /// For each layer, if it learns: weight (out, in) and bias (out).
    variables: Vec<Option<(Var, Var)>>,
}

impl Chain {
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
        let shapes = shapes(layers, input).map_err(|(i, misfit)| layer_error(name, layers, i, misfit))?;
        for (i, layer) in layers.iter().enumerate() {
            let count = weights(layer, &shapes[i]);
            if count > MOST_WEIGHTS {
                let misfit = Misfit {
                    expected: format!("at most {MOST_WEIGHTS} weights"),
                    got: count.to_string(),
                    hint: "Choose a smaller size".into(),
                };
                return Err(layer_error(name, layers, i, misfit));
            }
        }
        let variables = layers
            .iter()
            .zip(&shapes)
            .map(|(layer, input)| variables(layer, input, rng, device))
            .collect::<Result<_>>()?;
        Ok(Chain { name, layers: layers.to_vec(), plan: Plan::new(layers, &shapes), shapes, variables })
    }

    /// The same chain with variables of its own: candle's `clone` would share the storage, and training the copy would
    /// train the original.
    pub(crate) fn copy(&self) -> Result<Self> {
        let copy = |var: &Var| -> Result<Var> { Ok(Var::from_tensor(&var.as_tensor().copy()?)?) };
        let variables = self.variables.iter().map(|pair| match pair {
            Some((weight, bias)) => Ok(Some((copy(weight)?, copy(bias)?))),
            None => Ok(None),
        });
        let variables = variables.collect::<Result<_>>()?;
        let (layers, shapes, plan) = (self.layers.clone(), self.shapes.clone(), self.plan.clone());
        Ok(Chain { name: self.name, layers, shapes, plan, variables })
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    pub(crate) fn shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// The shape that comes out, without the batch.
    pub(crate) fn output(&self) -> &[usize] {
        // There is always the shape before the first layer.
        &self.shapes[self.layers.len()]
    }

    /// Runs the layers. Dropout happens where a generator is given: in training.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    ///
    /// Pooling leaves behind where its maxima were, and unpooling takes it from there: `switches`.
    pub(crate) fn forward(
        &self,
        xs: &Tensor,
        mut dropout: Option<&mut Rng>,
        switches: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        let mut xs = xs.clone();
        for i in 0..self.layers.len() {
            xs = self.layer(i, &xs, dropout.as_deref_mut(), switches)?;
        }
        Ok(xs)
    }

    /// Runs the layers in evaluation mode, without gradients: by the plan where there is one, on the CPU.
    ///
    /// # Shapes
    /// (b, input shape) -> (b, output shape)
    pub(crate) fn infer(&self, xs: &Tensor) -> Result<Tensor> {
        match infer(self.plan.as_ref(), &[self], xs)? {
            Some(out) => Ok(out),
            None => Ok(self.forward(xs, None, &mut Vec::new())?.detach()),
        }
    }

    /// Runs one layer.
    pub(crate) fn layer(
        &self,
        i: usize,
        xs: &Tensor,
        dropout: Option<&mut Rng>,
        switches: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        Ok(match (&self.layers[i], &self.variables[i]) {
            (Layer::Flatten, _) => xs.flatten_from(1)?, // (b, c, h, w) -> (b, c*h*w)
            (Layer::Unflatten(c, h, w), _) => xs.reshape((xs.dim(0)?, *c, *h, *w))?, // (b, c*h*w) -> (b, c, h, w)
            (Layer::Linear(_), Some((weight, bias))) => xs.matmul(&weight.t()?)?.broadcast_add(bias)?,
            (Layer::Conv2d(conv), Some((weight, bias))) => {
                let Conv { stride, padding, dilation, groups, .. } = *conv;
                let ys = xs.contiguous()?.conv2d(weight, padding, stride, dilation, groups)?;
                ys.broadcast_add(&bias.reshape((1, (), 1, 1))?)? // (out) -> (1, out, 1, 1)
            }
            (Layer::ConvTranspose2d(transposed), Some((weight, bias))) => {
                let Conv { stride, padding, dilation, groups, .. } = transposed.conv;
                let added = transposed.output_padding;
                let parts = xs.chunk(groups, 1)?.into_iter().zip(weight.chunk(groups, 0)?).map(|(xs, weight)| {
                    xs.contiguous()?.conv_transpose2d(&weight.contiguous()?, padding, added, stride, dilation)
                });
                let ys = Tensor::cat(&parts.collect::<candle_core::Result<Vec<_>>>()?, 1)?;
                ys.broadcast_add(&bias.reshape((1, (), 1, 1))?)? // (out) -> (1, out, 1, 1)
            }
            (Layer::MaxPool(n), _) => {
                let windows = windows(xs, *n)?;
                let chosen = chosen(&windows.detach().argmax_keepdim(D::Minus1)?, *n)?;
                let ys = (windows * &chosen)?.sum(D::Minus1)?;
                switches.push(chosen);
                ys
            }
            (Layer::MaxUnpool(n), _) => {
                let (b, c, h, w) = xs.dims4()?;
                let chosen = match switches.pop() {
                    Some(chosen) => chosen,
                    None => chosen(&Tensor::zeros((b, c, h, w, 1), DType::U32, xs.device())?, *n)?,
                };
                let spread = chosen.broadcast_mul(&xs.unsqueeze(D::Minus1)?)?;
                // (b, c, h, w, n*n) -> (b, c, h*n, w*n)
                spread.reshape((b, c, h, w, *n, *n))?.permute((0, 1, 2, 4, 3, 5))?.reshape((b, c, h * n, w * n))?
            }
            (Layer::Linear(_) | Layer::Conv2d(_) | Layer::ConvTranspose2d(_), None) => {
                unreachable!("a layer with weights is made with its variables")
            }
            (Layer::Relu, _) => xs.relu()?,
            (Layer::Sigmoid, _) => candle_nn::ops::sigmoid(xs)?,
            (Layer::Tanh, _) => xs.tanh()?,
            (Layer::Dropout(p), _) => match dropout {
                Some(rng) if *p > 0.0 => {
                    let mask = rng.dropout_mask(xs.elem_count(), *p as f32);
                    (xs * Tensor::from_vec(mask, xs.shape(), xs.device())?)?
                }
                _ => xs.clone(),
            },
        })
    }

    /// Every variable under its name in a PyTorch state dict, in order.
    pub(crate) fn named_variables(&self) -> Vec<(String, Var)> {
        let mut named = Vec::new();
        for (i, variables) in self.variables.iter().enumerate() {
            if let Some((weight, bias)) = variables {
                named.push((format!("{}.{i}.weight", self.name), weight.clone()));
                named.push((format!("{}.{i}.bias", self.name), bias.clone()));
            }
        }
        named
    }

    /// The weight and bias of a layer, if it learns.
    pub(crate) fn weights_of(&self, i: usize) -> Option<&(Var, Var)> {
        self.variables[i].as_ref()
    }

    /// How many numbers a layer learns.
    pub(crate) fn parameters(&self, layer: usize) -> usize {
        self.variables[layer].as_ref().map_or(0, |(weight, bias)| weight.elem_count() + bias.elem_count())
    }
}

/// Runs chains one after the other by the plan of all their layers; none where there is no plan, or weights or pictures are
/// not as plans need them.
pub(crate) fn infer(plan: Option<&Plan>, chains: &[&Chain], xs: &Tensor) -> Result<Option<Tensor>> {
    let (Some(plan), Device::Cpu, DType::F32, Some(last)) = (plan, xs.device(), xs.dtype(), chains.last()) else {
        return Ok(None);
    };
    let xs = xs.contiguous()?;
    let learned = chains.iter().flat_map(|chain| chain.variables.iter().flatten());
    let held: Vec<_> = learned.flat_map(|(w, b)| [w, b]).map(|var| var.storage_and_layout()).collect();
    let slices = held.iter().map(|(storage, layout)| floats(storage, layout)).collect::<Option<Vec<_>>>();
    let (storage, layout) = xs.storage_and_layout();
    let (Some(slices), Some(pictures)) = (slices, floats(&storage, layout)) else { return Ok(None) };
    let mut pairs = slices.chunks_exact(2).map(|pair| (pair[0], pair[1]));
    let of = |stage: &Stage| if stage.learns() { pairs.next().unwrap_or_default() } else { (&[][..], &[][..]) };
    let weights: Vec<(&[f32], &[f32])> = plan.stages().iter().map(of).collect();
    let out = plan.infer(Weights::Apart(&weights), pictures);
    Ok(Some(Tensor::from_vec(out, [&[xs.dim(0)?], last.output()].concat(), xs.device())?))
}

/// The windows of n x n, each in a row.
///
/// # Shapes
/// (b, c, h, w) -> (b, c, h/n, w/n, n*n)
fn windows(xs: &Tensor, n: usize) -> candle_core::Result<Tensor> {
    let (b, c, h, w) = xs.dims4()?;
    let (h, w) = (h / n, w / n);
    xs.reshape((b, c, h, n, w, n))?.permute((0, 1, 2, 4, 3, 5))?.reshape((b, c, h, w, n * n))?.contiguous()
}

/// 1 in each window's place, 0 elsewhere: candle's gradients of gathering and scattering do not hold here.
///
/// # Shapes
/// (b, c, h, w, 1) -> (b, c, h, w, n*n)
fn chosen(places: &Tensor, n: usize) -> candle_core::Result<Tensor> {
    let all = Tensor::arange(0, (n * n) as u32, places.device())?;
    places.broadcast_eq(&all.reshape((1, 1, 1, 1, n * n))?)?.to_dtype(DType::F32)
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
pub(crate) fn layer_error(list: &str, layers: &[Layer], i: usize, misfit: Misfit) -> Error {
    let Misfit { expected, got, hint } = misfit;
    Error::Layer { place: format!("{list} layer {i}, {}", layers[i]), expected, got, hint }
}

/// More weights than this in one layer (16 GB) are a slip of the finger.
const MOST_WEIGHTS: u128 = 1 << 32;

/// How many weights a layer has for an input.
fn weights(layer: &Layer, input: &[usize]) -> u128 {
    layer.parameter_shapes(input).map_or(0, |(weight, _)| weight.iter().map(|&d| d as u128).product())
}

/// How many weights a list of layers has, before it is made; 0 where it does not fit.
pub(crate) fn count_weights(layers: &[Layer], input: &[usize]) -> (u128, Vec<usize>) {
    let Ok(shapes) = shapes(layers, input) else { return (0, input.to_vec()) };
    let count = layers.iter().zip(&shapes).map(|(layer, input)| weights(layer, input)).sum();
    (count, shapes[layers.len()].clone())
}

/// As PyTorch starts `nn.Linear`: weight and bias uniform in ±1/sqrt(inputs).
fn variables(layer: &Layer, input: &[usize], rng: &mut Rng, device: &Device) -> Result<Option<(Var, Var)>> {
    let Some((weight, bias)) = layer.parameter_shapes(input) else { return Ok(None) };
    let bound = 1.0 / (weight[1..].iter().product::<usize>() as f32).sqrt();
    let mut draw = |shape: Vec<usize>| -> Result<Var> {
        let values = rng.uniform(shape.iter().product(), -bound, bound);
        Ok(Var::from_tensor(&Tensor::from_vec(values, shape, device)?.to_dtype(DType::F32)?)?)
    };
    Ok(Some((draw(weight)?, draw(bias)?)))
}
