//! The architecture of a model as JSON in the metadata of its weights file.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::file::{Limits, parse_json};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::model::{Autoencoder, check_image_shape, count_weights};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Metadata key of the architecture.
pub(crate) const ARCHITECTURE_KEY: &str = "candlebook";

/// Version of the metadata format. Files of another version are rejected.
const FORMAT: u32 = 1;

/// Bytes of a weight in F16 or BF16.
const SMALLEST_WEIGHT_BYTES: u128 = 2;

/// Everything about a model except its weights.
#[derive(Serialize, Deserialize)]
pub(crate) struct Architecture {
    format: u32,
    pub(crate) input: ImageShape,
    pub(crate) encoder: Vec<Layer>,
    pub(crate) decoder: Vec<Layer>,
    /// Loss that [`Autoencoder::evaluate`] reports. Absent for the mean squared error.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) loss: Loss,
}

/// The number of layers, those in residual blocks and discriminators included.
fn count(layers: &[Layer]) -> u64 {
    let of = |layer: &Layer| match layer {
        Layer::Residual(block) | Layer::Adversarial(block, _) => 1 + count(block),
        _ => 1,
    };
    layers.iter().map(of).sum()
}

fn is_default(loss: &Loss) -> bool {
    *loss == Loss::default()
}

impl Architecture {
    pub(crate) fn of(model: &Autoencoder) -> Self {
        Architecture {
            format: FORMAT,
            input: model.image_shape(),
            encoder: model.encoder().to_vec(),
            decoder: model.decoder().to_vec(),
            loss: model.trained_loss(),
        }
    }

    /// Parses the JSON of a file.
    ///
    /// # Errors
    /// The JSON is of another version of this crate, or has too many layers.
    pub(crate) fn parse(path: &Path, json: &str) -> Result<Self> {
        let hint = "It was written by another version of candlebook: use that one, or load_weights";
        let limits = Limits::current();
        // Before parsing: a million layers take much memory and time.
        let fits = limits.check_architecture(json.len() as u64);
        fits.map_err(|over| over.of(path))?;
        let architecture: Architecture = parse_json(json).map_err(|reason| {
            Error::file(path, "an architecture this version knows", reason, hint)
        })?;
        let layers = count(&architecture.encoder) + count(&architecture.decoder);
        limits.check_layers(layers).map_err(|over| over.of(path))?;
        if architecture.format != FORMAT {
            let expected = format!("format {FORMAT}");
            return Err(Error::file(path, expected, architecture.format, hint));
        }
        Ok(architecture)
    }

    /// Rejects an architecture with more weights than the file has bytes for, so that a damaged
    /// number does not allocate memory.
    pub(crate) fn check_size(&self, path: &Path, bytes: usize) -> Result<()> {
        check_image_shape(self.input)?;
        let (c, h, w) = self.input;
        let weights = count_weights(&self.encoder, &self.decoder, &[c, h, w]);
        if weights <= bytes as u128 / SMALLEST_WEIGHT_BYTES {
            return Ok(());
        }
        Err(Error::file(
            path,
            "a file as large as its weights",
            format!("an architecture of {weights} weights in {bytes} bytes"),
            "Save the file again",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str =
        r#"{"format":1,"input":[1,2,2],"encoder":["Flatten",{"Linear":3}],"decoder":[]}"#;

    #[test]
    fn the_mean_squared_error_is_not_written() {
        let architecture = Architecture::parse(Path::new("ae"), JSON).unwrap();
        assert_eq!(architecture.loss, Loss::Mse);
        assert_eq!(serde_json::to_string(&architecture).unwrap(), JSON);
    }

    #[test]
    fn other_losses_are_kept() {
        let loss = Loss::BinaryCrossEntropy;
        let architecture = Architecture {
            loss,
            ..Architecture::parse(Path::new("ae"), JSON).unwrap()
        };
        let json = serde_json::to_string(&architecture).unwrap();
        assert_eq!(
            Architecture::parse(Path::new("ae"), &json).unwrap().loss,
            loss
        );
    }

    #[test]
    fn too_many_layers_and_deep_blocks_are_rejected() {
        let error = |layers: &str| {
            let json = JSON.replace("\"Flatten\"", layers);
            Architecture::parse(Path::new("ae"), &json)
                .err()
                .unwrap()
                .to_string()
        };
        let many = error(&vec!["\"Relu\""; 10_000].join(","));
        assert!(
            many.starts_with("ae: expected at most 10000 layers, got 10001. "),
            "{many}"
        );
        let block = format!("{{\"Residual\":[{}]}}", vec!["\"Relu\""; 9_999].join(","));
        let nested = error(&block);
        assert!(nested.contains("got 10001. "), "{nested}");
        let million = error(&vec!["\"Relu\""; 1_000_000].join(","));
        assert!(
            million.starts_with(
                "ae: expected at most 2560000 bytes of architecture, 256 per layer, got 7000"
            ) && million
                .contains("candlebook::Limits { layers: 27345, ..Default::default() }.apply()"),
            "{million}"
        );
        let deep = "{\"Residual\":[".repeat(20_000) + "\"Relu\"" + &"]}".repeat(20_000);
        let deep = error(&deep);
        assert!(
            deep.starts_with(
                "ae: expected an architecture this version knows, got JSON nested 40002 deep, more \
                 than 120."
            ),
            "{deep}"
        );
    }

    #[test]
    fn other_formats_and_giant_sizes_are_rejected() {
        let path = Path::new("ae");
        let other = JSON.replace("\"format\":1", "\"format\":2");
        let error = Architecture::parse(path, &other).err().unwrap().to_string();
        assert!(error.starts_with("ae: expected format 1, got 2"), "{error}");
        let architecture = Architecture::parse(path, JSON).unwrap();
        assert!(architecture.check_size(path, 24).is_ok());
        assert!(architecture.check_size(path, 23).is_err());
    }
}
