//! Weights in a file: safetensors, with the architecture in its metadata.
//!
//! Names and layouts are PyTorch's, so `safetensors.torch.load_file` gives a state dict that `load_state_dict` takes as
//! it is. The metadata has one key `candlebook` with JSON: format number, picture shape, the two lists of layers.

use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::model::{Autoencoder, check_input, count_weights};
use candle_core::{Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The number of the metadata's format; another number is refused.
const FORMAT: u32 = 1;
const KEY: &str = "candlebook";
/// What a run of training adds: metadata under this key, and tensors whose names begin so.
const EXTRA_KEY: &str = "candlebook.training";
const EXTRA: &str = "training.";

/// What a run of training keeps beside its model: JSON, and tensors with their shapes.
pub(crate) struct Extra {
    pub(crate) json: String,
    pub(crate) tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

#[derive(Serialize, Deserialize)]
struct Architecture {
    format: u32,
    input: ImageShape,
    encoder: Vec<Layer>,
    decoder: Vec<Layer>,
}

impl Autoencoder {
    /// Writes weights and architecture to a safetensors file, whole or not at all.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), self, None)
    }

    /// Reads a model that [`Autoencoder::save`] wrote: no code is needed, the file knows its layers.
    ///
    /// # Errors
    /// A file that cannot be read, is cut off, is not safetensors, or has no architecture inside.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let architecture = architecture(path, &bytes)?;
        // A damaged number in the architecture must not claim more memory than the file has weights for.
        check_input(architecture.input)?;
        let (c, h, w) = architecture.input;
        let (encoder, code) = count_weights(&architecture.encoder, &[c, h, w]);
        let claimed = encoder + count_weights(&architecture.decoder, &code).0;
        if claimed > bytes.len() as u128 / 4 {
            let got = format!(
                "an architecture of {claimed} weights in {} bytes",
                bytes.len()
            );
            return Err(Error::file(
                path,
                "a file with room for its weights",
                got,
                "Save the file again",
            ));
        }
        let model = Autoencoder::new(
            architecture.input,
            &architecture.encoder,
            &architecture.decoder,
        )?;
        model.take_weights(path, &bytes)?;
        Ok(model)
    }

    /// Reads weights into this model: a file of [`Autoencoder::save`] or of PyTorch, with exactly this model's names and
    /// shapes, as f32.
    ///
    /// # Errors
    /// A file that cannot be read or does not fit; the model is then as it was.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        self.take_weights(path, &bytes)
    }

    fn take_weights(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let file = parse(path, bytes)?;
        let mut theirs: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
        // How many batches PyTorch has seen; with a fixed momentum it is of no use.
        theirs.retain(|name, _| !name.ends_with("num_batches_tracked") && !name.starts_with(EXTRA));
        let mut news = Vec::new();
        for (name, var) in [self.variables(), self.buffers()].concat() {
            let hint = "The file is of another architecture: load it with Autoencoder::load";
            let Some(view) = theirs.remove(&name) else {
                return Err(Error::file(
                    path,
                    format!("weights named {name}"),
                    "none of that name",
                    hint,
                ));
            };
            if view.dtype() != Dtype::F32 || view.shape() != var.dims() {
                let expected = format!("{name} of shape {:?} in F32", var.dims());
                return Err(Error::file(
                    path,
                    expected,
                    format!("{:?} in {:?}", view.shape(), view.dtype()),
                    hint,
                ));
            }
            let values = floats(&view);
            news.push((Tensor::from_vec(values, var.dims(), self.device())?, var));
        }
        if let Some(name) = theirs.keys().next() {
            let hint = "The file is of another architecture: load it with Autoencoder::load";
            return Err(Error::file(
                path,
                "only this model's weights",
                format!("also {name}"),
                hint,
            ));
        }
        // All of them fit: only now is anything changed.
        for (tensor, var) in news {
            var.set(&tensor)?;
        }
        Ok(())
    }
}

/// Writes a model, and what a run adds to it.
pub(crate) fn write(path: &Path, model: &Autoencoder, extra: Option<Extra>) -> Result<()> {
    let architecture = Architecture {
        format: FORMAT,
        input: model.image_shape(),
        encoder: model.encoder().to_vec(),
        decoder: model.decoder().to_vec(),
    };
    let unwritable = |error: &dyn std::fmt::Display| {
        Error::io("write", path)(std::io::Error::other(error.to_string()))
    };
    let json = serde_json::to_string(&architecture).map_err(|error| unwritable(&error))?;
    // "format": "pt" is what PyTorch's own writer puts there; some readers look for it.
    let mut metadata = HashMap::from([
        (KEY.to_owned(), json),
        ("format".to_owned(), "pt".to_owned()),
    ]);
    let mut tensors = Vec::new();
    for (name, var) in [model.variables(), model.buffers()].concat() {
        let values = var
            .as_tensor()
            .to_device(&Device::Cpu)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        tensors.push((name, var.dims().to_vec(), values));
    }
    if let Some(extra) = extra {
        metadata.insert(EXTRA_KEY.to_owned(), extra.json);
        tensors.extend(extra.tensors);
    }
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, dims, values)| {
            (
                name,
                dims,
                values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            )
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, dims, bytes)| Ok((name, TensorView::new(Dtype::F32, dims.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| unwritable(&error))?;
    let bytes =
        safetensors::serialize(views, Some(metadata)).map_err(|error| unwritable(&error))?;
    crate::file::write_atomically(path, &bytes)
}

/// What a run added to a file; none where it is a model alone.
pub(crate) fn read_extra(path: &Path) -> Result<Option<Extra>> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes)
        .map_err(|error| not_safetensors(path, &bytes, &error))?;
    let Some(json) = metadata
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(EXTRA_KEY))
    else {
        return Ok(None);
    };
    let tensors = parse(path, &bytes)?.tensors().into_iter();
    let own = tensors.filter(|(name, view)| name.starts_with(EXTRA) && view.dtype() == Dtype::F32);
    let tensors = own
        .map(|(name, view)| (name, view.shape().to_vec(), floats(&view)))
        .collect();
    Ok(Some(Extra {
        json: json.clone(),
        tensors,
    }))
}

fn floats(view: &TensorView<'_>) -> Vec<f32> {
    view.data()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|error| not_safetensors(path, bytes, &error))
}

fn not_safetensors(path: &Path, bytes: &[u8], error: &dyn std::fmt::Display) -> Error {
    let got = format!("{} bytes that are not ({error})", bytes.len());
    Error::file(
        path,
        "a whole safetensors file",
        got,
        "The file is cut off or of another kind: save it again",
    )
}

fn architecture(path: &Path, bytes: &[u8]) -> Result<Architecture> {
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| not_safetensors(path, bytes, &error))?;
    parse(path, bytes)?;
    let json = metadata
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(KEY))
        .ok_or_else(|| {
            let hint = "Build the model in code, then read the weights with load_weights";
            Error::file(
                path,
                "an architecture saved by candlebook",
                "weights alone",
                hint,
            )
        })?;
    let hint = "It was written by another version of candlebook: use that one, or load_weights";
    let architecture: Architecture = serde_json::from_str(json)
        .map_err(|error| Error::file(path, "an architecture this version knows", error, hint))?;
    if architecture.format != FORMAT {
        return Err(Error::file(
            path,
            format!("format {FORMAT}"),
            architecture.format,
            hint,
        ));
    }
    Ok(architecture)
}
