//! Pictures in plain text, for readers without pictures: half blocks, dithered.

use crate::show::numbers::finite_range;

/// Characters that all pictures of a preview take in a line.
const WIDTH: usize = 64;
/// One picture alone is no wider than this.
const ALONE: usize = 40;
/// Ordered dithering (Bayer): which of 16 shades a pixel needs to be lit.
const BAYER: [[f32; 4]; 4] = [
    [0.0, 8.0, 2.0, 10.0],
    [12.0, 4.0, 14.0, 6.0],
    [3.0, 11.0, 1.0, 9.0],
    [15.0, 7.0, 13.0, 5.0],
];

/// Pictures of brightness in [0, 1] side by side; empty where they are too small to be worth it.
///
/// # Shapes
/// Each picture is (h, w), row by row.
pub(crate) fn preview(pictures: &[Vec<f32>], h: usize, w: usize) -> String {
    if pictures.is_empty() || h < 4 || w < 4 {
        return String::new();
    }
    let width = if pictures.len() == 1 {
        ALONE
    } else {
        WIDTH / pictures.len() - 2
    }
    .min(w);
    // Two pixels stand above each other in a character.
    let height = (width * h).div_ceil(w).next_multiple_of(2).min(2 * WIDTH);
    let small: Vec<Vec<f32>> = pictures
        .iter()
        .map(|picture| shrink(picture, (h, w), (height, width)))
        .collect();
    let lit = |picture: &[f32], y: usize, x: usize| {
        picture[y * width + x] > (BAYER[y % 4][x % 4] + 1.0) / 17.0
    };
    let line = |y: usize| {
        let parts = small.iter().map(|picture| {
            let character = |x| match (lit(picture, y, x), lit(picture, y + 1, x)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            };
            (0..width).map(character).collect::<String>()
        });
        parts.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    (0..height)
        .step_by(2)
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Means over the area that each smaller pixel covers.
fn shrink(picture: &[f32], (h, w): (usize, usize), (height, width): (usize, usize)) -> Vec<f32> {
    let span = |i: usize, of: usize, all: usize| {
        (
            i * all / of,
            ((i + 1) * all / of).clamp(i * all / of + 1, all),
        )
    };
    let mean = |y: usize, x: usize| {
        let ((top, bottom), (left, right)) = (span(y, height, h), span(x, width, w));
        let rows =
            (top..bottom).map(|row| picture[row * w + left..row * w + right].iter().sum::<f32>());
        rows.sum::<f32>() / ((bottom - top) * (right - left)) as f32
    };
    (0..height * width)
        .map(|i| mean(i / width, i % width))
        .collect()
}

/// A row of numbers as bars of eight heights, in at most so many characters; what is not finite is a gap.
pub(crate) fn sparkline(values: &[f64], most: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (low, high) = finite_range(values.iter().copied());
    let n = values.len().min(most);
    let mean = |i: usize| {
        let part = &values[i * values.len() / n..(i + 1) * values.len() / n];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let bar = |value: f64| match (value - low) / (high - low) {
        _ if !value.is_finite() => ' ',
        share if share.is_nan() => BARS[0],
        share => BARS[((share * 8.0) as usize).min(7)],
    };
    (0..n).map(|i| bar(mean(i))).collect()
}
