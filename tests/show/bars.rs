//! Bar charts.

use crate::common::{BLUE, ORANGE, count, error, text};
use candlebook::prelude::*;

#[test]
fn bars_have_proportional_heights() {
    let bars = Plot::new()
        .bars("a", &["x", "y"], [1.0, 2.0])
        .bars("b", &["x", "y"], [2.0, 4.0])
        .legend(false);
    let (blue, orange) = (count(&bars, BLUE), count(&bars, ORANGE));
    assert!(
        (orange as f64 / blue as f64 - 2.0).abs() < 0.05,
        "{blue} {orange}: heights are in proportion"
    );
}

#[test]
fn bars_by_label_have_a_color_for_each_label_and_equal_widths() {
    let (units, labels) = ([7, 2, 4], ["on", "off", "on"]);
    let plot = Plot::new()
        .bars_by("unit", &units, [3.0, 2.0, 1.0], &labels)
        .legend(false);
    // Labels are in alphabetical order.
    let (off, on) = (count(&plot, BLUE), count(&plot, ORANGE));
    assert!((on as f64 / off as f64 - 2.0).abs() < 0.05, "{off} {on}");
    let plain = Plot::new().bars("", &units, [3.0, 2.0, 1.0]);
    let all = count(&plain, BLUE);
    assert!((all as f64 / (off + on) as f64 - 1.0).abs() < 0.02, "{all}");
    assert_eq!(
        text(&plot),
        "chart\nunit off: 1 rectangles, 0 to 2 ▁\nunit on: 2 rectangles, 0 to 3 █▁"
    );
}

#[test]
fn bars_by_needs_a_label_for_each_bar() {
    let plot = Plot::new().bars_by("", &["a", "b"], [1.0, 2.0], &["on"]);
    assert_eq!(
        error(plot),
        "plot: bars_by: expected 2 labels, one per bar, got 1. Pass sequences of equal length"
    );
}
