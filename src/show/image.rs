//! Image files: opened, checked, rendered, and converted to tensors.

use crate::error::{Error, Result};
use crate::file::{Limits, decode_image, name_or, read_file};
use crate::show::canvas::Canvas;
use crate::show::content::{Content, base64, escape};
use crate::show::display::{Show, evcxr_display};
use crate::show::images::Images;
use crate::show::preview::preview;
use crate::show::theme::LIGHT;
use candle_core::{Device, Tensor};
use image::{ImageFormat, RgbImage};
use std::path::{Path, PathBuf};

/// Maximum width on the page, in pixels; the browser scales wider images down.
const MAX_PAGE_WIDTH: usize = 800;
/// Maximum size of a file that is embedded unchanged: keeps notebooks small.
const MAX_EMBEDDED_BYTES: usize = 2 << 20;
/// Maximum side of an image that is embedded unchanged, in pixels.
const MAX_EMBEDDED_SIDE: usize = 16_384;
/// Longer side of a reduced image, in pixels.
const REDUCED_SIDE: u32 = 1200;

/// An image file: PNG, JPEG, WebP, BMP, GIF or SVG. [`Image::tensor`] returns its pixels.
///
/// # Examples
/// ```no_run
/// use candlebook::prelude::*;
/// let photo = Image::open("photo.jpg")?;
/// let pixels = photo.tensor()?; // (3, height, width), f32 in [0, 1]
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Image {
    path: PathBuf,
    bytes: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Pixels(ImageFormat, RgbImage),
    Svg,
}

impl Image {
    /// Reads and decodes an image file. Applies the EXIF orientation and puts transparency on
    /// white.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, has another format, or has more pixels than
    /// [`Limits::pixels`].
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// show(Image::open("photo.jpg")?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read_file(path, Limits::current().image_file_bytes())?;
        let kind = if is_svg(&bytes) {
            Kind::Svg
        } else {
            let (format, pixels) = decode_image(&bytes).map_err(|reason| {
                let expected = "an image (PNG, JPEG, WebP, BMP, GIF or SVG)";
                reason.of(path, expected, "Check that the file is complete")
            })?;
            Kind::Pixels(format, pixels)
        };
        Ok(Image {
            path: path.to_owned(),
            bytes,
            kind,
        })
    }

    /// The pixels.
    ///
    /// # Shapes
    /// (3, height, width), f32 in [0, 1].
    ///
    /// # Errors
    /// If the file is an SVG drawing, which has no pixels.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let pixels = Image::open("photo.jpg")?.tensor()?; // (3, height, width)
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn tensor(&self) -> Result<Tensor> {
        let Kind::Pixels(_, pixels) = &self.kind else {
            return Err(Error::file(
                &self.path,
                "an image with pixels",
                "an SVG drawing",
                "Convert it to PNG first",
            ));
        };
        let (w, h) = dimensions(pixels);
        // (h, w, 3) -> (3, h, w), at once: a second copy in f32 takes twelve bytes per pixel.
        let mut values = Vec::with_capacity(3 * w * h);
        for channel in 0..3 {
            let pixels = pixels.as_raw().chunks_exact(3);
            values.extend(pixels.map(|pixel| f32::from(pixel[channel]) / 255.0));
        }
        Ok(Tensor::from_vec(values, (3, h, w), &Device::Cpu)?)
    }

    /// Width and height in pixels; `None` for an SVG drawing.
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// if let Some((width, height)) = Image::open("photo.jpg")?.size() {
    ///     println!("{width} x {height} pixels");
    /// }
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn size(&self) -> Option<(usize, usize)> {
        match &self.kind {
            Kind::Pixels(_, pixels) => Some(dimensions(pixels)),
            Kind::Svg => None,
        }
    }
}

impl Images for Image {
    fn images(&self) -> Result<Tensor> {
        self.tensor()?.images()
    }
}

impl Show for Image {
    fn contents(&self) -> Result<Vec<Content>> {
        let name = name_or(&self.path, "");
        let Kind::Pixels(format, pixels) = &self.kind else {
            let drawing = String::from_utf8_lossy(&self.bytes).into_owned();
            return Ok(vec![
                Content::text(format!("{name}: SVG drawing")).with("image/svg+xml", drawing),
            ]);
        };
        let (width, height) = dimensions(pixels);
        let page_width = width.min(MAX_PAGE_WIDTH);
        let page_height = (height * page_width).div_ceil(width);
        let content = Content::text(self.summary(&name, pixels));
        if self.bytes.len() > MAX_EMBEDDED_BYTES || width.max(height) > MAX_EMBEDDED_SIDE {
            return Ok(vec![content.png(
                &reduced(pixels)?,
                page_width,
                page_height,
            )]);
        }
        Ok(vec![match format {
            ImageFormat::Png => content.png(&self.bytes, page_width, page_height),
            ImageFormat::Jpeg => content.file("image/jpeg", &self.bytes, page_width, page_height),
            // Few front ends render the MIME type of a GIF, but all render an <img>.
            ImageFormat::Gif => {
                let data = base64(&self.bytes);
                content.html(format!(
                    "<img alt=\"{}\" width=\"{page_width}\" src=\"data:image/gif;base64,{data}\">",
                    escape(&name),
                ))
            }
            _ => content.png(&to_png(pixels)?, page_width, page_height),
        }])
    }
}
evcxr_display!(Image);

impl Show for Path {
    fn contents(&self) -> Result<Vec<Content>> {
        Image::open(self)?.contents()
    }
}

impl Show for PathBuf {
    fn contents(&self) -> Result<Vec<Content>> {
        self.as_path().contents()
    }
}

impl Image {
    /// Name, size and preview in plain text.
    fn summary(&self, name: &str, pixels: &RgbImage) -> String {
        let (width, height) = dimensions(pixels);
        let bytes = self.bytes.len();
        let mut text = format!("{name}: {width} x {height} pixels, {bytes} bytes");
        if bytes > MAX_EMBEDDED_BYTES {
            text.push_str(", shown reduced");
        }
        let brightness: Vec<f32> = pixels
            .pixels()
            .map(|p| p.0.iter().map(|&v| f32::from(v)).sum::<f32>() / 765.0)
            .collect();
        format!("{text}\n{}", preview(&[brightness], height, width))
    }
}

fn dimensions(pixels: &RgbImage) -> (usize, usize) {
    (pixels.width() as usize, pixels.height() as usize)
}

fn is_svg(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_lowercase();
    start
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
        && start.contains("<svg")
}

/// Scales an image down and encodes it as PNG.
fn reduced(pixels: &RgbImage) -> Result<Vec<u8>> {
    let longer = pixels.width().max(pixels.height());
    let factor = (f64::from(REDUCED_SIDE) / f64::from(longer)).min(1.0);
    let side = |length: u32| ((f64::from(length) * factor) as u32).max(1);
    to_png(&image::imageops::thumbnail(
        pixels,
        side(pixels.width()),
        side(pixels.height()),
    ))
}

fn to_png(pixels: &RgbImage) -> Result<Vec<u8>> {
    let (width, height) = dimensions(pixels);
    let mut canvas = Canvas::new(width, height, LIGHT.background)?;
    for (pixel, from) in canvas.bytes_mut().chunks_exact_mut(4).zip(pixels.pixels()) {
        pixel[..3].copy_from_slice(&from.0);
    }
    canvas.to_png()
}
