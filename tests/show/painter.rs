//! Drawn bands, texts and lines with gaps.

use crate::common::{BLUE, GREEN, count, text};
use candlebook::prelude::*;

#[test]
fn bands_are_filled_and_text_is_drawn() {
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
