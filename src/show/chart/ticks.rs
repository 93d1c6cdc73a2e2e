//! Tick positions of an axis.

/// Ticks at multiples of `step` from `low` to `high`; none if floats cannot represent them.
pub(super) fn linear_ticks(low: f64, high: f64, step: f64, max_ticks: usize) -> Vec<f64> {
    if !(step.is_finite() && step > 0.0 && (low / step).abs() < 1e15) {
        return Vec::new();
    }
    let first = (low / step - 1e-9).ceil() as i64;
    (first..)
        .map(|i| i as f64 * step)
        .take_while(|v| *v <= high + step * 1e-9)
        .take(2 * max_ticks)
        .collect()
}

/// Ticks at powers of ten from `low` to `high`; over few decades at their multiples 2 and 5 too.
pub(super) fn log_ticks(low: f64, high: f64, max_ticks: usize) -> Vec<f64> {
    let exponent = |value: f64| (value.log10() as i32).clamp(-324, 309);
    let (first, last) = (exponent(low) - 1, exponent(high) + 1);
    let decades = (last - first).max(1) as usize;
    let factors: &[f64] = if decades <= max_ticks.min(3) {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let exponents = (first..=last).step_by(decades.div_ceil(max_ticks).max(1));
    exponents
        .flat_map(|exponent| factors.iter().map(move |m| m * 10f64.powi(exponent)))
        .filter(|v| (low..=high).contains(v))
        .collect()
}

/// A round step that divides a span into about `max_ticks` intervals or fewer.
pub(super) fn round_step(span: f64, max_ticks: usize) -> f64 {
    let rough = span / max_ticks as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = |factor: f64| factor * power;
    [step(1.0), step(2.0), step(2.5), step(5.0)]
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(step(10.0))
}

/// Formats a tick with the decimals that the step needs.
pub(super) fn linear_label(value: f64, step: f64) -> String {
    let mut decimals = (-(step.log10().floor())).max(0.0) as usize;
    // A step of 2.5 needs its second digit too.
    if (step * 10f64.powi(decimals as i32)).fract() > 1e-6 {
        decimals += 1;
    }
    let text = format!("{value:.decimals$}");
    let magnitude = text.trim_start_matches('-');
    if magnitude.chars().all(|c| c == '0' || c == '.') {
        magnitude.into() // no negative zero
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{linear_label, linear_ticks, log_ticks, round_step};

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(10.0, 5), 2.0);
        assert_eq!(round_step(10.0, 4), 2.5);
        assert_eq!(round_step(0.9, 3), 0.5);
        assert_eq!(round_step(100.0, 1), 100.0);
    }

    #[test]
    fn linear_ticks_include_both_ends() {
        assert_eq!(linear_ticks(-1.0, 1.0, 0.5, 5), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(linear_ticks(0.3, 0.9, 0.5, 5), [0.5]);
        assert_eq!(linear_ticks(0.0, 1.0, f64::NAN, 5), [0.0; 0]);
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        assert_eq!(log_ticks(1.0, 1e6, 3), [1e2, 1e5]);
        assert_eq!(log_ticks(1.0, 5.0, 8), [1.0, 2.0, 5.0]);
    }

    #[test]
    fn labels_have_the_decimals_of_the_step() {
        assert_eq!(linear_label(0.5, 0.25), "0.50");
        assert_eq!(linear_label(-0.0, 0.5), "0.0");
        assert_eq!(linear_label(20.0, 10.0), "20");
    }
}
