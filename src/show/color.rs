//! Colors by name or hex code, the palette of series, and color scales.

use crate::error::{Error, Result};
use plotters::style::RGBColor;

/// Default colors of series. The first six are Okabe and Ito's palette, which color-blind readers
/// can distinguish; the rest keep ten classes apart.
pub(crate) const PALETTE: [RGBColor; 10] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(136, 34, 85),
    RGBColor(140, 140, 30),
    RGBColor(90, 90, 90),
    RGBColor(106, 61, 154),
];

/// Color of NaN and infinite values.
pub(crate) const WARNING: RGBColor = RGBColor(255, 0, 255);

const NAMED: [(&str, RGBColor); 12] = [
    ("black", RGBColor(0, 0, 0)),
    ("blue", RGBColor(0, 114, 178)),
    ("brown", RGBColor(140, 86, 75)),
    ("gray", RGBColor(127, 127, 127)),
    ("green", RGBColor(0, 158, 115)),
    ("magenta", RGBColor(200, 0, 200)),
    ("orange", RGBColor(230, 159, 0)),
    ("pink", RGBColor(204, 121, 167)),
    ("purple", RGBColor(106, 61, 154)),
    ("red", RGBColor(213, 60, 40)),
    ("white", RGBColor(255, 255, 255)),
    ("yellow", RGBColor(240, 200, 50)),
];

/// Parses a color name ("red") or hex code ("#ff8932").
///
/// # Errors
/// If the text is neither.
pub(crate) fn parse_color(text: &str) -> Result<RGBColor> {
    let hex = |at: usize| {
        text.get(at..at + 2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
    };
    if let Some((_, color)) = NAMED
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
    {
        return Ok(*color);
    }
    if text.len() == 7
        && text.starts_with('#')
        && let (Some(r), Some(g), Some(b)) = (hex(1), hex(3), hex(5))
    {
        return Ok(RGBColor(r, g, b));
    }
    let names = NAMED.map(|(name, _)| name).join(", ");
    Err(Error::setting(
        "color",
        format!("one of {names}, or a hex code such as \"#ff8932\""),
        format!("{text:?}"),
        "Choose one of these",
    ))
}

/// A color of matplotlib's viridis scale for a position in [0, 1].
pub(crate) fn sequential(position: f64) -> RGBColor {
    const STOPS: [[f64; 3]; 9] = [
        [68.0, 1.0, 84.0],
        [71.0, 44.0, 122.0],
        [59.0, 81.0, 139.0],
        [44.0, 113.0, 142.0],
        [33.0, 144.0, 141.0],
        [39.0, 173.0, 129.0],
        [92.0, 200.0, 99.0],
        [170.0, 220.0, 50.0],
        [253.0, 231.0, 37.0],
    ];
    let position = position.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let below = (position as usize).min(STOPS.len() - 2);
    let fraction = position - below as f64;
    let mix = |i: usize| {
        (STOPS[below][i] + (STOPS[below + 1][i] - STOPS[below][i]) * fraction).round() as u8
    };
    RGBColor(mix(0), mix(1), mix(2))
}

/// A color of a diverging scale for a position in [0, 1]: blue below 0.5, white at 0.5, red above.
/// Its ends are those of ColorBrewer's RdBu.
pub(crate) fn diverging(position: f32) -> [u8; 3] {
    let (end, amount) = if position < 0.5 {
        ([33, 102, 172], 1.0 - 2.0 * position)
    } else {
        ([178, 24, 43], 2.0 * position - 1.0)
    };
    end.map(|channel| ((1.0 - amount * (1.0 - channel as f32 / 255.0)) * 255.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::{diverging, parse_color, sequential};
    use plotters::style::RGBColor;

    #[test]
    fn colors_are_parsed_from_names_and_hex_codes() {
        assert_eq!(parse_color("White").unwrap(), RGBColor(255, 255, 255));
        assert_eq!(parse_color("#ff8932").unwrap(), RGBColor(255, 137, 50));
        for text in ["reddish", "#ff893", "#gg8932", "#ff8é2", ""] {
            assert!(parse_color(text).is_err(), "{text}");
        }
    }

    #[test]
    fn color_scales_have_their_ends_and_middle() {
        assert_eq!(sequential(-1.0), RGBColor(68, 1, 84));
        assert_eq!(sequential(2.0), RGBColor(253, 231, 37));
        assert_eq!(diverging(0.0), [33, 102, 172]);
        assert_eq!(diverging(0.5), [255; 3]);
        assert_eq!(diverging(1.0), [178, 24, 43]);
    }
}
