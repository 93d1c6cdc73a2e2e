//! Bounds of a value that is rounded to one of some levels.

/// Share of the range that is used, so that the largest values are rounded as the others.
const USED: f64 = 1.0 - 1e-3;

/// Distance behind the beginning of the last level at which the range of x ends.
const MARGIN: f64 = 1.0;

/// The numbers by which a channel is bounded, tanh(x + shift) height - offset, and rounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct LevelBound {
    pub(super) shift: f64,
    pub(super) height: f64,
    pub(super) offset: f64,
    pub(super) width: f64,
    /// Magnitude of x + shift at which the range ends.
    pub(super) limit: f64,
}

impl LevelBound {
    pub(super) fn new(levels: usize) -> Self {
        let height = (levels - 1) as f64 * USED / 2.0;
        let offset = if levels % 2 == 1 { 0.0 } else { 0.5 };
        // The hyperbolic tangent at which the last level begins. Above 500 levels, none is so large.
        let last = (levels as f64 / 2.0 - 1.0) / height;
        LevelBound {
            shift: (offset / height).tan(),
            height,
            offset,
            width: (levels / 2) as f64,
            limit: last.min(USED).atanh() + MARGIN,
        }
    }

    /// Signed distance of x + shift from its range.
    pub(super) fn beyond(self, shifted: f64) -> f64 {
        shifted - shifted.clamp(-self.limit, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(bound: LevelBound, shifted: f64) -> i64 {
        (shifted.tanh() * bound.height - bound.offset).round() as i64
    }

    #[test]
    fn a_value_takes_exactly_its_levels() {
        for levels in 2..20 {
            let bound = LevelBound::new(levels);
            let codes = (-400..400).map(|x| rounded(bound, f64::from(x) / 40.0 + bound.shift));
            let mut codes: Vec<i64> = codes.collect();
            codes.dedup();
            assert_eq!(codes.len(), levels);
        }
    }

    #[test]
    fn the_range_ends_behind_the_beginning_of_the_last_levels() {
        for levels in 2..500 {
            let bound = LevelBound::new(levels);
            let begin = bound.limit - MARGIN;
            for sign in [-1.0, 1.0] {
                let [before, behind] =
                    [-1e-6, 1e-6].map(|step| rounded(bound, sign * (begin + step)));
                assert_eq!((behind - before).abs(), 1, "{levels}");
                assert_eq!(behind, rounded(bound, sign * 1e9), "{levels}");
            }
        }
    }

    #[test]
    fn any_number_of_levels_has_a_range() {
        for levels in [2, 500, 502, 1001, 65_536] {
            let bound = LevelBound::new(levels);
            assert!(bound.limit >= 1.0 && bound.limit < 5.0, "{bound:?}");
            assert_eq!(
                (bound.beyond(0.5), bound.beyond(0.5 - 7.0) < -1.0),
                (0.0, true)
            );
        }
    }
}
