//! Labels of points and classes.

use std::cmp::Ordering;

/// Converts labels of any type to text.
pub(super) fn strings<S: ToString>(labels: &[S]) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}

/// Each label once: numbers in numeric order, then text in alphabetical order.
pub(super) fn distinct<'a>(labels: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut labels: Vec<String> = labels.into_iter().cloned().collect();
    labels.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    });
    labels.dedup();
    labels
}

#[cfg(test)]
mod tests {
    use super::{distinct, strings};

    #[test]
    fn numbers_precede_text_and_are_in_numeric_order() {
        let labels = strings(&["10", "b", "9", "a", "10", "-1"]);
        assert_eq!(distinct(&labels), ["-1", "9", "10", "a", "b"]);
    }
}
