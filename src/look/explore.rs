//! The decoder in the page: sliders for the numbers of the code, the picture redrawn as they move. It needs no kernel and
//! no network: weights and a few lines of JavaScript are part of the output.

use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::model::Autoencoder;
use crate::show::{Content, Montage, Show, base64, evcxr_display, new_id, thousands};
use candle_core::{Device, Tensor, Var};
use serde_json::{Value, json};
use std::path::Path;
use std::time::SystemTime;

/// The page, with `ID`, `STILL` and `MODEL` left open.
const PAGE: &str = include_str!("explore.html");
/// Weights above this make a notebook too heavy: a million take 5 MB.
const MOST_WEIGHTS: usize = 1_000_000;
/// More sliders than this nobody moves.
const MOST_SLIDERS: usize = 64;
/// Pictures to start from.
const MOST_STARTS: usize = 24;

/// Sliders over the code of a model, with the picture that the decoder draws. It shows itself.
///
/// # Examples
/// ```no_run
/// # use candlebook::prelude::*;
/// # let data = mnist()?;
/// # let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16)])?;
/// explore(&ae)?.starting_from(&data.test.first(10)?)?
/// # ; Ok::<(), candlebook::Error>(())
/// ```
#[derive(Debug)]
pub struct Explorer {
    image: (usize, usize, usize),
    size: usize,
    layers: Vec<Value>,
    /// Unit, lowest and highest value.
    sliders: Vec<(usize, f32, f32)>,
    starts: Vec<Vec<f32>>,
    /// What stands where scripts cannot run: what the decoder draws at the start.
    still: Montage,
    model: Autoencoder,
}

/// Sliders over the code of a model, from all zeros. [`Explorer::starting_from`] starts from pictures.
///
/// # Errors
/// A decoder of more than 1,000,000 weights, which would make the notebook too heavy.
pub fn explore(model: &Autoencoder) -> Result<Explorer> {
    let model = model.copy()?;
    let chain = model.decoder_net();
    let weights = (0..chain.nodes().len()).map(|i| chain.parameters(i)).sum();
    if weights > MOST_WEIGHTS {
        let expected = format!("a decoder of at most {} weights", thousands(MOST_WEIGHTS));
        let hint = "It is kept in the notebook whole. Use traversal(), or a smaller model";
        return Err(Error::setting(
            "explore",
            expected,
            thousands(weights),
            hint,
        ));
    }
    let layers = chain.nodes().iter().enumerate();
    let layers = layers
        .filter_map(|(i, own)| step(&own.layer, chain.weights_of(i)).transpose())
        .collect::<Result<_>>()?;
    let size: usize = model.code_shape().iter().product();
    let (low, high) = match model
        .encoder()
        .iter()
        .rev()
        .find(|layer| !matches!(layer, Layer::Dropout(_)))
    {
        Some(Layer::Relu) => (0.0, 3.0),
        Some(Layer::Sigmoid) => (0.0, 1.0),
        Some(Layer::Tanh) => (-1.0, 1.0),
        _ => (-3.0, 3.0),
    };
    let sliders = (0..size.min(MOST_SLIDERS))
        .map(|unit| (unit, low, high))
        .collect();
    let zeros = Tensor::zeros(
        [&[1], model.code_shape()].concat(),
        candle_core::DType::F32,
        model.device(),
    )?;
    let still = Montage::new(&model.decode(&zeros)?)?;
    Ok(Explorer {
        image: model.image_shape(),
        size,
        layers,
        sliders,
        starts: Vec::new(),
        still,
        model,
    })
}

impl Explorer {
    /// Starts from the codes of pictures, at most 24: each is a button, and a slider spans the values that its number takes
    /// in them. Of more than 64 numbers those that vary most have a slider.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn starting_from(mut self, pictures: &Tensor) -> Result<Self> {
        let codes = self.model.encode(pictures)?.to_device(&Device::Cpu)?;
        let all = codes.flatten_from(1)?.to_vec2::<f32>()?;
        if all.iter().flatten().any(|value| !value.is_finite()) {
            let hint = "The model has diverged; train it again";
            return Err(Error::setting(
                "starting_from",
                "codes that are numbers",
                "NaN or infinity",
                hint,
            ));
        }
        let range = |unit: usize| {
            let (low, high) = all
                .iter()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), code| {
                    (low.min(code[unit]), high.max(code[unit]))
                });
            // A number that is the same everywhere can be moved too.
            let margin = if high > low { 0.25 * (high - low) } else { 1.0 };
            (unit, low - margin, high + margin)
        };
        let mut sliders: Vec<(usize, f32, f32)> = (0..self.size).map(range).collect();
        let width = |slider: &(usize, f32, f32)| slider.2 - slider.1;
        let constant = |unit: usize| all.iter().all(|code| code[unit] == all[0][unit]);
        sliders.sort_by(|a, b| {
            constant(a.0)
                .cmp(&constant(b.0))
                .then(width(b).total_cmp(&width(a)))
        });
        sliders.truncate(MOST_SLIDERS);
        sliders.sort_by_key(|slider| slider.0);
        let few = codes.narrow(0, 0, all.len().min(MOST_STARTS))?;
        self.still = Montage::new(&self.model.decode(&few)?)?.columns(12);
        self.starts = all.into_iter().take(MOST_STARTS).collect();
        self.sliders = sliders;
        Ok(self)
    }

    /// The page as HTML that stands in any other.
    ///
    /// # Errors
    /// None in practice; the signature is that of the picture for pages without scripts.
    pub fn to_html(&self) -> Result<String> {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos());
        let model = json!({
            "image": [self.image.0, self.image.1, self.image.2],
            "size": self.size,
            "layers": self.layers,
            "sliders": self.sliders.iter().map(|(unit, low, high)| json!({ "unit": unit, "low": low, "high": high })).collect::<Vec<_>>(),
            "starts": self.starts,
        });
        // Every output has a name of its own, also beside outputs of other days.
        let still = format!("data:image/png;base64,{}", base64(&self.still.to_png()?));
        let page = PAGE.replace("\"ID\"", &format!("\"{}-{since}\"", new_id()));
        // The model first: its text has no place that could be taken for the picture's.
        Ok(page
            .replace("MODEL", &model.to_string())
            .replace("\"STILL\"", &format!("\"{still}\"")))
    }

    /// Writes a page that opens in any browser, without a notebook.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left half-written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let page = format!(
            "<!doctype html><meta charset=\"utf-8\"><title>Candlebook</title>\n{}",
            self.to_html()?
        );
        crate::file::write_atomically(path.as_ref(), page.as_bytes())
    }
}

/// A layer as the page runs it; none where it does nothing to the numbers.
fn step(layer: &Layer, variables: Option<&(Var, Var)>) -> Result<Option<Value>> {
    let kind = match layer {
        Layer::Flatten | Layer::Unflatten(..) | Layer::Dropout(_) => return Ok(None),
        Layer::Linear(_) => "linear",
        Layer::Relu => "relu",
        Layer::Sigmoid => "sigmoid",
        Layer::Tanh => "tanh",
        _ => {
            let hint = "Use traversal(), which draws with every layer";
            return Err(Error::setting(
                "explore",
                "a decoder of Linear, Relu, Sigmoid and Tanh",
                layer,
                hint,
            ));
        }
    };
    let mut value = json!({ "kind": kind });
    if let Some((weight, bias)) = variables {
        value["weight"] = encoded(weight)?.into();
        value["bias"] = encoded(bias)?.into();
    }
    Ok(Some(value))
}

/// Numbers of 32 bits, the lowest byte first, in base64.
fn encoded(tensor: &Tensor) -> Result<String> {
    let values = tensor
        .to_device(&Device::Cpu)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    Ok(base64(
        &values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>(),
    ))
}

impl Show for Explorer {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.image;
        let text = format!(
            "explorer: {} numbers of the code drawn as pictures of {c} x {h} x {w}",
            self.size
        );
        let (width, height) = self.still.size();
        Ok(vec![Content::text(text).html(self.to_html()?).png(
            &self.still.to_png()?,
            width,
            height,
        )])
    }
}
evcxr_display!(Explorer);
