//! Packing: the rows of images, moved to where a correlation reads them.

use super::correlation::Correlation;
use super::geometry::{FeatureShape, Images};
use super::rows::{copy, deinterleave};
use crate::math::real::Real;
use crate::math::simd::widest;

impl Correlation {
    /// Packs at most [`Correlation::max_images`] images. Writes the images' values only: the zeros
    /// in between are those that `packed` was created with.
    pub(crate) fn pack<T: Real>(&self, images: Images<'_, T>, packed: &mut [T]) {
        // A stride that the compiler knows costs no division per row.
        widest!(|| match self.input_phases {
            1 => self.pack_phases(1, images, packed),
            2 => self.pack_phases(2, images, packed),
            s => self.pack_phases(s, images, packed),
        });
    }

    #[inline(always)]
    fn pack_phases<T: Real>(&self, s: usize, images: Images<'_, T>, packed: &mut [T]) {
        let FeatureShape { height, width, .. } = self.input;
        let (plane, image_len) = (self.plane_len(), self.image_len());
        for (nth, image) in images.values.chunks(images.stride).enumerate() {
            for (c, channel) in image[..self.input.elem_count()]
                .chunks_exact(height * width)
                .enumerate()
            {
                let packed = &mut packed[c * s * s * plane + nth * image_len..];
                for (y, row) in (self.margin..s * self.rows).zip(channel.chunks_exact(width)) {
                    let start = y % s * s * plane + y / s * self.pitch;
                    self.pack_row(s, row, &mut packed[start..]);
                }
            }
        }
    }

    /// Distributes the columns of a row over its `s` phases.
    #[inline(always)]
    fn pack_row<T: Real>(&self, s: usize, row: &[T], packed: &mut [T]) {
        let (margin, pitch) = (self.margin, self.pitch);
        match s {
            1 => {
                let fits = row.len().min(pitch.saturating_sub(margin));
                copy(row, T::ZERO, &mut packed[margin.min(pitch)..][..fits]);
            }
            2 => self.pack_row_in_pairs(row, packed),
            _ => {
                for phase in 0..s {
                    let first_column = (phase + s - margin % s) % s;
                    let at = (first_column + margin) / s;
                    let to = &mut packed[phase * self.plane_len()..][at..pitch.max(at)];
                    to.iter_mut()
                        .zip(row.iter().skip(first_column).step_by(s))
                        .for_each(|(to, value)| *to = *value);
                }
            }
        }
    }

    /// Stride 2: the columns of each pair belong to different phases.
    #[inline(always)]
    fn pack_row_in_pairs<T: Real>(&self, row: &[T], packed: &mut [T]) {
        let (margin, pitch) = (self.margin, self.pitch);
        let (phase_0, phase_1) = packed.split_at_mut(self.plane_len());
        let (first, second) = if margin.is_multiple_of(2) {
            (phase_0, phase_1)
        } else {
            (phase_1, phase_0)
        };
        let first = &mut first[..pitch][(margin / 2).min(pitch)..];
        let second = &mut second[..pitch][margin.div_ceil(2).min(pitch)..];
        let (pairs, rest) = row.as_chunks::<2>();
        let n = pairs.len().min(first.len()).min(second.len());
        deinterleave(&pairs[..n], &mut first[..n], &mut second[..n]);
        // One phase may have room for a column more than the other.
        for (q, pair) in pairs.iter().enumerate().skip(n) {
            if let Some(to) = first.get_mut(q) {
                *to = pair[0];
            }
            if let Some(to) = second.get_mut(q) {
                *to = pair[1];
            }
        }
        if let (Some(to), Some(last)) = (first.get_mut(pairs.len()), rest.first()) {
            *to = *last;
        }
    }

    /// Packs output gradients for [`Correlation::weight_gradients`].
    pub(crate) fn pack_gradients<T: Real>(&self, gradients: Images<'_, T>, packed: &mut [T]) {
        let FeatureShape { height, width, .. } = self.output;
        let length = self.output_channel_len();
        widest!(|| {
            for (nth, image) in gradients.values.chunks(gradients.stride).enumerate() {
                let channels = image[..self.output.elem_count()].chunks_exact(height * width);
                for (channel, packed) in channels.zip(packed.chunks_exact_mut(length)) {
                    let packed = &mut packed[nth * self.image_len()..];
                    let rows = channel.chunks_exact(width);
                    for (row, packed) in rows.zip(packed.chunks_mut(self.pitch)) {
                        copy(row, T::ZERO, &mut packed[..width]);
                    }
                }
            }
        });
    }
}
