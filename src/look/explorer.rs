//! The decoder in the page: sliders over the code, and the decoded image that follows them.
//!
//! The output contains the weights and a little JavaScript, so it needs neither kernel nor network.

use crate::data::vectors_as_lines;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::look::browser_layer::browser_layers;
use crate::model::Autoencoder;
use crate::show::{Content, Montage, Show, base64, evcxr_display, finite_range, new_id, thousands};
use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use std::path::Path;
use std::time::SystemTime;

/// HTML with placeholders `ID`, `STILL` and `MODEL`.
const PAGE: &str = include_str!("explorer.html");

/// Maximum weights of the decoder. A million add 5 MB to the notebook.
const MAX_WEIGHTS: usize = 1_000_000;

/// Maximum sliders.
const MAX_SLIDERS: usize = 64;

/// Maximum images to start from.
const MAX_STARTS: usize = 24;

/// Samples of the prior to start from, beside the code of zeros.
const PRIOR_STARTS: usize = 11;

/// Ends of the sliders of codes close to N(0, 1).
const PRIOR_RANGE: (f32, f32) = (-3.0, 3.0);

/// Sliders over the code of a model and the decoded image. It renders itself.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(100, 20);
/// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16)])?;
/// explore(&ae)?.starting_from(&data.test.first(10)?)?
/// # ; Ok::<(), candlebook::Error>(())
/// ```
#[derive(Debug)]
pub struct Explorer {
    model: Autoencoder,
    /// The decoder for the page.
    layers: Vec<Value>,
    sliders: Vec<Slider>,
    /// Codes to start from.
    starts: Vec<Vec<f32>>,
    /// The first decoded images, for viewers without JavaScript.
    still: Montage,
}

/// Slider over one value of the code.
#[derive(Clone, Copy, Debug)]
struct Slider {
    /// Index in the code.
    unit: usize,
    low: f32,
    high: f32,
    /// Set if the value is the same in all codes.
    constant: bool,
}

impl Slider {
    fn widen_to_prior(&mut self) {
        self.low = self.low.min(PRIOR_RANGE.0);
        self.high = self.high.max(PRIOR_RANGE.1);
    }

    fn to_json(self) -> Value {
        json!({ "unit": self.unit, "low": self.low, "high": self.high })
    }
}

/// Builds sliders over the code of a model, starting at all zeros. [`Explorer::starting_from`]
/// starts from images.
///
/// Codes close to N(0, 1), as those of a variational autoencoder, have sliders from -3 to 3, buttons
/// with samples of the prior, and random codes that are drawn from it.
///
/// # Errors
/// The decoder has more than 1,000,000 weights, which would make the notebook too large, or a layer
/// other than `Linear`, activations, `LayerNorm`, `GroupNorm` and reshapes.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
/// assert!(explore(&ae)?.to_html()?.contains("<script>"));
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn explore(model: &Autoencoder) -> Result<Explorer> {
    let model = model.copy()?;
    check_weights(&model)?;
    let layers = browser_layers(&model)?;
    let mut starts = vec![vec![0.0; model.code_size()]];
    if model.has_normal_prior() {
        let samples = model.prior_codes(PRIOR_STARTS, 0);
        starts.extend(samples.chunks(model.code_size()).map(<[f32]>::to_vec));
    }
    let images = Montage::new(&model.generate(starts.concat())?)?.columns(12);
    Ok(Explorer {
        sliders: default_sliders(&model),
        still: vectors_as_lines(images, model.image_shape()),
        // A single code to start from needs no button.
        starts: if starts.len() > 1 { starts } else { Vec::new() },
        model,
        layers,
    })
}

impl Explorer {
    /// Starts from the codes of images, at most 24, with a button for each. The range of a slider
    /// spans the values in these codes, and for codes close to N(0, 1) also -3 to 3. If the code has
    /// more than 64 values, those that vary most get a slider.
    ///
    /// # Errors
    /// The images do not have the model's shape, or their codes contain NaN or infinity.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16)])?;
    /// let page = explore(&ae)?.starting_from(&data.test.first(3)?)?.to_html()?;
    /// assert!(page.contains("\"starts\":[["));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn starting_from(mut self, images: &Tensor) -> Result<Self> {
        let codes = self.model.encode(images)?.to_device(&Device::Cpu)?;
        let values = codes.flatten_from(1)?.to_vec2::<f32>()?;
        if values.iter().flatten().any(|value| !value.is_finite()) {
            return Err(Error::setting(
                "starting_from",
                "codes of finite values",
                "NaN or infinity",
                "The model has diverged; train it again",
            ));
        }
        let starts = &values[..values.len().min(MAX_STARTS)];
        let still = Montage::new(&self.model.generate(starts.concat())?)?.columns(12);
        self.starts = starts.to_vec();
        self.still = vectors_as_lines(still, self.model.image_shape());
        self.sliders = sliders_over(&values, self.model.code_size());
        if self.model.has_normal_prior() {
            self.sliders.iter_mut().for_each(Slider::widen_to_prior);
        }
        Ok(self)
    }

    /// The explorer as HTML to embed in another page.
    ///
    /// # Errors
    /// The still image for viewers without JavaScript cannot be encoded.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(16)])?;
    /// let page = explore(&ae)?.to_html()?;
    /// assert!(page.starts_with("<div id="));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_html(&self) -> Result<String> {
        let still = format!("data:image/png;base64,{}", base64(&self.still.to_png()?));
        let page = PAGE.replace("\"ID\"", &format!("\"{}\"", unique_id()));
        // MODEL before STILL: the JSON cannot contain the other placeholder.
        Ok(page
            .replace("MODEL", &self.model_json().to_string())
            .replace("\"STILL\"", &format!("\"{still}\"")))
    }

    /// Saves the explorer as a page that opens in any browser, without a notebook.
    ///
    /// # Errors
    /// The file cannot be written. An existing file then stays as it was.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let ae = Autoencoder::load("mnist_ae.safetensors")?;
    /// explore(&ae)?.save("explorer.html")?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let page = format!(
            "<!doctype html><meta charset=\"utf-8\"><title>Candlebook</title>\n{}",
            self.to_html()?
        );
        crate::file::write_atomically(path.as_ref(), page.as_bytes())
    }

    /// The decoder and its controls for the page.
    fn model_json(&self) -> Value {
        let (c, h, w) = self.model.image_shape();
        json!({
            "image": [c, h, w],
            "size": self.model.code_size(),
            "layers": self.layers,
            "sliders": self.sliders.iter().copied().map(Slider::to_json).collect::<Vec<_>>(),
            "starts": self.starts,
            "prior": self.model.has_normal_prior(),
        })
    }
}

/// An element id that also differs from those of earlier sessions in the same notebook.
fn unique_id() -> String {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_nanos());
    format!("{}-{nanos}", new_id())
}

fn check_weights(model: &Autoencoder) -> Result<()> {
    let decoder = model.decoder_net();
    let weights = (0..decoder.nodes().len())
        .map(|i| decoder.count_params(i))
        .sum();
    if weights <= MAX_WEIGHTS {
        return Ok(());
    }
    Err(Error::setting(
        "explore",
        format!("a decoder of at most {} weights", thousands(MAX_WEIGHTS)),
        thousands(weights),
        "The notebook stores all of them. Use traversal(), or a smaller model",
    ))
}

/// Sliders over the usual range of the encoder's last activation.
fn default_sliders(model: &Autoencoder) -> Vec<Slider> {
    let mut layers = model.encoder().iter().rev();
    let (low, high) = match layers.find(|layer| !layer.acts_in_training_only()) {
        _ if model.has_normal_prior() => PRIOR_RANGE,
        Some(Layer::Relu | Layer::Softplus) => (0.0, 3.0),
        Some(Layer::Sigmoid | Layer::Softmax) => (0.0, 1.0),
        Some(Layer::Tanh) => (-1.0, 1.0),
        _ => (-3.0, 3.0),
    };
    (0..model.code_size().min(MAX_SLIDERS))
        .map(|unit| Slider {
            unit,
            low,
            high,
            constant: false,
        })
        .collect()
}

/// Sliders over the values that vary most in `codes`, in the order of the code.
fn sliders_over(codes: &[Vec<f32>], size: usize) -> Vec<Slider> {
    let width = |slider: &Slider| slider.high - slider.low;
    let mut sliders: Vec<Slider> = (0..size).map(|unit| slider_over(codes, unit)).collect();
    sliders.sort_by(|a, b| {
        a.constant
            .cmp(&b.constant)
            .then(width(b).total_cmp(&width(a)))
    });
    sliders.truncate(MAX_SLIDERS);
    sliders.sort_by_key(|slider| slider.unit);
    sliders
}

/// A slider over the range of one value, with a quarter of it as a margin on each side.
fn slider_over(codes: &[Vec<f32>], unit: usize) -> Slider {
    let (low, high) = finite_range(codes.iter().map(|code| f64::from(code[unit])));
    let (low, high) = (low as f32, high as f32); // exact: both were f32
    // A constant value gets a slider with a range, too.
    let margin = if high > low { 0.25 * (high - low) } else { 1.0 };
    Slider {
        unit,
        low: low - margin,
        high: high + margin,
        constant: codes.iter().all(|code| code[unit] == codes[0][unit]),
    }
}

impl Show for Explorer {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.model.image_shape();
        let size = self.model.code_size();
        let text =
            format!("explorer: codes of {size} values, decoded to images of {c} x {h} x {w}");
        let (width, height) = self.still.size();
        let png = self.still.to_png()?;
        let content = Content::text(text).html(self.to_html()?);
        Ok(vec![content.png(&png, width, height)])
    }
}
evcxr_display!(Explorer);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliders_span_the_codes_and_constant_values_come_last() {
        let codes: Vec<Vec<f32>> = (0..2)
            .map(|i| (0..70).map(|unit| (i * unit % 69) as f32).collect())
            .collect();
        let sliders = sliders_over(&codes, 70);
        assert_eq!(sliders.len(), MAX_SLIDERS);
        // Values 0 and 69 are constant; 1 to 4 vary least.
        let units: Vec<usize> = sliders.iter().map(|slider| slider.unit).collect();
        assert_eq!(units, (5..69).collect::<Vec<_>>());
        assert_eq!((sliders[3].low, sliders[3].high), (-2.0, 10.0));
    }
}
