//! Mirrored decoders.

use crate::common::filled;
use candlebook::prelude::*;

#[test]
fn mirrored_decoder_unpools_and_ends_in_a_sigmoid() {
    let conv = |channels| Conv2d(channels, 3).padding(1);
    let encoder = [
        conv(12),
        Relu,
        MaxPool2d(2),
        conv(24),
        Relu,
        MaxPool2d(2),
        Flatten,
        Linear(20),
    ];
    let ae = Autoencoder::symmetric((3, 16, 16), &encoder).unwrap();
    let decoder = [
        Linear(384),
        Unflatten(24, 4, 4),
        MaxUnpool2d(2),
        Relu,
        conv(12),
        MaxUnpool2d(2),
        Relu,
        conv(3),
        Sigmoid,
    ];
    assert_eq!(ae.decoder(), decoder);
    let images = filled(&[2, 3, 16, 16], 0);
    assert_eq!(ae.reconstruct(&images).unwrap().dims(), [2, 3, 16, 16]);
}

#[test]
fn mirrored_strided_encoder_restores_every_image_size() {
    let encoder = [
        Conv2d(8, 4).stride(2).padding(1),
        Relu,
        Conv2d(8, 3).stride(2),
        Tanh,
    ];
    for side in [15, 16, 17, 18] {
        let ae = Autoencoder::symmetric((1, side, side), &encoder).unwrap();
        let images = filled(&[1, 1, side, side], 0);
        assert_eq!(ae.reconstruct(&images).unwrap().dims(), [1, 1, side, side]);
    }
}
