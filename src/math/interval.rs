//! Intervals of numbers: the values that data have, and those that layers can produce.

use std::fmt;

/// All numbers from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// Pixels.
    pub(crate) const UNIT: Interval = Interval::new(0.0, 1.0);
    /// All finite numbers.
    pub(crate) const UNBOUNDED: Interval = Interval::new(f64::NEG_INFINITY, f64::INFINITY);

    pub(crate) const fn new(low: f64, high: f64) -> Self {
        Interval { low, high }
    }

    /// The interval of these values; that of 0 alone if there are none.
    pub(crate) fn of(values: &[f32]) -> Self {
        let Some(&first) = values.first() else {
            return Interval::new(0.0, 0.0);
        };
        let (low, high) = values.iter().fold((first, first), |(low, high), &value| {
            (low.min(value), high.max(value))
        });
        Interval::new(low.into(), high.into())
    }

    /// Returns true if every number of `other` is in this interval.
    pub(crate) fn contains(self, other: Interval) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// The image of the interval under an increasing function.
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Interval::new(f(self.low), f(self.high))
    }

    /// The smallest interval that also holds a number.
    pub(crate) fn with(self, value: f64) -> Self {
        Interval::new(self.low.min(value), self.high.max(value))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Data are `f32`.
        let (low, high) = (self.low as f32, self.high as f32);
        match (low.is_finite(), high.is_finite()) {
            (true, true) => write!(f, "in [{low}, {high}]"),
            (true, false) => write!(f, "of {low} or more"),
            (false, true) => write!(f, "of {high} or less"),
            (false, false) => f.write_str("without bounds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_their_values_and_print_as_ranges() {
        assert_eq!(Interval::of(&[0.5, -1.0, 2.0]), Interval::new(-1.0, 2.0));
        assert_eq!(Interval::of(&[]), Interval::new(0.0, 0.0));
        assert!(Interval::UNIT.contains(Interval::new(0.0, 0.5)));
        assert!(!Interval::UNIT.contains(Interval::new(-0.1, 0.5)));
        assert_eq!(Interval::UNIT.to_string(), "in [0, 1]");
        assert_eq!(
            Interval::new(0.0, f64::INFINITY).to_string(),
            "of 0 or more"
        );
        assert_eq!(Interval::UNBOUNDED.to_string(), "without bounds");
    }

    #[test]
    fn functions_map_the_ends() {
        let doubled = Interval::new(1.0, 2.0).map(|x| 2.0 * x);
        assert_eq!(doubled.with(0.0), Interval::new(0.0, 4.0));
    }
}
