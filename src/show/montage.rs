//! Tensors as images: many small images in one PNG, with padding, a color scale and pixel-exact
//! zoom.

use crate::error::{Error, Result};
use crate::show::content::Content;
use crate::show::display::{Show, evcxr_display};
use crate::show::images::Images;
use crate::show::layout::{GridSettings, GridTexts};
use crate::show::shader::Scale;
use candle_core::Tensor;
use std::path::Path;

/// Maximum number of images; the rest is omitted, and the text says so.
const MAX_IMAGES: usize = 4096;
/// Maximum padding and zoom, in pixels.
const MAX_SIDE_PIXELS: usize = 32_768;

/// A grid of images, row by row. [`Montage::to_png`] and [`Montage::save`] produce the file.
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
    pub(super) images: Tensor,
    pub(super) scale: Scale,
    /// One color range for all images.
    pub(super) shared: bool,
    pub(super) settings: GridSettings,
    pub(super) texts: GridTexts,
    /// Number of images beyond the maximum.
    pub(super) omitted: usize,
}

impl Montage {
    /// A montage of a tensor or several; see [`Images`] for the shapes.
    ///
    /// # Errors
    /// If the shape is not that of images, or there are no images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new(images: impl Images) -> Result<Self> {
        let images = images.images()?;
        let n = images.dim(0)?;
        Ok(Montage {
            images: images.narrow(0, 0, n.min(MAX_IMAGES))?.contiguous()?,
            scale: Scale::Unit,
            shared: false,
            settings: GridSettings {
                columns: None,
                padding: 1,
                zoom: None,
            },
            texts: GridTexts::default(),
            omitted: n.saturating_sub(MAX_IMAGES),
        })
    }

    /// A montage of labeled rows.
    ///
    /// # Errors
    /// If the rows have different lengths, or as [`Montage::new`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let digits = mnist_embedded()?.test.first(4)?;
    /// let negatives = (1.0 - &digits)?;
    /// Montage::rows(&[("digits", &digits), ("negatives", &negatives)])?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn rows<I: Images>(rows: &[(&str, I)]) -> Result<Self> {
        let images = rows
            .iter()
            .map(|(_, row)| row.images())
            .collect::<Result<Vec<_>>>()?;
        let lengths: Vec<usize> = images.iter().map(|row| row.dims()[0]).collect();
        if let Some(other) = lengths.iter().find(|n| **n != lengths[0]) {
            return Err(Error::shape(
                "Montage::rows",
                format!("rows of equal length, {}", lengths[0]),
                other,
                "Shorten the longer rows with .narrow(0, 0, n)",
            ));
        }
        let mut montage = Montage::new(&images)?;
        montage.settings.columns = lengths.first().copied();
        montage.texts.row_labels = rows.iter().map(|(label, _)| (*label).to_owned()).collect();
        Ok(montage)
    }

    /// The filters of a convolution on the symmetric scale. Filters over 1 or 3 input channels are
    /// one image each; others are a row with one image per input channel.
    ///
    /// # Shapes
    /// `weight` is (out_channels, in_channels, kernel height, kernel width).
    ///
    /// # Errors
    /// If the rank is not 4, or the tensor is empty.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let weight = Tensor::randn(0f32, 1f32, (8, 1, 5, 5), &Device::Cpu)?;
    /// Montage::filters(&weight)?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn filters(weight: &Tensor) -> Result<Self> {
        let (out, channels, h, w) = weight.dims4().map_err(|_| {
            Error::shape(
                "Montage::filters",
                "(out_channels, in_channels, height, width)",
                format!("{:?}", weight.dims()),
                "Pass the weight of a convolution",
            )
        })?;
        let montage = if matches!(channels, 1 | 3) {
            Montage::new(weight)?
        } else {
            Montage::new(weight.reshape((out * channels, 1, h, w))?)?.columns(channels) // (o, i, h, w) -> (o*i, 1, h, w)
        };
        Ok(montage.scale(Scale::Symmetric).title("filters"))
    }

    /// Sets the number of images in a row. Defaults to all if they fit the page, otherwise to the
    /// square root of their number.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?.columns(4));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn columns(mut self, columns: usize) -> Self {
        self.settings.columns = Some(columns.max(1));
        self
    }

    /// Sets the width of the white lines between images, in image pixels. Defaults to 1.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?.padding(0));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn padding(mut self, padding: usize) -> Self {
        self.settings.padding = padding.min(MAX_SIDE_PIXELS);
        self
    }

    /// Sets the number of pixels of the PNG for each image pixel, in each direction. By default
    /// images are at least 56 pixels high.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?.zoom(3));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn zoom(mut self, zoom: usize) -> Self {
        self.settings.zoom = Some(zoom.clamp(1, MAX_SIDE_PIXELS));
        self
    }

    /// Sets the mapping of values to colors. Defaults to [`Scale::Unit`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?.scale(show::Scale::MinMax));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Uses one value range for all images, which makes them comparable. By default
    /// [`Scale::Symmetric`] and [`Scale::MinMax`] use the range of each image.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?.scale(show::Scale::MinMax).shared());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Sets the title above the images, which also begins the plain text.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?.title("Twelve digits"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.texts.title = title.into();
        self
    }

    /// Sets a line of text below each image. Images beyond the last caption have none.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let test = mnist_embedded()?.test.take(12);
    /// show(Montage::new(&test.first(12)?)?.captions(&test.labels().unwrap_or_default()));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn captions<S: ToString>(mut self, captions: impl IntoIterator<Item = S>) -> Self {
        self.texts.captions = captions
            .into_iter()
            .take(MAX_IMAGES)
            .map(|caption| caption.to_string())
            .collect();
        self
    }

    /// Uses the index of each image, counted from 0, as its caption.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// show(Montage::new(&images)?.indexed());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn indexed(self) -> Self {
        let n = self.images.dims()[0];
        self.captions(0..n)
    }

    /// The images before scaling.
    ///
    /// # Shapes
    /// (n, c, h, w), f32, on the CPU.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// assert_eq!(Montage::new(&images)?.tensor().dims(), [12, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn tensor(&self) -> &Tensor {
        &self.images
    }

    /// Width and height of the PNG, in pixels.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// let (width, height) = Montage::new(&images)?.padding(0).zoom(1).columns(4).size();
    /// assert_eq!((width, height), (4 * 28, 3 * 28));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn size(&self) -> (usize, usize) {
        let layout = self.layout(self.density());
        (layout.width, layout.height)
    }

    /// The PNG file as bytes.
    ///
    /// # Errors
    /// If the PNG would be larger than 32,768 pixels on a side.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// assert!(Montage::new(&images)?.to_png()?.starts_with(b"\x89PNG"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.draw(self.density())?.to_png()
    }

    /// Writes the PNG file atomically.
    ///
    /// # Errors
    /// If the file cannot be written, or as [`Montage::to_png`].
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let images = mnist_embedded()?.test.first(12)?;
    /// Montage::new(&images)?.save("digits.png")?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write_atomically(path.as_ref(), &self.to_png()?)
    }
}

impl Show for Montage {
    fn contents(&self) -> Result<Vec<Content>> {
        let (width, height) = self.size();
        let content = Content::text(self.summary()?);
        let page = |pixels: usize| pixels / self.density();
        Ok(vec![content.png(
            &self.to_png()?,
            page(width),
            page(height),
        )])
    }
}
evcxr_display!(Montage);

impl Show for Tensor {
    fn contents(&self) -> Result<Vec<Content>> {
        Montage::new(self)?.contents()
    }
}

impl<I: Images> Show for [I] {
    fn contents(&self) -> Result<Vec<Content>> {
        Montage::new(self)?.contents()
    }
}

impl<I: Images> Show for Vec<I> {
    fn contents(&self) -> Result<Vec<Content>> {
        self.as_slice().contents()
    }
}

impl<I: Images, const N: usize> Show for [I; N] {
    fn contents(&self) -> Result<Vec<Content>> {
        self.as_slice().contents()
    }
}
