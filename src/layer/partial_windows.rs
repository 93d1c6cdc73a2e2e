//! Images that do not divide into whole windows: padded to whole ones, or cropped from them, at the
//! bottom and at the right.

use crate::layer::windows::PoolWindows;
use crate::math::Real;

/// Windows over images, of which the last ones in each direction may be partial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartialWindows {
    height: usize,
    width: usize,
    size: usize,
}

impl PartialWindows {
    /// Windows of `size` x `size` over images of this shape (c, h, w).
    pub(crate) fn new(image: &[usize], size: usize) -> Self {
        PartialWindows {
            height: image[1],
            width: image[2],
            size,
        }
    }

    /// The windows over padded images.
    pub(crate) fn whole(self) -> PoolWindows {
        PoolWindows {
            size: self.size,
            width: self.padded_width(),
        }
    }

    fn padded_width(self) -> usize {
        self.width.next_multiple_of(self.size)
    }

    fn padded_height(self) -> usize {
        self.height.next_multiple_of(self.size)
    }

    /// True if no window is partial, so that nothing is padded or cropped.
    pub(crate) fn are_whole(self) -> bool {
        (self.height, self.width) == (self.padded_height(), self.padded_width())
    }

    /// A buffer for padded images that have this number of values without padding; empty if no
    /// window is partial.
    pub(crate) fn buffer<T: Real>(self, values: usize) -> Vec<T> {
        let padded = if self.are_whole() {
            0
        } else {
            self.padded_len(values)
        };
        vec![T::ZERO; padded]
    }

    fn padded_len(self, values: usize) -> usize {
        values / (self.height * self.width) * self.padded_height() * self.padded_width()
    }

    /// Pads images with `fill`, or returns them if no window is partial.
    pub(crate) fn padded<'a, T: Real>(
        self,
        images: &'a [T],
        buffer: &'a mut [T],
        fill: T,
    ) -> &'a [T] {
        if self.are_whole() {
            return images;
        }
        let buffer = &mut buffer[..self.padded_len(images.len())];
        buffer.fill(fill);
        let padded = buffer.chunks_exact_mut(self.padded_height() * self.padded_width());
        for (to, from) in padded.zip(images.chunks_exact(self.height * self.width)) {
            let rows = to.chunks_exact_mut(self.padded_width());
            for (to, from) in rows.zip(from.chunks_exact(self.width)) {
                to[..self.width].copy_from_slice(from);
            }
        }
        buffer
    }

    /// Calls `f` to write padded images, and crops them to `images`.
    pub(crate) fn cropped<T: Real>(
        self,
        images: &mut [T],
        buffer: &mut [T],
        f: impl FnOnce(&mut [T]),
    ) {
        if self.are_whole() {
            return f(images);
        }
        let buffer = &mut buffer[..self.padded_len(images.len())];
        f(buffer);
        let padded = buffer.chunks_exact(self.padded_height() * self.padded_width());
        for (to, from) in images
            .chunks_exact_mut(self.height * self.width)
            .zip(padded)
        {
            let rows = to.chunks_exact_mut(self.width);
            for (to, from) in rows.zip(from.chunks_exact(self.padded_width())) {
                to.copy_from_slice(&from[..self.width]);
            }
        }
    }

    /// Divides the value of each window by the number of its pixels.
    pub(crate) fn divide_windows<T: Real>(self, values: &mut [T]) {
        let (rows, columns) = (
            self.height.div_ceil(self.size),
            self.width.div_ceil(self.size),
        );
        self.divide(values, [rows, columns], 1);
    }

    /// Divides each pixel by the number of pixels of its window.
    pub(crate) fn divide_pixels<T: Real>(self, values: &mut [T]) {
        self.divide(values, [self.height, self.width], self.size);
    }

    /// Divides values, of which each window has `pixels` in each direction, by the number of its
    /// pixels.
    fn divide<T: Real>(self, values: &mut [T], [rows, columns]: [usize; 2], pixels: usize) {
        let whole_columns = self.width / self.size;
        let last = self.width % self.size;
        for (y, row) in (0..rows).cycle().zip(values.chunks_exact_mut(columns)) {
            let height = (self.height - y / pixels * self.size).min(self.size);
            let factor = |width: usize| T::of(1.0 / (height * width) as f64);
            let (whole, partial) = row.split_at_mut(whole_columns * pixels);
            whole.iter_mut().for_each(|v| *v *= factor(self.size));
            if last > 0 {
                partial.iter_mut().for_each(|v| *v *= factor(last));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images of 2 x 3 in windows of 2 x 2.
    const WINDOWS: PartialWindows = PartialWindows {
        height: 2,
        width: 3,
        size: 2,
    };
    const IMAGES: [f32; 12] = [
        1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0,
    ];

    #[test]
    fn cropping_undoes_padding() {
        let mut buffer = WINDOWS.buffer(12);
        let padded = WINDOWS.padded(&IMAGES, &mut buffer, -1.0).to_vec();
        assert_eq!(padded[..8], [1.0, 2.0, 3.0, -1.0, 4.0, 5.0, 6.0, -1.0]);
        let mut cropped = [0.0; 12];
        WINDOWS.cropped(&mut cropped, &mut buffer, |all| {
            all.copy_from_slice(&padded);
        });
        assert_eq!(cropped, IMAGES);
    }

    #[test]
    fn whole_windows_need_no_buffer() {
        let whole = PartialWindows {
            width: 2,
            ..WINDOWS
        };
        assert!(whole.buffer::<f32>(8).is_empty());
        assert_eq!(
            whole.padded(&IMAGES[..8], &mut [], 0.0).as_ptr(),
            IMAGES[..8].as_ptr()
        );
    }

    #[test]
    fn partial_windows_are_divided_by_the_pixels_that_they_have() {
        let mut windows = [4.0; 4];
        WINDOWS.divide_windows(&mut windows);
        assert_eq!(windows, [1.0, 2.0, 1.0, 2.0]);
        let mut pixels = [4.0; 6];
        WINDOWS.divide_pixels(&mut pixels);
        assert_eq!(pixels, [1.0, 1.0, 2.0, 1.0, 1.0, 2.0]);
    }
}
