//! Max-pooling that remembers where each maximum was, and unpooling that puts values back there; means of windows, and
//! values repeated.
//!
//! Of equal values the first counts, row by row, as in PyTorch; with ReLU, ties of zeros are common.

/// Windows of `size` x `size` without overlap, over maps of one width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pool {
    pub(crate) size: usize,
    /// Width of the wide maps. Their height is a whole number of windows, so that maps need not be told apart.
    pub(crate) width: usize,
}

impl Pool {
    /// One over the number of values of a window.
    pub(crate) fn share(self) -> f32 {
        1.0 / (self.size * self.size) as f32
    }

    /// The largest value of each window, and its place in it, row by row.
    pub(crate) fn forward(self, wide: &[f32], narrow: &mut [f32], places: &mut [u16]) {
        let Pool { size, width } = self;
        if size == 2 {
            return self.forward_two(wide, narrow, places);
        }
        let rows = narrow.chunks_exact_mut(width / size).zip(places.chunks_exact_mut(width / size));
        for ((narrow, places), rows) in rows.zip(wide.chunks_exact(size * width)) {
            for (x, (value, place)) in narrow.iter_mut().zip(places).enumerate() {
                (*value, *place) = (rows[x * size], 0);
                for k in 1..size * size {
                    let other = rows[k / size * width + x * size + k % size];
                    if other > *value || other.is_nan() {
                        (*value, *place) = (other, k as u16);
                    }
                }
            }
        }
    }

    /// Windows of two by two, without branches.
    fn forward_two(self, wide: &[f32], narrow: &mut [f32], places: &mut [u16]) {
        let width = self.width;
        pulp::Arch::new().dispatch(|| {
            let rows = narrow.chunks_exact_mut(width / 2).zip(places.chunks_exact_mut(width / 2));
            for ((narrow, places), rows) in rows.zip(wide.chunks_exact(2 * width)) {
                let (above, below) = rows.split_at(width);
                let pairs = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
                for ((value, place), ([a, b], [c, d])) in narrow.iter_mut().zip(places).zip(pairs) {
                    // A value that is no number wins, so that it is not lost.
                    let later = |old: f32, new: f32| new > old || new.is_nan();
                    let (mut best, mut at) = (*a, 0);
                    (best, at) = if later(best, *b) { (*b, 1) } else { (best, at) };
                    (best, at) = if later(best, *c) { (*c, 2) } else { (best, at) };
                    (best, at) = if later(best, *d) { (*d, 3) } else { (best, at) };
                    (*value, *place) = (best, at);
                }
            }
        });
    }

    /// Puts each value in its place of its window, zero elsewhere: unpooling, and the way back of pooling.
    pub(crate) fn spread(self, narrow: &[f32], places: &[u16], wide: &mut [f32]) {
        let Pool { size, width } = self;
        wide.fill(0.0);
        if size == 2 {
            let rows = narrow.chunks_exact(width / 2).zip(places.chunks_exact(width / 2));
            for ((narrow, places), rows) in rows.zip(wide.chunks_exact_mut(2 * width)) {
                for (x, (value, place)) in narrow.iter().zip(places).enumerate() {
                    let place = usize::from(*place);
                    rows[(place >> 1) * width + 2 * x + (place & 1)] = *value;
                }
            }
            return;
        }
        let rows = narrow.chunks_exact(width / size).zip(places.chunks_exact(width / size));
        for ((narrow, places), rows) in rows.zip(wide.chunks_exact_mut(size * width)) {
            for (x, (value, place)) in narrow.iter().zip(places).enumerate() {
                let place = usize::from(*place);
                rows[place / size * width + x * size + place % size] = *value;
            }
        }
    }

    /// The sum of each window, times a factor: the mean of each window, and the way back of repeating.
    pub(crate) fn sum(self, wide: &[f32], narrow: &mut [f32], factor: f32) {
        let Pool { size, width } = self;
        for (narrow, rows) in narrow.chunks_exact_mut(width / size).zip(wide.chunks_exact(size * width)) {
            narrow.fill(0.0);
            for row in rows.chunks_exact(width) {
                for (value, part) in narrow.iter_mut().zip(row.chunks_exact(size)) {
                    *value += part.iter().sum::<f32>();
                }
            }
            narrow.iter_mut().for_each(|value| *value *= factor);
        }
    }

    /// Each value, times a factor, in every place of its window: repeating, and the way back of means.
    pub(crate) fn repeat(self, narrow: &[f32], wide: &mut [f32], factor: f32) {
        let Pool { size, width } = self;
        for (narrow, rows) in narrow.chunks_exact(width / size).zip(wide.chunks_exact_mut(size * width)) {
            let (first, others) = rows.split_at_mut(width);
            for (value, part) in narrow.iter().zip(first.chunks_exact_mut(size)) {
                part.fill(value * factor);
            }
            others.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(first));
        }
    }

    /// Takes from each window the value in its place: the way back of unpooling.
    pub(crate) fn collect(self, wide: &[f32], places: &[u16], narrow: &mut [f32]) {
        let Pool { size, width } = self;
        if size == 2 {
            let rows = narrow.chunks_exact_mut(width / 2).zip(places.chunks_exact(width / 2));
            for ((narrow, places), rows) in rows.zip(wide.chunks_exact(2 * width)) {
                for (x, (value, place)) in narrow.iter_mut().zip(places).enumerate() {
                    let place = usize::from(*place);
                    *value = rows[(place >> 1) * width + 2 * x + (place & 1)];
                }
            }
            return;
        }
        let rows = narrow.chunks_exact_mut(width / size).zip(places.chunks_exact(width / size));
        for ((narrow, places), rows) in rows.zip(wide.chunks_exact(size * width)) {
            for (x, (value, place)) in narrow.iter_mut().zip(places).enumerate() {
                let place = usize::from(*place);
                *value = rows[place / size * width + x * size + place % size];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maxima_are_found_with_their_places_and_put_back() {
        // import torch; x = torch.tensor([[1., 5, 0, 0], [7, 2, 0, 0], [3, 3, -1, -2], [3, 3, -4, -1]])
        // torch.nn.functional.max_pool2d(x[None, None], 2, return_indices=True): 7, 0, 3, -1 at 4, 2, 8, 10
        let wide = [1.0, 5.0, 0.0, 0.0, 7.0, 2.0, 0.0, 0.0, 3.0, 3.0, -1.0, -2.0, 3.0, 3.0, -4.0, -1.0];
        let pool = Pool { size: 2, width: 4 };
        let (mut narrow, mut places) = ([0.0; 4], [9; 4]);
        pool.forward(&wide, &mut narrow, &mut places);
        assert_eq!((narrow, places), ([7.0, 0.0, 3.0, -1.0], [2, 0, 0, 0]));
        let mut back = [9.0; 16];
        pool.spread(&[1.0, 2.0, 3.0, 4.0], &places, &mut back);
        assert_eq!(back, [0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let mut taken = [0.0; 4];
        pool.collect(&back, &places, &mut taken);
        assert_eq!(taken, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn larger_windows_and_values_that_are_no_numbers() {
        let pool = Pool { size: 3, width: 3 };
        let wide = [0.0, 1.0, 2.0, 8.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let (mut narrow, mut places) = ([0.0], [9]);
        pool.forward(&wide, &mut narrow, &mut places);
        assert_eq!((narrow, places), ([8.0], [3]), "the first of equal values");
        let pool = Pool { size: 2, width: 2 };
        pool.forward(&[f32::NAN, 1.0, 2.0, 0.0], &mut narrow, &mut places);
        assert!(narrow[0].is_nan());
    }
}
