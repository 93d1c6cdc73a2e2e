//! Image files: formats, EXIF orientation, transparency, and damaged files.

use candlebook::prelude::*;
use candlebook::show::Show;
use image::{DynamicImage, ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;
use std::path::Path;

/// A red and a blue square, large enough to survive lossy compression.
fn sample() -> RgbImage {
    RgbImage::from_fn(32, 16, |x, _| {
        if x < 16 {
            Rgb([255, 0, 0])
        } else {
            Rgb([0, 0, 255])
        }
    })
}

fn values(tensor: &Tensor, x: usize, y: usize) -> [f32; 3] {
    [0, 1, 2].map(|channel| {
        tensor
            .i((channel, y, x))
            .unwrap()
            .to_scalar::<f32>()
            .unwrap()
    })
}

fn close(a: [f32; 3], b: [f32; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.05)
}

#[test]
fn every_format_is_decoded_and_rendered() {
    let folder = tempfile::tempdir().unwrap();
    for (ending, mime) in [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("bmp", "image/png"),
        ("webp", "image/png"),
        ("gif", "text/html"),
    ] {
        let path = folder.path().join(format!("image.{ending}"));
        sample().save(&path).unwrap();
        let image = Image::open(&path).unwrap();
        assert_eq!(image.size(), Some((32, 16)));
        let tensor = image.tensor().unwrap();
        assert_eq!(tensor.dims(), [3, 16, 32]);
        assert!(
            close(values(&tensor, 2, 8), [1.0, 0.0, 0.0])
                && close(values(&tensor, 29, 8), [0.0, 0.0, 1.0]),
            "{ending}"
        );
        let content = path.as_path().contents().unwrap().remove(0);
        assert!(content.get(mime).is_some(), "{ending} has {mime}");
        let text = content.get("text/plain").unwrap();
        assert!(
            text.starts_with(&format!("image.{ending}: 32 x 16 pixels, ")),
            "{text}"
        );
    }
    let drawing = folder.path().join("drawing.svg");
    std::fs::write(
        &drawing,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>",
    )
    .unwrap();
    let image = Image::open(&drawing).unwrap();
    assert!(
        image.contents().unwrap()[0]
            .get("image/svg+xml")
            .unwrap()
            .starts_with("<svg")
    );
    assert!(
        image
            .tensor()
            .unwrap_err()
            .to_string()
            .contains("expected an image with pixels, got an SVG drawing")
    );
}

#[test]
fn image_files_are_images_of_a_montage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.png");
    sample().save(&path).unwrap();
    let montage =
        Montage::new(&[Image::open(&path).unwrap(), Image::open(&path).unwrap()]).unwrap();
    assert_eq!(montage.tensor().dims(), [2, 3, 16, 32]);
}

#[test]
fn transparent_pixels_are_put_on_white() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("glass.png");
    RgbaImage::from_pixel(2, 2, Rgba([0, 0, 0, 0]))
        .save(&path)
        .unwrap();
    assert_eq!(
        values(&Image::open(&path).unwrap().tensor().unwrap(), 0, 0),
        [1.0; 3]
    );
}

#[test]
fn the_exif_orientation_is_applied() {
    // A JPEG whose EXIF data has orientation 6: rotated by 90 degrees.
    let mut bytes = Vec::new();
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder
        .encode_image(&DynamicImage::ImageRgb8(sample()))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    std::fs::write(&path, &bytes).unwrap();
    let tensor = Image::open(&path).unwrap().tensor().unwrap();
    assert_eq!(tensor.dims(), [3, 32, 16], "it is upright");
    assert!(
        close(values(&tensor, 8, 2), [1.0, 0.0, 0.0])
            && close(values(&tensor, 8, 29), [0.0, 0.0, 1.0])
    );
}

#[test]
fn jpeg_files_with_a_scan_for_each_component_have_their_colors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jpeg");
    for name in [
        "halves_64",
        "halves_64_apart",
        "halves_88",
        "halves_88_apart",
        "halves_411",
    ] {
        let image = Image::open(folder.join(name).with_extension("jpg")).unwrap();
        let tensor = image.tensor().unwrap();
        let (_, h, w) = tensor.dims3().unwrap();
        for (x, color) in [(4, [230.0, 121.0, 30.0]), (w - 4, [40.0, 91.0, 200.0])] {
            let expected = color.map(|v: f32| v / 255.0);
            assert!(close(values(&tensor, x, 4), expected), "{name}");
            assert!(close(values(&tensor, x, h - 4), expected), "{name}");
        }
    }
}

#[test]
fn a_jpeg_of_a_rare_kind_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jpeg/grey_11.jpg");
    let mut bytes = std::fs::read(fixture).unwrap();
    let frame = bytes.windows(2).position(|b| b == [0xff, 0xc0]).unwrap();
    bytes[frame + 1] = 0xc9;
    let path = folder.path().join("arithmetic.jpg");
    std::fs::write(&path, bytes).unwrap();
    let words = Image::open(&path).unwrap_err().to_string();
    assert!(
        words.ends_with(
            "arithmetic.jpg: expected a baseline or progressive JPEG with Huffman coding, got one \
             with arithmetic coding. Save it again as an ordinary JPEG or as PNG"
        ),
        "{words}"
    );
}

#[test]
fn damaged_and_foreign_files_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Image::open(&path).unwrap_err().to_string()
    };
    let expected = "expected an image (PNG, JPEG, WebP, BMP, GIF or SVG), got";
    assert!(open("empty.jpg", b"").ends_with(&format!(
        "empty.jpg: {expected} an empty file. Check that the file is complete"
    )));
    assert!(open("text.png", b"hello").contains(&format!("{expected} a file of another kind")));
    let mut png = Cursor::new(Vec::new());
    sample()
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    let png = png.into_inner();
    assert!(open("half.png", &png[..png.len() / 2]).contains(expected));
    let missing = Image::open(Path::new("no/such/image.png"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.starts_with("no/such/image.png: cannot read: "),
        "{missing}"
    );
}

#[test]
fn large_files_are_reduced_for_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.bmp");
    RgbImage::from_fn(1300, 900, |x, y| Rgb([(x * y) as u8, x as u8, y as u8]))
        .save(&path)
        .unwrap();
    let content = Image::open(&path).unwrap().contents().unwrap().remove(0);
    assert!(
        content
            .get("text/plain")
            .unwrap()
            .contains(", shown reduced")
    );
    let png = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        content.get("image/png").unwrap(),
    )
    .unwrap();
    assert_eq!(image::load_from_memory(&png).unwrap().width(), 1200);
}
