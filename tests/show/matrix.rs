//! Heat maps and confusion matrices.

use crate::common::{count, extent, text};
use candlebook::prelude::*;

#[test]
fn heat_maps_and_confusion_matrices_color_each_cell() {
    let matrix = Tensor::new(&[[0.0f32, 1.0], [f32::NAN, 0.0]], &Device::Cpu).unwrap();
    let heat = Plot::new().heat_map(&matrix);
    let (dark, bright) = ([68, 1, 84], [253, 231, 37]);
    let (low, high, odd) = (
        extent(&heat, dark),
        extent(&heat, bright),
        extent(&heat, [255, 0, 255]),
    );
    assert!(
        high.0 > low.0 && high.1 <= low.1,
        "the first row is at the top, its second value on the right"
    );
    assert!(odd.0 == low.0 && odd.1 > low.1 + 100, "NaN is magenta");
    let confusion = Plot::confusion(&[0, 0, 1, 1], &[0, 0, 0, 1]);
    assert!(count(&confusion, bright) > 10_000 && count(&confusion, dark) > 10_000);
    assert_eq!(text(&confusion).lines().next(), Some("Confusion matrix"));
    assert!(text(&confusion).contains("2 x 2 values"));
}
