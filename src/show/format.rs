//! Numbers and durations as text.

/// Formats a number in few characters: 0.001, 25, 1e-7.
pub(crate) fn compact(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) {
        let text = format!("{value:.1e}");
        return text.replace(".0e", "e");
    }
    let text = format!("{value:.3}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

/// Formats an integer with separators: 101632 as 101,632.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats seconds: 0.4 s, 12 s, 3 min 05 s, 2 h 05 min.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{compact, duration, thousands};

    #[test]
    fn compact_numbers_have_at_most_three_decimals_or_an_exponent() {
        for (value, text) in [
            (0.0, "0"),
            (0.001, "0.001"),
            (25.0, "25"),
            (-1.5, "-1.5"),
            (1e-7, "1e-7"),
            (123_456.0, "1.2e5"),
        ] {
            assert_eq!(compact(value), text);
        }
    }

    #[test]
    fn thousands_are_separated_by_commas() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(101_632), "101,632");
        assert_eq!(thousands(1_000_000), "1,000,000");
    }

    #[test]
    fn durations_use_two_units_above_a_minute() {
        for (seconds, text) in [
            (0.42, "0.4 s"),
            (12.3, "12 s"),
            (185.0, "3 min 05 s"),
            (7500.0, "2 h 05 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
