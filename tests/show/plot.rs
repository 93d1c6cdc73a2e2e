//! Charts: size, palette, files and error messages.

use crate::common::{BLUE, ORANGE, count, error, image, text};
use candlebook::prelude::*;

#[test]
fn lines_are_drawn_in_palette_colors_at_twice_the_page_size() {
    let one = Plot::new()
        .size(400, 200)
        .line("a", [1, 2, 3], [3.0, 2.0, 1.0]);
    assert_eq!(
        image(&one).dimensions(),
        (800, 400),
        "twice the size on the page"
    );
    assert!(count(&one, BLUE) > 400);
    assert_eq!(count(&one, ORANGE), 0);
    let two = one.line("b", 1..4, [1.0, 2.0, 3.0]);
    assert!(count(&two, BLUE) > 400 && count(&two, ORANGE) > 400);
    let content = two.contents().unwrap().remove(0);
    assert!(content.get("image/png").is_some());
    assert_eq!(
        text(&two),
        "chart\na: line of 3 points, 1 to 3 █▅▁\nb: line of 3 points, 1 to 3 ▁▅█"
    );
}

#[test]
fn titles_use_the_embedded_font_and_dark_changes_the_background() {
    let dark = |plot: &Plot| {
        image(plot)
            .pixels()
            .filter(|pixel| pixel.0.iter().all(|&v| v < 100))
            .count()
    };
    let plain = Plot::new().line("", [0.0, 1.0], [0.0, 1.0]);
    let titled = plain.clone().title("Reconstruction error");
    assert!(
        dark(&titled) > dark(&plain) + 400,
        "{} {}",
        dark(&titled),
        dark(&plain)
    );
    assert_eq!(image(&plain).get_pixel(0, 0).0, [255; 3]);
    assert_eq!(image(&plain.dark()).get_pixel(0, 0).0, [28, 28, 30]);
}

#[test]
fn charts_are_saved_as_png_or_svg() {
    let folder = tempfile::tempdir().unwrap();
    let plot = Plot::new()
        .line("loss", 1..4, [3.0, 2.0, 1.0])
        .title("a < b");
    plot.save(folder.path().join("plot.png")).unwrap();
    assert_eq!(
        image::image_dimensions(folder.path().join("plot.png")).unwrap(),
        (1280, 720)
    );
    plot.save(folder.path().join("plot.svg")).unwrap();
    let drawing = std::fs::read_to_string(folder.path().join("plot.svg")).unwrap();
    assert!(
        drawing.starts_with("<svg") && drawing.contains("polyline") && drawing.contains("a &lt; b"),
        "{drawing:.300}"
    );
    let error = plot
        .save(folder.path().join("plot.pdf"))
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("expected the extension .png or .svg, got \"pdf\". Choose one of the two"),
        "{error}"
    );
}

#[test]
fn invalid_data_and_settings_are_reported_when_the_chart_is_drawn() {
    let start = "plot: ";
    for (plot, expected) in [
        (
            Plot::new().line("loss", [1.0, 2.0], [1.0]),
            "line \"loss\": expected 2 y values, one per x value, got 1. Pass sequences of equal length",
        ),
        (
            Plot::new().scatter_by("", [1.0], [1.0], &["a", "b"]),
            "scatter_by: expected 1 labels, one per point, got 2. Pass sequences of equal length",
        ),
        (
            Plot::new().text("", [1.0], [1.0], &["a", "b"]),
            "text: expected 1 texts, one per point, got 2. Pass sequences of equal length",
        ),
        (
            Plot::new().color("red"),
            "series: expected a series to style, got none. Call .line(...) or another series method first",
        ),
        (
            Plot::new().line("", [1], [1]).alpha(2.0),
            "alpha: expected 0 (invisible) to 1 (opaque), got 2. Defaults to 1",
        ),
        (
            Plot::new().y_range(2.0, 1.0),
            "y_range: expected two finite ends, low < high, got 2, 1. Put the smaller number first",
        ),
        (
            Plot::new().heat_map(&Tensor::zeros((2, 2, 2), DType::F32, &Device::Cpu).unwrap()),
            "heat_map: expected (rows, columns), got [2, 2, 2]. Select a matrix with .squeeze(0) or .get(0)",
        ),
        (
            Plot::new()
                .bars("a", &["x"], [1.0])
                .bars("b", &["y"], [1.0]),
            "bars \"b\": expected the categories of the other bars, [\"x\"], got [\"y\"]. Use the same categories for all series",
        ),
        (
            Plot::confusion(&[1, 2], &[1]),
            "confusion: expected 2 predictions, one per true label, got 1. Pass sequences of equal length",
        ),
    ] {
        assert_eq!(error(plot), format!("{start}{expected}"));
    }
    let color = error(Plot::new().line("", [1], [1]).color("reddish"));
    assert!(
        color.starts_with("plot: color: expected one of black, blue,")
            && color.contains("got \"reddish\""),
        "{color}"
    );
}

#[test]
fn extreme_ranges_are_drawn_or_rejected() {
    for y in [
        [1e-300, 1e300],
        [1e-307, 1.0],
        [1e308, 1e308],
        [5e-324, 1e-323],
        [-1.5e308, 1.5e308],
        [0.0, -0.0],
    ] {
        for log in [false, true] {
            let plot = Plot::new().size(160, 120).line(
                "a name that is longer than the chart itself is wide",
                0..2,
                y,
            );
            let plot = if log { plot.log_y() } else { plot };
            assert!(!plot.to_png().unwrap().is_empty(), "{y:?}");
            assert!(
                !plot
                    .scatter(
                        "the same for points, which have their legend beside them",
                        0..2,
                        y
                    )
                    .to_png()
                    .unwrap()
                    .is_empty()
            );
        }
    }
    for value in [1e17, 1e30, -1e300] {
        let matrix = Tensor::full(value, (2, 2), &Device::Cpu).unwrap();
        assert!(
            !Plot::new()
                .heat_map(&matrix)
                .log_x()
                .to_png()
                .unwrap()
                .is_empty()
        );
    }
    let text = error(Plot::new().line("", [1], [1]).y_range(0.0, 10.0).log_y());
    assert_eq!(
        text,
        "y_range: expected positive ends on a log axis, got 0, 10. Start above zero, such as at 0.001"
    );
    assert!(
        count(
            &Plot::new()
                .histogram("", [1.0, 1.0, 2.0], 2)
                .alpha(1.0)
                .log_y(),
            BLUE
        ) > 1000
    );
}
