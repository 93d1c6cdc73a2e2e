//! Vectors in montages: bars and lines.

use super::common::{BLUE, ORANGE, pixels, tensor};
use candlebook::prelude::*;
use candlebook::show::{Scale, Show};

/// Rows and columns of a color: first and last of each.
fn extent(montage: Montage, color: [u8; 3]) -> Option<[u32; 4]> {
    let (width, height, pixel) = pixels(montage);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places
        .filter(|(x, y)| pixel(*x, *y) == color)
        .fold(None, |found, (x, y)| {
            let [left, top, right, bottom] = found.unwrap_or([x, y, x, y]);
            Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
        })
}

fn lines(values: &[f32], n: usize) -> Montage {
    let images = tensor(values, &[n, 1, 1, values.len() / n]);
    Montage::new(&images).unwrap().scale(Scale::Line).shared()
}

#[test]
fn bars_stand_on_zero_over_the_range_of_all_vectors() {
    // A panel of 72 x 52 pixels on the page after 8 of padding; the PNG has twice as many. Its range
    // from -1 to 3 leaves a tenth of the height, so zero is at 8 + 52 (0.1 + 0.8 * 3 / 4) = 44.4.
    let zero = 88;
    let both = lines(&[3.0, 1.5, -1.0, 0.0], 2).columns(2);
    assert_eq!(both.size(), (2 * (8 + 72 + 8 + 72 + 8), 2 * (8 + 52 + 8)));
    let [left, top, _, bottom] = extent(both, BLUE).unwrap();
    assert!((16..40).contains(&left), "{left}");
    assert_eq!((top, bottom), (16 + 10, 16 + 93 - 1));
    let [_, _, _, bottom] = extent(lines(&[3.0, 1.5, 3.0, -1.0], 2).columns(1), BLUE).unwrap();
    assert!(
        bottom > 2 * (8 + 52 + 8),
        "the second vector is below the first: {bottom}"
    );
    let positive = lines(&[3.0, 1.0, 1.0, -1.0], 2);
    let (_, _, pixel) = pixels(positive.columns(2));
    assert_eq!(pixel(16 + 36, zero - 4), BLUE, "a bar of 3 ends at zero");
    assert_ne!(pixel(16 + 36, zero + 4), BLUE);
}

#[test]
fn long_vectors_are_lines_and_rows_have_colors() {
    let wave: Vec<f32> = (0..200).map(|i| (0.1 * i as f32).sin() * 40.0).collect();
    let wave = tensor(&wave, &[1, 1, 1, 200]);
    let flat = (&wave * 0.0).unwrap();
    let rows = Montage::rows(&[("wave", &wave), ("zeros", &flat)]).unwrap();
    let rows = rows.scale(Scale::Line).shared();
    let [left, top, right, bottom] = extent(rows.clone(), BLUE).unwrap();
    assert!(
        right - left > 2 * 150 && bottom - top > 2 * 35,
        "{left} {top} {right} {bottom}"
    );
    let [_, top, _, bottom] = extent(rows, ORANGE).unwrap();
    assert!(
        bottom - top <= 4,
        "a constant is a straight line: {top} to {bottom}"
    );
}

#[test]
fn nan_is_a_magenta_gap_and_extreme_values_are_drawn() {
    let mut wave = vec![1f32; 60];
    wave[30] = f32::NAN;
    assert!(extent(lines(&wave, 1), [255, 0, 255]).is_some());
    wave[30] = f32::MAX;
    wave[31] = f32::MIN;
    let [_, top, _, bottom] = extent(lines(&wave, 1), BLUE).unwrap();
    assert!(bottom - top > 70, "{top} {bottom}");
    assert!(lines(&[f32::NAN], 1).to_png().is_ok());
    assert!(lines(&[7.0], 1).to_png().is_ok());
}

#[test]
fn the_text_has_a_sparkline_for_each_vector_and_the_page_half_the_pixels() {
    let montage = lines(&[0.0, 2.0, 4.0, 4.0, 2.0, 0.0], 2);
    let size = montage.size();
    let contents = montage.contents().unwrap();
    assert_eq!(
        contents[0].get("text/plain"),
        Some("vectors: 2 of shape (1, 1, 3), values 0.000 to 4.000\n▁▅█  █▅▁")
    );
    let half = format!("{}", size.0 / 2);
    assert!(format!("{:?}", contents[0]).contains(&half));
}
