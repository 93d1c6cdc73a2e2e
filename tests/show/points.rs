//! Lines and scatter plots: positions, groups and downsampling.

use crate::common::{BLUE, ORANGE, count, error, extent, text};
use candlebook::prelude::*;

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
fn a_named_scatter_by_puts_its_name_before_each_label() {
    let plot = Plot::new().scatter_by("digit", [0.0, 1.0], [0.0, 1.0], &[3, 8]);
    assert_eq!(
        text(&plot),
        "chart\ndigit 3: 1 points, 0 to 0\ndigit 8: 1 points, 1 to 1"
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
