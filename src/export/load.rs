//! Reading weights files, written by this crate or by PyTorch.

use crate::error::{Error, Result};
use crate::export::architecture::{ARCHITECTURE_KEY, Architecture};
use crate::export::safetensors::{
    HEADER_LENGTH_BYTES, NamedTensor, StoredTensor, WeightsFile, check_header_length,
};
use crate::export::save::{RUN_KEY, RUN_PREFIX, SavedRun};
use crate::file::{append, open_file};
use crate::model::{Autoencoder, Init};
use candle_core::{Device, Tensor, Var};
use safetensors::tensor::Dtype;
use std::collections::BTreeMap;
use std::io::Seek;
use std::path::Path;

const OTHER_ARCHITECTURE: &str =
    "The file is of another architecture: load it with Autoencoder::load";

impl Autoencoder {
    /// Loads a model that [`Autoencoder::save`] wrote. The file contains the architecture.
    ///
    /// # Errors
    /// The file cannot be read, is truncated, is not safetensors, or contains no architecture.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::load("mnist_ae.safetensors")?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_on(path, &Device::Cpu)
    }

    /// Loads a model that [`Autoencoder::save`] wrote onto a device.
    ///
    /// # Errors
    /// As [`Autoencoder::load`]; also if the device runs out of memory.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::load_on("mnist_ae.safetensors", &best_device())?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn load_on(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read(path)?;
        let file = WeightsFile::parse(path, &bytes)?;
        let Architecture {
            input,
            encoder,
            decoder,
            loss,
            ..
        } = read_architecture(path, &file, bytes.len())?;
        let init = Init {
            device: device.clone(),
            ..Default::default()
        };
        let mut model = Autoencoder::new_with(input, &encoder, &decoder, &init)?;
        model.set_trained_loss(loss);
        set_weights(&model, path, &file)?;
        Ok(model)
    }

    /// Loads weights into this model, from a file of [`Autoencoder::save`] or of PyTorch with the
    /// same names and shapes, in `f32`. PyTorch: `load_state_dict(..., strict=True)`.
    ///
    /// # Errors
    /// The file cannot be read or does not fit. The model is then unchanged.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(128), Relu])?;
    /// ae.load_weights("from_pytorch.safetensors")?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = read(path)?;
        set_weights(self, path, &WeightsFile::parse(path, &bytes)?)
    }
}

/// Reads the training run of a checkpoint, or `None` if the file contains a model only.
pub(crate) fn read_run(path: &Path) -> Result<Option<SavedRun>> {
    let bytes = read(path)?;
    let file = WeightsFile::parse(path, &bytes)?;
    let Some(json) = file.text(RUN_KEY) else {
        return Ok(None);
    };
    let tensors = file.tensors().into_iter();
    let tensors = tensors
        .filter(|(name, tensor)| name.starts_with(RUN_PREFIX) && tensor.dtype == Dtype::F32)
        .map(|(name, tensor)| NamedTensor {
            name,
            shape: tensor.shape.to_vec(),
            values: tensor.floats(),
        });
    Ok(Some(SavedRun {
        json: json.to_owned(),
        tensors: tensors.collect(),
    }))
}

/// Reads a file whose first bytes can be those of safetensors.
fn read(path: &Path) -> Result<Vec<u8>> {
    let (mut file, length) = open_file(path)?;
    let mut bytes = Vec::new();
    let read = append(&mut bytes, &mut file, HEADER_LENGTH_BYTES);
    let more = read.map_err(Error::io("read", path))?;
    check_header_length(path, &bytes, length)?;
    if more {
        // `append` has read one more byte.
        file.rewind().map_err(Error::io("read", path))?;
        bytes.clear();
        let read = append(&mut bytes, file, length);
        read.map_err(Error::io("read", path))?;
    }
    Ok(bytes)
}

/// The architecture of a file of `length` bytes.
fn read_architecture(path: &Path, file: &WeightsFile<'_>, length: usize) -> Result<Architecture> {
    let json = file.text(ARCHITECTURE_KEY).ok_or_else(|| {
        Error::file(
            path,
            "an architecture saved by candlebook",
            "weights only",
            "Build the model in code, then read the weights with load_weights",
        )
    })?;
    let architecture = Architecture::parse(path, json)?;
    architecture.check_size(path, length)?;
    Ok(architecture)
}

/// Sets a model's variables and buffers to those of a file, or none of them on an error.
fn set_weights(model: &Autoencoder, path: &Path, file: &WeightsFile<'_>) -> Result<()> {
    let mut tensors = file.tensors();
    // PyTorch's batch counter has no use with a fixed momentum.
    tensors
        .retain(|name, _| !name.ends_with("num_batches_tracked") && !name.starts_with(RUN_PREFIX));
    let mut loaded = Vec::new();
    for (name, var) in [model.variables(), model.buffers()].concat() {
        let values = take_values(&mut tensors, path, &name, &var)?;
        loaded.push((Tensor::from_vec(values, var.dims(), model.device())?, var));
    }
    if let Some(name) = tensors.keys().next() {
        return Err(Error::file(
            path,
            "only this model's weights",
            format!("also {name}"),
            OTHER_ARCHITECTURE,
        ));
    }
    for (tensor, var) in loaded {
        var.set(&tensor)?;
    }
    Ok(())
}

/// Removes the values of a variable from `tensors`.
///
/// # Errors
/// The file lacks the variable, or has it in another shape or type.
fn take_values(
    tensors: &mut BTreeMap<String, StoredTensor<'_>>,
    path: &Path,
    name: &str,
    var: &Var,
) -> Result<Vec<f32>> {
    let Some(tensor) = tensors.remove(name) else {
        return Err(Error::file(
            path,
            format!("weights named {name}"),
            "no such name",
            OTHER_ARCHITECTURE,
        ));
    };
    if tensor.dtype != Dtype::F32 || tensor.shape != var.dims() {
        return Err(Error::file(
            path,
            format!("{name} of shape {:?} in F32", var.dims()),
            tensor.describe(),
            OTHER_ARCHITECTURE,
        ));
    }
    Ok(tensor.floats())
}
