//! Initialization of new models.

use candle_core::Device;

/// Seed and device of a new model.
///
/// # Examples
/// ```
/// use candlebook::model::Init;
/// use candlebook::prelude::*;
/// let layers = [Flatten, Linear(32), Relu];
/// let init = Init { seed: 7, ..Default::default() };
/// let ae = Autoencoder::symmetric_with((1, 28, 28), &layers, &init)?;
/// assert!(ae.device().is_cpu());
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Init {
    /// Seed of the initial weights. A seed gives the same weights on every device. Defaults to 0.
    pub seed: u64,
    /// Device that holds the weights, such as [`best_device()`](crate::device::best_device).
    /// Defaults to the CPU.
    pub device: Device,
}

impl Default for Init {
    fn default() -> Self {
        Init {
            seed: 0,
            device: Device::Cpu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_seed_0_on_the_cpu() {
        let init = Init::default();
        assert_eq!(init.seed, 0);
        assert!(init.device.is_cpu());
    }
}
