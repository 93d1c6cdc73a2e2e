//! Initialization of new models.

use crate::error::{Error, Result};
use crate::model::weights::Weights;
use candle_core::Device;

/// Seed, first weights and device of a new model.
///
/// Weights are drawn on the host. Each variable has random numbers of its own: layers that change
/// or get another scheme leave the weights of the others as they were.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let layers = [Flatten, Linear(128), Relu, Linear(32)];
/// let init = Init {
///     seed: 7,
///     weights: Weights::HeUniform,
///     layers: vec![("encoder.3".into(), Weights::Normal(0.01))],
///     ..Default::default()
/// };
/// let ae = Autoencoder::symmetric_with((1, 28, 28), &layers, &init)?;
/// assert!(ae.device().is_cpu());
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Init {
    /// Seed of the initial weights. A seed gives the same weights on every device. Defaults to 0.
    pub seed: u64,
    /// Scheme of the weights of all layers. Defaults to [`Weights::GlorotUniform`] with biases of
    /// 0, as in Keras. [`Weights::PyTorch`] kills more units.
    pub weights: Weights,
    /// Schemes of single layers, under their names in the model's table, such as `encoder.1`. The
    /// name of a residual block or of a whole list, `encoder`, stands for all layers inside. Of
    /// several entries for a layer, the last one counts. Defaults to none.
    pub layers: Vec<(String, Weights)>,
    /// Device that holds the weights, such as [`best_device()`](crate::device::best_device).
    /// Defaults to the CPU.
    pub device: Device,
}

impl Default for Init {
    fn default() -> Self {
        Init {
            seed: 0,
            weights: Weights::default(),
            layers: Vec::new(),
            device: Device::Cpu,
        }
    }
}

impl Init {
    /// Rejects settings of schemes that are out of range.
    pub(crate) fn check(&self) -> Result<()> {
        let layers = self.layers.iter().map(|(_, weights)| weights);
        layers.chain([&self.weights]).try_for_each(Weights::check)
    }

    /// Rejects entries that name none of the model's layers with weights.
    pub(crate) fn check_names(&self, names: &[String]) -> Result<()> {
        let known = |entry: &str| names.iter().any(|name| contains(entry, name));
        let Some((unknown, _)) = self.layers.iter().find(|(entry, _)| !known(entry)) else {
            return Ok(());
        };
        Err(Error::setting(
            "Init::layers",
            format!("names of layers with weights: {}", names.join(", ")),
            format!("\"{unknown}\""),
            "\"encoder\" and \"decoder\" stand for all of their layers",
        ))
    }

    /// The scheme of the layer of this name, such as `encoder.1`.
    pub(crate) fn weights_of(&self, name: &str) -> Weights {
        let entry = self.layers.iter().rfind(|(entry, _)| contains(entry, name));
        entry.map_or(self.weights, |&(_, weights)| weights)
    }
}

/// True if an entry names this layer or something around it.
fn contains(entry: &str, name: &str) -> bool {
    let rest = name.strip_prefix(entry);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_seed_0_and_glorot_uniform_on_the_cpu() {
        let init = Init::default();
        assert_eq!(init.seed, 0);
        assert_eq!(init.weights_of("encoder.1"), Weights::GlorotUniform);
        assert!(init.device.is_cpu());
    }

    #[test]
    fn the_last_entry_around_a_layer_is_its_scheme() {
        let entries = [
            ("encoder.1", Weights::Orthogonal),
            ("decoder", Weights::HeNormal),
            ("decoder.2", Weights::PyTorch),
        ];
        let init = Init {
            layers: entries.map(|(name, weights)| (name.into(), weights)).into(),
            ..Default::default()
        };
        assert_eq!(init.weights_of("encoder.1"), Weights::Orthogonal);
        assert_eq!(init.weights_of("encoder.1.0"), Weights::Orthogonal);
        assert_eq!(init.weights_of("encoder.10"), Weights::GlorotUniform);
        assert_eq!(init.weights_of("decoder.0"), Weights::HeNormal);
        assert_eq!(init.weights_of("decoder.2"), Weights::PyTorch);
    }
}
