//! The autoencoder: an encoder and a decoder, each a list of layers, and what one does with them.

use crate::cell::check_stopped;
use crate::data::{ImageShape, Split};
use crate::error::{Error, Result};
use crate::layer::{ForwardState, Layer, MAX_VALUES, Node, mirror, nodes, shape, shapes};
use crate::loss::Loss;
use crate::math::{Purpose, Rng};
use crate::model::sequential::{Sequential, infer, layer_error};
use crate::plan::Plan;
use crate::show::{Content, Show, Table, shows_itself};
use candle_core::{DType, Device, Tensor, Var};

/// Values of the pictures that pass through the model at a time where no gradient is needed; so many pictures at most.
const CHUNK_VALUES: usize = 1 << 20;
const CHUNK: usize = 1000;

/// How many pictures or codes of so many values pass through a model at a time.
pub(crate) fn chunk(values: usize) -> usize {
    (CHUNK_VALUES / values.max(1)).clamp(1, CHUNK)
}

/// A model that writes a picture down as a short code and draws it again from the code.
///
/// Everything about it that is not a weight is in the two lists. It shows itself as a table of its layers.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(128), Relu, Dropout(0.2)])?;
/// assert_eq!(ae.parameters(), 784 * 128 + 128 + 128 * 784 + 784);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Debug)]
pub struct Autoencoder {
    input: ImageShape,
    encoder: Sequential,
    decoder: Sequential,
    plan: Plan,
    device: Device,
}

impl Autoencoder {
    /// A model of two lists for pictures of a shape, with the weights of seed 0.
    ///
    /// # Errors
    /// A layer that does not fit where it stands, or a decoder that does not end in the pictures' shape.
    pub fn new(input: ImageShape, encoder: &[Layer], decoder: &[Layer]) -> Result<Self> {
        Self::seeded(input, encoder, decoder, 0)
    }

    /// A model of an encoder; the decoder is its mirror image and ends in a sigmoid, so that pictures are in [0, 1].
    ///
    /// `[Flatten, Linear(512), Relu, Linear(32)]` is mirrored by `[Linear(512), Relu, Linear(784), Sigmoid, Unflatten(1,
    /// 28, 28)]`: activations and dropout between two layers stand between their mirrors.
    ///
    /// For [`Loss::BinaryCrossEntropyWithLogits`], which has the sigmoid in itself, give the decoder to
    /// [`Autoencoder::new`] without one.
    ///
    /// # Errors
    /// A layer that does not fit where it stands.
    pub fn symmetric(input: ImageShape, encoder: &[Layer]) -> Result<Self> {
        let (c, h, w) = input;
        check_input(input)?;
        let nodes = nodes(encoder);
        let shapes = shapes(&nodes, &[c, h, w])
            .map_err(|(i, misfit)| layer_error("encoder", &nodes[i], misfit))?;
        Self::new(input, encoder, &mirror(encoder, &nodes, &shapes))
    }

    /// The same architecture with fresh weights of another seed.
    ///
    /// # Errors
    /// Where memory for it cannot be had on the model's device.
    pub fn with_seed(self, seed: u64) -> Result<Self> {
        Self::seeded(
            self.input,
            self.encoder.layers(),
            self.decoder.layers(),
            seed,
        )?
        .to_device(&self.device)
    }

    fn seeded(input: ImageShape, encoder: &[Layer], decoder: &[Layer], seed: u64) -> Result<Self> {
        let (c, h, w) = input;
        check_input(input)?;
        let device = Device::Cpu;
        let mut rng = Rng::new(seed, Purpose::Init);
        let encoder = Sequential::new("encoder", encoder, &[c, h, w], &mut rng, &device)?;
        let decoder = Sequential::new("decoder", decoder, encoder.output(), &mut rng, &device)?;
        if decoder.output() != [c, h, w] {
            return Err(Error::Layer {
                place: format!("decoder, after its {} layers", decoder.layers().len()),
                expected: format!("pictures of {c} x {h} x {w}"),
                got: shape(decoder.output()),
                hint: format!(
                    "End it with Linear({}), Sigmoid, Unflatten({c}, {h}, {w})",
                    c * h * w
                ),
            });
        }
        check_pools(&encoder, &decoder)?;
        let plan = whole(&encoder, &decoder);
        Ok(Autoencoder {
            input,
            encoder,
            decoder,
            plan,
            device,
        })
    }

    /// The same model with weights of its own: training one leaves the other as it is.
    ///
    /// # Errors
    /// Where memory for the copy cannot be had on the model's device.
    pub fn copy(&self) -> Result<Self> {
        self.to_device(&self.device)
    }

    /// A copy of the model on a device: [`best_device`](crate::device::best_device) is the GPU where there is one. Training
    /// and evaluation happen where the model is; pictures are brought there batch by batch, and what is drawn
    /// comes back to where the pictures came from. The same seed draws the same numbers on every device.
    ///
    /// # Errors
    /// Where memory for the copy cannot be had on the device.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        let (encoder, decoder) = (self.encoder.copy(device)?, self.decoder.copy(device)?);
        Ok(Autoencoder {
            input: self.input,
            encoder,
            decoder,
            plan: self.plan.clone(),
            device: device.clone(),
        })
    }

    /// Channels, height and width of the pictures.
    pub fn image_shape(&self) -> ImageShape {
        self.input
    }

    /// The encoder's layers.
    pub fn encoder(&self) -> &[Layer] {
        self.encoder.layers()
    }

    /// The decoder's layers.
    pub fn decoder(&self) -> &[Layer] {
        self.decoder.layers()
    }

    /// The shape of a code, without the batch: `[128]` for 128 hidden units.
    pub fn code_shape(&self) -> &[usize] {
        self.encoder.output()
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Every variable that is learned, under its name in a PyTorch state dict: `encoder.1.weight`. They are candle's own,
    /// for whatever this crate does not do.
    pub fn variables(&self) -> Vec<(String, Var)> {
        [
            self.encoder.named_variables(),
            self.decoder.named_variables(),
        ]
        .concat()
    }

    /// The running means and variances of normalizations, as PyTorch's `named_buffers`: `encoder.1.running_mean`.
    pub fn buffers(&self) -> Vec<(String, Var)> {
        [self.encoder.named_buffers(), self.decoder.named_buffers()].concat()
    }

    /// How many numbers the model learns.
    pub fn parameters(&self) -> usize {
        self.variables()
            .iter()
            .map(|(_, var)| var.elem_count())
            .sum()
    }

    /// Encoder and decoder with gradients. Dropout happens where a generator is given: in training.
    pub(crate) fn forward(&self, images: &Tensor, mut dropout: Option<&mut Rng>) -> Result<Tensor> {
        let mut passed = ForwardState::default();
        let code = self
            .encoder
            .forward(images, dropout.as_deref_mut(), &mut passed)?;
        self.decoder.forward(&code, dropout, &mut passed)
    }

    /// The codes of pictures, in evaluation mode (no dropout).
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, code)
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn encode(&self, images: &Tensor) -> Result<Tensor> {
        let (c, h, w) = self.input;
        let batch = self.batch("encode", images, &[c, h, w])?;
        Ok(in_chunks(&batch, |chunk| self.encoder.infer(chunk))?.to_device(images.device())?)
    }

    /// The pictures of codes, in evaluation mode.
    ///
    /// # Shapes
    /// (n, code) or (code) -> (n, c, h, w)
    ///
    /// # Errors
    /// Codes of another shape than [`Autoencoder::code_shape`].
    pub fn decode(&self, codes: &Tensor) -> Result<Tensor> {
        let batch = self.batch("decode", codes, self.code_shape())?;
        Ok(in_chunks(&batch, |chunk| self.decoder.infer(chunk))?.to_device(codes.device())?)
    }

    /// Pictures drawn again from their codes, in evaluation mode; unpooling puts values back where pooling found them.
    ///
    /// # Shapes
    /// (n, c, h, w) or (c, h, w) -> (n, c, h, w)
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn reconstruct(&self, images: &Tensor) -> Result<Tensor> {
        let (c, h, w) = self.input;
        let batch = self.batch("reconstruct", images, &[c, h, w])?;
        let drawn = in_chunks(&batch, |chunk| {
            let chains = [&self.encoder, &self.decoder];
            match infer(&self.plan, &chains, chunk)? {
                Some(out) => Ok(out),
                None => self.forward(chunk, None),
            }
        })?;
        Ok(drawn.to_device(images.device())?)
    }

    /// The mean squared error of the reconstructions of a split, in evaluation mode: over pictures, channels and pixels. For
    /// a model that draws logits, [`Autoencoder::loss`] with its loss says more.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn evaluate(&self, split: &Split) -> Result<f32> {
        self.loss(split, Loss::Mse)
    }

    /// The mean of any loss over a split, in evaluation mode.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn loss(&self, split: &Split, loss: Loss) -> Result<f32> {
        split.not_empty("evaluate")?;
        let mut sum = 0.0;
        let all: Vec<usize> = (0..split.len()).collect();
        let (c, h, w) = self.input;
        for positions in all.chunks(chunk(c * h * w)) {
            check_stopped()?;
            let images = split.images(positions)?.to_device(&self.device)?;
            let value = loss
                .of(&self.reconstruct(&images)?, &images)?
                .to_scalar::<f32>()?;
            sum += f64::from(value) * positions.len() as f64;
        }
        Ok((sum / split.len() as f64) as f32)
    }

    /// How the processor runs encoder and decoder as one.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The encoder with its variables.
    pub(crate) fn encoder_net(&self) -> &Sequential {
        &self.encoder
    }

    /// The decoder with its variables.
    pub(crate) fn decoder_net(&self) -> &Sequential {
        &self.decoder
    }

    /// Checks the shape and adds the batch dimension where it is missing.
    pub(crate) fn batch(&self, what: &str, tensor: &Tensor, item: &[usize]) -> Result<Tensor> {
        let dims = tensor.dims();
        let tensor = match dims {
            _ if dims == item => tensor.unsqueeze(0)?,
            [_, rest @ ..] if rest == item => tensor.clone(),
            _ => {
                let expected = format!(
                    "(n, {})",
                    item.iter()
                        .map(usize::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                );
                return Err(Error::shape(
                    what,
                    expected,
                    format!("{dims:?}"),
                    "The model was built for that shape",
                ));
            }
        };
        Ok(tensor.to_dtype(DType::F32)?.to_device(&self.device)?)
    }

    fn row(chain: &Sequential, list: &str, i: usize) -> Vec<String> {
        let learned = match chain.parameters(i) {
            0 => String::new(),
            n => thousands(n),
        };
        let Node { name, layer, .. } = &chain.nodes()[i];
        // The layers of a block have rows of their own.
        let layer = if let Layer::Residual(_) = layer {
            "Residual: + its input".into()
        } else {
            layer.to_string()
        };
        vec![
            format!("{list}.{name}"),
            layer,
            shape(&chain.shapes()[i + 1]),
            learned,
        ]
    }
}

/// How the processor runs an encoder and a decoder as one.
fn whole(encoder: &Sequential, decoder: &Sequential) -> Plan {
    let mut nodes = encoder.nodes().to_vec();
    let at = nodes.len();
    nodes.extend(decoder.nodes().iter().cloned().map(|node| Node {
        skip_source: node.skip_source.map(|i| i + at),
        ..node
    }));
    Plan::new(&nodes, &[encoder.shapes(), &decoder.shapes()[1..]].concat())
}

/// Refuses pictures without pixels, and ones too large for any memory.
pub(crate) fn check_input((c, h, w): ImageShape) -> Result<()> {
    let values = [c, h, w]
        .iter()
        .fold(1u128, |product, &side| product.saturating_mul(side as u128));
    if (1..=MAX_VALUES).contains(&values) {
        return Ok(());
    }
    let expected = format!("pictures of 1 to {MAX_VALUES} values");
    Err(Error::shape(
        "Autoencoder",
        expected,
        format!("({c}, {h}, {w})"),
        "Build it with data.image_shape()",
    ))
}

/// Refuses an unpooling that is not of the form of the pooling whose places it takes.
fn check_pools(encoder: &Sequential, decoder: &Sequential) -> Result<()> {
    let mut pools = Vec::new();
    for (list, chain) in [("encoder", encoder), ("decoder", decoder)] {
        for (i, Node { name, layer, .. }) in chain.nodes().iter().enumerate() {
            match *layer {
                Layer::MaxPool2d(n) => pools.push((n, &chain.shapes()[i + 1])),
                Layer::MaxUnpool2d(n) => {
                    let Some((pooled, given)) = pools.pop() else {
                        continue;
                    };
                    let taken = &chain.shapes()[i];
                    if (pooled, given) != (n, taken) {
                        return Err(Error::Layer {
                            place: format!("{list} layer {name}, {layer}"),
                            expected: format!(
                                "{} as the paired MaxPool2d({pooled}) gave",
                                shape(given)
                            ),
                            got: format!("{} and a window of {n}", shape(taken)),
                            hint: "Undo poolings innermost first, with the channels that they had"
                                .into(),
                        });
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Runs a function over parts of a batch and joins the results, so that memory does not grow with the batch.
fn in_chunks(batch: &Tensor, run: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let n = batch.dim(0)?;
    let chunk = chunk(batch.elem_count() / n.max(1));
    if n <= chunk {
        return Ok(run(batch)?.detach());
    }
    let part = |start| -> Result<Tensor> {
        check_stopped()?;
        Ok(run(&batch.narrow(0, start, chunk.min(n - start))?)?.detach())
    };
    let parts = (0..n)
        .step_by(chunk)
        .map(part)
        .collect::<Result<Vec<_>>>()?;
    Ok(Tensor::cat(&parts, 0)?)
}

/// 101632 as 101,632.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl Show for Autoencoder {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.input;
        let mut table = Table::new(["name", "layer", "output", "parameters"]);
        table = table.row(["input", "", &shape(&[c, h, w])]);
        for (chain, list) in [(&self.encoder, "encoder"), (&self.decoder, "decoder")] {
            for i in 0..chain.nodes().len() {
                table = table.row(Self::row(chain, list, i));
            }
        }
        let by = if self.device.is_cpu() {
            "compiled"
        } else {
            "by candle"
        };
        let runs = format!("on the {}, {by}", crate::device::name(&self.device));
        table
            .row(["total", "", "", &thousands(self.parameters())])
            .row(["runs", &runs])
            .contents()
    }
}
shows_itself!(Autoencoder);
