//! Images as text, for front ends without images: half blocks, dithered.

use std::ops::Range;

/// Characters per line for all images of a preview together.
const LINE_WIDTH: usize = 64;
/// Maximum width of a single image in characters.
const SINGLE_WIDTH: usize = 40;
/// Minimum side of an image that gets a preview, in pixels.
const MIN_SIDE: usize = 4;
/// Thresholds of ordered (Bayer) dithering, in sixteenths.
const BAYER: [[f32; 4]; 4] = [
    [0.0, 8.0, 2.0, 10.0],
    [12.0, 4.0, 14.0, 6.0],
    [3.0, 11.0, 1.0, 9.0],
    [15.0, 7.0, 13.0, 5.0],
];

/// Draws images of brightness in [0, 1] side by side. Empty if the images are too small.
///
/// # Shapes
/// Each image is (h, w), row by row.
pub(crate) fn preview(images: &[Vec<f32>], h: usize, w: usize) -> String {
    if images.is_empty() || h < MIN_SIDE || w < MIN_SIDE {
        return String::new();
    }
    let width = if images.len() == 1 {
        SINGLE_WIDTH
    } else {
        LINE_WIDTH / images.len() - 2
    }
    .min(w);
    // A character is two pixels high.
    let height = (width * h)
        .div_ceil(w)
        .next_multiple_of(2)
        .min(2 * LINE_WIDTH);
    let (rows, columns) = (spans(h, height), spans(w, width));
    let small: Vec<Vec<f32>> = images
        .iter()
        .map(|image| shrink(image, &rows, &columns))
        .collect();
    let line = |y: usize| {
        let parts = small.iter().map(|image| text_line(image, width, y));
        parts.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let lines = (0..height).step_by(2).map(line);
    lines.collect::<Vec<_>>().join("\n")
}

/// Rows `y` and `y + 1` of an image as one line of text.
fn text_line(image: &[f32], width: usize, y: usize) -> String {
    let lit = |y: usize, x: usize| image[y * width + x] > (BAYER[y % 4][x % 4] + 1.0) / 17.0;
    let character = |x| match (lit(y, x), lit(y + 1, x)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    (0..width).map(character).collect()
}

/// Shrinks an image by averaging the input rows and columns of each output pixel.
fn shrink(image: &[f32], rows: &[Range<usize>], columns: &[Range<usize>]) -> Vec<f32> {
    let width = columns.last().map_or(0, |last| last.end);
    let mean = |rows: &Range<usize>, columns: &Range<usize>| {
        let lines = rows
            .clone()
            .map(|row| &image[row * width..][columns.clone()]);
        let sum: f32 = lines.map(|line| line.iter().sum::<f32>()).sum();
        sum / (rows.len() * columns.len()) as f32
    };
    let pixels = rows
        .iter()
        .flat_map(|rows| columns.iter().map(move |columns| mean(rows, columns)));
    pixels.collect()
}

/// Divides `total` input pixels among `n` output pixels; each has at least one.
fn spans(total: usize, n: usize) -> Vec<Range<usize>> {
    let span = |i: usize| {
        let start = i * total / n;
        start..((i + 1) * total / n).clamp(start + 1, total)
    };
    (0..n).map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::preview;

    #[test]
    fn a_preview_has_half_blocks_and_small_images_have_none() {
        let image: Vec<f32> = (0..16).map(|i| if i < 4 { 1.0 } else { 0.0 }).collect();
        assert_eq!(preview(std::slice::from_ref(&image), 4, 4), "▀▀▀▀\n");
        assert_eq!(preview(&[image.clone(), image], 4, 4), "▀▀▀▀  ▀▀▀▀\n");
        assert_eq!(preview(&[vec![1.0; 9]], 3, 3), "");
    }
}
