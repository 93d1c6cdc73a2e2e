//! Texts of montages: titles, captions, summaries and previews.

use crate::common::{BLACK, WHITE, pixels, tensor};
use candlebook::prelude::*;

#[test]
fn row_labels_captions_and_titles_are_drawn_around_the_images() {
    let digits = mnist_embedded().unwrap().test.first(4).unwrap();
    let plain = Montage::new(&digits).unwrap().columns(4);
    let ink = |montage: Montage, area: (u32, u32, u32, u32)| {
        let (_, _, at) = pixels(montage);
        let (left, top, right, bottom) = area;
        (top..bottom)
            .flat_map(|y| (left..right).map(move |x| (x, y)))
            .filter(|&(x, y)| at(x, y)[0] < 120)
            .count()
    };
    let (width, height) = plain.size();
    let rows = Montage::rows(&[("originals", &digits), ("noisy", &digits)]).unwrap();
    let (wide, tall) = rows.size();
    assert_eq!(
        tall,
        2 * height - 2,
        "two rows of images share their padding"
    );
    assert!(wide > width + 50);
    let labels = (wide - width) as u32;
    assert!(
        ink(rows, (0, 0, labels - 4, tall as u32)) > 60,
        "two labels"
    );
    let captions = plain.clone().captions(["five", "six", "seven", "six"]);
    assert_eq!(captions.size(), (width, height + 17));
    assert!(
        ink(
            captions,
            (0, height as u32, width as u32, height as u32 + 16)
        ) > 60,
        "four captions"
    );
    let title = plain.title("Digits");
    assert_eq!(title.size(), (width, height + 26));
    assert!(ink(title, (0, 0, width as u32, 24)) > 30, "a title");
    let uneven = Montage::rows(&[
        ("a", digits.clone()),
        ("b", digits.narrow(0, 0, 2).unwrap()),
    ])
    .unwrap_err()
    .to_string();
    assert_eq!(
        uneven,
        "Montage::rows: expected rows of equal length, 4, got 2. Shorten the longer rows with .narrow(0, 0, n)"
    );
}

#[test]
fn nan_and_infinity_are_magenta_and_reported() {
    let images = tensor(&[f32::NAN, f32::INFINITY, -3.0, 7.0], &[1, 4]);
    let montage = Montage::new(&images).unwrap().padding(0).zoom(1);
    let (_, _, at) = pixels(montage.clone());
    assert_eq!(
        [at(0, 0), at(1, 0), at(2, 0), at(3, 0)],
        [[255, 0, 255], [255, 0, 255], BLACK, WHITE]
    );
    let text = montage.contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned();
    assert_eq!(
        text,
        "images: 1 of shape (1, 1, 4), values -3.000 to 7.000; 2 values outside [0, 1] are clipped; 2 values are NaN or \
         infinite, shown in magenta"
    );
}

#[test]
fn the_plain_text_has_a_preview() {
    // A white square in the lower right corner of 8 x 8 black pixels.
    let values: Vec<f32> = (0..64)
        .map(|i| if i % 8 >= 4 && i / 8 >= 4 { 1.0 } else { 0.0 })
        .collect();
    let text = tensor(&values, &[8, 8]).contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned();
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        ["", "", "    ████", "    ████"]
    );
}
