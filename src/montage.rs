//! Tensors as pictures: many small images in one PNG, with padding, a stated scaling and pixel-exact enlargement.

use crate::display::{Content, Show, shows_itself};
use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

/// How values become brightness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// 0 is black, 1 is white; what is outside is cut off. For photographs, digits and their reconstructions.
    Unit,
    /// Zero is white, negative values are blue, positive ones red, each picture up to its own largest magnitude. For
    /// weights. Pictures of three channels have zero as middle grey instead.
    Symmetric,
    /// Each picture's smallest value is black, its largest white.
    MinMax,
}

/// Height that small pictures are enlarged to, at least, in pixels of the PNG.
const COMFORTABLE: usize = 56;
/// More pictures than this are cut off, and the text says so.
const MOST: usize = 4096;
const BACKGROUND: [u8; 3] = [255, 255, 255];
/// Where a value is NaN or infinite.
const WARNING: [u8; 3] = [255, 0, 255];

/// Pictures in a grid, row by row. It shows itself; [`Montage::to_png`] and [`Montage::save`] give the file.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let noise = Tensor::rand(0f32, 1f32, (10, 1, 28, 28), &Device::Cpu)?;
/// let png = Montage::new(&noise)?.columns(5).to_png()?;
/// assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Montage {
    /// (n, c, h, w), f32, on the CPU.
    images: Tensor,
    columns: usize,
    padding: usize,
    zoom: usize,
    scale: Scale,
    title: String,
    cut_off: usize,
}

impl Montage {
    /// Pictures of a tensor.
    ///
    /// # Shapes
    /// `(h, w)`, `(1, h, w)`, `(3, h, w)`, or a batch `(n, c, h, w)` with c 1 or 3. Floats are read as [0, 1], `u8` as
    /// 0 to 255.
    ///
    /// # Errors
    /// Any other shape, and a tensor without elements.
    pub fn new(images: &Tensor) -> Result<Self> {
        let as_bytes = images.dtype() == DType::U8;
        let dims = images.dims().to_vec();
        let images = match dims.as_slice() {
            [h, w] => images.reshape((1, 1, *h, *w))?, // (h, w) -> (1, 1, h, w)
            [1 | 3, _, _] => images.unsqueeze(0)?,     // (c, h, w) -> (1, c, h, w)
            [_, 1 | 3, _, _] => images.clone(),
            _ => {
                return Err(Error::shape(
                    "pictures",
                    "(h, w), (1 or 3, h, w) or (n, 1 or 3, h, w)",
                    format!("{dims:?}"),
                    "Reshape the tensor, or choose channels with .narrow(1, 0, 1)",
                ));
            }
        };
        if images.elem_count() == 0 {
            let hint = "Choose at least one picture";
            return Err(Error::shape("pictures", "at least one pixel", format!("{dims:?}"), hint));
        }
        let n = images.dim(0)?;
        let images = images.narrow(0, 0, n.min(MOST))?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        let images = if as_bytes { (images / 255.0)? } else { images };
        let height = images.dim(2)?;
        Ok(Montage {
            columns: (n.min(MOST) as f64).sqrt().ceil() as usize,
            padding: 1,
            zoom: COMFORTABLE.div_ceil(height).max(1),
            scale: Scale::Unit,
            title: String::new(),
            cut_off: n.saturating_sub(MOST),
            images: images.contiguous()?,
        })
    }

    /// How many pictures stand in a row. Defaults to the square root of their number.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// White pixels between pictures, before enlargement. Defaults to 1.
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// How many pixels of the PNG, in each direction, one value takes. Defaults to what makes a picture 56 high or more.
    pub fn zoom(mut self, zoom: usize) -> Self {
        self.zoom = zoom.max(1);
        self
    }

    /// How values become brightness. Defaults to [`Scale::Unit`].
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// What the pictures are, for the text that stands where pictures cannot.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The pictures as a tensor: (n, c, h, w), f32, as they were before scaling.
    pub fn tensor(&self) -> &Tensor {
        &self.images
    }

    /// Width and height of the PNG, in pixels.
    pub fn size(&self) -> (usize, usize) {
        let dims = self.images.dims();
        let columns = self.columns.min(dims[0]);
        let side = |count: usize, length: usize| (count * (length + self.padding) + self.padding) * self.zoom;
        (side(columns, dims[3]), side(dims[0].div_ceil(columns), dims[2]))
    }

    /// The picture file's bytes.
    ///
    /// # Errors
    /// Only where memory for the PNG cannot be had or the picture is too large for the format.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        encode_png(&self.pixels()?, width, height)
    }

    /// Writes the picture as a PNG file.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left half-written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write_atomically(path.as_ref(), &self.to_png()?)
    }

    /// The RGB bytes of the whole montage, row by row.
    fn pixels(&self) -> Result<Vec<u8>> {
        let (n, c, h, w) = self.images.dims4()?;
        let values = self.images.flatten_all()?.to_vec1::<f32>()?;
        let (width, height) = self.size();
        let columns = self.columns.min(n);
        let mut out = BACKGROUND.repeat(width * height);
        for (index, picture) in values.chunks_exact(c * h * w).enumerate() {
            let to_rgb = Shader::new(self.scale, picture);
            let top = (index / columns * (h + self.padding) + self.padding) * self.zoom;
            let left = (index % columns * (w + self.padding) + self.padding) * self.zoom;
            for y in 0..h {
                let first = ((top + y * self.zoom) * width + left) * 3;
                for x in 0..w {
                    let at = |channel: usize| picture[(channel * h + y) * w + x];
                    let rgb = if c == 3 { to_rgb.colour([at(0), at(1), at(2)]) } else { to_rgb.grey(at(0)) };
                    for pixel in out[first + x * self.zoom * 3..][..self.zoom * 3].chunks_exact_mut(3) {
                        pixel.copy_from_slice(&rgb);
                    }
                }
                // The row is drawn once and copied for the enlargement downwards.
                let row = first..first + w * self.zoom * 3;
                for copy in 1..self.zoom {
                    out.copy_within(row.clone(), row.start + copy * width * 3);
                }
            }
        }
        Ok(out)
    }

    fn describe(&self) -> Result<String> {
        let (n, c, h, w) = self.images.dims4()?;
        let values = self.images.flatten_all()?.to_vec1::<f32>()?;
        let odd = values.iter().filter(|v| !v.is_finite()).count();
        let finite = values.iter().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
        let title = if self.title.is_empty() { "pictures" } else { &self.title };
        let mut text = format!("{title}: {n} of shape ({c}, {h}, {w}), values {low:.3} to {high:.3}");
        if odd > 0 {
            text.push_str(&format!("; {odd} values are NaN or infinite, shown in magenta"));
        }
        if self.cut_off > 0 {
            text.push_str(&format!("; {} more not shown", self.cut_off));
        }
        Ok(text)
    }
}

impl Show for Montage {
    fn contents(&self) -> Result<Vec<Content>> {
        let (width, height) = self.size();
        Ok(vec![Content::text(self.describe()?).png(&self.to_png()?, width, height)])
    }
}
shows_itself!(Montage);

impl Show for Tensor {
    fn contents(&self) -> Result<Vec<Content>> {
        Montage::new(self)?.contents()
    }
}

/// Turns the values of one picture into colours.
struct Shader {
    scale: Scale,
    low: f32,
    high: f32,
}

impl Shader {
    fn new(scale: Scale, picture: &[f32]) -> Self {
        let finite = || picture.iter().copied().filter(|v| v.is_finite());
        let (low, high) = match scale {
            Scale::Unit => (0.0, 1.0),
            Scale::MinMax => (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max)),
            Scale::Symmetric => {
                let most = finite().fold(0.0, |most: f32, v| most.max(v.abs()));
                (-most, most)
            }
        };
        Shader { scale, low, high }
    }

    /// Where a value stands between low and high, in [0, 1].
    fn place(&self, value: f32) -> f32 {
        if self.high > self.low { ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0) } else { 0.5 }
    }

    fn grey(&self, value: f32) -> [u8; 3] {
        if !value.is_finite() {
            return WARNING;
        }
        let place = self.place(value);
        if self.scale != Scale::Symmetric {
            return [to_byte(place); 3];
        }
        // Diverging: blue (33, 102, 172) - white - red (178, 24, 43), the ends of ColorBrewer's RdBu.
        let (end, amount) =
            if place < 0.5 { ([33, 102, 172], 1.0 - 2.0 * place) } else { ([178, 24, 43], 2.0 * place - 1.0) };
        end.map(|channel| to_byte(1.0 - amount * (1.0 - channel as f32 / 255.0)))
    }

    fn colour(&self, rgb: [f32; 3]) -> [u8; 3] {
        if rgb.iter().all(|v| v.is_finite()) { rgb.map(|v| to_byte(self.place(v))) } else { WARNING }
    }
}

fn to_byte(unit: f32) -> u8 {
    (unit * 255.0).round() as u8
}

/// PNG bytes of an RGB picture. Enlarged pixels and flat charts repeat themselves, which compresses best unfiltered.
pub(crate) fn encode_png(rgb: &[u8], width: usize, height: usize) -> Result<Vec<u8>> {
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Level(3), FilterType::NoFilter)
        .write_image(rgb, width as u32, height as u32, ExtendedColorType::Rgb8)
        .map_err(|error| Error::Plot(format!("cannot encode a PNG of {width} x {height} pixels: {error}")))?;
    Ok(png)
}
