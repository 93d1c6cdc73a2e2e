//! Decoded pixels and metadata as the `image` crate has them.

use crate::file::unreadable::Unreadable;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};

/// Grey or RGB pixels as an image.
pub(super) fn image(width: u64, height: u64, pixels: Vec<u8>) -> Result<DynamicImage, Unreadable> {
    let (w, h) = (width as u32, height as u32);
    let image = if pixels.len() as u64 == width * height {
        GrayImage::from_raw(w, h, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(w, h, pixels).map(DynamicImage::ImageRgb8)
    };
    image.ok_or_else(|| "fewer pixels than its header says".into())
}

/// The orientation of an EXIF segment, if there is one.
pub(super) fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_grey_or_rgb() {
        assert!(image(2, 1, vec![1, 2]).unwrap().as_luma8().is_some());
        assert!(image(2, 1, vec![0; 6]).unwrap().as_rgb8().is_some());
        assert!(image(2, 1, vec![0; 5]).is_err());
    }

    #[test]
    fn a_file_without_exif_is_upright() {
        assert_eq!(orientation(None), Orientation::NoTransforms);
        assert_eq!(orientation(Some(b"no EXIF")), Orientation::NoTransforms);
    }
}
