//! Histograms of the weights.

use super::common::{model, text};

#[test]
fn weights_have_a_histogram_per_layer() {
    let histograms = text(&model().weights_histogram().unwrap());
    assert!(histograms.contains("encoder.1.weight, 2 x 4"));
    assert!(histograms.contains("decoder.0.weight, 4 x 2"));
    assert!(!histograms.contains("bias"));
}
