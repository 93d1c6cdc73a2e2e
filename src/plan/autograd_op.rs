//! A CPU op under candle's autograd, for loops that run a model layer by layer.

use super::autograd_activation::activation_gradients;
use crate::candle_threads::{for_each, thread_count};
use crate::cpu_values::{values, with_values};
use crate::layer::{
    Activation, BackwardArgs, CpuOp, ForwardArgs, LayerShapes, Number, OpShape, OpTraining,
    Workspace,
};
use crate::lock::lock;
use crate::math::{BatchStats, Matrix, Purpose, Rng, add_column_sums, add_to_rows, matmul};
use crate::plan::plan::MIN_PARALLEL_FLOPS;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail,
};
use std::sync::{Arc, Mutex};

/// Workspaces of an op, one for each shard, with what the forward pass leaves for the backward pass;
/// empty if it leaves nothing.
pub(crate) type Shards<T> = Arc<Mutex<Vec<Workspace<T>>>>;

/// Stage of a pooling in the plan of its unpooling alone.
pub(crate) const POOL_STAGE: usize = 1;

/// An op that [stands alone](CpuOp::stands_alone), and what it is applied with.
pub(crate) struct OpCall<'a, T> {
    pub(crate) op: Arc<dyn CpuOp>,
    /// Activation after the op.
    pub(crate) activation: Option<Arc<dyn Activation>>,
    /// Shapes of an image.
    pub(crate) shapes: LayerShapes<'a>,
    /// Weight and bias, or none.
    pub(crate) parameters: Vec<Tensor>,
    /// For an unpooling: its pooling, which is the [`POOL_STAGE`] of its plan.
    pub(crate) pool: Option<Shards<T>>,
}

impl<T: Number + WithDType> OpCall<'_, T> {
    /// Applies the op to a batch on the CPU. Returns its workspaces too.
    ///
    /// # Shapes
    /// (b, before) -> (b, after)
    pub(crate) fn apply(self, xs: &Tensor) -> Result<(Tensor, Shards<T>)> {
        let workspaces = Shards::default();
        let op = AutogradOp {
            op: self.op,
            activation: self.activation,
            inputs: self.shapes.before.iter().product(),
            outputs: self.shapes.after.iter().product(),
            after: self.shapes.after.to_vec(),
            workspaces: Arc::clone(&workspaces),
            pool: self.pool,
        };
        let xs = xs.contiguous()?;
        let ys = match &self.parameters[..] {
            [] => xs.apply_op1(op)?,
            [weight, bias] => xs.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?,
            other => bail!(
                "expected a weight and a bias, got {} parameters",
                other.len()
            ),
        };
        Ok((ys, workspaces))
    }
}

/// An op, once in a graph.
struct AutogradOp<T> {
    op: Arc<dyn CpuOp>,
    activation: Option<Arc<dyn Activation>>,
    /// Input values per image.
    inputs: usize,
    /// Output values per image.
    outputs: usize,
    /// Shape of an image's output.
    after: Vec<usize>,
    workspaces: Shards<T>,
    pool: Option<Shards<T>>,
}

/// Calls a function with a workspace as stage 0 and that of a pooling, if one is given, as
/// [`POOL_STAGE`].
fn with_pool<T: Number>(
    workspace: &mut Workspace<T>,
    pool: Option<&mut Workspace<T>>,
    f: impl FnOnce(&mut [Workspace<T>]),
) {
    let Some(pool) = pool else {
        return f(std::slice::from_mut(workspace));
    };
    let mut stages = [std::mem::take(workspace), std::mem::take(pool)];
    f(&mut stages);
    [*workspace, *pool] = stages;
}

/// Number of items of a shard: all, if they are little work, or one thread's share. `work` is that of
/// an item, in floating-point operations.
fn shard_len(items: usize, work: usize) -> usize {
    let shards = if items * work < MIN_PARALLEL_FLOPS {
        1
    } else {
        thread_count()
    };
    items.div_ceil(shards).max(1)
}

/// Gradients of an op's input, weight and bias.
struct OpGradients<T> {
    dx: Option<Vec<T>>,
    weight: Vec<T>,
    bias: Vec<T>,
}

impl<T: Number + WithDType> AutogradOp<T> {
    /// Images of a shard.
    fn shard_rows(&self, rows: usize, parameters: usize) -> usize {
        if let Some(pool) = &self.pool {
            return rows.div_ceil(lock(pool).len().max(1)).max(1);
        }
        let flops = self.op.flops().unwrap_or(2 * parameters);
        shard_len(rows, flops.max(self.inputs + self.outputs))
    }

    fn shape(&self, rows: usize) -> OpShape {
        OpShape {
            stage: 0,
            rows,
            inputs: self.inputs,
            outputs: self.outputs,
        }
    }

    /// Computes the output, and keeps the workspaces if the backward pass reads them.
    fn forward(&self, x: &[T], weight: &[T], bias: &[T]) -> (CpuStorage, Shape) {
        let rows = x.len() / self.inputs;
        let parameters = weight.len() + bias.len();
        let shard = self.shard_rows(rows, parameters);
        let mut y = vec![T::ZERO; rows * self.outputs];
        // The op keeps what its backward pass needs, and draws no number.
        let training = OpTraining {
            rng: Rng::new(0, Purpose::Dropout),
            step: usize::MAX,
        };
        let mut workspaces: Vec<Workspace<T>> = Vec::new();
        workspaces.resize_with(rows.div_ceil(shard), Workspace::default);
        let mut pool = self.pool.as_ref().map(|pool| lock(pool));
        let mut pool = pool.iter_mut().flat_map(|pool| pool.iter_mut());
        let shards = y
            .chunks_mut(shard * self.outputs)
            .zip(x.chunks(shard * self.inputs))
            .zip(&mut workspaces)
            .map(|slices| (slices, pool.next()));
        for_each(shards, |(((y, x), workspace), pool)| {
            let shape = self.shape(x.len() / self.inputs);
            *workspace = T::arithmetic(&*self.op).workspace(shape, self.op.keeps_workspace());
            let args = ForwardArgs {
                weight,
                bias,
                skip_input: &[],
                training: Some(&training),
            };
            with_pool(workspace, pool, |workspaces| {
                T::arithmetic(&*self.op).forward(shape, x, y, args, workspaces);
            });
            if let Some(activation) = &self.activation {
                T::pointwise(&**activation).forward(y);
            }
        });
        if self.op.keeps_workspace() {
            *lock(&self.workspaces) = workspaces;
        }
        let shape = [&[rows], &self.after[..]].concat();
        (T::to_cpu_storage_owned(y), Shape::from(shape))
    }

    /// Computes the gradients, from the input, the output, dL/d(output) and the weight.
    fn backward(
        &self,
        [x, y, dy, weight]: [&[T]; 4],
        biases: usize,
        with_dx: bool,
    ) -> OpGradients<T> {
        let before_activation;
        let dy = match &self.activation {
            Some(activation) => {
                before_activation = activation_gradients(&**activation, y, dy);
                &before_activation
            }
            None => dy,
        };
        let mut workspaces = lock(&self.workspaces);
        let parameters = weight.len() + biases;
        let dx = self.backward_shards([x, dy, weight], parameters, with_dx, &mut workspaces);
        let (weight, bias) = if self.op.dense() {
            self.dense_gradients(x, dy, biases)
        } else {
            let mut sum = vec![T::ZERO; parameters];
            for workspace in workspaces.iter().filter(|_| parameters > 0) {
                add_to_rows(&mut sum, &workspace.gradients);
            }
            let bias = sum.split_off(weight.len());
            (sum, bias)
        };
        if !self.op.keeps_workspace() {
            workspaces.clear();
        }
        OpGradients { dx, weight, bias }
    }

    /// Computes dL/dx if it is wanted, and each shard's gradients of the parameters of an op that is
    /// not dense.
    fn backward_shards(
        &self,
        [x, dy, weight]: [&[T]; 3],
        parameters: usize,
        with_dx: bool,
        workspaces: &mut Vec<Workspace<T>>,
    ) -> Option<Vec<T>> {
        let rows = x.len() / self.inputs;
        let shard = match workspaces.len() {
            0 => self.shard_rows(rows, parameters),
            shards => rows.div_ceil(shards).max(1),
        };
        workspaces.resize_with(rows.div_ceil(shard), Workspace::default);
        let mut dx = with_dx.then(|| vec![T::ZERO; x.len()]);
        let mut dx_shards = dx
            .iter_mut()
            .flat_map(|dx| dx.chunks_mut(shard * self.inputs));
        let mut pool = self.pool.as_ref().map(|pool| lock(pool));
        let mut pool = pool.iter_mut().flat_map(|pool| pool.iter_mut());
        let stats = BatchStats::default();
        let shards = x
            .chunks(shard * self.inputs)
            .zip(dy.chunks(shard * self.outputs))
            .zip(workspaces)
            .map(|slices| (slices, dx_shards.next(), pool.next()));
        for_each(shards, |(((x, dy), workspace), dx, pool)| {
            let shape = self.shape(x.len() / self.inputs);
            if !self.op.keeps_workspace() {
                *workspace = T::arithmetic(&*self.op).workspace(shape, true);
            }
            workspace.gradients.clear();
            if !self.op.dense() {
                workspace.gradients.resize(parameters, T::ZERO);
            }
            let args = BackwardArgs {
                x,
                dy,
                dx,
                weight,
                stats: &stats,
                term_scale: T::ZERO,
                step: usize::MAX,
            };
            with_pool(workspace, pool, |workspaces| {
                T::arithmetic(&*self.op).backward(shape, args, workspaces);
            });
        });
        dx
    }

    /// Gradients of weight and bias of a matrix product, some units on each thread.
    fn dense_gradients(&self, x: &[T], dy: &[T], biases: usize) -> (Vec<T>, Vec<T>) {
        let rows = x.len() / self.inputs;
        let mut weight = vec![T::ZERO; self.outputs * self.inputs];
        let mut bias = vec![T::ZERO; biases];
        let units = shard_len(self.outputs, 2 * rows * self.inputs);
        let dy_rows = Matrix::new(dy, rows, self.outputs);
        let x = Matrix::new(x, rows, self.inputs);
        let shards = weight
            .chunks_mut(units * self.inputs)
            .zip(bias.chunks_mut(units))
            .enumerate();
        for_each(shards, |(nth, (weight, bias))| {
            let first = nth * units;
            let dy_units = dy_rows.narrow(first, bias.len());
            matmul(dy_units.transposed(), x, weight, false); // (units, rows) x (rows, in)
            add_column_sums(bias, dy, self.outputs, first);
        });
        (weight, bias)
    }
}

impl<T: Number + WithDType> CustomOp1 for AutogradOp<T> {
    fn name(&self) -> &'static str {
        "layer"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(values(x, layout)?, &[], &[]))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let gradients = with_values([x, y, &dy], |[x, y, dy]| {
            self.backward([x, y, dy, &[]], 0, true)
        })?;
        let dx = gradients
            .dx
            .map(|dx| Tensor::from_vec(dx, x.shape(), x.device()));
        dx.transpose()
    }
}

impl<T: Number + WithDType> CustomOp3 for AutogradOp<T> {
    fn name(&self) -> &'static str {
        "layer"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (weight, bias) = (values(weight, weight_layout)?, values(bias, bias_layout)?);
        Ok(self.forward(values(x, x_layout)?, weight, bias))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let (biases, with_dx) = (bias.elem_count(), x.track_op());
        let gradients = with_values([x, y, &dy, weight], |slices| {
            self.backward(slices, biases, with_dx)
        })?;
        let tensor =
            |values: Vec<T>, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
        let dx = gradients.dx.map(|dx| tensor(dx, x)).transpose()?;
        let weight = tensor(gradients.weight, weight)?;
        Ok((dx, Some(weight), Some(tensor(gradients.bias, bias)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Layer, LowerContext, Lowered};
    use candle_core::{Device, Var};

    #[test]
    fn a_dense_layer_has_the_gradients_of_a_matrix_product() {
        let shapes = LayerShapes {
            before: &[2],
            after: &[1],
        };
        let kind = Layer::Linear(1);
        let Lowered::CpuOp(op) = kind.kind().lower(shapes, &mut LowerContext::default()) else {
            unreachable!("a dense layer has an op")
        };
        let var = |values: &[f64], shape: &[usize]| {
            Var::from_vec(values.to_vec(), shape, &Device::Cpu).unwrap()
        };
        let weight = var(&[2.0, -1.0], &[1, 2]);
        let bias = var(&[0.5], &[1]);
        let x = Tensor::new(&[[1f64, 3.0], [4.0, 5.0]], &Device::Cpu).unwrap();
        let call = OpCall {
            op,
            activation: None,
            shapes,
            parameters: vec![weight.as_tensor().clone(), bias.as_tensor().clone()],
            pool: None,
        };
        let (y, _): (Tensor, Shards<f64>) = call.apply(&x).unwrap();
        assert_eq!(y.to_vec2::<f64>().unwrap(), [[-0.5], [3.5]]);
        let sum = (y * 10.0).unwrap().sum_all().unwrap();
        // A graph may be walked twice.
        for _ in 0..2 {
            let gradients = sum.backward().unwrap();
            let of = |var| gradients.get(var).unwrap().flatten_all().unwrap();
            assert_eq!(of(&weight).to_vec1::<f64>().unwrap(), [50.0, 80.0]);
            assert_eq!(of(&bias).to_vec1::<f64>().unwrap(), [20.0]);
        }
    }
}
