//! Mixtures of normal distributions with full covariances, fitted by expectation maximization.
//!
//! Dempster and others, "Maximum likelihood from incomplete data via the EM algorithm", 1977. Centers
//! start as in Arthur and Vassilvitskii, "k-means++", 2007.

use crate::math::{Cholesky, Matrix, Rng, column_squares, dot, matmul, mul_assign, sum};

/// Steps at most.
const MAX_STEPS: usize = 100;

/// Gain of the mean log-likelihood below which fitting ends. scikit-learn: `tol`.
const TOLERANCE: f64 = 1e-3;

/// Added to variances, so that constant units have a density. scikit-learn: `reg_covar`.
const MIN_VARIANCE: f64 = 1e-6;

/// Codes of one matrix product.
const CHUNK_CODES: usize = 256;

/// Codes, unit by unit.
pub(super) struct Codes {
    /// (size, n)
    values: Vec<f64>,
    n: usize,
}

impl Codes {
    /// # Shapes
    /// `values` is (size, `n`).
    pub(super) fn new(values: Vec<f64>, n: usize) -> Self {
        Codes { values, n }
    }

    fn size(&self) -> usize {
        self.values.len() / self.n
    }

    /// The values of each unit.
    fn units(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.n)
    }

    /// The deviations of some codes at a time from a mean: position of the first code, number of
    /// codes, (size, number).
    fn deviations(&self, mean: &[f64]) -> impl Iterator<Item = (usize, usize, Vec<f64>)> {
        (0..self.n).step_by(CHUNK_CODES).map(move |first| {
            let number = CHUNK_CODES.min(self.n - first);
            let mut values = Vec::with_capacity(self.size() * number);
            for (unit, mean) in self.units().zip(mean) {
                values.extend(unit[first..][..number].iter().map(|value| value - mean));
            }
            (first, number, values)
        })
    }
}

/// A mixture of normal distributions.
#[derive(Clone, Debug)]
pub(super) struct Mixture {
    pub(super) components: Vec<Component>,
}

/// One normal distribution.
#[derive(Clone, Debug)]
pub(super) struct Component {
    weight: f64,
    mean: Vec<f64>,
    covariance: Cholesky,
}

impl Mixture {
    /// Fits a mixture. `None` if the codes are too large for their covariances.
    pub(super) fn fit(codes: &Codes, count: usize, rng: &mut Rng) -> Option<Self> {
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
    fn maximized(codes: &Codes, shares: &[f64]) -> Option<Self> {
        let shares = shares.chunks_exact(codes.n);
        let components = shares.map(|shares| Component::maximized(codes, shares));
        let components = components.collect::<Option<_>>()?;
        Some(Mixture { components })
    }

    /// Shares of the components in each code, (count, n), and the mean log-likelihood.
    fn shares(&self, codes: &Codes) -> (Vec<f64>, f64) {
        let components = self.components.iter();
        let mut logs: Vec<f64> = components.flat_map(|c| c.log_densities(codes)).collect();
        let mut likelihood = 0.0;
        for i in 0..codes.n {
            let column = || (i..logs.len()).step_by(codes.n);
            let most = column().fold(f64::NEG_INFINITY, |most, at| most.max(logs[at]));
            let sum: f64 = column().map(|at| (logs[at] - most).exp()).sum();
            let total = most + sum.ln();
            for at in column() {
                logs[at] = (logs[at] - total).exp();
            }
            likelihood += total;
        }
        (logs, likelihood / codes.n as f64)
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
                let noise: Vec<f64> = noise.map(f64::from).collect();
                let deviations = component.covariance.multiply(&noise).into_iter();
                let code = component.mean.iter().zip(deviations);
                values.extend(code.map(|(mean, deviation)| (mean + deviation) as f32));
            }
        }
        values
    }
}

impl Component {
    /// The component of the highest likelihood for its share in each code.
    fn maximized(codes: &Codes, shares: &[f64]) -> Option<Self> {
        let size = codes.size();
        let total = sum(shares).max(f64::MIN_POSITIVE);
        let means = codes.units().map(|unit| dot(unit, shares) / total);
        let mean: Vec<f64> = means.collect();
        let roots: Vec<f64> = shares.iter().map(|share| share.sqrt()).collect();
        let mut covariance = vec![0.0; size * size];
        for (first, number, mut deviations) in codes.deviations(&mean) {
            for unit in deviations.chunks_exact_mut(number) {
                mul_assign(unit, &roots[first..]);
            }
            let deviations = Matrix::new(&deviations, size, number);
            matmul(deviations, deviations.transposed(), &mut covariance, true);
        }
        covariance.iter_mut().for_each(|value| *value /= total);
        for variance in covariance.iter_mut().step_by(size + 1) {
            *variance += MIN_VARIANCE;
        }
        Some(Component {
            weight: total / codes.n as f64,
            mean,
            covariance: Cholesky::new(covariance, size)?,
        })
    }

    /// Logarithms of weight times density of each code.
    fn log_densities(&self, codes: &Codes) -> Vec<f64> {
        let scale = 0.5 * self.mean.len() as f64 * std::f64::consts::TAU.ln();
        let constant = self.weight.ln() - self.covariance.log_determinant() - scale;
        let mut logs = Vec::with_capacity(codes.n);
        for (_, number, mut deviations) in codes.deviations(&self.mean) {
            let squares = self.covariance.squared_distances(&mut deviations, number);
            logs.extend(squares.iter().map(|square| constant - 0.5 * square));
        }
        logs
    }
}

/// Each code belongs to the nearest of some codes, which are drawn far from each other: (count, n).
fn start(codes: &Codes, count: usize, rng: &mut Rng) -> Vec<f64> {
    let n = codes.n;
    let mut nearest = vec![0; n];
    let mut distances = vec![f64::INFINITY; n];
    let mut chosen = (rng.unit() as f64 * n as f64) as usize;
    for center in 0..count {
        let mean: Vec<f64> = codes.units().map(|unit| unit[chosen]).collect();
        for (first, number, deviations) in codes.deviations(&mean) {
            let squares = column_squares(&deviations, number);
            for (i, distance) in (first..).zip(squares) {
                if distance < distances[i] {
                    (distances[i], nearest[i]) = (distance, center);
                }
            }
        }
        let mut rest = f64::from(rng.unit()) * distances.iter().sum::<f64>();
        let next = distances.iter().position(|distance| {
            rest -= distance;
            rest < 0.0
        });
        chosen = next.unwrap_or(n - 1);
    }
    let mut shares = vec![0.0; count * n];
    for (i, center) in nearest.into_iter().enumerate() {
        shares[center * n + i] = 1.0;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Purpose;

    /// Two thirds around (-3, 0), correlated, and a third around (3, 1).
    fn codes() -> Codes {
        let mut rng = Rng::new(1, Purpose::Noise);
        let codes = (0..3000).map(|i| {
            let noise = rng.normal(2, 1.0);
            let (a, b) = (f64::from(noise[0]), f64::from(noise[1]));
            if i % 3 == 0 {
                (3.0 + 0.5 * a, 1.0 + 0.2 * b)
            } else {
                (-3.0 + a, 0.8 * a + 0.6 * b)
            }
        });
        let (first, second): (Vec<f64>, Vec<f64>) = codes.collect();
        Codes::new([first, second].concat(), 3000)
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
        // L of [[1, 0.8], [0.8, 1]] has the columns (1, 0.8) and (0, 0.6).
        let columns = |component: usize| {
            let factor = &fitted[component].covariance;
            [factor.multiply(&[1.0, 0.0]), factor.multiply(&[0.0, 1.0])].concat()
        };
        let found = [columns(0), columns(1)].concat();
        let expected = [1.0, 0.8, 0.0, 0.6, 0.5, 0.0, 0.0, 0.2];
        found
            .into_iter()
            .zip(expected)
            .for_each(|(a, b)| near(a, b));
    }

    #[test]
    fn draws_have_the_mean_and_the_covariance_of_the_codes() {
        let mut rng = Rng::new(0, Purpose::Noise);
        let mixture = Mixture::fit(&codes(), 1, &mut rng).unwrap();
        let drawn = mixture.draw(200_000, &mut rng);
        let unit = |i: usize| drawn.iter().skip(i).step_by(2).map(|v| f64::from(*v));
        let drawn = Codes::new(unit(0).chain(unit(1)).collect(), 200_000);
        let moments = |codes: &Codes| {
            let (x, y) = codes.values.split_at(codes.n);
            let mean = |values: &[f64]| sum(values) / codes.n as f64;
            let moment = |a: &[f64], b: &[f64]| dot(a, b) / codes.n as f64 - mean(a) * mean(b);
            [mean(x), mean(y), moment(x, x), moment(x, y), moment(y, y)]
        };
        for (a, b) in moments(&drawn).into_iter().zip(moments(&codes())) {
            near(a, b);
        }
    }

    #[test]
    fn constant_units_and_spare_components_do_no_harm() {
        let codes = Codes::new(vec![2.0; 15], 5);
        let mut rng = Rng::new(0, Purpose::Noise);
        let mixture = Mixture::fit(&codes, 3, &mut rng).unwrap();
        let drawn = mixture.draw(10, &mut rng);
        assert!(
            drawn.iter().all(|value| (value - 2.0).abs() < 0.1),
            "{drawn:?}"
        );
    }

    #[test]
    fn codes_with_covariances_that_are_not_finite_have_no_mixture() {
        for value in [f64::NAN, f64::INFINITY, 1e200] {
            let codes = Codes::new(vec![value, 1.0, 2.0, 3.0, -value, 5.0], 3);
            let mut rng = Rng::new(0, Purpose::Noise);
            assert!(Mixture::fit(&codes, 1, &mut rng).is_none(), "{value}");
        }
    }

    #[test]
    fn dependent_units_have_a_density() {
        let unit: Vec<f64> = (0..100).map(f64::from).collect();
        let codes = Codes::new([unit.clone(), unit].concat(), 100);
        let mut rng = Rng::new(0, Purpose::Noise);
        let mixture = Mixture::fit(&codes, 1, &mut rng).unwrap();
        for code in mixture.draw(20, &mut rng).chunks_exact(2) {
            assert!((code[0] - code[1]).abs() < 0.01, "{code:?}");
        }
    }
}
