//! Picture files: opened, checked, shown, and turned into tensors.

use crate::error::{Error, Result};
use crate::file::{decode_image, name_or};
use crate::show::canvas::{Canvas, LIGHT};
use crate::show::display::{Content, Show, base64, escape, shows_itself};
use crate::show::montage::Pictures;
use crate::show::preview::preview;
use candle_core::{Device, Tensor};
use image::{ImageFormat, RgbImage};
use std::path::{Path, PathBuf};

/// Pictures wider than this on the page are scaled down by the browser.
const WIDEST: usize = 800;
/// Files that take more room than this are sent to the page reduced: notebooks are kept small.
const HEAVIEST: usize = 2 << 20;
/// Pictures longer than this are reduced too.
const LONGEST: usize = 16_384;
/// Sides of a reduced picture, in pixels.
const REDUCED: u32 = 1200;

/// A picture file: PNG, JPEG, WebP, BMP, GIF or SVG. It shows itself; [`Image::tensor`] gives its pixels.
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
    /// Reads a picture file and decodes it. What its EXIF data says of the camera's orientation is followed; transparency
    /// is put on white.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, is not a picture of a known form, or would take more than 1 GiB of memory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let kind = if is_svg(&bytes) {
            Kind::Svg
        } else {
            let (format, pixels) = decode_image(&bytes).map_err(|reason| {
                let hint = "Check that the file is whole";
                Error::file(
                    path,
                    "a picture (PNG, JPEG, WebP, BMP, GIF or SVG)",
                    reason,
                    hint,
                )
            })?;
            Kind::Pixels(format, pixels)
        };
        Ok(Image {
            path: path.to_owned(),
            bytes,
            kind,
        })
    }

    /// Its pixels.
    ///
    /// # Shapes
    /// (3, height, width), f32 in [0, 1].
    ///
    /// # Errors
    /// An SVG drawing, which has no pixels of its own.
    pub fn tensor(&self) -> Result<Tensor> {
        let Kind::Pixels(_, pixels) = &self.kind else {
            return Err(Error::file(
                &self.path,
                "a picture of pixels",
                "an SVG drawing",
                "Convert it to PNG first",
            ));
        };
        let (w, h) = (pixels.width() as usize, pixels.height() as usize);
        let bytes =
            Tensor::from_slice(pixels.as_raw(), (h, w, 3), &Device::Cpu)?.permute((2, 0, 1))?; // (h, w, 3) -> (3, h, w)
        Ok((bytes.to_dtype(candle_core::DType::F32)? / 255.0)?)
    }

    /// Width and height in pixels; none for an SVG drawing.
    pub fn size(&self) -> Option<(usize, usize)> {
        match &self.kind {
            Kind::Pixels(_, pixels) => Some((pixels.width() as usize, pixels.height() as usize)),
            Kind::Svg => None,
        }
    }

    fn name(&self) -> String {
        name_or(&self.path, "")
    }
}

impl Pictures for Image {
    fn pictures(&self) -> Result<Tensor> {
        self.tensor()?.pictures()
    }
}

impl Show for Image {
    fn contents(&self) -> Result<Vec<Content>> {
        let name = self.name();
        let Kind::Pixels(format, pixels) = &self.kind else {
            let drawing = String::from_utf8_lossy(&self.bytes).into_owned();
            return Ok(vec![
                Content::text(format!("{name}: SVG drawing")).with("image/svg+xml", drawing),
            ]);
        };
        let (width, height) = (pixels.width() as usize, pixels.height() as usize);
        let shown = width.min(WIDEST);
        let size = (shown, (height * shown).div_ceil(width));
        let mut text = format!(
            "{name}: {width} x {height} pixels, {} bytes",
            self.bytes.len()
        );
        if self.bytes.len() > HEAVIEST {
            text.push_str(", shown reduced");
        }
        let grey: Vec<f32> = pixels
            .pixels()
            .map(|p| p.0.iter().map(|&v| f32::from(v)).sum::<f32>() / 765.0)
            .collect();
        let content = Content::text(format!("{text}\n{}", preview(&[grey], height, width)));
        Ok(vec![match format {
            _ if self.bytes.len() > HEAVIEST || width.max(height) > LONGEST => {
                content.png(&reduced(pixels)?, size.0, size.1)
            }
            ImageFormat::Png => content.png(&self.bytes, size.0, size.1),
            ImageFormat::Jpeg => content.file("image/jpeg", &self.bytes, size.0, size.1),
            // Front ends that know the form by its MIME type are few; all of them know it in HTML.
            ImageFormat::Gif => {
                let data = base64(&self.bytes);
                content.html(format!(
                    "<img alt=\"{}\" width=\"{}\" src=\"data:image/gif;base64,{data}\">",
                    escape(&name),
                    size.0
                ))
            }
            _ => content.png(&to_png(pixels)?, size.0, size.1),
        }])
    }
}
shows_itself!(Image);

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

fn is_svg(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_lowercase();
    start
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
        && start.contains("<svg")
}

fn reduced(pixels: &RgbImage) -> Result<Vec<u8>> {
    let share = f64::from(REDUCED) / f64::from(pixels.width().max(pixels.height()));
    let side = |length: u32| ((f64::from(length) * share.min(1.0)) as u32).max(1);
    to_png(&image::imageops::thumbnail(
        pixels,
        side(pixels.width()),
        side(pixels.height()),
    ))
}

fn to_png(pixels: &RgbImage) -> Result<Vec<u8>> {
    let mut canvas = Canvas::new(
        pixels.width() as usize,
        pixels.height() as usize,
        LIGHT.background,
    )?;
    for (pixel, from) in canvas.bytes_mut().chunks_exact_mut(4).zip(pixels.pixels()) {
        pixel[..3].copy_from_slice(&from.0);
    }
    canvas.to_png()
}
