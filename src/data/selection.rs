//! Selections of a split's images.

use crate::data::split::Split;
use std::ops::Range;

impl Split {
    /// The images at these positions.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Split {
        self.select(self.index[rows].to_vec())
    }

    /// Divides the images into those at positions `order[..at]` and those at `order[at..]`.
    pub(crate) fn divide(&self, order: &[usize], at: usize) -> (Split, Split) {
        let (first, second) = order.split_at(at);
        let pick = |positions: &[usize]| {
            let index = positions.iter().map(|&position| self.index[position]);
            self.select(index.collect())
        };
        (pick(first), pick(second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_keep_the_numbers_of_the_source() {
        let split = Split::from_bytes((0..5).collect(), (1, 1, 1), None).unwrap();
        let (first, second) = split.divide(&[4, 0, 3, 1, 2], 2);
        assert_eq!(
            (&first.index[..], &second.index[..]),
            (&[4, 0][..], &[3, 1, 2][..])
        );
        assert_eq!(second.rows(1..3).index[..], [1, 2]);
        assert_eq!(split.select(vec![2, 2]).index[..], [2, 2]);
    }
}
