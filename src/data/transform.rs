//! Changes of the pixels of one image by known amounts.

use crate::data::split::ImageShape;

/// An image whose pixels change in place.
pub(super) struct Pixels<'a> {
    /// (c, h, w), flattened.
    values: &'a mut [f32],
    /// Buffer for the former values.
    before: &'a mut Vec<f32>,
    h: usize,
    w: usize,
}

impl<'a> Pixels<'a> {
    pub(super) fn new(
        values: &'a mut [f32],
        before: &'a mut Vec<f32>,
        (_, h, w): ImageShape,
    ) -> Self {
        Pixels {
            values,
            before,
            h,
            w,
        }
    }

    pub(super) fn flip_horizontal(&mut self) {
        self.values
            .chunks_exact_mut(self.w)
            .for_each(<[f32]>::reverse);
    }

    pub(super) fn flip_vertical(&mut self) {
        let (h, w) = (self.h, self.w);
        self.gather(|y, x| (h - 1 - y) * w + x);
    }

    /// Moves the image right and down; the border is repeated.
    pub(super) fn shift(&mut self, right: isize, down: isize) {
        let (h, w) = (self.h, self.w);
        let moved = |i: usize, by: isize, n: usize| (i as isize - by).clamp(0, n as isize - 1);
        self.gather(|y, x| (moved(y, down, h) as usize) * w + moved(x, right, w) as usize);
    }

    /// Rotates the image counterclockwise about its center.
    pub(super) fn rotate(&mut self, degrees: f64) {
        let (sin, cos) = degrees.to_radians().sin_cos();
        // Quarter turns are exact.
        let [sin, cos] = [sin, cos].map(|value| if value.abs() < 1e-12 { 0.0 } else { value });
        let (cy, cx) = ((self.h - 1) as f64 / 2.0, (self.w - 1) as f64 / 2.0);
        self.resample(|y, x| {
            let (dy, dx) = (y as f64 - cy, x as f64 - cx);
            (cy + dx * sin + dy * cos, cx + dx * cos - dy * sin)
        });
    }

    /// Enlarges a part to the whole: sides of `scale` in (0, 1], and `top` and `left` in [0, 1] of the
    /// space that they leave.
    pub(super) fn crop(&mut self, scale: f64, top: f64, left: f64) {
        let (h, w) = (self.h as f64, self.w as f64);
        let (top, left) = (top * h * (1.0 - scale), left * w * (1.0 - scale));
        self.resample(|y, x| {
            let at = |i: usize, start: f64| start + (i as f64 + 0.5) * scale - 0.5;
            (at(y, top), at(x, left))
        });
    }

    pub(super) fn multiply(&mut self, factor: f32) {
        self.values.iter_mut().for_each(|value| *value *= factor);
    }

    /// Fills a square around a pixel.
    pub(super) fn cut_out(&mut self, size: usize, y: usize, x: usize, value: f32) {
        let side = |center: usize, n: usize| {
            let start = center.saturating_sub(size / 2);
            start..(center + size.div_ceil(2)).min(n)
        };
        let (rows, columns) = (side(y, self.h), side(x, self.w));
        for plane in self.values.chunks_exact_mut(self.h * self.w) {
            for row in rows.clone() {
                plane[row * self.w..][columns.clone()].fill(value);
            }
        }
    }

    /// Limits all values to an interval.
    pub(super) fn clamp(&mut self, low: f32, high: f32) {
        for value in &mut *self.values {
            *value = value.max(low).min(high);
        }
    }

    /// Sets each pixel to that at another place of its channel.
    fn gather(&mut self, from: impl Fn(usize, usize) -> usize) {
        self.replace(|plane, y, x| plane[from(y, x)]);
    }

    /// Sets each pixel to the interpolated value at another place, (y, x) in pixels. Places outside
    /// have the value of the border.
    fn resample(&mut self, from: impl Fn(usize, usize) -> (f64, f64)) {
        let (h, w) = (self.h, self.w);
        self.replace(|plane, y, x| {
            let (y, x) = from(y, x);
            let (top, bottom, down) = neighbors(y, h);
            let (left, right, across) = neighbors(x, w);
            let row = |y: usize| mix(plane[y * w + left], plane[y * w + right], across);
            mix(row(top), row(bottom), down)
        });
    }

    fn replace(&mut self, value: impl Fn(&[f32], usize, usize) -> f32) {
        self.before.clear();
        self.before.extend_from_slice(self.values);
        let size = self.h * self.w;
        let planes = self.values.chunks_exact_mut(size);
        for (plane, before) in planes.zip(self.before.chunks_exact(size)) {
            for (y, row) in plane.chunks_exact_mut(self.w).enumerate() {
                for (x, pixel) in row.iter_mut().enumerate() {
                    *pixel = value(before, y, x);
                }
            }
        }
    }
}

/// Pixels before and after a place, and the distance from the first.
fn neighbors(at: f64, n: usize) -> (usize, usize, f32) {
    let at = at.clamp(0.0, (n - 1) as f64);
    let first = at as usize;
    (first, (first + 1).min(n - 1), (at - first as f64) as f32)
}

/// Linear interpolation, which keeps equal values exactly.
fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Result of a change of an image of one row per slice.
    fn changed<const W: usize>(rows: &[[f32; W]], f: impl Fn(&mut Pixels<'_>)) -> Vec<[f32; W]> {
        let mut values = rows.concat();
        let mut before = Vec::new();
        f(&mut Pixels::new(
            &mut values,
            &mut before,
            (1, rows.len(), W),
        ));
        values.as_chunks().0.to_vec()
    }

    const IMAGE: [[f32; 3]; 3] = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]];

    #[test]
    fn flips_mirror_rows_and_columns() {
        let mirrored = changed(&IMAGE, |pixels| pixels.flip_horizontal());
        assert_eq!(
            mirrored,
            [[3.0, 2.0, 1.0], [6.0, 5.0, 4.0], [9.0, 8.0, 7.0]]
        );
        let upside_down = changed(&IMAGE, |pixels| pixels.flip_vertical());
        assert_eq!(
            upside_down,
            [[7.0, 8.0, 9.0], [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]
        );
    }

    #[test]
    fn a_shift_repeats_the_border() {
        let moved = changed(&IMAGE, |pixels| pixels.shift(1, -1));
        assert_eq!(moved, [[4.0, 4.0, 5.0], [7.0, 7.0, 8.0], [7.0, 7.0, 8.0]]);
        assert_eq!(changed(&IMAGE, |pixels| pixels.shift(0, 0)), IMAGE);
    }

    #[test]
    fn quarter_turns_are_exact() {
        // import numpy as np; np.rot90(np.arange(1, 10).reshape(3, 3))
        let quarter = [[3.0, 6.0, 9.0], [2.0, 5.0, 8.0], [1.0, 4.0, 7.0]];
        assert_eq!(changed(&IMAGE, |pixels| pixels.rotate(90.0)), quarter);
        let half = [[9.0, 8.0, 7.0], [6.0, 5.0, 4.0], [3.0, 2.0, 1.0]];
        assert_eq!(changed(&IMAGE, |pixels| pixels.rotate(180.0)), half);
        assert_eq!(changed(&IMAGE, |pixels| pixels.rotate(-270.0)), quarter);
        assert_eq!(changed(&IMAGE, |pixels| pixels.rotate(0.0)), IMAGE);
    }

    #[test]
    fn other_angles_interpolate() {
        // import torch, torchvision.transforms.v2.functional as F
        // (the 4 pixels around the center do not touch the border, where the fill differs)
        // The middle of a gradient along x, rotated by 30 degrees, has the slope cos 30.
        let gradient = [[0.0f32, 1.0, 2.0, 3.0, 4.0]; 5];
        let turned = changed(&gradient, |pixels| pixels.rotate(30.0));
        assert!((turned[2][3] - turned[2][2] - 0.866_025_4).abs() < 1e-6);
        assert!((turned[3][2] - turned[2][2] + 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_crop_is_enlarged_bilinearly() {
        // import torch, torch.nn.functional as F
        // x = torch.arange(1., 17).reshape(1, 1, 4, 4)[..., 0:2, 2:4]
        // F.interpolate(x, size=(4, 4), mode="bilinear", align_corners=False)[0, 0, 1]
        // -> 4.0, 4.25, 4.75, 5.0, without pixels from outside the crop
        let rows: [[f32; 4]; 4] =
            std::array::from_fn(|y| std::array::from_fn(|x| (4 * y + x + 1) as f32));
        let part = changed(&rows, |pixels| pixels.crop(0.5, 0.0, 1.0));
        assert_eq!(part[1][1..3], [4.25, 4.75]);
        assert_eq!(changed(&rows, |pixels| pixels.crop(1.0, 0.3, 0.8)), rows);
    }

    #[test]
    fn a_cutout_is_cut_by_the_border() {
        let cut = changed(&IMAGE, |pixels| pixels.cut_out(2, 0, 2, 0.0));
        assert_eq!(cut, [[1.0, 0.0, 0.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
        let cut = changed(&IMAGE, |pixels| pixels.cut_out(2, 2, 1, 0.0));
        assert_eq!(cut, [[1.0, 2.0, 3.0], [0.0, 0.0, 6.0], [0.0, 0.0, 9.0]]);
    }

    #[test]
    fn brightness_multiplies_and_values_are_limited() {
        let bright = changed(&[[0.25f32, 0.75]], |pixels| {
            pixels.multiply(1.5);
            pixels.clamp(0.0, 1.0);
        });
        assert_eq!(bright, [[0.375, 1.0]]);
    }

    #[test]
    fn each_channel_changes_alike() {
        let mut values = vec![1.0, 2.0, 10.0, 20.0];
        let mut before = Vec::new();
        Pixels::new(&mut values, &mut before, (2, 1, 2)).shift(1, 0);
        assert_eq!(values, [1.0, 1.0, 10.0, 10.0]);
    }
}
