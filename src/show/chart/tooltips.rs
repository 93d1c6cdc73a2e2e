//! Tooltips over the image of a chart.

use crate::show::chart::drawing::Tooltip;
use crate::show::{DENSITY, base64, escape, new_id};

/// Radius around a point that shows its tooltip, in pixels on the page.
const RADIUS: i32 = 7;

/// An HTML image map: the PNG with one area per tooltip, without scripts. `width` is in pixels on
/// the page.
pub(super) fn image_map(png: &[u8], width: usize, tooltips: &[Tooltip]) -> String {
    let map = format!("candlebook-map-{}", new_id());
    let areas: String = tooltips.iter().map(area).collect();
    // The areas do not scale with the image, so Jupyter must not fit it to the page.
    let style = format!("width:{width}px;max-width:none");
    let data = base64(png);
    format!(
        "<img style=\"{style}\" usemap=\"#{map}\" src=\"data:image/png;base64,{data}\"><map name=\"{map}\">{areas}</map>"
    )
}

fn area(tooltip: &Tooltip) -> String {
    let density = DENSITY as i32;
    let (x, y, text) = (
        tooltip.x / density,
        tooltip.y / density,
        escape(&tooltip.text),
    );
    format!(
        "<area shape=\"circle\" coords=\"{x},{y},{RADIUS}\" title=\"{text}\" alt=\"{text}\" nohref>"
    )
}

#[cfg(test)]
mod tests {
    use super::{Tooltip, image_map};

    #[test]
    fn areas_are_in_page_pixels_and_their_text_is_escaped() {
        let tooltip = Tooltip {
            x: 100,
            y: 60,
            text: "a < b".into(),
        };
        let html = image_map(b"png", 320, &[tooltip]);
        assert!(
            html.contains("coords=\"50,30,7\" title=\"a &lt; b\""),
            "{html}"
        );
        assert!(html.starts_with("<img style=\"width:320px;max-width:none\""));
    }
}
