//! Charts: size, series colors and marker positions in the decoded PNG, and error messages.

use candlebook::prelude::*;
use image::RgbImage;

const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [213, 94, 0];
const GREEN: [u8; 3] = [0, 158, 115];

fn image(plot: &Plot) -> RgbImage {
    image::load_from_memory(&plot.to_png().unwrap())
        .unwrap()
        .into_rgb8()
}

fn count(plot: &Plot, color: [u8; 3]) -> usize {
    image(plot)
        .pixels()
        .filter(|pixel| pixel.0 == color)
        .count()
}

/// The edges of the pixels of a color: left, top, right, bottom.
fn extent(plot: &Plot, color: [u8; 3]) -> (u32, u32, u32, u32) {
    let image = image(plot);
    let found = image
        .enumerate_pixels()
        .filter(|(_, _, pixel)| pixel.0 == color);
    found.fold((u32::MAX, u32::MAX, 0, 0), |(l, t, r, b), (x, y, _)| {
        (l.min(x), t.min(y), r.max(x), b.max(y))
    })
}

fn text(plot: &Plot) -> String {
    plot.contents().unwrap()[0]
        .get("text/plain")
        .unwrap()
        .to_owned()
}

fn error(plot: Plot) -> String {
    plot.to_png().unwrap_err().to_string()
}

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
fn style_methods_change_the_series_added_last() {
    let points = |plot: Plot| plot.scatter("a", [0.0, 1.0], [0.0, 1.0]);
    assert_eq!(
        count(&points(Plot::new()).color("#ff8932").legend(false), BLUE),
        0
    );
    assert!(count(&points(Plot::new()).color("#ff8932"), [255, 137, 50]) > 100);
    let area = |marker| count(&points(Plot::new()).marker(marker).legend(false), BLUE);
    let (circle, triangle, square, cross) = (
        area(Marker::Circle),
        area(Marker::Triangle),
        area(Marker::Square),
        area(Marker::Cross),
    );
    assert!(
        square > circle && circle > triangle && triangle > 20 && cross > 20,
        "{square} {circle} {triangle} {cross}"
    );
    let line = |width| count(&Plot::new().line("", [0, 1], [0, 1]).width(width), BLUE);
    assert!(line(6.0) > 2 * line(2.0));
    let faint = points(Plot::new()).alpha(0.5).legend(false);
    assert!(
        count(&faint, BLUE) == 0
            && count(&faint, [128, 185, 217]) + count(&faint, [127, 184, 216]) > 50
    );
}

#[test]
fn markers_are_at_their_data_coordinates() {
    let plot = Plot::new()
        .x_range(0.0, 10.0)
        .y_range(0.0, 10.0)
        .legend(false);
    let low = extent(&plot.clone().scatter("", [2.0], [2.0]), BLUE);
    let high = extent(&plot.clone().scatter("", [8.0], [4.0]), BLUE);
    let middle = |(left, top, right, bottom): (u32, u32, u32, u32)| {
        (f64::from(left + right) / 2.0, f64::from(top + bottom) / 2.0)
    };
    let (a, b) = (middle(low), middle(high));
    // The second point is 6/10 of the width to the right and 2/10 of the height up.
    let quad = extent(
        &plot
            .clone()
            .quads("", [0.0], [0.0], [10.0], [10.0])
            .alpha(1.0),
        BLUE,
    );
    let (width, height) = (f64::from(quad.2 - quad.0), f64::from(quad.3 - quad.1));
    assert!(
        ((b.0 - a.0) / width - 0.6).abs() < 0.01,
        "{a:?} {b:?} {quad:?}"
    );
    assert!(
        ((a.1 - b.1) / height - 0.2).abs() < 0.01,
        "{a:?} {b:?} {quad:?}"
    );
    // On a log axis, equal ratios are equal distances.
    let log = |x: f64| {
        middle(extent(
            &Plot::new()
                .log_x()
                .x_range(1.0, 1000.0)
                .scatter("", [x], [1.0]),
            BLUE,
        ))
        .0
    };
    let (one, ten, hundred) = (log(2.0), log(20.0), log(200.0));
    assert!(
        ((ten - one) - (hundred - ten)).abs() < 2.0,
        "{one} {ten} {hundred}"
    );
}

#[test]
fn scatter_by_adds_a_colored_legend_entry_per_label() {
    let plot = Plot::new().scatter_by("", [0.0, 1.0, 2.0], [0.0, 1.0, 2.0], &["b", "a", "b"]);
    assert!(
        count(&plot, BLUE) > 50 && count(&plot, ORANGE) > 100,
        "a is blue, b is orange"
    );
    assert_eq!(
        text(&plot),
        "chart\na: 1 points, 1 to 1\nb: 2 points, 0 to 2"
    );
    let bare = plot.clone().legend(false);
    assert!(
        count(&bare, BLUE) < count(&plot, BLUE),
        "the legend has a marker too"
    );
    // Numeric labels are in numeric order.
    let numbers = Plot::new().scatter_by("", 0..3, 0..3, &[10, 9, 10]);
    assert!(text(&numbers).find("9:").unwrap() < text(&numbers).find("10:").unwrap());
}

#[test]
fn every_kind_of_series_is_drawn() {
    let line = Plot::new().segments("", [0.0], [0.0], [1.0], [1.0]);
    let arrow = Plot::new().quiver("", [0.0], [0.0], [1.0], [1.0]);
    let (line, arrow) = (count(&line, BLUE), count(&arrow, BLUE));
    assert!(
        line > 400 && arrow > line + 30,
        "an arrow has a head: {line} {arrow}"
    );
    let quads = Plot::new()
        .quads("", [0.0, 2.0], [0.0, 0.0], [1.0, 3.0], [1.0, 2.0])
        .alpha(1.0);
    assert!(count(&quads, BLUE) > 10_000);
    let bars = Plot::new()
        .bars("a", &["x", "y"], [1.0, 2.0])
        .bars("b", &["x", "y"], [2.0, 4.0])
        .legend(false);
    let (blue, orange) = (count(&bars, BLUE), count(&bars, ORANGE));
    assert!(
        (orange as f64 / blue as f64 - 2.0).abs() < 0.05,
        "{blue} {orange}: heights are in proportion"
    );
    let values = Tensor::new(&[0.0f32, 0.0, 0.0, 1.0, f32::NAN], &Device::Cpu).unwrap();
    let histogram = Plot::new().histogram("", &values, 2).alpha(1.0);
    assert_eq!(text(&histogram), "chart\n2 rectangles, 0 to 3 █▁");
    let band = Plot::new()
        .band("", 0..3, [0.0, 1.0, 0.0], [1.0, 2.0, 1.0])
        .alpha(1.0);
    assert!(count(&band, BLUE) > 50_000);
    let words = Plot::new()
        .text("", [0.0], [0.0], &["Reconstruction"])
        .color("green");
    assert!(count(&words, GREEN) > 50);
}

#[test]
fn heat_maps_and_confusion_matrices_color_each_cell() {
    let matrix = Tensor::new(&[[0.0f32, 1.0], [f32::NAN, 0.0]], &Device::Cpu).unwrap();
    let heat = Plot::new().heat_map(&matrix);
    let (dark, bright) = ([68, 1, 84], [253, 231, 37]);
    let (low, high, odd) = (
        extent(&heat, dark),
        extent(&heat, bright),
        extent(&heat, [255, 0, 255]),
    );
    assert!(
        high.0 > low.0 && high.1 <= low.1,
        "the first row is at the top, its second value on the right"
    );
    assert!(odd.0 == low.0 && odd.1 > low.1 + 100, "NaN is magenta");
    let confusion = Plot::confusion(&[0, 0, 1, 1], &[0, 0, 0, 1]);
    assert!(count(&confusion, bright) > 10_000 && count(&confusion, dark) > 10_000);
    assert_eq!(text(&confusion).lines().next(), Some("Confusion matrix"));
    assert!(text(&confusion).contains("2 x 2 values"));
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
fn gaps_constants_single_points_and_empty_series_are_drawn() {
    let gap = Plot::new().line("a", 1..5, [1.0, f64::NAN, f64::INFINITY, 2.0]);
    assert!(count(&gap, BLUE) > 0);
    assert_eq!(
        text(&gap),
        "chart\na: line of 4 points, 1 to 2 ▁█; 2 values not finite, omitted"
    );
    assert!(count(&Plot::new().line("a", 1..5, [5.0; 4]), BLUE) > 400);
    assert!(count(&Plot::new().line("a", [1.0], [0.0]), BLUE) > 0);
    assert!(!Plot::new().to_png().unwrap().is_empty());
    let none: [f64; 0] = [];
    for empty in [
        Plot::new().histogram("", none, 10),
        Plot::new().scatter("", none, none),
        Plot::new().line("", [f64::NAN], [1.0]),
    ] {
        assert!(!empty.to_png().unwrap().is_empty());
    }
    let log = Plot::new().line("a", 0..3, [0.0, 1.0, 10.0]).log_y();
    assert!(
        text(&log).ends_with("1 values not finite or not positive on a log axis, omitted"),
        "{}",
        text(&log)
    );
}

#[test]
fn downsampling_keeps_a_spike_in_a_long_line() {
    let x: Vec<f64> = (0..20_000).map(f64::from).collect();
    let mut y: Vec<f64> = x.iter().map(|x| (x / 3000.0).sin()).collect();
    y[12_345] = 5.0; // a spike
    let plot = Plot::new().line("", &x, &y);
    let (_, top, _, _) = extent(&plot, BLUE);
    assert!(top < 120, "{top}");
}

#[test]
fn hover_texts_are_areas_of_an_image_map() {
    let plot = Plot::new()
        .size(300, 200)
        .scatter("", [1.0, 2.0], [1.0, 2.0])
        .hover(&["one", "<two>"]);
    let html = plot.contents().unwrap()[0]
        .get("text/html")
        .unwrap()
        .to_owned();
    assert_eq!(html.matches("<area ").count(), 2);
    assert!(html.contains("title=\"&lt;two&gt;\""));
    assert!(!html.contains("<script"));
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
fn plots_form_a_grid() {
    let (a, b) = (
        Plot::new().size(200, 150).line("", 0..2, 0..2),
        Plot::new().size(300, 150).scatter("", 0..2, 0..2),
    );
    let grid = Plots::new([a.clone(), b.clone(), a]).columns(2);
    let png = image::load_from_memory(&grid.to_png().unwrap()).unwrap();
    assert_eq!((png.width(), png.height()), (1200, 600));
    assert_eq!(
        Plots::new([]).to_png().unwrap_err().to_string(),
        "Plots: expected at least one chart, got none. Pass a list of charts"
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

#[test]
fn labels_are_sorted_as_numbers_then_text() {
    let labels: Vec<String> = (0..60)
        .map(|i| {
            if i % 3 == 0 {
                format!("{i}a")
            } else {
                i.to_string()
            }
        })
        .collect();
    let plot = Plot::new().scatter_by("", 0..60, 0..60, &labels);
    assert!(text(&plot).find("\n2:").unwrap() < text(&plot).find("\n10:").unwrap());
    let classes: Vec<usize> = (0..12).collect();
    assert!(text(&Plot::confusion(&classes, &classes)).contains("12 x 12 values"));
    let none: [u8; 0] = [];
    assert!(
        error(Plot::confusion(&none, &none))
            .ends_with("confusion: expected at least one true label, got none. Pass the true and the predicted labels")
    );
    let bars = error(Plot::new().bars("", &["a"], [1.0]).hover(&["x"]));
    assert_eq!(
        bars,
        "plot: hover: expected a line or scatter series, got another series. Call .hover(...) after .scatter(...) or .line(...)"
    );
}
