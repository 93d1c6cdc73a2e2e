//! The architecture of a model as JSON in the metadata of its weights file.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::model::{Autoencoder, check_image_shape, count_weights};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Metadata key of the architecture.
pub(crate) const ARCHITECTURE_KEY: &str = "candlebook";

/// Version of the metadata format. Files of another version are rejected.
const FORMAT: u32 = 1;

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
    /// The JSON is of another version of this crate.
    pub(crate) fn parse(path: &Path, json: &str) -> Result<Self> {
        let hint = "It was written by another version of candlebook: use that one, or load_weights";
        let architecture: Architecture = serde_json::from_str(json).map_err(|error| {
            Error::file(path, "an architecture this version knows", error, hint)
        })?;
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
        if weights <= bytes as u128 / 4 {
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
    fn other_formats_and_giant_sizes_are_rejected() {
        let path = Path::new("ae");
        let other = JSON.replace("\"format\":1", "\"format\":2");
        let error = Architecture::parse(path, &other).err().unwrap().to_string();
        assert!(error.starts_with("ae: expected format 1, got 2"), "{error}");
        let architecture = Architecture::parse(path, JSON).unwrap();
        assert!(architecture.check_size(path, 48).is_ok());
        assert!(architecture.check_size(path, 47).is_err());
    }
}
