//! Pooling and upsampling against candle's operations.

use crate::common::{encoded, max_difference};
use candlebook::prelude::*;

#[test]
fn pooling_and_upsampling_of_odd_sizes_match_candle() {
    for (c, h, w, n) in [
        (1, 1, 1, 1),
        (5, 3, 21, 3),
        (1, 7, 7, 7),
        (5, 14, 2, 2),
        (3, 5, 35, 5),
    ] {
        for images in [1, 3] {
            let name = format!("{images} x {c} x {h} x {w}, windows of {n}");
            let images = crate::common::images(&[images, c, h, w]);
            let max = images.max_pool2d(n).unwrap();
            let ours = encoded(MaxPool2d(n), &images).codes;
            assert_eq!(max_difference(&ours, &max), 0.0, "{name}");
            let mean = images.avg_pool2d(n).unwrap();
            let ours = encoded(AvgPool2d(n), &images).codes;
            assert!(max_difference(&ours, &mean) < 1e-6, "{name}");
            let upsampled = images.upsample_nearest2d(n * h, n * w).unwrap();
            let ours = encoded(Upsample(n), &images).codes;
            assert_eq!(max_difference(&ours, &upsampled), 0.0, "{name}");
        }
    }
}
