//! Markers of points.

use crate::common::{BLUE, count};
use candlebook::prelude::*;

#[test]
fn each_marker_has_its_own_shape() {
    let points = |plot: Plot| plot.scatter("a", [0.0, 1.0], [0.0, 1.0]);
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
}
