//! Markers of points.

use crate::common::{BLUE, count};
use candlebook::prelude::*;
use candlebook::show::Marker;

#[test]
fn each_marker_has_its_own_shape() {
    let points = |plot: Plot| plot.scatter("a", [0.0, 1.0], [0.0, 1.0]);
    let area = |marker| count(&points(Plot::new()).marker(marker).legend(false), BLUE);
    let (circle, triangle, square, cross, ring) = (
        area(Marker::Circle),
        area(Marker::Triangle),
        area(Marker::Square),
        area(Marker::Cross),
        area(Marker::Ring),
    );
    assert!(ring > circle, "{ring} {circle}");
    assert!(
        square > circle && circle > triangle && triangle > 20 && cross > 20,
        "{square} {circle} {triangle} {cross}"
    );
}
