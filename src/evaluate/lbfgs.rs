//! L-BFGS (Nocedal, 1980): minimization of a smooth convex function of many variables.

use crate::error::Result;
use std::collections::VecDeque;

/// Steps whose gradients approximate the curvature.
const MEMORY: usize = 10;
/// Halvings of a step before the search gives up.
const MAX_HALVINGS: usize = 30;
/// Share of the predicted decrease that a step must reach (Armijo's condition).
const DECREASE: f64 = 1e-4;

/// A function's value and gradient at a point.
pub(super) struct Sample {
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
}

/// The point at which the minimization ended.
pub(super) struct Minimum {
    pub(super) point: Vec<f64>,
    pub(super) iterations: usize,
    /// The largest gradient is below the tolerance.
    pub(super) converged: bool,
}

/// A step and the change of the gradient along it.
struct Curvature {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (step · change)
    rho: f64,
}

/// Minimizes `f`, until no value of the gradient exceeds `tolerance`.
///
/// # Errors
/// Those of `f`.
pub(super) fn minimize(
    start: Vec<f64>,
    tolerance: f64,
    max_iterations: usize,
    mut f: impl FnMut(&[f64]) -> Result<Sample>,
) -> Result<Minimum> {
    let mut point = start;
    let mut here = f(&point)?;
    let mut memory: VecDeque<Curvature> = VecDeque::new();
    for iterations in 0..max_iterations {
        if largest(&here.gradient) <= tolerance {
            return Ok(Minimum {
                point,
                iterations,
                converged: true,
            });
        }
        let direction = direction(&here.gradient, &memory);
        let Some((next, there)) = line_search(&point, &here, &direction, &mut f)? else {
            // Rounding errors hide any further decrease.
            return Ok(Minimum {
                point,
                iterations,
                converged: false,
            });
        };
        let step = difference(&next, &point);
        let change = difference(&there.gradient, &here.gradient);
        let product = dot(&step, &change);
        if product > 0.0 {
            memory.truncate(MEMORY - 1);
            memory.push_front(Curvature {
                step,
                change,
                rho: 1.0 / product,
            });
        }
        (point, here) = (next, there);
    }
    let converged = largest(&here.gradient) <= tolerance;
    Ok(Minimum {
        point,
        iterations: max_iterations,
        converged,
    })
}

/// Minus the gradient times the approximate inverse of the Hessian. `memory` begins with the last
/// step.
fn direction(gradient: &[f64], memory: &VecDeque<Curvature>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for pair in memory {
        let alpha = pair.rho * dot(&pair.step, &q);
        add_scaled(&mut q, &pair.change, -alpha);
        alphas.push(alpha);
    }
    let scale = match memory.front() {
        Some(last) => 1.0 / (last.rho * dot(&last.change, &last.change)),
        None => 1.0 / dot(gradient, gradient).sqrt(),
    };
    q.iter_mut().for_each(|value| *value *= scale);
    for (pair, alpha) in memory.iter().zip(alphas).rev() {
        let beta = pair.rho * dot(&pair.change, &q);
        add_scaled(&mut q, &pair.step, alpha - beta);
    }
    q
}

/// The first of the steps 1, 1/2, 1/4, ... along a direction that decreases the function enough.
fn line_search(
    point: &[f64],
    here: &Sample,
    direction: &[f64],
    f: &mut impl FnMut(&[f64]) -> Result<Sample>,
) -> Result<Option<(Vec<f64>, Sample)>> {
    let slope = dot(&here.gradient, direction);
    let mut length = 1.0;
    for _ in 0..MAX_HALVINGS {
        let mut next = point.to_vec();
        add_scaled(&mut next, direction, length);
        let there = f(&next)?;
        if there.value <= here.value + DECREASE * length * slope {
            return Ok(Some((next, there)));
        }
        length /= 2.0;
    }
    Ok(None)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add_scaled(sums: &mut [f64], values: &[f64], factor: f64) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max, value| value.abs().max(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_valley_is_followed_to_its_minimum() {
        // f(x, y) = (x - 3)² + 1000 (y + x)² + 2, minimal at (3, -3).
        let f = |p: &[f64]| {
            let (x, y) = (p[0], p[1]);
            Ok(Sample {
                value: (x - 3.0).powi(2) + 1000.0 * (y + x).powi(2) + 2.0,
                gradient: vec![2.0 * (x - 3.0) + 2000.0 * (y + x), 2000.0 * (y + x)],
            })
        };
        let minimum = minimize(vec![0.0, 10.0], 1e-9, 100, f).unwrap();
        assert!(
            minimum.converged && minimum.iterations < 60,
            "{}",
            minimum.iterations
        );
        assert!((minimum.point[0] - 3.0).abs() < 1e-6 && (minimum.point[1] + 3.0).abs() < 1e-6);
        assert!(!minimize(vec![0.0, 10.0], 1e-9, 2, f).unwrap().converged);
    }
}
