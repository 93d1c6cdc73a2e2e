//! Reading weights files, written by this crate or by PyTorch.

use crate::error::{Error, Result};
use crate::export::architecture::{ARCHITECTURE_KEY, Architecture};
use crate::export::floats::floats;
use crate::export::mismatch::{FileTensors, listed};
use crate::export::names::{Tensors, unwrap_names};
use crate::export::other_format::{START_BYTES, other_format};
use crate::export::remarks::Remarks;
use crate::export::safetensors::{
    HEADER_LENGTH_BYTES, NamedTensor, WeightsFile, check_header_length,
};
use crate::export::save::{RUN_KEY, RUN_PREFIX, SavedRun};
use crate::file::{append, open_file};
use crate::model::{Autoencoder, Init, Weights};
use candle_core::{Device, Tensor};
use std::io::Seek;
use std::path::Path;

const OTHER_ARCHITECTURE: &str =
    "The file is of another architecture: load it with Autoencoder::load";
const SAVE_AGAIN: &str = "The file's weights do not fit its own architecture: save it again";

impl Autoencoder {
    /// Loads a model that [`Autoencoder::save`] wrote. The file contains the architecture.
    ///
    /// A model with weights that are NaN or infinite is loaded, so that a diverged run can be
    /// inspected. A line under the cell names them.
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
            // Cheap to draw; the file replaces every value.
            weights: Weights::PyTorch,
            device: device.clone(),
            ..Default::default()
        };
        let mut model = Autoencoder::new_with(input, &encoder, &decoder, &init)?;
        model.set_trained_loss(loss);
        set_weights(&model, path, &file, Some(SAVE_AGAIN))?;
        Ok(model)
    }

    /// Loads weights into this model, from a file of [`Autoencoder::save`] or of PyTorch with the
    /// same names and shapes. PyTorch: `load_state_dict(..., strict=True)`.
    ///
    /// F16 and BF16 are converted exactly, F64 is rounded. The components `module` and `_orig_mod`,
    /// which `nn.DataParallel` and `torch.compile` add to names, are removed, and so is one prefix
    /// of all names, such as `model.` in `model.encoder.1.weight`. Weights that are NaN or infinite
    /// are loaded. A line under the cell says each of these.
    ///
    /// # Errors
    /// The file cannot be read or does not fit, or has a value out of the range of `f32`. The model
    /// is then unchanged.
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
        let file = WeightsFile::parse(path, &bytes)?;
        let own_advice = file.text(ARCHITECTURE_KEY).map(|_| OTHER_ARCHITECTURE);
        set_weights(self, path, &file, own_advice)
    }
}

/// Reads the training run of a checkpoint, or `None` if the file contains a model only.
pub(crate) fn read_run(path: &Path) -> Result<Option<SavedRun>> {
    let bytes = read(path)?;
    let file = WeightsFile::parse(path, &bytes)?;
    let Some(json) = file.text(RUN_KEY) else {
        return Ok(None);
    };
    let mut remarks = Remarks::default();
    let mut tensors = Vec::new();
    for (name, tensor) in unwrap_names(file.tensors()) {
        if name.starts_with(RUN_PREFIX) {
            let values = floats(path, &tensor)?;
            remarks.check_finite(&name, &values);
            let shape = tensor.shape.to_vec();
            tensors.push(NamedTensor {
                name,
                shape,
                values,
            });
        }
    }
    remarks.print(path);
    Ok(Some(SavedRun {
        json: json.to_owned(),
        tensors,
    }))
}

/// Reads a file whose first bytes can be those of safetensors.
fn read(path: &Path) -> Result<Vec<u8>> {
    let (mut file, length) = open_file(path)?;
    let mut bytes = Vec::new();
    let read = append(&mut bytes, &mut file, START_BYTES);
    let more = read.map_err(Error::io("read", path))?;
    if let Some(error) = other_format(path, &bytes) {
        return Err(error);
    }
    let header_length = bytes.get(..HEADER_LENGTH_BYTES).unwrap_or(&bytes);
    check_header_length(path, header_length, length)?;
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
            format!("weights only: {}", listed(file.tensors().values())),
            "Build the model in code, then read the weights with load_weights",
        )
    })?;
    let architecture = Architecture::parse(path, json)?;
    architecture.check_size(path, length)?;
    Ok(architecture)
}

/// Sets a model's variables and buffers to those of a file, or none of them on an error.
fn set_weights(
    model: &Autoencoder,
    path: &Path,
    file: &WeightsFile<'_>,
    own_advice: Option<&'static str>,
) -> Result<()> {
    let mut tensors = unwrap_names(file.tensors());
    tensors.retain(|name, _| !is_ignored(name));
    check_tied(model, path, &mut tensors)?;
    let vars = [model.variables(), model.buffers()].concat();
    let contents = FileTensors {
        path,
        tensors: &tensors,
        own_advice,
    };
    contents.check(&vars)?;
    let mut remarks = Remarks::of(&tensors);
    let mut loaded = Vec::new();
    for (name, var) in vars {
        let Some(tensor) = tensors.get(&name) else {
            unreachable!("the file has been checked to have every variable")
        };
        let values = floats(path, tensor)?;
        remarks.check_finite(&name, &values);
        loaded.push((Tensor::from_vec(values, var.dims(), model.device())?, var));
    }
    for (tensor, var) in loaded {
        var.set(&tensor)?;
    }
    remarks.print(path);
    Ok(())
}

/// Removes the weights of layers that are tied to the encoder.
///
/// # Errors
/// They are not the transposed weights of the encoder.
fn check_tied(model: &Autoencoder, path: &Path, tensors: &mut Tensors<'_>) -> Result<()> {
    for (name, var) in model.decoder_net().named_tied() {
        let variables = model.variables();
        let encoder = variables.iter().find(|(_, other)| other.id() == var.id());
        let Some((encoder, _)) = encoder else {
            continue;
        };
        let (Some(own), Some(other)) = (tensors.remove(&name), tensors.get(encoder)) else {
            continue;
        };
        let of = |tensor| -> Result<Tensor> {
            let values = floats(path, tensor)?;
            Ok(Tensor::from_vec(values, tensor.shape, &Device::Cpu)?)
        };
        let (own, other) = (of(&own)?, of(other)?);
        let equal = own.rank() == 2
            && own.t()?.dims() == other.dims()
            && own.t()?.flatten_all()?.to_vec1::<f32>()?
                == other.flatten_all()?.to_vec1::<f32>()?;
        if !equal {
            return Err(Error::file(
                path,
                format!("{name} as the transposed {encoder}, to which the model ties it"),
                "other weights",
                "Build the model without tied",
            ));
        }
    }
    Ok(())
}

/// True for tensors that no model needs: PyTorch's batch counters, which have no use with a fixed
/// momentum, the counter of an averaged model, and the state of a training run.
fn is_ignored(name: &str) -> bool {
    name.ends_with("num_batches_tracked") || name == "n_averaged" || name.starts_with(RUN_PREFIX)
}
