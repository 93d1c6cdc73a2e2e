//! Mixtures of normal distributions with full covariances, fitted by expectation maximization.
//!
//! Dempster and others, "Maximum likelihood from incomplete data via the EM algorithm", 1977. Centers
//! start as in Arthur and Vassilvitskii, "k-means++", 2007.

use crate::math::Rng;
use nalgebra::{Cholesky, DMatrix, DVector};

/// Steps at most.
const MAX_STEPS: usize = 100;

/// Gain of the mean log-likelihood below which fitting ends. scikit-learn: `tol`.
const TOLERANCE: f64 = 1e-3;

/// Added to variances, so that constant units have a density. scikit-learn: `reg_covar`.
const MIN_VARIANCE: f64 = 1e-6;

/// A mixture of normal distributions.
#[derive(Clone, Debug)]
pub(super) struct Mixture {
    pub(super) components: Vec<Component>,
}

/// One normal distribution.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) weight: f64,
    pub(super) mean: DVector<f64>,
    /// Cholesky factor of the covariance.
    factor: DMatrix<f64>,
}

impl Mixture {
    /// Fits a mixture. `None` if the codes are too large for their covariances.
    ///
    /// # Shapes
    /// `codes` is (d, n).
    pub(super) fn fit(codes: &DMatrix<f64>, count: usize, rng: &mut Rng) -> Option<Self> {
        let mut shares = start(codes, count, rng);
        let mut mixture = Self::maximized(codes, &shares)?;
        let mut best = f64::NEG_INFINITY;
        for _ in 0..MAX_STEPS {
            let likelihood;
            (shares, likelihood) = mixture.shares(codes);
            if likelihood - best < TOLERANCE {
                break;
            }
            best = likelihood;
            mixture = Self::maximized(codes, &shares)?;
        }
        Some(mixture)
    }

    /// The mixture of the highest likelihood for these shares of components in codes, (count, n).
    fn maximized(codes: &DMatrix<f64>, shares: &DMatrix<f64>) -> Option<Self> {
        let components = shares.row_iter().map(|row| {
            let total = row.sum().max(f64::MIN_POSITIVE);
            let mean = codes * row.transpose() / total;
            let mut deviations = codes.clone();
            for (mut column, share) in deviations.column_iter_mut().zip(row.iter()) {
                column -= &mean;
                column *= share.sqrt();
            }
            let mut covariance = &deviations * deviations.transpose() / total;
            for i in 0..mean.len() {
                covariance[(i, i)] += MIN_VARIANCE;
            }
            Some(Component {
                weight: total / codes.ncols() as f64,
                factor: Cholesky::new(covariance)?.unpack(),
                mean,
            })
        });
        let components = components.collect::<Option<_>>()?;
        Some(Mixture { components })
    }

    /// Shares of the components in each code, (count, n), and the mean log-likelihood.
    fn shares(&self, codes: &DMatrix<f64>) -> (DMatrix<f64>, f64) {
        let mut logs = DMatrix::zeros(self.components.len(), codes.ncols());
        for (i, component) in self.components.iter().enumerate() {
            for (j, density) in component.log_densities(codes).into_iter().enumerate() {
                logs[(i, j)] = density;
            }
        }
        let mut sum = 0.0;
        for mut column in logs.column_iter_mut() {
            let most = column.max();
            let total = most
                + column
                    .iter()
                    .map(|log| (log - most).exp())
                    .sum::<f64>()
                    .ln();
            column.apply(|log| *log = (*log - total).exp());
            sum += total;
        }
        (logs, sum / codes.ncols() as f64)
    }

    /// Draws `n` codes, one after another.
    pub(super) fn draw(&self, n: usize, rng: &mut Rng) -> Vec<f32> {
        let mut values = Vec::new();
        for _ in 0..n {
            let mut rest = f64::from(rng.unit());
            let chosen = self.components.iter().find(|component| {
                rest -= component.weight;
                rest < 0.0
            });
            // Weights may sum to a little less than 1.
            if let Some(component) = chosen.or(self.components.last()) {
                let noise = rng.normal(component.mean.len(), 1.0).into_iter();
                let noise = DVector::from_iterator(component.mean.len(), noise.map(f64::from));
                let code = &component.mean + &component.factor * noise;
                values.extend(code.iter().map(|&value| value as f32));
            }
        }
        values
    }
}

impl Component {
    /// Logarithms of weight times density of each code.
    fn log_densities(&self, codes: &DMatrix<f64>) -> Vec<f64> {
        let mut scaled = codes.clone();
        scaled
            .column_iter_mut()
            .for_each(|mut column| column -= &self.mean);
        // The diagonal of a Cholesky factor is positive.
        self.factor.solve_lower_triangular_mut(&mut scaled);
        let determinant: f64 = self.factor.diagonal().iter().map(|v| v.ln()).sum();
        let scale = 0.5 * self.mean.len() as f64 * std::f64::consts::TAU.ln();
        let constant = self.weight.ln() - determinant - scale;
        let columns = scaled.column_iter();
        columns
            .map(|column| constant - 0.5 * column.norm_squared())
            .collect()
    }
}

/// Each code belongs to the nearest of some codes, which are drawn far from each other: (count, n).
fn start(codes: &DMatrix<f64>, count: usize, rng: &mut Rng) -> DMatrix<f64> {
    let n = codes.ncols();
    let mut nearest = vec![0; n];
    let mut distances = vec![f64::INFINITY; n];
    let mut chosen = (rng.unit() as f64 * n as f64) as usize;
    for center in 0..count {
        let mean = codes.column(chosen);
        for (j, code) in codes.column_iter().enumerate() {
            let distance = (code - mean).norm_squared();
            if distance < distances[j] {
                (distances[j], nearest[j]) = (distance, center);
            }
        }
        let mut rest = f64::from(rng.unit()) * distances.iter().sum::<f64>();
        let next = distances.iter().position(|distance| {
            rest -= distance;
            rest < 0.0
        });
        chosen = next.unwrap_or(n - 1);
    }
    DMatrix::from_fn(count, n, |i, j| f64::from(u8::from(nearest[j] == i)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Purpose;

    /// Two thirds around (-3, 0), correlated, and a third around (3, 1).
    fn codes() -> DMatrix<f64> {
        let mut rng = Rng::new(1, Purpose::Noise);
        let values = (0..3000).flat_map(|i| {
            let noise = rng.normal(2, 1.0);
            let (a, b) = (f64::from(noise[0]), f64::from(noise[1]));
            if i % 3 == 0 {
                [3.0 + 0.5 * a, 1.0 + 0.2 * b]
            } else {
                [-3.0 + a, 0.8 * a + 0.6 * b]
            }
        });
        DMatrix::from_iterator(2, 3000, values)
    }

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 0.06,
            "{found}, expected {expected}"
        );
    }

    #[test]
    fn two_distributions_are_found_again() {
        let mut rng = Rng::new(0, Purpose::Noise);
        let mut fitted = Mixture::fit(&codes(), 2, &mut rng).unwrap().components;
        fitted.sort_by(|a, b| a.mean[0].total_cmp(&b.mean[0]));
        near(fitted[0].weight, 2.0 / 3.0);
        near(fitted[0].mean[0], -3.0);
        near(fitted[1].mean[1], 1.0);
        let covariance = &fitted[0].factor * fitted[0].factor.transpose();
        near(covariance[(0, 0)], 1.0);
        near(covariance[(0, 1)], 0.8);
        near(covariance[(1, 1)], 1.0);
        let covariance = &fitted[1].factor * fitted[1].factor.transpose();
        near(covariance[(0, 0)], 0.25);
        near(covariance[(1, 1)], 0.04);
    }

    #[test]
    fn draws_have_the_mean_and_the_covariance_of_the_codes() {
        let mut rng = Rng::new(0, Purpose::Noise);
        let mixture = Mixture::fit(&codes(), 1, &mut rng).unwrap();
        let drawn = mixture.draw(200_000, &mut rng);
        let drawn = DMatrix::from_iterator(2, 200_000, drawn.into_iter().map(f64::from));
        let moments = |values: &DMatrix<f64>| {
            let mean = values.column_mean();
            let (x, y) = (values.row(0), values.row(1));
            let product = x.dot(&y) / values.ncols() as f64 - mean[0] * mean[1];
            [mean[0], mean[1], values.column_variance()[0], product]
        };
        for (a, b) in moments(&drawn).iter().zip(moments(&codes())) {
            near(*a, b);
        }
    }

    #[test]
    fn constant_units_and_spare_components_do_no_harm() {
        let codes = DMatrix::from_element(3, 5, 2.0);
        let mut rng = Rng::new(0, Purpose::Noise);
        let mixture = Mixture::fit(&codes, 3, &mut rng).unwrap();
        let drawn = mixture.draw(10, &mut rng);
        assert!(
            drawn.iter().all(|value| (value - 2.0).abs() < 0.1),
            "{drawn:?}"
        );
    }
}
