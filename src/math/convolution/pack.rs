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
        let (pitch, plane) = (self.lattice.pitch, self.lattice.plane_len());
        for (nth, image) in images.values.chunks(images.stride).enumerate() {
            let channels = image[..self.input.elem_count()].chunks_exact(height * width);
            for (c, channel) in channels.enumerate() {
                let first = c * self.channel_len + self.lead + nth * self.lattice.image_len();
                for (y, row) in (self.margin..).zip(channel.chunks_exact(width)) {
                    let start = first + y % s * s * plane + y / s * pitch;
                    self.pack_row(s, plane, row, &mut packed[start..]);
                }
            }
        }
    }

    /// Distributes the columns of a row over its `s` phases, each a plane after the one before.
    #[inline(always)]
    fn pack_row<T: Real>(&self, s: usize, plane: usize, row: &[T], packed: &mut [T]) {
        let margin = self.margin;
        match s {
            1 => copy(row, T::ZERO, &mut packed[margin..][..row.len()]),
            2 => {
                let (even, odd) = packed.split_at_mut(plane);
                // The columns of each pair belong to different phases.
                let (first, second) = if margin.is_multiple_of(2) {
                    (&mut even[margin / 2..], &mut odd[margin / 2..])
                } else {
                    (&mut odd[margin / 2..], &mut even[margin / 2 + 1..])
                };
                let (pairs, rest) = row.as_chunks::<2>();
                let n = pairs.len();
                deinterleave(pairs, &mut first[..n], &mut second[..n]);
                if let Some(last) = rest.first() {
                    first[n] = *last;
                }
            }
            _ => {
                for (x, value) in (margin..).zip(row) {
                    packed[x % s * plane + x / s] = *value;
                }
            }
        }
    }
}
