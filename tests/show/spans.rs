//! Segments, arrows and rectangles of charts.

use crate::common::{BLUE, count};
use candlebook::prelude::*;

#[test]
fn arrows_have_heads_and_quads_are_filled() {
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
}
