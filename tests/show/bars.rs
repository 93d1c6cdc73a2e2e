//! Bar charts.

use crate::common::{BLUE, ORANGE, count};
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
