//! The range of a set of numbers.

/// The smallest and the largest finite value; (∞, -∞) if no value is finite.
pub(crate) fn finite_range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

#[cfg(test)]
mod tests {
    use super::finite_range;

    #[test]
    fn nan_and_infinity_are_ignored() {
        let values = [f64::NAN, 2.0, f64::INFINITY, -1.0, f64::NEG_INFINITY];
        assert_eq!(finite_range(values), (-1.0, 2.0));
        assert_eq!(finite_range([f64::NAN]), (f64::INFINITY, f64::NEG_INFINITY));
    }
}
