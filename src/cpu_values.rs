//! The values of tensors on the CPU, without a copy.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, WithDType, bail};

/// The values of a contiguous tensor.
pub(crate) fn values<'a, T: WithDType>(
    storage: &'a CpuStorage,
    layout: &Layout,
) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&T::cpu_storage_as_slice(storage)?[start..end]),
        None => bail!("expected contiguous values"),
    }
}

/// Calls a function with the values of contiguous tensors.
pub(crate) fn with_values<T: WithDType, R, const N: usize>(
    tensors: [&Tensor; N],
    f: impl FnOnce([&[T]; N]) -> R,
) -> Result<R> {
    let guards = tensors.map(Tensor::storage_and_layout);
    let mut slices = [&[] as &[T]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&guards) {
        let Storage::Cpu(storage) = &**storage else {
            bail!("expected tensors on the CPU");
        };
        *slice = values(storage, layout)?;
    }
    Ok(f(slices))
}

/// Returns true if candle keeps the graphs of gradients, for gradients of gradients. Operations on
/// slices have none.
pub(crate) fn keeps_gradient_graphs() -> bool {
    // As candle reads it.
    std::env::var("CANDLE_GRAD_DO_NOT_DETACH").is_ok_and(|value| !value.is_empty() && value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_values_of_a_part_are_those_of_the_part() {
        let all = Tensor::new(&[[1f32, 2.0], [3.0, 4.0], [5.0, 6.0]], &Device::Cpu).unwrap();
        let (first, last) = (all.get(0).unwrap(), all.get(2).unwrap());
        let both = with_values([&first, &last], |slices| slices.map(<[f32]>::to_vec));
        assert_eq!(both.unwrap(), [[1.0, 2.0], [5.0, 6.0]]);
        let column = all.narrow(1, 0, 1).unwrap();
        let error = with_values([&column], |_: [&[f32]; 1]| ()).unwrap_err();
        assert!(error.to_string().contains("contiguous"), "{error}");
    }
}
