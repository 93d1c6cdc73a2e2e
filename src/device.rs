//! Where tensors live: the GPU where one can be used, else the CPU.

use candle_core::{Device, DeviceLocation};
use std::sync::OnceLock;

/// The fastest device of this machine: a CUDA GPU where the crate was compiled with the feature `cuda` and a GPU is there
/// when the program runs, else Metal's where it was compiled with `metal`, else the CPU. Never fails.
///
/// Every call hands back the same device: candle does not mix tensors of two devices, even where both are one GPU.
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
        unless_it_panics(cuda)
            .or_else(|| unless_it_panics(metal))
            .unwrap_or(Device::Cpu)
    })
    .clone()
}

/// What a device is called in texts: "CPU", "CUDA device 0", "Metal".
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

/// Candle indexes Metal's list of devices without a look at its length, and drivers may be half installed.
fn unless_it_panics(find: fn() -> Option<Device>) -> Option<Device> {
    std::panic::catch_unwind(find).ok().flatten()
}

#[cfg(feature = "cuda")]
fn cuda() -> Option<Device> {
    use candle_core::cuda_backend::cudarc::driver::result;
    // Candle's own question is answered when it is compiled, so the driver is asked.
    let count = result::init()
        .and_then(|()| result::device::get_count())
        .unwrap_or(0);
    // A stream of its own: on the default one each thread has another, and tensors would change threads too early.
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
