//! Multinomial logistic regression: p(class | x) = softmax(W x + b).
//!
//! Minimizes the mean cross-entropy plus |W|² / (2 n), scikit-learn's `LogisticRegression(C=1)`, on
//! standardized inputs.

use crate::cell::check_stopped;
use crate::error::Result;
use crate::evaluate::lbfgs::{Minimum, Sample, minimize};
use crate::math::{Matrix, add_column_sums, add_to_rows, matmul};
use crate::show::StatusLine;
use rayon::prelude::*;

/// Inputs of one task. The sums of tasks are added in order, so that threads change no bit.
const CHUNK_ROWS: usize = 1024;
const MAX_ITERATIONS: usize = 500;
/// Largest gradient at the minimum.
const TOLERANCE: f64 = 1e-5;

/// Mean and inverse standard deviation of each input.
pub(super) struct Scaler {
    mean: Vec<f64>,
    inverse: Vec<f64>,
}

impl Scaler {
    /// Measures inputs of `size` values. A constant value keeps its scale.
    pub(super) fn new(inputs: &[f32], size: usize) -> Self {
        let n = (inputs.len() / size) as f64;
        let column_means = |value: &dyn Fn(usize, f32) -> f64| {
            let mut sums = vec![0.0; size];
            for row in inputs.chunks_exact(size) {
                for (i, (sum, x)) in sums.iter_mut().zip(row).enumerate() {
                    *sum += value(i, *x);
                }
            }
            sums.iter().map(|sum| sum / n).collect::<Vec<f64>>()
        };
        let mean = column_means(&|_, x| f64::from(x));
        let variance = column_means(&|i, x| (f64::from(x) - mean[i]).powi(2));
        let inverse = |variance: &f64| {
            if *variance > 0.0 {
                variance.sqrt().recip()
            } else {
                1.0
            }
        };
        Scaler {
            inverse: variance.iter().map(inverse).collect(),
            mean,
        }
    }

    pub(super) fn apply(&self, inputs: &mut [f32]) {
        for row in inputs.chunks_exact_mut(self.mean.len()) {
            for ((x, mean), inverse) in row.iter_mut().zip(&self.mean).zip(&self.inverse) {
                *x = ((f64::from(*x) - mean) * inverse) as f32;
            }
        }
    }
}

/// Inputs (n, `size`) and the index of each one's class.
pub(super) struct Problem<'a> {
    pub(super) inputs: &'a [f32],
    pub(super) size: usize,
    pub(super) targets: &'a [usize],
    pub(super) classes: usize,
}

impl Problem<'_> {
    /// The weights (classes, size), followed by the biases, at the minimum.
    ///
    /// # Errors
    /// On Stop.
    pub(super) fn solve(&self) -> Result<Minimum> {
        let mut line = StatusLine::new();
        let mut passes = 0;
        let text = |passes: usize| format!("linear probe: {passes} passes over the codes");
        let start = vec![0.0; self.classes * (self.size + 1)];
        let minimum = minimize(start, TOLERANCE, MAX_ITERATIONS, |params| {
            check_stopped()?;
            passes += 1;
            line.update(|| text(passes));
            Ok(self.objective(params))
        })?;
        line.finish(|| text(passes));
        Ok(minimum)
    }

    /// The class of the largest logit of each input.
    pub(super) fn predict(&self, params: &[f64]) -> Vec<usize> {
        let of_chunk = |inputs: &[f32]| {
            let logits = self.logits(params, &doubles(inputs));
            // The first of equal ones, as numpy's argmax.
            let largest = |row: &[f64]| {
                let classes = (0..row.len()).rev();
                classes.max_by(|a, b| row[*a].total_cmp(&row[*b]))
            };
            let rows = logits.chunks_exact(self.classes);
            rows.filter_map(largest).collect::<Vec<_>>()
        };
        let chunks = self.inputs.par_chunks(CHUNK_ROWS * self.size);
        chunks.flat_map_iter(of_chunk).collect()
    }

    /// Mean cross-entropy plus penalty.
    fn objective(&self, params: &[f64]) -> Sample {
        let n = self.targets.len() as f64;
        let chunks = self.inputs.par_chunks(CHUNK_ROWS * self.size);
        let samples: Vec<Sample> = chunks
            .zip(self.targets.par_chunks(CHUNK_ROWS))
            .map(|(inputs, targets)| self.cross_entropy(params, &doubles(inputs), targets))
            .collect();
        let mut total = Sample {
            value: 0.0,
            gradient: vec![0.0; params.len()],
        };
        for sample in samples {
            total.value += sample.value;
            let pairs = total.gradient.iter_mut().zip(&sample.gradient);
            pairs.for_each(|(sum, value)| *sum += value);
        }
        let weights = &params[..self.classes * self.size];
        for (gradient, weight) in total.gradient.iter_mut().zip(weights) {
            *gradient += weight;
            total.value += weight * weight / 2.0;
        }
        total.value /= n;
        total.gradient.iter_mut().for_each(|value| *value /= n);
        total
    }

    /// Sum of the cross-entropies of some inputs, with its gradient.
    fn cross_entropy(&self, params: &[f64], inputs: &[f64], targets: &[usize]) -> Sample {
        let (rows, classes) = (targets.len(), self.classes);
        let mut deltas = self.logits(params, inputs);
        let mut value = 0.0;
        for (row, target) in deltas.chunks_exact_mut(classes).zip(targets) {
            value += softmax_delta(row, *target);
        }
        let mut gradient = vec![0.0; params.len()];
        let (weights, biases) = gradient.split_at_mut(classes * self.size);
        add_column_sums(biases, &deltas, classes, 0);
        let deltas = Matrix::new(&deltas, rows, classes);
        let inputs = Matrix::new(inputs, rows, self.size);
        matmul(deltas.transposed(), inputs, weights, false); // (classes, rows) x (rows, size)
        Sample { value, gradient }
    }

    /// # Shapes
    /// (rows, size) -> (rows, classes)
    fn logits(&self, params: &[f64], inputs: &[f64]) -> Vec<f64> {
        let rows = inputs.len() / self.size;
        let (weights, biases) = params.split_at(self.classes * self.size);
        let mut logits = vec![0.0; rows * self.classes];
        let inputs = Matrix::new(inputs, rows, self.size);
        let weights = Matrix::new(weights, self.classes, self.size);
        matmul(inputs, weights.transposed(), &mut logits, false);
        add_to_rows(&mut logits, biases);
        logits
    }
}

/// Replaces logits by the gradient of their cross-entropy, softmax - target, and returns it.
fn softmax_delta(row: &mut [f64], target: usize) -> f64 {
    let max = row.iter().fold(f64::NEG_INFINITY, |max, x| x.max(max));
    let logit = row[target] - max;
    row.iter_mut().for_each(|x| *x = (*x - max).exp());
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
    row[target] -= 1.0;
    sum.ln() - logit
}

/// A chunk of inputs in `f64`: with `f32`, rounding errors would hide the last steps.
fn doubles(inputs: &[f32]) -> Vec<f64> {
    inputs.iter().map(|value| f64::from(*value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_is_that_of_scikit_learn() {
        // i = np.arange(40); y = i % 3; x = np.stack([np.sin(i), np.cos(3 * i) + 0.5 * y], 1)
        // x = x.astype(np.float32)
        // m = LogisticRegression(tol=1e-10, max_iter=10000).fit(x, y); m.coef_, m.intercept_
        let targets: Vec<usize> = (0..40).map(|i| i % 3).collect();
        let input = |i: usize| {
            let x = i as f64;
            [
                x.sin() as f32,
                ((3.0 * x).cos() + 0.5 * (i % 3) as f64) as f32,
            ]
        };
        let inputs: Vec<f32> = (0..40).flat_map(input).collect();
        let problem = Problem {
            inputs: &inputs,
            size: 2,
            targets: &targets,
            classes: 3,
        };
        let minimum = problem.solve().unwrap();
        assert!(minimum.converged);
        let expected = [
            -0.011773, -0.829475, -0.072420, -0.117691, 0.084193, 0.947166, 0.426937, 0.177268,
            -0.604205,
        ];
        for (found, expected) in minimum.point.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3, "{:?}", minimum.point);
        }
    }

    #[test]
    fn inputs_are_scaled_to_mean_0_and_variance_1() {
        let mut inputs = [1.0, 5.0, 3.0, 5.0];
        Scaler::new(&inputs, 2).apply(&mut inputs);
        assert_eq!(inputs, [-1.0, 0.0, 1.0, 0.0]);
    }
}
