//! The embedded font.

use plotters::style::{FontStyle, IntoFont, RGBColor, TextStyle, register_font};
use std::sync::Once;

/// Name under which plotters knows the font.
const FONT_NAME: &str = "DejaVu Sans";

/// A text style of the embedded font; `size` is in pixels.
pub(crate) fn text_style(size: f64, color: RGBColor) -> TextStyle<'static> {
    register_embedded_font();
    (FONT_NAME, size).into_font().color(&color)
}

/// Width of one line of text, in pixels.
pub(crate) fn text_width(text: &str, size: f64) -> usize {
    let style = text_style(size, RGBColor(0, 0, 0));
    style
        .font
        .layout_box(text)
        .map_or(0, |((left, _), (right, _))| (right - left).max(0) as usize)
}

fn register_embedded_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for style in [FontStyle::Normal, FontStyle::Bold] {
            // The font is part of this crate and a test draws text with it, so this cannot fail for
            // users.
            let _ = register_font(
                FONT_NAME,
                style,
                include_bytes!("../../assets/DejaVuSans-subset.ttf"),
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::text_width;

    #[test]
    fn text_width_grows_with_the_text_and_its_size() {
        assert_eq!(text_width("", 13.0), 0);
        assert!(text_width("loss", 13.0) > 10);
        assert!(text_width("loss", 26.0) > text_width("loss", 13.0));
        assert!(text_width("train loss", 13.0) > text_width("loss", 13.0));
    }
}
