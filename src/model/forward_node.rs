//! Forward pass of one node of a list of layers, on a batch or on a rank's part of it.

use crate::error::Result;
use crate::layer::{
    Activation, BatchRows, ForwardContext, ForwardState, LayerShapes, LowerContext, Lowered,
    Number, Workspace, joins_images, rng_calls,
};
use crate::math::Rng;
use crate::model::sequential::Sequential;
use crate::plan::{OpCall, POOL_STAGE, activate};
use candle_core::{DType, Device, Tensor, WithDType};
use std::ops::Range;
use std::sync::{Arc, Mutex};

impl Sequential {
    /// Runs one node.
    pub(crate) fn forward_node(
        &self,
        i: usize,
        xs: &Tensor,
        rng: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<Tensor> {
        Ok(self.forward_nodes(i..i + 1, xs, rng, state)?.0)
    }

    /// Runs the first of these nodes, together with the activation after it if one operation can do
    /// both. Returns the output and the number of nodes that ran.
    pub(crate) fn forward_nodes(
        &self,
        nodes: Range<usize>,
        xs: &Tensor,
        rng: Option<&mut Rng>,
        state: &mut ForwardState,
    ) -> Result<(Tensor, usize)> {
        let i = nodes.start;
        for _ in 0..self.skips_from(i) {
            state.skip_inputs.push(xs.clone());
        }
        match (state.rows.clone(), rng) {
            (Some(rows), Some(rng)) => Ok((self.forward_rows(i, xs, rng, state, rows)?, 1)),
            (_, rng) => {
                if let Some(ran) = self.forward_on_cpu(nodes, xs, state)? {
                    return Ok(ran);
                }
                let kind = self.nodes()[i].layer.kind();
                let mut context = ForwardContext { rng, state };
                Ok((kind.candle_forward(xs, self.vars(i), &mut context)?, 1))
            }
        }
    }

    /// Number of residual blocks that begin before a node.
    fn skips_from(&self, i: usize) -> usize {
        let sources = self.nodes().iter().map(|node| node.skip_source);
        sources.filter(|source| *source == Some(i)).count()
    }

    /// Runs nodes by hand-written CPU ops, under autograd. `None` on other devices, for types other than
    /// `f32` and `f64`, and for a layer that needs more than its input and parameters.
    fn forward_on_cpu(
        &self,
        nodes: Range<usize>,
        xs: &Tensor,
        state: &mut ForwardState,
    ) -> Result<Option<(Tensor, usize)>> {
        match (xs.device(), xs.dtype()) {
            (Device::Cpu, DType::F32) if state.cpu_ops => {
                self.forward_by_op::<f32>(nodes, xs, state)
            }
            (Device::Cpu, DType::F64) if state.cpu_ops => {
                self.forward_by_op::<f64>(nodes, xs, state)
            }
            _ => Ok(None),
        }
    }

    fn forward_by_op<T: Number + WithDType>(
        &self,
        nodes: Range<usize>,
        xs: &Tensor,
        state: &mut ForwardState,
    ) -> Result<Option<(Tensor, usize)>> {
        let i = nodes.start;
        let mut context = LowerContext {
            pools: state.pools.last().map(|_| POOL_STAGE).into_iter().collect(),
            ..Default::default()
        };
        let pools = context.pools.len();
        match self.lowered(i, &mut context) {
            Lowered::Activation(activation) => Ok(Some((activate::<T>(activation, xs)?, 1))),
            Lowered::CpuOp(op) if op.stands_alone() => {
                let pool = if context.pools.len() < pools {
                    state.pools.pop()
                } else {
                    None
                };
                let activation = self.activation_at(i + 1).filter(|_| nodes.len() > 1);
                let ran = 1 + usize::from(activation.is_some());
                let call = OpCall {
                    op,
                    activation,
                    shapes: self.node_shapes(i),
                    parameters: self.vars(i).all_learned(xs.dtype())?,
                    pool: pool.and_then(|pool| pool.downcast::<Mutex<Vec<Workspace<T>>>>().ok()),
                };
                let (ys, workspaces) = call.apply(xs)?;
                if context.pools.len() > pools {
                    state.pools.push(workspaces);
                }
                Ok(Some((ys, ran)))
            }
            _ => Ok(None),
        }
    }

    /// The activation of a node, if no residual block reads its input as well.
    fn activation_at(&self, i: usize) -> Option<Arc<dyn Activation>> {
        if i >= self.nodes().len() || self.skips_from(i) > 0 {
            return None;
        }
        match self.lowered(i, &mut LowerContext::default()) {
            Lowered::Activation(activation) => Some(activation),
            _ => None,
        }
    }

    /// A node by itself as a part of a plan.
    fn lowered(&self, i: usize, context: &mut LowerContext) -> Lowered {
        let kind = self.nodes()[i].layer.kind();
        kind.lower(self.node_shapes(i), context)
    }

    fn node_shapes(&self, i: usize) -> LayerShapes<'_> {
        LayerShapes {
            before: &self.shapes()[i],
            after: &self.shapes()[i + 1],
        }
    }

    /// Runs one node in training on a rank's images, with their random numbers.
    fn forward_rows(
        &self,
        i: usize,
        xs: &Tensor,
        rng: &mut Rng,
        state: &mut ForwardState,
        rows: BatchRows,
    ) -> Result<Tensor> {
        let kind = self.nodes()[i].layer.kind();
        let shapes = self.node_shapes(i);
        if joins_images(&*kind, shapes) {
            return rows.join(xs, state, |xs, state| {
                let rng = Some(rng);
                kind.candle_forward(xs, self.vars(i), &mut ForwardContext { rng, state })
            });
        }
        let (calls, terms) = (rng_calls(&*kind, shapes) as u64, state.terms.len());
        let skipped = |rng: &Rng, images: usize| rng.skipped(calls * images as u64);
        *rng = skipped(rng, rows.first);
        let mut context = ForwardContext {
            rng: Some(&mut *rng),
            state: &mut *state,
        };
        let ys = kind.candle_forward(xs, self.vars(i), &mut context)?;
        *rng = skipped(rng, rows.total - rows.first - rows.count);
        rows.scale_terms(state, terms, rows.share())?;
        Ok(ys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{
        AvgPool2d, Conv2d, ConvTranspose2d, Layer, MaxPool2d, MaxUnpool2d, Upsample,
    };
    use crate::math::Purpose;
    use crate::model::init::Init;
    use candle_core::Var;

    fn values(tensor: &Tensor) -> Vec<f64> {
        tensor
            .flatten_all()
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap()
            .to_vec1()
            .unwrap()
    }

    /// Sum of the outputs times fixed numbers, in training mode, by candle or by the CPU ops.
    fn weighted_sum(list: &Sequential, input: &Tensor, cpu_ops: bool) -> Tensor {
        let mut state = ForwardState {
            cpu_ops,
            ..Default::default()
        };
        let out = list
            .forward(input, Some(&mut Rng::new(4, Purpose::Dropout)), &mut state)
            .unwrap();
        let n = out.elem_count();
        let fixed: Vec<f64> = (0..n).map(|i| (1.7 * i as f64).sin()).collect();
        let fixed = Tensor::from_vec(fixed, out.shape(), &Device::Cpu).unwrap();
        (out * fixed.to_dtype(input.dtype()).unwrap())
            .unwrap()
            .sum_all()
            .unwrap()
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
            sum: weighted_sum(list, input, false).to_scalar::<f64>().unwrap(),
        }
    }

    #[test]
    fn gradients_match_finite_differences() {
        for layers in lists() {
            let list = list(&layers);
            let start: Vec<f64> = (0..2 * 64).map(|i| (0.37 * (i * i) as f64).sin()).collect();
            let input = Var::from_vec(start, (2, 4, 4, 4), &Device::Cpu).unwrap();
            let gradients = weighted_sum(&list, &input, false).backward().unwrap();
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

    #[test]
    fn cpu_ops_give_the_values_and_gradients_of_candle() {
        let mut lists = lists();
        lists.push(vec![
            Layer::Flatten,
            Layer::Linear(5),
            Layer::Relu,
            Layer::TopK(2),
        ]);
        // Branches that read the input of an activation, and enough images for several threads.
        let block = Layer::Residual(vec![Layer::Relu, Conv2d(4, 3).padding(1)]);
        lists.push(vec![Conv2d(4, 3).padding(1), block]);
        for (layers, images) in lists
            .iter()
            .flat_map(|layers| [(layers, 2), (layers, 2000)])
        {
            let list = list(layers);
            let sine = |i: usize| (0.37 * (i % 977 * (i % 977)) as f64).sin();
            let start: Vec<f64> = (0..images * 64).map(sine).collect();
            let input = Tensor::from_vec(start, (images, 4, 4, 4), &Device::Cpu).unwrap();
            for (dtype, tolerance) in [(DType::F32, 2e-4), (DType::F64, 1e-5)] {
                let input = Var::from_tensor(&input.to_dtype(dtype).unwrap()).unwrap();
                let named = list.named_variables().into_iter();
                let vars: Vec<Var> = named.map(|(_, var)| var).chain([input.clone()]).collect();
                let [candle, ours] = [false, true].map(|cpu_ops| {
                    let sum = weighted_sum(&list, &input, cpu_ops);
                    let gradients = sum.backward().unwrap();
                    let gradient = |var: &Var| values(gradients.get(var).unwrap());
                    let gradients: Vec<f64> = vars.iter().flat_map(gradient).collect();
                    [values(&sum), gradients].concat()
                });
                let largest = candle.iter().fold(1f64, |max, value| max.max(value.abs()));
                for (ours, candle) in ours.iter().zip(&candle) {
                    assert!(
                        (ours - candle).abs() < tolerance * largest,
                        "{layers:?}, {images} images, {dtype:?}: {ours} instead of {candle}"
                    );
                }
            }
        }
    }
}
