//! The `Layer` enum: layers as plain data.
//!
//! A layer states only what cannot be inferred. Shapes flow through the list, so changing one
//! number is enough, and a layer that does not fit is reported by name before training.

use crate::layer::aux_k::AuxKSettings;
use crate::layer::conv::ConvSettings;
use crate::layer::conv_transpose::ConvTransposeSettings;
use crate::layer::gaussian_settings::GaussianSettings;
use crate::layer::gumbel::GumbelSettings;
use crate::layer::module::ModuleLayer;
use crate::layer::pool_settings::{PoolSettings, UnpoolSettings};
use crate::layer::unsupported::UnsupportedSetting;
use crate::layer::vector_quantize::VectorQuantizeSettings;
use serde::{Deserialize, Serialize};

/// One layer of an encoder or decoder. Weights files name and number layers as PyTorch's
/// `nn.Sequential` does.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let encoder = [Conv2d(12, 3).padding(1), Relu, MaxPool2d(2), Flatten, Linear(32)];
/// let ae = Autoencoder::symmetric((1, 28, 28), &encoder)?;
/// assert_eq!(ae.code_shape(), [32]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Layer {
    /// Flattens each image: (b, c, h, w) -> (b, c*h*w). PyTorch: `nn.Flatten()`.
    Flatten,
    /// Reshapes features to images of c channels, height h and width w: (b, c*h*w) -> (b, c, h, w).
    /// PyTorch: `nn.Unflatten(1, (c, h, w))`.
    Unflatten(usize, usize, usize),
    /// Dense layer y = x Wᵀ + b with `out` outputs: (b, in) -> (b, out).
    /// PyTorch: `nn.Linear(in, out)`.
    Linear(usize),
    /// 2-d convolution, written [`Conv2d(out_channels, kernel_size)`](crate::layer::Conv2d()):
    /// (b, c, h, w) -> (b, out, h', w') with
    /// h' = (h + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1.
    /// PyTorch: `nn.Conv2d`.
    Conv2d(ConvSettings),
    /// 2-d transposed convolution for decoders, written
    /// [`ConvTranspose2d(out_channels, kernel_size)`](crate::layer::ConvTranspose2d()):
    /// (b, c, h, w) -> (b, out, h', w') with
    /// h' = (h - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.
    /// PyTorch: `nn.ConvTranspose2d`.
    ConvTranspose2d(ConvTransposeSettings),
    /// Maximum of each n x n window, written [`MaxPool2d(n)`](crate::layer::MaxPool2d()):
    /// (b, c, h, w) -> (b, c, h/n, w/n). PyTorch: `nn.MaxPool2d(n, return_indices=True)`.
    #[serde(rename = "MaxPool")]
    MaxPool2d(PoolSettings),
    /// Undoes the paired [`Layer::MaxPool2d`], written
    /// [`MaxUnpool2d(n)`](crate::layer::MaxUnpool2d()): (b, c, h, w) -> (b, c, n h, n w).
    /// PyTorch: `nn.MaxUnpool2d(n)`.
    #[serde(rename = "MaxUnpool")]
    MaxUnpool2d(UnpoolSettings),
    /// Mean of each n x n window, written [`AvgPool2d(n)`](crate::layer::AvgPool2d()):
    /// (b, c, h, w) -> (b, c, h/n, w/n). PyTorch: `nn.AvgPool2d(n)`.
    #[serde(rename = "AvgPool")]
    AvgPool2d(PoolSettings),
    /// Repeats every value n x n times, written [`Upsample(n)`](crate::layer::Upsample()):
    /// (b, c, h, w) -> (b, c, n h, n w). PyTorch: `nn.Upsample(scale_factor=n)`, mode "nearest".
    Upsample(UnpoolSettings),
    /// Batch normalization (Ioffe and Szegedy, 2015), of the channels of images (b, c, h, w) as
    /// well as of features (b, n). Training uses the batch's mean and variance, evaluation the
    /// running ones. PyTorch: `nn.BatchNorm2d(c)` or `nn.BatchNorm1d(n)`, with eps 1e-5 and
    /// momentum 0.1.
    BatchNorm,
    /// Layer normalization (Ba and others, 2016): y = (x - mean) / sqrt(var + 1e-5) weight + bias, with
    /// the mean and variance of each image, and a weight and bias for each value: (b, n) -> (b, n) or
    /// (b, c, h, w) -> (b, c, h, w). PyTorch: `nn.LayerNorm(n)` or `nn.LayerNorm((c, h, w))`.
    LayerNorm,
    /// Group normalization (Wu and He, 2018): as [`Layer::LayerNorm`], but with the mean and variance of
    /// each of this number of groups of channels, and a weight and bias for each channel. The groups
    /// must divide the channels. PyTorch: `nn.GroupNorm(groups, c)`.
    GroupNorm(usize),
    /// Residual block: y = x + layers(x) (He and others, "Deep residual learning", 2016). The
    /// layers must keep the shape. Variables are named as in PyTorch's `class Residual(nn.Sequential)`
    /// with `def forward(self, x): return x + super().forward(x)`.
    Residual(Vec<Layer>),
    /// max(x, 0). PyTorch: `nn.ReLU()`.
    Relu,
    /// x if x > 0, else slope * x, for a slope in [0, 1). PyTorch: `nn.LeakyReLU(slope)`, which
    /// defaults to 0.01.
    LeakyRelu(f64),
    /// x if x > 0, else alpha (exp(x) - 1), for alpha > 0. PyTorch: `nn.ELU(alpha)`, which defaults
    /// to 1.
    Elu(f64),
    /// x * normal_cdf(x). PyTorch: `nn.GELU()`.
    Gelu,
    /// x * sigmoid(x), also called swish (Hendrycks and Gimpel, "Gaussian error linear units", 2016).
    /// PyTorch: `nn.SiLU()`.
    Silu,
    /// ln(1 + exp(x)), a smooth ReLU (Dugas and others, "Incorporating second-order functional
    /// knowledge for better option pricing", 2001). PyTorch: `nn.Softplus()`.
    Softplus,
    /// 1 / (1 + exp(-x)), in (0, 1). PyTorch: `nn.Sigmoid()`.
    Sigmoid,
    /// Hyperbolic tangent, in (-1, 1). PyTorch: `nn.Tanh()`.
    Tanh,
    /// exp(x) / Σ exp(x), the sum being over the features (b, n), or over the channels at each pixel of
    /// images (b, c, h, w). PyTorch: `nn.Softmax(dim=1)`.
    Softmax,
    /// x, but at least low and at most high. PyTorch: `nn.Hardtanh(low, high)`.
    Clamp(f64, f64),
    /// In training, sets values to zero with probability p, in [0, 1), and scales the others by
    /// 1 / (1 - p). Does nothing in evaluation. PyTorch: `nn.Dropout(p)`.
    Dropout(f64),
    /// In training, sets whole channels of images to zero with probability p, in [0, 1), and scales the
    /// others by 1 / (1 - p) (Tompson and others, 2015). Does nothing in evaluation.
    /// PyTorch: `nn.Dropout2d(p)`.
    SpatialDropout(f64),
    /// In training, adds normal noise of standard deviation std, which the model learns to remove
    /// (Vincent and others, "Extracting and composing robust features with denoising autoencoders",
    /// 2008). Does nothing in evaluation. `[GaussianNoise(0.3), Clamp(0.0, 1.0), ..]` keeps pixels
    /// in [0, 1]. PyTorch: `x + std * torch.randn_like(x)`.
    GaussianNoise(f64),
    /// In training, sets values to zero with probability p, in [0, 1), without scaling the others,
    /// as missing pixels (Vincent and others, 2008). Does nothing in evaluation.
    /// PyTorch: `x * (torch.rand_like(x) >= p)`.
    MaskingNoise(f64),
    /// In training, sets values to zero or one with probability p, in [0, 1), each as often (Vincent
    /// and others, 2008). Does nothing in evaluation.
    SaltAndPepperNoise(f64),
    /// The code of a variational autoencoder, written [`Gaussian(beta)`](crate::layer::Gaussian()):
    /// (b, 2n) -> (b, n), from means and log variances to a sample, and to the means in evaluation.
    Gaussian(GaussianSettings),
    /// A code of classes, written [`Gumbel(groups, classes)`](crate::layer::Gumbel()):
    /// (b, groups * classes) -> (b, groups * classes), from logits to relaxed one-hot samples, and to
    /// the one-hot largest logits in evaluation.
    Gumbel(GumbelSettings),
    /// Bounds each value, or each channel of images, and rounds it to one of its number of levels in
    /// [-1, 1], in training and in evaluation: `Fsq(vec![8, 5, 5, 5])` has 1,000 codes. Gradients pass
    /// through the rounding. A term of the loss keeps the values in the range of their levels.
    /// (b, n) -> (b, n) or (b, c, h, w) -> (b, c, h, w), for n or c numbers of 2 or more levels (Mentzer
    /// and others, "Finite scalar quantization", 2023).
    Fsq(Vec<usize>),
    /// Keeps the k largest values of each image, and sets the others to zero: (b, n) -> (b, n)
    /// (Makhzani and Frey, "k-sparse autoencoders", 2013).
    /// PyTorch: `torch.zeros_like(x).scatter(1, *x.topk(k)[::-1])`.
    TopK(usize),
    /// In training, keeps the k * b largest values of a batch of b images, k for each on average, and
    /// sets the others to zero. Evaluation keeps the values that reach a threshold, the running mean of
    /// the smallest value that training kept: (b, n) -> (b, n) (Bussmann, Leask and Nanda, "BatchTopK
    /// sparse autoencoders", 2024).
    BatchTopK(usize),
    /// Passes values on, and adds weight times the sum of their magnitudes to the loss, as a mean
    /// over the images. Makes codes sparse. Keras: `activity_regularizer=regularizers.l1(weight)`.
    L1(f64),
    /// Passes values on, and adds weight times the sum of their squares to the loss, as a mean over
    /// the images. Keeps codes small, as in the regularized autoencoder (Ghosh and others, "From
    /// variational to deterministic autoencoders", 2020), whose codes
    /// [`fit_prior`](crate::model::Autoencoder::fit_prior) draws. Keras:
    /// `activity_regularizer=regularizers.l2(weight)`.
    L2(f64),
    /// Passes values in [0, 1] on, and adds weight times the divergence of each unit's mean activity
    /// over the batch from rate, in (0, 1), to the loss: `KlSparsity(rate, weight)` (Ng, "Sparse
    /// autoencoder", 2011). Put `Sigmoid` before it.
    KlSparsity(f64, f64),
    /// In training, lets each unit keep its values of this share of the batch's images, the largest,
    /// and sets the others to zero. Each channel of images keeps one value an image, the largest.
    /// Evaluation keeps all values (Makhzani and Frey, "Winner-take-all autoencoders", 2015).
    WinnerTakeAll(f64),
    /// Passes codes on, and adds weight times their maximum mean discrepancy from samples of N(0, 1)
    /// to the loss (Tolstikhin and others, "Wasserstein auto-encoders", 2018): (b, n) -> (b, n). The
    /// weight is relative to the sum of the reconstruction loss over an image.
    Mmd(f64),
    /// Passes codes on, and trains a discriminator, which tells them from samples of N(0, 1), together
    /// with an encoder that deceives it: `Adversarial(discriminator, weight)` (Makhzani and others,
    /// "Adversarial autoencoders", 2015): (b, n) -> (b, n). The discriminator is a list of layers that
    /// ends with one output, without a sigmoid: `vec![Linear(64), Relu, Linear(1)]`. The weight of the
    /// encoder's loss is relative to the sum of the reconstruction loss over an image.
    Adversarial(Vec<Layer>, f64),
    /// Replaces each vector of the code by the nearest of a codebook, written
    /// [`VectorQuantize(entries)`](crate::layer::VectorQuantize()): (b, n) -> (b, n), or, for each pixel,
    /// (b, c, h, w) -> (b, c, h, w).
    VectorQuantize(VectorQuantizeSettings),
    /// Joins the images' labels to features, as one number for each of this number of classes: 1 for
    /// the image's class, else 0: (b, n) -> (b, n + classes) (Sohn and others, 2015). Put it first in
    /// the decoder. PyTorch: `torch.cat([x, F.one_hot(labels, classes)], 1)`.
    Condition(usize),
    /// Cuts images into patches of this height and width, row by row:
    /// (b, c, h, w) -> (b, patches, c * height * width). `Patches(1, w)` are the rows.
    /// PyTorch: `F.unfold(x, (height, width), stride=(height, width)).transpose(1, 2)`.
    Patches(usize, usize),
    /// Undoes [`Layer::Patches`], written `Unpatches(height, width, (c, h, w))`:
    /// (b, patches, c * height * width) -> (b, c, h, w). PyTorch: `F.fold`.
    Unpatches(usize, usize, (usize, usize, usize)),
    /// Reshapes features to a sequence: (b, steps * n) -> (b, steps, n).
    /// PyTorch: `nn.Unflatten(1, (steps, n))`.
    Sequence(usize, usize),
    /// Repeats features in each of this number of steps: (b, n) -> (b, steps, n).
    /// Keras: `RepeatVector(steps)`.
    Repeat(usize),
    /// Last hidden state of a long short-term memory with this number of units: (b, steps, n) ->
    /// (b, units) (Hochreiter and Schmidhuber, 1997).
    /// PyTorch: `nn.LSTM(n, units, batch_first=True)(x)[1][0][0]`.
    Lstm(usize),
    /// Hidden states of a long short-term memory in all steps: (b, steps, n) -> (b, steps, units).
    /// PyTorch: `nn.LSTM(n, units, batch_first=True)(x)[0]`.
    LstmSteps(usize),
    /// Self-attention with this number of heads, which must divide n: (b, steps, n) -> (b, steps, n)
    /// (Vaswani and others, "Attention is all you need", 2017). A block of a transformer is
    /// `Residual(vec![LayerNorm, Attention(4)]), Residual(vec![LayerNorm, Linear(4 * n), Gelu, Linear(n)])`.
    /// PyTorch: `nn.MultiheadAttention(n, heads, batch_first=True)`.
    Attention(usize),
    /// Adds a learned vector to each step: (b, steps, n) -> (b, steps, n).
    /// PyTorch: `x + nn.Embedding(steps, n).weight`.
    Positions,
    /// In training, replaces this share of each image's steps, in [0, 1), by a learned vector. Does
    /// nothing in evaluation: (b, steps, n) -> (b, steps, n) (He and others, "Masked autoencoders are
    /// scalable vision learners", 2022).
    MaskSteps(f64),
    /// Passes codes on, and adds weight times the squared Frobenius norm of the Jacobian of the dense
    /// layer before it to the loss: `Linear(32), Sigmoid, Contractive(0.1)` (Rifai and others,
    /// "Contractive auto-encoders", 2011). The activation is `Sigmoid`, `Tanh`, `Relu` or none. The
    /// weight is relative to the sum of the reconstruction loss over an image. The model trains by
    /// candle's autograd.
    Contractive(f64),
    /// Dense layer with the transposed weights of a layer of the encoder, written
    /// [`Linear(outputs).tied(i)`](Layer::tied).
    TiedLinear(usize, usize),
    /// Dense layer with weights whose columns have the norm 1, written
    /// [`Linear(outputs).unit_norm()`](Layer::unit_norm).
    UnitNormLinear(usize),
    /// Sparse code with an auxiliary loss, written [`TopK(k).auxiliary(n)`](Layer::auxiliary).
    AuxK(AuxKSettings),
    /// Keeps what passes it, written [`Save(name)`](crate::layer::Save()).
    Save(String),
    /// Joins what was kept, written [`Concat(name, channels)`](crate::layer::Concat()).
    Concat(String, usize),
    /// A module of candle, from [`Layer::module`].
    #[serde(skip)]
    Module(ModuleLayer),
    /// A layer that was given a setting its kind does not have, as in `Linear(128).stride(2)`.
    /// Building a model with it is an error.
    #[doc(hidden)]
    #[serde(skip)]
    UnsupportedSetting(UnsupportedSetting),
}
