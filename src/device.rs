//! Choice of the device that models run on.

use candle_core::{Device, DeviceLocation};
use std::sync::OnceLock;

/// The fastest device of this machine: a CUDA GPU (feature `cuda`), else a Metal GPU (feature
/// `metal`), else the CPU. Never fails.
///
/// Every call returns the same device: candle rejects operations between two devices even if both
/// are the same GPU.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let device = best_device();
/// let xs = Tensor::arange(0f32, 4., &device)?;
/// assert_eq!(xs.sum_all()?.to_scalar::<f32>()?, 6.0);
/// assert!(xs.device().same_device(&best_device()));
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn best_device() -> Device {
    static BEST: OnceLock<Device> = OnceLock::new();
    BEST.get_or_init(|| {
        none_if_it_panics(cuda)
            .or_else(|| none_if_it_panics(metal))
            .unwrap_or(Device::Cpu)
    })
    .clone()
}

/// The device of a rank that is the `nth` on its machine, counted from 0. Several ranks share a GPU if
/// there are too few.
pub(crate) fn device_of_rank(nth: usize) -> Device {
    #[cfg(feature = "cuda")]
    {
        use candle_core::cuda_backend::cudarc::driver::result;
        let count = result::init().and_then(|()| result::device::get_count());
        let count = usize::try_from(count.unwrap_or(0)).unwrap_or(0);
        if count > 0 {
            return Device::new_cuda_with_stream(nth % count).unwrap_or(Device::Cpu);
        }
    }
    let _ = nth;
    best_device()
}

/// Name of a device for messages: "CPU", "CUDA device 0", "Metal".
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// assert_eq!(candlebook::device::name(&Device::Cpu), "CPU");
/// ```
pub fn name(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => "CPU".into(),
        DeviceLocation::Cuda { gpu_id } => format!("CUDA device {gpu_id}"),
        DeviceLocation::Metal { .. } => "Metal".into(),
    }
}

/// Treats a panic as a missing device. Candle indexes Metal's device list unchecked, and a driver
/// that is only half installed can panic too.
fn none_if_it_panics(find: fn() -> Option<Device>) -> Option<Device> {
    std::panic::catch_unwind(find).ok().flatten()
}

#[cfg(feature = "cuda")]
fn cuda() -> Option<Device> {
    use candle_core::cuda_backend::cudarc::driver::result;
    // Candle's `cuda_is_available` reports the build. Only the driver knows of a GPU.
    let count = result::init()
        .and_then(|()| result::device::get_count())
        .unwrap_or(0);
    // A separate stream: the default stream is per thread, so a tensor could be used on another
    // thread before the kernel that fills it has finished.
    (count > 0)
        .then(|| Device::new_cuda_with_stream(0).ok())
        .flatten()
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Option<Device> {
    None
}

#[cfg(feature = "metal")]
fn metal() -> Option<Device> {
    Device::new_metal(0).ok()
}

#[cfg(not(feature = "metal"))]
fn metal() -> Option<Device> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_panics_counts_as_no_device() {
        assert!(none_if_it_panics(|| panic!("half installed")).is_none());
        assert!(none_if_it_panics(|| Some(Device::Cpu)).is_some());
    }
}
