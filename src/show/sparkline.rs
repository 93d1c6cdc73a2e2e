//! A curve as one line of text.

use crate::show::range::finite_range;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws values as bars of eight heights, averaged into at most `max_width` characters. NaN and
/// infinity leave a gap.
pub(crate) fn sparkline(values: &[f64], max_width: usize) -> String {
    let (low, high) = finite_range(values.iter().copied());
    let n = values.len().min(max_width);
    let mean = |i: usize| {
        let group = &values[i * values.len() / n..(i + 1) * values.len() / n];
        group.iter().sum::<f64>() / group.len() as f64
    };
    let bar = |value: f64| match (value - low) / (high - low) {
        _ if !value.is_finite() => ' ',
        fraction if fraction.is_nan() => BARS[0],
        fraction => BARS[((fraction * 8.0) as usize).min(7)],
    };
    (0..n).map(|i| bar(mean(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn values_are_scaled_averaged_and_nan_leaves_a_gap() {
        assert_eq!(sparkline(&[3.0, 1.0, 2.0], 40), "█▁▅");
        assert_eq!(sparkline(&[1.0, f64::NAN, 2.0], 40), "▁ █");
        assert_eq!(sparkline(&[5.0, 5.0], 40), "▁▁");
        assert_eq!(sparkline(&[0.0, 0.0, 4.0, 4.0], 2), "▁█");
        assert_eq!(sparkline(&[], 40), "");
    }
}
