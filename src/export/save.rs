//! Writing weights files: safetensors with the architecture in the metadata.
//!
//! Names and layouts are PyTorch's: `load_state_dict` takes what `safetensors.torch.load_file`
//! returns.

use crate::error::{Error, Result};
use crate::export::architecture::{ARCHITECTURE_KEY, Architecture};
use crate::export::safetensors::to_bytes;
use crate::model::Autoencoder;
use candle_core::Device;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// Metadata key of a training run.
pub(crate) const EXTRA_KEY: &str = "candlebook.training";

/// Prefix of the names of a training run's tensors.
pub(crate) const EXTRA_PREFIX: &str = "training.";

/// State of a training run, saved beside its model in a checkpoint.
pub(crate) struct Extra {
    pub(crate) json: String,
    /// Name, shape and values of each tensor.
    pub(crate) tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Autoencoder {
    /// Saves weights and architecture to a safetensors file.
    ///
    /// The file is written atomically: on an error, an existing file stays as it was. PyTorch:
    /// `safetensors.torch.load_file(path)` returns a state dict.
    ///
    /// # Errors
    /// The file cannot be written.
    ///
    /// # Examples
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("ae.safetensors");
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)])?;
    /// ae.save(&path)?;
    /// assert_eq!(Autoencoder::load(&path)?.encoder(), [Flatten, Linear(8)]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), self, None)
    }
}

/// Writes a model, and the state of its training run if there is one.
pub(crate) fn write(path: &Path, model: &Autoencoder, extra: Option<Extra>) -> Result<()> {
    let cannot_write = |error: &dyn std::fmt::Display| {
        Error::io("write", path)(std::io::Error::other(error.to_string()))
    };
    let architecture =
        serde_json::to_string(&Architecture::of(model)).map_err(|error| cannot_write(&error))?;
    let mut metadata = HashMap::from([
        (ARCHITECTURE_KEY.to_owned(), architecture),
        // PyTorch writes this entry, and some readers require it.
        ("format".to_owned(), "pt".to_owned()),
    ]);
    let mut tensors = weights(model)?;
    if let Some(extra) = extra {
        metadata.insert(EXTRA_KEY.to_owned(), extra.json);
        tensors.extend(extra.tensors);
    }
    let bytes = serialize(tensors, metadata).map_err(|error| cannot_write(&error))?;
    crate::file::write_atomically(path, &bytes)
}

/// Name, shape and values of every variable and buffer.
fn weights(model: &Autoencoder) -> Result<Vec<(String, Vec<usize>, Vec<f32>)>> {
    let named = [model.variables(), model.buffers()].concat();
    named
        .into_iter()
        .map(|(name, var)| {
            let values = var.as_tensor().to_device(&Device::Cpu)?.flatten_all()?;
            Ok((name, var.dims().to_vec(), values.to_vec1::<f32>()?))
        })
        .collect()
}

fn serialize(
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    metadata: HashMap<String, String>,
) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, dims, values)| (name, dims, to_bytes(&values)))
        .collect();
    let views = tensors
        .iter()
        .map(|(name, dims, bytes)| Ok((name, TensorView::new(Dtype::F32, dims.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, SafeTensorError>>()?;
    safetensors::serialize(views, Some(metadata))
}
