//! Tensors as pictures: many small images in one PNG, with padding, a stated scaling and pixel-exact enlargement.

use crate::error::{Error, Result};
use crate::show::canvas::{Canvas, LIGHT, text_width};
use crate::show::color::{WARNING, diverging};
use crate::show::display::{Content, Show, shows_itself};
use crate::show::preview::preview;
use candle_core::{DType, Device, Tensor};
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;
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
/// Pictures are enlarged by themselves only up to so many pixels in all.
const ENOUGH: usize = 4_000_000;
/// Pictures stand in one row by themselves where it is no wider than this, in pixels.
const PAGE: usize = 720;
/// Padding and enlargement above this make no picture that fits anywhere.
const LARGEST: usize = 32_768;
/// Text sizes and the room around them, in pixels.
const TITLE: f64 = 15.0;
const CAPTION: f64 = 12.0;
const TITLE_HEIGHT: usize = 26;
const CAPTION_HEIGHT: usize = 17;
const GAP: usize = 8;

/// What a montage can be made of: a tensor, or a slice, array or vector of them.
///
/// # Shapes
/// A tensor is `(h, w)`, `(1, h, w)`, `(3, h, w)`, or a batch `(n, c, h, w)` with c 1 or 3. Floats are read as [0, 1], `u8`
/// as 0 to 255. In a slice all have one height and width; grey ones become coloured where others are.
pub trait Pictures {
    /// All pictures as one tensor, (n, c, h, w), f32, on the CPU.
    ///
    /// # Errors
    /// Other shapes, and a tensor without elements.
    fn pictures(&self) -> Result<Tensor>;
}

impl Pictures for Tensor {
    fn pictures(&self) -> Result<Tensor> {
        let dims = self.dims();
        let images = match dims {
            [h, w] => self.reshape((1, 1, *h, *w))?, // (h, w) -> (1, 1, h, w)
            [1 | 3, _, _] => self.unsqueeze(0)?,     // (c, h, w) -> (1, c, h, w)
            [_, 1 | 3, _, _] => self.clone(),
            _ => {
                return Err(Error::shape(
                    "pictures",
                    "(h, w), (1 or 3, h, w) or (n, 1 or 3, h, w)",
                    format!("{dims:?}"),
                    "Reshape the tensor, choose channels with .narrow(1, 0, 1), or see every channel by Montage::filters",
                ));
            }
        };
        if images.elem_count() == 0 {
            let hint = "Choose at least one picture";
            return Err(Error::shape(
                "pictures",
                "at least one pixel",
                format!("{dims:?}"),
                hint,
            ));
        }
        let floats = images.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        Ok(if self.dtype() == DType::U8 {
            (floats / 255.0)?
        } else {
            floats
        })
    }
}

impl<P: Pictures> Pictures for [P] {
    fn pictures(&self) -> Result<Tensor> {
        let all = self
            .iter()
            .map(Pictures::pictures)
            .collect::<Result<Vec<_>>>()?;
        let Some(first) = all.first() else {
            return Err(Error::shape(
                "pictures",
                "at least one",
                "none",
                "Choose at least one picture",
            ));
        };
        let (_, _, h, w) = first.dims4()?;
        let channels = all.iter().map(|images| images.dims()[1]).max().unwrap_or(1);
        let fit = |images: &Tensor| -> Result<Tensor> {
            let (n, _, height, width) = images.dims4()?;
            if (height, width) != (h, w) {
                let (expected, got) = (
                    format!("all of one size, {h} x {w}"),
                    format!("{height} x {width}"),
                );
                return Err(Error::shape(
                    "pictures",
                    expected,
                    got,
                    "Show them in groups of one size",
                ));
            }
            Ok(images.broadcast_as((n, channels, h, w))?)
        };
        Ok(Tensor::cat(
            &all.iter().map(fit).collect::<Result<Vec<_>>>()?,
            0,
        )?)
    }
}

impl<P: Pictures> Pictures for Vec<P> {
    fn pictures(&self) -> Result<Tensor> {
        self.as_slice().pictures()
    }
}

impl<P: Pictures, const N: usize> Pictures for [P; N] {
    fn pictures(&self) -> Result<Tensor> {
        self.as_slice().pictures()
    }
}

impl<P: Pictures + ?Sized> Pictures for &P {
    fn pictures(&self) -> Result<Tensor> {
        (**self).pictures()
    }
}

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
    columns: Option<usize>,
    padding: usize,
    zoom: Option<usize>,
    scale: Scale,
    shared: bool,
    title: String,
    captions: Vec<String>,
    labels: Vec<String>,
    cut_off: usize,
}

impl Montage {
    /// Pictures of a tensor, or of several: see [`Pictures`] for the shapes.
    ///
    /// # Errors
    /// Any other shape, and a tensor without elements.
    pub fn new(images: impl Pictures) -> Result<Self> {
        let images = images.pictures()?;
        let n = images.dim(0)?;
        Ok(Montage {
            columns: None,
            padding: 1,
            zoom: None,
            scale: Scale::Unit,
            shared: false,
            title: String::new(),
            captions: Vec::new(),
            labels: Vec::new(),
            cut_off: n.saturating_sub(MOST),
            images: images.narrow(0, 0, n.min(MOST))?.contiguous()?,
        })
    }

    /// Rows with a label each: `Montage::rows(&[("originals", &images), ("reconstructions", &drawn)])`.
    ///
    /// # Errors
    /// Rows of different lengths, and what [`Montage::new`] refuses.
    pub fn rows<P: Pictures>(rows: &[(&str, P)]) -> Result<Self> {
        let pictures = rows
            .iter()
            .map(|(_, row)| row.pictures())
            .collect::<Result<Vec<_>>>()?;
        let lengths: Vec<usize> = pictures.iter().map(|row| row.dims()[0]).collect();
        if let Some(other) = lengths.iter().find(|n| **n != lengths[0]) {
            let expected = format!("rows of one length, {}", lengths[0]);
            return Err(Error::shape(
                "Montage::rows",
                expected,
                other,
                "Choose the same number for each, by .narrow(0, 0, n)",
            ));
        }
        let labels = rows.iter().map(|(label, _)| (*label).to_owned()).collect();
        let columns = lengths.first().copied();
        Ok(Montage {
            columns,
            labels,
            ..Montage::new(&pictures)?
        })
    }

    /// The weights of a convolution, one small picture a filter: in colour where it reads 1 or 3 channels, else a row of
    /// the input channels for each output channel. On the symmetric scale.
    ///
    /// # Shapes
    /// `weight` is (out, in, kernel height, kernel width).
    ///
    /// # Errors
    /// Another rank, and a tensor without elements.
    pub fn filters(weight: &Tensor) -> Result<Self> {
        let (out, channels, h, w) = weight.dims4().map_err(|_| {
            let hint = "Give the weight of a convolution";
            Error::shape(
                "Montage::filters",
                "(out, in, height, width)",
                format!("{:?}", weight.dims()),
                hint,
            )
        })?;
        let montage = if matches!(channels, 1 | 3) {
            Montage::new(weight)?
        } else {
            Montage::new(weight.reshape((out * channels, 1, h, w))?)?.columns(channels) // (o, i, h, w) -> (o*i, 1, h, w)
        };
        Ok(montage.scale(Scale::Symmetric).title("filters"))
    }

    /// How many pictures stand in a row. Defaults to all where they fit a page, else to the square root of their number.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns.max(1));
        self
    }

    /// White pixels between pictures, before enlargement. Defaults to 1.
    pub fn padding(mut self, padding: usize) -> Self {
        self.padding = padding.min(LARGEST);
        self
    }

    /// How many pixels of the PNG, in each direction, one value takes. Defaults to what makes a picture 56 high or more.
    pub fn zoom(mut self, zoom: usize) -> Self {
        self.zoom = Some(zoom.clamp(1, LARGEST));
        self
    }

    /// How values become brightness. Defaults to [`Scale::Unit`].
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// One range for all pictures on the scales that look for it, so that they can be compared. Defaults to one each.
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// What the pictures are: above them, and in the text that stands where pictures cannot.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// A line of text below each picture; where there are fewer lines than pictures, the rest have none.
    pub fn captions<S: ToString>(mut self, captions: impl IntoIterator<Item = S>) -> Self {
        self.captions = captions
            .into_iter()
            .take(MOST)
            .map(|caption| caption.to_string())
            .collect();
        self
    }

    /// Each picture's place, counted from 0, as its caption.
    pub fn indexed(self) -> Self {
        let n = self.images.dims()[0];
        self.captions(0..n)
    }

    /// The pictures as a tensor: (n, c, h, w), f32, as they were before scaling.
    pub fn tensor(&self) -> &Tensor {
        &self.images
    }

    /// Width and height of the PNG, in pixels.
    pub fn size(&self) -> (usize, usize) {
        let layout = self.layout(1);
        (layout.width, layout.height)
    }

    /// The picture file's bytes.
    ///
    /// # Errors
    /// Where the picture would be larger than 32,768 pixels a side, or memory for it cannot be had.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.draw(1)?.to_png()
    }

    /// Writes the picture as a PNG file.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left half-written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write_atomically(path.as_ref(), &self.to_png()?)
    }

    /// Where things stand; `density` is how many pixels stand for one of the page.
    fn layout(&self, density: usize) -> Layout {
        let dims = self.images.dims();
        let (n, h, w) = (dims[0], dims[2], dims[3]);
        let zoom = self.zoom.unwrap_or_else(|| {
            let pixels = n * (h + self.padding) * (w + self.padding);
            let most = ((ENOUGH / pixels.max(1)) as f64).sqrt() as usize;
            COMFORTABLE.div_ceil(h).min(most).max(1)
        });
        let columns = self.columns.map_or_else(
            || {
                if n * (w + self.padding) * zoom <= PAGE {
                    n
                } else {
                    (n as f64).sqrt().ceil() as usize
                }
            },
            |columns| columns.min(n),
        );
        let rows = n.div_ceil(columns);
        let zoom = zoom * density;
        let width = |text: &str, size: f64| text_width(text, size * density as f64);
        let widest = |texts: &[String]| {
            texts
                .iter()
                .map(|text| width(text, CAPTION))
                .max()
                .unwrap_or(0)
        };
        let captions = if self.captions.is_empty() {
            0
        } else {
            CAPTION_HEIGHT * density
        };
        let gap = GAP * density;
        let (pad, labels) = (self.padding * zoom, widest(&self.labels));
        let left = if labels > 0 { labels + 2 * gap } else { 0 };
        let top = if self.title.is_empty() {
            0
        } else {
            TITLE_HEIGHT * density
        };
        // A picture as wide as its caption, at least; a title as wide as the montage, at most.
        let across = (w * zoom + pad).max(if captions > 0 {
            widest(&self.captions) + gap
        } else {
            0
        });
        let down = h * zoom + pad + captions;
        let title = if top > 0 {
            width(&self.title, TITLE) + 2 * gap
        } else {
            0
        };
        let (width, height) = (
            (left + columns * across + pad).max(title),
            top + rows * down + pad,
        );
        let inset = (across - (w * zoom + pad)) / 2;
        Layout {
            columns,
            zoom,
            left: left + pad,
            top: top + pad,
            across,
            inset,
            down,
            width,
            height,
            density,
        }
    }

    /// The montage, drawn with so many pixels for each of the page.
    pub(crate) fn draw(&self, density: usize) -> Result<Canvas> {
        let (_, c, h, w) = self.images.dims4()?;
        let values = self.images.flatten_all()?.to_vec1::<f32>()?;
        let at = self.layout(density);
        let mut canvas = Canvas::new(at.width, at.height, LIGHT.background)?;
        let all = self.shared.then(|| Shader::new(self.scale, &values));
        let bytes = canvas.bytes_mut();
        for (index, picture) in values.chunks_exact(c * h * w).enumerate() {
            let shader = all.unwrap_or_else(|| Shader::new(self.scale, picture));
            let (left, top) = at.corner(index);
            for y in 0..h {
                let first = ((top + y * at.zoom) * at.width + left) * 4;
                for x in 0..w {
                    let value = |channel: usize| picture[(channel * h + y) * w + x];
                    let [r, g, b] = if c == 3 {
                        shader.color([value(0), value(1), value(2)])
                    } else {
                        shader.grey(value(0))
                    };
                    for pixel in bytes[first + x * at.zoom * 4..][..at.zoom * 4].chunks_exact_mut(4)
                    {
                        pixel.copy_from_slice(&[r, g, b, 255]);
                    }
                }
                // The row is drawn once and copied for the enlargement downwards.
                let row = first..first + w * at.zoom * 4;
                for copy in 1..at.zoom {
                    bytes.copy_within(row.clone(), row.start + copy * at.width * 4);
                }
            }
        }
        self.write(&mut canvas, &at, h, w)?;
        Ok(canvas)
    }

    /// Title, row labels and captions.
    fn write(&self, canvas: &mut Canvas, at: &Layout, h: usize, w: usize) -> Result<()> {
        let ink = LIGHT.ink;
        let density = at.density;
        let (gap, caption_height) = ((GAP * density) as i32, CAPTION_HEIGHT * density);
        let (title_size, caption_size) = (TITLE * density as f64, CAPTION * density as f64);
        if !self.title.is_empty() {
            canvas.text(
                &self.title,
                (gap, (TITLE_HEIGHT * density / 2) as i32),
                title_size,
                HPos::Left,
                ink,
            )?;
        }
        for (row, label) in self.labels.iter().enumerate() {
            let middle = at.top + row * at.down + h * at.zoom / 2;
            canvas.text(
                label,
                (
                    (at.left - self.padding * at.zoom) as i32 - gap,
                    middle as i32,
                ),
                caption_size,
                HPos::Right,
                ink,
            )?;
        }
        for (index, caption) in self.captions.iter().take(self.images.dim(0)?).enumerate() {
            let (left, top) = at.corner(index);
            let middle = (
                left + w * at.zoom / 2,
                top + h * at.zoom + caption_height / 2,
            );
            canvas.text(
                caption,
                (middle.0 as i32, middle.1 as i32),
                caption_size,
                HPos::Center,
                ink,
            )?;
        }
        Ok(())
    }

    /// What a reader without pictures needs: how many of what shape, the range, what was cut off, and a small preview.
    fn describe(&self) -> Result<String> {
        let (n, c, h, w) = self.images.dims4()?;
        let values = self.images.flatten_all()?.to_vec1::<f32>()?;
        let odd = values.iter().filter(|v| !v.is_finite()).count();
        let (low, high) = range(&values);
        let title = if self.title.is_empty() {
            "pictures"
        } else {
            &self.title
        };
        let mut text =
            format!("{title}: {n} of shape ({c}, {h}, {w}), values {low:.3} to {high:.3}");
        if self.scale == Scale::Unit {
            // A rounding error past the edge is no news.
            let outside = values
                .iter()
                .filter(|v| v.is_finite() && !(-1e-4..=1.0001).contains(*v))
                .count();
            if outside > 0 {
                text.push_str(&format!("; {outside} values outside [0, 1] are cut off"));
            }
        }
        if odd > 0 {
            text.push_str(&format!(
                "; {odd} values are NaN or infinite, shown in magenta"
            ));
        }
        if self.cut_off > 0 {
            text.push_str(&format!("; {} more not shown", self.cut_off));
        }
        if !self.labels.is_empty() {
            text.push_str(&format!("\nrows: {}", self.labels.join(", ")));
        }
        let few: Vec<&[f32]> = values
            .chunks_exact(c * h * w)
            .take(self.layout(1).columns.min(4))
            .collect();
        let all = self.shared.then(|| Shader::new(self.scale, &values));
        let brightness = few.iter().map(|picture| {
            let shader = all.unwrap_or_else(|| Shader::new(self.scale, picture));
            (0..h * w)
                .map(|i| {
                    shader.ink(
                        (0..c)
                            .map(|channel| picture[channel * h * w + i])
                            .sum::<f32>()
                            / c as f32,
                    )
                })
                .collect()
        });
        let small = preview(&brightness.collect::<Vec<_>>(), h, w);
        Ok(if small.is_empty() {
            text
        } else {
            format!("{text}\n{small}")
        })
    }
}

/// Where things stand in the PNG, in pixels.
struct Layout {
    columns: usize,
    zoom: usize,
    /// The first picture's corner.
    left: usize,
    top: usize,
    /// From one picture to the next.
    across: usize,
    down: usize,
    /// How far a picture stands in where its caption is wider.
    inset: usize,
    width: usize,
    height: usize,
    density: usize,
}

impl Layout {
    /// The left and upper edge of a picture.
    fn corner(&self, index: usize) -> (usize, usize) {
        let (row, column) = (index / self.columns, index % self.columns);
        (
            self.left + column * self.across + self.inset,
            self.top + row * self.down,
        )
    }
}

impl Show for Montage {
    fn contents(&self) -> Result<Vec<Content>> {
        let (width, height) = self.size();
        Ok(vec![Content::text(self.describe()?).png(
            &self.to_png()?,
            width,
            height,
        )])
    }
}
shows_itself!(Montage);

impl Show for Tensor {
    fn contents(&self) -> Result<Vec<Content>> {
        Montage::new(self)?.contents()
    }
}

impl<P: Pictures> Show for [P] {
    fn contents(&self) -> Result<Vec<Content>> {
        Montage::new(self)?.contents()
    }
}

impl<P: Pictures> Show for Vec<P> {
    fn contents(&self) -> Result<Vec<Content>> {
        self.as_slice().contents()
    }
}

impl<P: Pictures, const N: usize> Show for [P; N] {
    fn contents(&self) -> Result<Vec<Content>> {
        self.as_slice().contents()
    }
}

/// The smallest and the largest finite value.
fn range(values: &[f32]) -> (f32, f32) {
    let finite = values.iter().filter(|v| v.is_finite());
    finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
        (low.min(v), high.max(v))
    })
}

/// Turns the values of one picture, or of all, into colours.
#[derive(Clone, Copy)]
struct Shader {
    scale: Scale,
    low: f32,
    high: f32,
}

impl Shader {
    fn new(scale: Scale, values: &[f32]) -> Self {
        let (low, high) = match scale {
            Scale::Unit => (0.0, 1.0),
            Scale::MinMax => range(values),
            Scale::Symmetric => {
                let (low, high) = range(values);
                let most = low.abs().max(high.abs());
                (-most, most)
            }
        };
        Shader { scale, low, high }
    }

    /// Where a value stands between low and high, in [0, 1].
    fn place(&self, value: f32) -> f32 {
        if self.high > self.low {
            ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }

    fn grey(&self, value: f32) -> [u8; 3] {
        if !value.is_finite() {
            return rgb(WARNING);
        }
        let place = self.place(value);
        if self.scale == Scale::Symmetric {
            diverging(place)
        } else {
            [to_byte(place); 3]
        }
    }

    fn color(&self, channels: [f32; 3]) -> [u8; 3] {
        if channels.iter().all(|v| v.is_finite()) {
            channels.map(|v| to_byte(self.place(v)))
        } else {
            rgb(WARNING)
        }
    }

    /// How much a value stands out, in [0, 1]: for the preview in text.
    fn ink(&self, value: f32) -> f32 {
        match self.scale {
            _ if !value.is_finite() => 0.5,
            Scale::Symmetric => (2.0 * self.place(value) - 1.0).abs(),
            Scale::Unit | Scale::MinMax => self.place(value),
        }
    }
}

fn to_byte(unit: f32) -> u8 {
    (unit * 255.0).round() as u8
}

fn rgb(RGBColor(r, g, b): RGBColor) -> [u8; 3] {
    [r, g, b]
}
