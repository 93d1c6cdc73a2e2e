//! CPU op of the code layer of a variational autoencoder: see [`crate::layer::gaussian`].

use crate::layer::cpu::{
    Arithmetic, BackwardArgs, CpuOp, ForwardArgs, OpShape, OpTraining, Workspace,
};
use crate::layer::gaussian_settings::{GaussianSettings, TERM};
use crate::layer::term::Term;
use crate::math::{Real, widest};

/// CPU op of a [`Gaussian`](crate::layer::Gaussian()) layer.
#[derive(Debug)]
pub(super) struct GaussianOp {
    pub(super) settings: GaussianSettings,
    pub(super) rng_calls: usize,
}

impl GaussianOp {
    /// Divergence of a unit below which it costs the same. That of a sample has no bound and may be
    /// negative.
    fn least_divergence<T: Real>(&self) -> T {
        match self.settings.sampled_divergence {
            true => T::of(f64::NEG_INFINITY),
            false => T::of(self.settings.free_bits),
        }
    }
}

impl CpuOp for GaussianOp {
    fn flops(&self) -> Option<usize> {
        // Two exponential functions and two random numbers for each unit.
        Some(50 * self.rng_calls)
    }

    fn rng_calls(&self) -> usize {
        self.rng_calls
    }

    fn term(&self) -> Option<Term> {
        Some(TERM)
    }
}

impl<T: Real> Arithmetic<T> for GaussianOp {
    fn workspace(&self, shape: OpShape, training: bool) -> Workspace<T> {
        let n = if training {
            shape.rows * shape.outputs
        } else {
            0
        };
        Workspace::with_scratch([n])
    }

    fn forward(
        &self,
        shape: OpShape,
        x: &[T],
        y: &mut [T],
        args: ForwardArgs<'_, T>,
        workspaces: &mut [Workspace<T>],
    ) {
        let units = shape.outputs;
        let workspace = &mut workspaces[shape.stage];
        let Some(OpTraining { rng, step }) = args.training else {
            for (x, y) in x.chunks_exact(2 * units).zip(y.chunks_exact_mut(units)) {
                y.copy_from_slice(&x[..units]);
            }
            return;
        };
        // Deviations from the means, for the backward pass.
        let noise = &mut workspace.scratch[0][..y.len()];
        noise.fill(T::ZERO);
        rng.clone().add_normal(noise, 1.0);
        let least = self.least_divergence();
        let GaussianSettings {
            deviation,
            sampled_divergence,
            ..
        } = self.settings;
        let half = T::of(0.5);
        let mut sum = 0.0;
        for ((x, y), noise) in rows(x, units)
            .zip(y.chunks_exact_mut(units))
            .zip(noise.chunks_exact_mut(units))
        {
            let mut row = T::ZERO;
            widest!(|| {
                for (((&m, &s), y), noise) in x.0.iter().zip(x.1).zip(y).zip(noise) {
                    let (v, _) = deviation.log_variance(s);
                    let e = *noise;
                    *noise *= (half * v).exp();
                    *y = m + *noise;
                    let divergence = if sampled_divergence {
                        half * (*y * *y - e * e - v)
                    } else {
                        divergence(m, v)
                    };
                    row += if divergence < least {
                        least
                    } else {
                        divergence
                    };
                }
            });
            sum += row.into();
        }
        workspace.term = sum * self.settings.beta_at(Some(*step));
    }

    /// With n = e exp(v / 2):
    /// dm = dz + scale m, dv = dz n / 2 + scale (exp(v) - 1) / 2, ds = dv v'(s).
    /// The sampled divergence has z for m, and z n for exp(v).
    fn backward(&self, shape: OpShape, args: BackwardArgs<'_, T>, workspaces: &mut [Workspace<T>]) {
        let Some(dx) = args.dx else { return };
        let units = shape.outputs;
        let noise = &workspaces[shape.stage].scratch[0];
        let scale = args.term_scale * T::of(self.settings.beta_at(Some(args.step)));
        let (least, half) = (self.least_divergence(), T::of(0.5));
        let GaussianSettings {
            deviation,
            sampled_divergence,
            ..
        } = self.settings;
        let rows = rows(args.x, units)
            .zip(dx.chunks_exact_mut(2 * units))
            .zip(args.dy.chunks_exact(units))
            .zip(noise.chunks_exact(units));
        for (((x, dx), dy), noise) in rows {
            let (dm, ds) = dx.split_at_mut(units);
            widest!(|| {
                let inputs = x.0.iter().zip(x.1).zip(dy).zip(noise);
                for ((((&m, &s), &dy), &noise), (dm, ds)) in inputs.zip(dm.iter_mut().zip(ds)) {
                    let (v, slope) = deviation.log_variance(s);
                    // Below the free bits, the divergence costs the same everywhere.
                    let scale = if divergence(m, v) < least {
                        T::ZERO
                    } else {
                        scale
                    };
                    let (value, square) = if sampled_divergence {
                        (m + noise, (m + noise) * noise)
                    } else {
                        (m, v.exp())
                    };
                    *dm = dy + scale * value;
                    *ds = slope * half * (dy * noise + scale * (square - T::ONE));
                }
            });
        }
    }
}

/// Means, and log variances or what they are computed from, of each image.
fn rows<T>(x: &[T], units: usize) -> impl Iterator<Item = (&[T], &[T])> {
    x.chunks_exact(2 * units)
        .map(move |row| row.split_at(units))
}

/// KL divergence from N(0, 1) of a normal distribution.
#[inline(always)]
fn divergence<T: Real>(mean: T, log_variance: T) -> T {
    T::of(0.5) * (mean * mean + log_variance.exp() - T::ONE - log_variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_matches_pytorch() {
        // import torch; from torch.distributions import Normal, kl_divergence as kl
        // kl(Normal(0.5, torch.tensor(-1.2).mul(0.5).exp()), Normal(0., 1.)) -> 0.3755971
        assert!((divergence(0.5f64, -1.2) - 0.375_597_1).abs() < 1e-7);
        assert_eq!(divergence(0.0f64, 0.0), 0.0);
    }
}
