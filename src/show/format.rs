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

/// Breaks lines of more than `width` characters between words. Pages break them anywhere.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| wrapped_line(line, width)).collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if used > 0 && used + length > width {
            out.truncate(out.trim_end().len());
            out.push('\n');
            used = 0;
        }
        out.push_str(word);
        used += word.chars().count();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{compact, duration, thousands, wrapped};

    #[test]
    fn long_lines_break_between_words() {
        assert_eq!(wrapped("one two three", 13), "one two three");
        assert_eq!(wrapped("one two three", 12), "one two\nthree");
        assert_eq!(wrapped("a  b\n\nc d", 3), "a\nb\n\nc d");
        let path = "/a/folder/with/a/long/name: no";
        assert_eq!(wrapped(path, 8), "/a/folder/with/a/long/name:\nno");
        assert_eq!(wrapped("ééé ééé", 7), "ééé ééé");
    }

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
