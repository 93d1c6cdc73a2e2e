//! Pairs of max-pooling and unpooling.

use candlebook::prelude::*;

#[test]
fn unpooling_must_match_its_pooling() {
    let encoder = [MaxPool2d(2), Conv2d(3, 1)];
    let decoder = [MaxUnpool2d(2), Conv2d(1, 1)];
    let error = Autoencoder::new((1, 4, 4), &encoder, &decoder).unwrap_err();
    assert_eq!(
        error.to_string(),
        "decoder layer 0, MaxUnpool2d(2): expected 1 x 2 x 2, the output of its paired MaxPool2d(2), \
         got 3 x 2 x 2 with a window of 2. Undo poolings in reverse order, each with the channels of \
         its output"
    );
}
