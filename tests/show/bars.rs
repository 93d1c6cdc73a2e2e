//! Bar charts and histograms.

use crate::common::{BLUE, ORANGE, count, text};
use candlebook::prelude::*;

#[test]
fn bars_have_proportional_heights_and_histograms_omit_nan() {
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
}
