//! Schemes of first weights.

use crate::error::{Error, Result};
use crate::math::{Rng, orthonormal_columns, transpose_add};

/// Largest standard deviation. Larger ones are typing errors.
const MAX_STD: f64 = 1e6;

/// Scheme of the first weights of a model or of one of its layers, for [`Init`](super::Init).
/// Keras: `kernel_initializer`. PyTorch: `nn.init`.
///
/// fan_in and fan_out are those of PyTorch. For weights W (out, in) of a
/// [`Linear`](crate::layer::Layer::Linear) they are `in` and `out`. For convolutions, whose weights
/// have the shape (a, b, k, k), fan_in = b k k and fan_out = a k k. Biases start at 0, except with
/// [`Weights::PyTorch`], and those of the forget gates of an LSTM at 1. Its recurrent weights are
/// orthogonal for each gate with [`Weights::GlorotUniform`], as in Keras. The scale of batch normalization starts at 1 with every scheme.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let init = Init { weights: Weights::HeNormal, ..Default::default() };
/// let ae = Autoencoder::symmetric_with((1, 28, 28), &[Flatten, Linear(32), Relu], &init)?;
/// let weight = ae.variables()[0].1.flatten_all()?;
/// let std = weight.var(0)?.sqrt()?.to_scalar::<f32>()?;
/// assert!((std - (2.0f32 / 784.0).sqrt()).abs() < 0.001);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Weights {
    /// Uniform in ±sqrt(6 / (fan_in + fan_out)), which keeps the variance of activations and of
    /// gradients in linear networks (Glorot and Bengio, "Understanding the difficulty of training
    /// deep feedforward neural networks", 2010). Keras: `GlorotUniform`, the default there and here.
    /// PyTorch: `xavier_uniform_`.
    #[default]
    GlorotUniform,
    /// Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010). PyTorch:
    /// `xavier_normal_`. Keras' `GlorotNormal` has the same variance, but cuts the tails off.
    GlorotNormal,
    /// Uniform in ±sqrt(6 / fan_in), which keeps the variance of activations behind ReLUs (He and
    /// others, "Delving deep into rectifiers", 2015). Keras: `HeUniform`. PyTorch:
    /// `kaiming_uniform_(weight, nonlinearity="relu")`.
    HeUniform,
    /// Normal with variance 2 / fan_in (He and others, 2015). PyTorch:
    /// `kaiming_normal_(weight, nonlinearity="relu")`. Keras' `HeNormal` has the same variance, but
    /// cuts the tails off.
    HeNormal,
    /// A random matrix with orthonormal rows, W Wᵀ = I, or orthonormal columns, Wᵀ W = I, if it has
    /// more rows than columns (Saxe and others, "Exact solutions to the nonlinear dynamics of
    /// learning in deep linear neural networks", 2014). The weights of a convolution are a matrix
    /// (a, b k k). Takes time proportional to rows x columns x the smaller of the two: a
    /// fraction of a second for 1000 x 1000. Keras: `Orthogonal`. PyTorch: `orthogonal_`.
    Orthogonal,
    /// Normal with mean 0 and this standard deviation, in [0, 1e6]. Keras: `RandomNormal(stddev)`.
    /// PyTorch: `normal_(std=..)`.
    Normal(f64),
    /// Weights and biases uniform in ±1/sqrt(fan_in), as PyTorch's layers start. Its weights have
    /// about a third of the variance of [`Weights::GlorotUniform`], and more units behind a ReLU
    /// die. PyTorch: `nn.Linear.reset_parameters`.
    PyTorch,
}

impl Weights {
    /// Rejects a standard deviation that no weights have.
    pub(crate) fn check(&self) -> Result<()> {
        match *self {
            Weights::Normal(std) if !(0.0..=MAX_STD).contains(&std) => Err(Error::setting(
                "Weights::Normal",
                "a standard deviation in [0, 1e6]",
                std,
                "0.01 is usual",
            )),
            _ => Ok(()),
        }
    }

    /// Draws the weights of a layer.
    pub(crate) fn weight(&self, shape: &[usize], rng: &mut Rng) -> Vec<f32> {
        let n = shape.iter().product();
        let (fan_in, fan_out) = fans(shape);
        match *self {
            Weights::GlorotUniform => uniform(n, 2.0 / (fan_in + fan_out), rng),
            Weights::GlorotNormal => normal(n, 2.0 / (fan_in + fan_out), rng),
            Weights::HeUniform => uniform(n, 2.0 / fan_in, rng),
            Weights::HeNormal => normal(n, 2.0 / fan_in, rng),
            Weights::Orthogonal => orthogonal(shape[0], n / shape[0], rng),
            Weights::Normal(std) => rng.normal(n, std as f32),
            Weights::PyTorch => uniform(n, 1.0 / (3.0 * fan_in), rng),
        }
    }

    /// Draws the biases of a layer whose weights have the shape `weight_shape`.
    pub(crate) fn bias(&self, n: usize, weight_shape: &[usize], rng: &mut Rng) -> Vec<f32> {
        match self {
            Weights::PyTorch => uniform(n, 1.0 / (3.0 * fans(weight_shape).0), rng),
            _ => vec![0.0; n],
        }
    }

    /// Draws the recurrent weights of some gates, (gates * units, units): orthogonal for each gate, so
    /// that states neither grow nor vanish over many steps (Saxe and others, "Exact solutions to the
    /// nonlinear dynamics of learning", 2014).
    pub(crate) fn recurrent(&self, shape: &[usize], gates: usize, rng: &mut Rng) -> Vec<f32> {
        match self {
            Weights::GlorotUniform | Weights::Orthogonal => {
                let units = shape[1];
                let gates = (0..gates).map(|_| orthogonal(units, units, rng));
                gates.collect::<Vec<_>>().concat()
            }
            _ => self.weight(shape, rng),
        }
    }

    /// Draws the biases of an LSTM. Those of the forget gate are 1, so that cells keep their values at
    /// first (Jozefowicz and others, "An empirical exploration of recurrent network architectures",
    /// 2015).
    pub(crate) fn forget_gate(&self, n: usize, weight_shape: &[usize], rng: &mut Rng) -> Vec<f32> {
        let mut biases = self.bias(n, weight_shape, rng);
        if *self != Weights::PyTorch {
            biases[n / 4..n / 2].fill(1.0);
        }
        biases
    }
}

/// fan_in and fan_out. PyTorch: `nn.init._calculate_fan_in_and_fan_out`.
fn fans(shape: &[usize]) -> (f64, f64) {
    let receptive_field: usize = shape[2..].iter().product();
    let fan = |side: usize| (side * receptive_field) as f64;
    (fan(shape[1]), fan(shape[0]))
}

fn uniform(n: usize, variance: f64, rng: &mut Rng) -> Vec<f32> {
    let bound = (3.0 * variance).sqrt() as f32;
    rng.uniform(n, -bound, bound)
}

fn normal(n: usize, variance: f64, rng: &mut Rng) -> Vec<f32> {
    rng.normal(n, variance.sqrt() as f32)
}

/// A matrix (rows, columns) with orthonormal rows or columns: Q of a normal matrix, row by row.
fn orthogonal(rows: usize, columns: usize, rng: &mut Rng) -> Vec<f32> {
    let long = rows.max(columns);
    let values = rng.normal(rows * columns, 1.0).into_iter().map(f64::from);
    // R has a positive diagonal, so that Q is uniform over all orthonormal matrices.
    let q = orthonormal_columns(values.collect(), long);
    let q: Vec<f32> = q.into_iter().map(|value| value as f32).collect();
    if rows < columns {
        // The columns of Q are the rows.
        return q;
    }
    let mut by_rows = vec![0.0; q.len()];
    transpose_add(&q, rows, &vec![0.0; columns], &mut by_rows);
    by_rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Purpose;

    #[test]
    fn fans_are_those_of_pytorch() {
        // from torch.nn.init import _calculate_fan_in_and_fan_out as fans; from torch.nn import *
        // fans(Linear(5, 3).weight)                                  (5, 3)
        // fans(Conv2d(4, 6, 3).weight)                               (36, 54)
        // fans(Conv2d(4, 6, 3, groups=2).weight)                     (18, 54)
        // fans(ConvTranspose2d(4, 6, 3).weight)                      (54, 36)
        // fans(ConvTranspose2d(4, 6, 3, groups=2).weight)            (27, 36)
        assert_eq!(fans(&[3, 5]), (5.0, 3.0));
        assert_eq!(fans(&[6, 4, 3, 3]), (36.0, 54.0));
        assert_eq!(fans(&[6, 2, 3, 3]), (18.0, 54.0));
        assert_eq!(fans(&[4, 6, 3, 3]), (54.0, 36.0));
        assert_eq!(fans(&[4, 3, 3, 3]), (27.0, 36.0));
    }

    #[test]
    fn recurrent_weights_are_orthogonal_for_each_gate() {
        let rng = || Rng::new(2, Purpose::Init);
        let weights = Weights::GlorotUniform.recurrent(&[12, 3], 4, &mut rng());
        for gate in weights.chunks_exact(9) {
            for (a, b) in (0..9).map(|i| (i / 3, i % 3)) {
                let product: f32 = (0..3).map(|j| gate[a * 3 + j] * gate[b * 3 + j]).sum();
                assert!((product - f32::from(u8::from(a == b))).abs() < 1e-6);
            }
        }
        let by_scheme = Weights::PyTorch.recurrent(&[12, 3], 4, &mut rng());
        assert_eq!(by_scheme, Weights::PyTorch.weight(&[12, 3], &mut rng()));
        let biases = Weights::HeNormal.forget_gate(8, &[8, 2], &mut rng());
        assert_eq!(biases, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let biases = Weights::PyTorch.forget_gate(8, &[8, 2], &mut rng());
        assert!(biases.iter().all(|bias| bias.abs() < 0.71));
    }

    #[test]
    fn orthogonal_matrices_are_stored_row_by_row() {
        for (rows, columns) in [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1)] {
            let mut rng = Rng::new(2, Purpose::Init);
            let w = orthogonal(rows, columns, &mut rng);
            let w = |i: usize, j: usize| f64::from(w[i * columns + j]);
            let short = rows.min(columns);
            for (a, b) in (0..short * short).map(|i| (i / short, i % short)) {
                let product: f64 = if rows < columns {
                    (0..columns).map(|j| w(a, j) * w(b, j)).sum()
                } else {
                    (0..rows).map(|i| w(i, a) * w(i, b)).sum()
                };
                let identity = f64::from(u8::from(a == b));
                assert!((product - identity).abs() < 1e-6, "{rows} x {columns}");
            }
        }
    }

    #[test]
    fn orthogonal_matrices_are_q_of_the_draws() {
        for (rows, columns) in [(3, 5), (5, 3), (4, 4)] {
            let rng = || Rng::new(2, Purpose::Init);
            let (draws, w) = (
                rng().normal(rows * columns, 1.0),
                orthogonal(rows, columns, &mut rng()),
            );
            let (long, short) = (rows.max(columns), rows.min(columns));
            // Draws are columns of length `long`.
            let q = |i: usize, k: usize| match rows < columns {
                true => w[i * long + k],
                false => w[k * short + i],
            };
            for (i, j) in (0..short * short).map(|at| (at / short, at % short)) {
                let r: f32 = (0..long).map(|k| q(i, k) * draws[j * long + k]).sum();
                assert!(
                    if i == j {
                        r > 0.0
                    } else {
                        i < j || r.abs() < 1e-5
                    },
                    "R[{i}, {j}] = {r}"
                );
            }
        }
    }
}
