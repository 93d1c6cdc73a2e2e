//! Moments: the running averages that an optimizer keeps for each weight.

use crate::error::Result;
use crate::math::Real;
use candle_core::Tensor;

/// Largest number of moments of an optimizer.
pub(crate) const MOMENTS: usize = 3;

/// Moments of each value of a variable. The first is a mean of gradients (the velocity of SGD, the
/// mean square of the steps of Adadelta), the second a mean, sum or maximum of their squares. The
/// third is the maximum of Adam's second (AMSGrad), or the velocity of RMSprop. A moment that the
/// optimizer does not keep is empty.
pub(crate) type Moments<T = f32> = [Vec<T>; MOMENTS];

/// [`Moments`] of some values, borrowed.
pub(crate) type MomentSlices<'a, T> = [&'a mut [T]; MOMENTS];

/// [`Moments`] as tensors on the variable's device; None in place of an empty moment.
pub(crate) type DeviceMoments = [Option<Tensor>; MOMENTS];

/// Moments below this are set to zero: it is far too small to move a weight and far above the
/// denormal numbers, which slow down the CPU. Weights without gradient (an always black pixel)
/// would decay into them.
pub(crate) const NEGLIGIBLE: f64 = 1e-30;

/// The moment, or zero if it is negligible. NaN is kept.
#[inline(always)]
pub(crate) fn kept<T: Real>(moment: T) -> T {
    if moment.abs() < T::of(NEGLIGIBLE) {
        T::ZERO
    } else {
        moment
    }
}

/// `moment * decay + added`, stored as the new moment; `added` alone if the moment is not kept.
pub(crate) fn accumulate(moment: &mut Option<Tensor>, decay: f64, added: Tensor) -> Result<Tensor> {
    let sum = match moment {
        Some(moment) => ((&*moment * decay)? + added)?,
        None => return Ok(added),
    };
    *moment = Some(sum.clone());
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_kept_moment_decays_and_a_missing_one_stays_missing() {
        let added = Tensor::new(&[1f32], &Device::Cpu).unwrap();
        let value = |tensor: &Tensor| tensor.to_vec1::<f32>().unwrap()[0];
        let mut kept = Some(Tensor::new(&[4f32], &Device::Cpu).unwrap());
        assert_eq!(
            value(&accumulate(&mut kept, 0.5, added.clone()).unwrap()),
            3.0
        );
        assert_eq!(value(&kept.unwrap()), 3.0);
        let mut missing = None;
        assert_eq!(value(&accumulate(&mut missing, 0.5, added).unwrap()), 1.0);
        assert!(missing.is_none());
    }
}
