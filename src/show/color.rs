//! Colours: by name or number, the palette of series, and the scales of numbers.

use crate::error::{Error, Result};
use plotters::style::RGBColor;

/// Colours of series in turn. The first six are Okabe and Ito's, which colour-blind readers can tell apart; the others keep
/// ten classes apart.
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

/// Where a value is NaN or infinite.
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

/// A colour by name ("red") or in HTML's form ("#ff8932").
///
/// # Errors
/// Any other text.
pub(crate) fn parse(text: &str) -> Result<RGBColor> {
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
        format!("one of {names}, or the form \"#ff8932\""),
        format!("{text:?}"),
        "Choose one",
    ))
}

/// Low to high in the colours of matplotlib's viridis, for a place in [0, 1].
pub(crate) fn sequential(place: f64) -> RGBColor {
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
    let place = place.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let below = (place as usize).min(STOPS.len() - 2);
    let part = place - below as f64;
    let mix =
        |i: usize| (STOPS[below][i] + (STOPS[below + 1][i] - STOPS[below][i]) * part).round() as u8;
    RGBColor(mix(0), mix(1), mix(2))
}

/// Blue below the middle, white there, red above, for a place in [0, 1]: the ends of ColorBrewer's RdBu.
pub(crate) fn diverging(place: f32) -> [u8; 3] {
    let (end, amount) = if place < 0.5 {
        ([33, 102, 172], 1.0 - 2.0 * place)
    } else {
        ([178, 24, 43], 2.0 * place - 1.0)
    };
    end.map(|channel| ((1.0 - amount * (1.0 - channel as f32 / 255.0)) * 255.0).round() as u8)
}
