//! Writing weights files: safetensors with the architecture in the metadata.
//!
//! Names and layouts are PyTorch's: `load_state_dict` takes what `safetensors.torch.load_file`
//! returns.

use crate::error::{Error, Result};
use crate::export::architecture::{ARCHITECTURE_KEY, Architecture};
use crate::export::safetensors::{NamedTensor, to_bytes};
use crate::model::Autoencoder;
use candle_core::{Device, Tensor};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// Metadata key of a training run.
pub(crate) const RUN_KEY: &str = "candlebook.training";

/// Prefix of the names of a training run's tensors.
pub(crate) const RUN_PREFIX: &str = "training.";

/// State of a training run, saved beside its model in a checkpoint.
pub(crate) struct SavedRun {
    pub(crate) json: String,
    pub(crate) tensors: Vec<NamedTensor>,
}

impl Autoencoder {
    /// Saves weights and architecture to a safetensors file.
    ///
    /// A model with [`Layer::module`](crate::layer::Layer::module) is saved without its architecture, for
    /// [`Autoencoder::load_weights`].
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
pub(crate) fn write(path: &Path, model: &Autoencoder, run: Option<SavedRun>) -> Result<()> {
    let cannot_write = |error: &dyn std::fmt::Display| {
        Error::io("write", path)(std::io::Error::other(error.to_string()))
    };
    // PyTorch writes this entry, and some readers require it.
    let mut metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    if !model.has_modules() {
        let architecture = serde_json::to_string(&Architecture::of(model));
        let architecture = architecture.map_err(|error| cannot_write(&error))?;
        metadata.insert(ARCHITECTURE_KEY.to_owned(), architecture);
    }
    let mut tensors = weights(model)?;
    if let Some(run) = run {
        metadata.insert(RUN_KEY.to_owned(), run.json);
        tensors.extend(run.tensors);
    }
    let bytes = serialize(tensors, metadata).map_err(|error| cannot_write(&error))?;
    crate::file::write_atomically(path, &bytes)
}

/// Copies every variable and buffer to the CPU.
fn weights(model: &Autoencoder) -> Result<Vec<NamedTensor>> {
    let named = [model.variables(), model.buffers()].concat().into_iter();
    let named = named.map(|(name, var)| Ok((name, var.as_tensor().clone())));
    // PyTorch's modules have their own weights.
    let tied = model.decoder_net().named_tied().into_iter();
    let tied = tied.map(|(name, var)| Ok((name, var.t()?)));
    named
        .chain(tied)
        .map(|named: Result<(String, Tensor)>| {
            let (name, tensor) = named?;
            let values = tensor.to_device(&Device::Cpu)?.flatten_all()?;
            Ok(NamedTensor {
                name,
                shape: tensor.dims().to_vec(),
                values: values.to_vec1::<f32>()?,
            })
        })
        .collect()
}

fn serialize(
    tensors: Vec<NamedTensor>,
    metadata: HashMap<String, String>,
) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|t| to_bytes(&t.values)).collect();
    let views = tensors
        .into_iter()
        .zip(&bytes)
        .map(|(NamedTensor { name, shape, .. }, bytes)| {
            Ok((name, TensorView::new(Dtype::F32, shape, bytes)?))
        })
        .collect::<std::result::Result<Vec<_>, SafeTensorError>>()?;
    safetensors::serialize(views, Some(metadata))
}
