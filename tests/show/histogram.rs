//! Histograms.

use crate::common::{BLUE, ORANGE, extent, text};
use candlebook::prelude::*;

#[test]
fn a_histogram_omits_nan() {
    let values = Tensor::new(&[0.0f32, 0.0, 0.0, 1.0, f32::NAN], &Device::Cpu).unwrap();
    let histogram = Plot::new().histogram("", &values, 2);
    assert_eq!(text(&histogram), "chart\n4 values in 2 bins, 0 to 3 █▁");
}

#[test]
fn two_histograms_in_one_chart_have_bars_of_equal_width() {
    // Bins of 0 to 10: the first has all values of `low`, the last three have those of `high`.
    let low = [0.0, 0.1, 0.2];
    let high = [7.5, 8.5, 10.0];
    let plot = Plot::new()
        .histogram("low", low, 10)
        .alpha(1.0)
        .histogram("high", high, 5)
        .alpha(1.0)
        .legend(false);
    assert_eq!(
        text(&plot),
        "chart\nlow: 3 values in 10 bins, 0 to 3 █▁▁▁▁▁▁▁▁▁\n\
         high: 3 values in 10 bins, 0 to 1 ▁▁▁▁▁▁▁███"
    );
    let width = |color| {
        let (left, _, right, _) = extent(&plot, color);
        f64::from(right - left)
    };
    let ratio = width(ORANGE) / width(BLUE);
    assert!((ratio - 3.0).abs() < 0.1, "{ratio}");
}
