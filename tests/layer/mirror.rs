//! Mirrored decoders.

use crate::common::build_error;
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
    let images = crate::common::images(&[2, 3, 16, 16]);
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
        let images = crate::common::images(&[1, 1, side, side]);
        assert_eq!(ae.reconstruct(&images).unwrap().dims(), [1, 1, side, side]);
    }
}

#[test]
fn strided_convolutions_of_oblong_images_are_mirrored() {
    let conv = Conv2d(4, 3).stride(2).padding(1);
    let ae = Autoencoder::symmetric((1, 45, 64), &[conv, Relu, Flatten, Linear(8)]).unwrap();
    let up = ConvTranspose2d(1, 3)
        .stride(2)
        .padding(1)
        .output_padding_hw(0, 1);
    assert_eq!(
        ae.decoder(),
        [Linear(2944), Unflatten(4, 23, 32), Relu, up, Sigmoid]
    );
    let images = crate::common::images(&[2, 1, 45, 64]);
    assert_eq!(ae.reconstruct(&images).unwrap().dims(), [2, 1, 45, 64]);
}

#[test]
fn every_convolution_is_mirrored_to_the_height_and_width_of_its_input() {
    let mut mirrored = 0;
    for (kernel_size, stride) in [(1, 2), (2, 3), (3, 1), (3, 2), (3, 4), (4, 2), (5, 3)] {
        for (padding, dilation) in [(0, 1), (1, 1), (2, 2), (6, 1)] {
            for (h, w) in [(9, 9), (9, 10), (10, 13), (14, 11)] {
                let conv = Conv2d(2, kernel_size)
                    .stride(stride)
                    .padding(padding)
                    .dilation(dilation);
                let name = format!("{conv} of {h} x {w}");
                let ae = Autoencoder::symmetric((1, h, w), &[conv, Relu]).expect(&name);
                let output = ae
                    .reconstruct(&crate::common::images(&[1, 1, h, w]))
                    .unwrap();
                assert_eq!(output.dims(), [1, 1, h, w], "{name}");
                mirrored += 1;
            }
        }
    }
    assert_eq!(mirrored, 112);
}

#[test]
fn three_poolings_of_28_name_the_third_one_and_the_size_that_it_gets() {
    let block = |padding| [Conv2d(4, 3).padding(padding), Relu, MaxPool2d(2)];
    let encoder = [block(1), block(1), block(1)].concat();
    assert_eq!(
        build_error(&encoder, (1, 28, 28)),
        "encoder layer 8, MaxPool2d(2): expected a height and width divisible by 2, got 7 x 7. \
         MaxPool2d(2).ceil_mode() also pools the partial windows at the edges; 8 x 8 would fit \
         without: resize the images, or pad a convolution before it"
    );
    let wider = [block(3), block(1), block(1)].concat();
    let ae = Autoencoder::symmetric((1, 28, 28), &wider).unwrap();
    assert_eq!(ae.code_shape(), [4, 4, 4]);
    let images = crate::common::images(&[2, 1, 28, 28]);
    assert_eq!(ae.reconstruct(&images).unwrap().dims(), [2, 1, 28, 28]);
}

#[test]
fn mirrors_of_poolings_with_partial_windows_restore_every_image_size() {
    let block = |pool: Layer| vec![Conv2d(4, 3).padding(1), Relu, pool];
    for pool in [MaxPool2d(2), AvgPool2d(2), MaxPool2d(3), AvgPool2d(3)] {
        let encoder = vec![block(pool.ceil_mode()); 3].concat();
        for (h, w) in [(28, 28), (45, 64), (1, 5), (27, 8)] {
            let ae = Autoencoder::symmetric((2, h, w), &encoder).unwrap();
            let images = crate::common::images(&[3, 2, h, w]);
            let outputs = ae.reconstruct(&images).unwrap();
            assert_eq!(outputs.dims(), images.dims(), "{encoder:?}");
            let decoded = ae.decode(&ae.encode(&images).unwrap()).unwrap();
            assert_eq!(decoded.dims(), images.dims(), "{encoder:?}");
        }
    }
    let encoder = vec![block(MaxPool2d(2).ceil_mode()); 3].concat();
    let ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    assert_eq!(ae.code_shape(), [4, 4, 4]);
    let unpools = ae
        .decoder()
        .iter()
        .filter(|layer| matches!(layer, Layer::MaxUnpool2d(_)));
    let cropped = MaxUnpool2d(2).output_size(7, 7);
    assert_eq!(
        unpools.cloned().collect::<Vec<_>>(),
        [cropped, MaxUnpool2d(2), MaxUnpool2d(2)]
    );
}

#[test]
fn activations_and_normalizations_are_mirrored_between_the_inverses() {
    let conv = |out| Conv2d(out, 3).padding(1);
    let encoder = [
        conv(8),
        GroupNorm(4),
        Silu,
        SpatialDropout(0.1),
        AvgPool2d(2).ceil_mode(),
        conv(6),
        LayerNorm,
        Softmax,
        Flatten,
        Linear(9),
        Softmax,
    ];
    let ae = Autoencoder::symmetric((3, 45, 64), &encoder).unwrap();
    let decoder = [
        Linear(6 * 23 * 32),
        Unflatten(6, 23, 32),
        LayerNorm,
        Softmax,
        conv(8),
        Upsample(2).output_size(45, 64),
        GroupNorm(4),
        Silu,
        SpatialDropout(0.1),
        conv(3),
        Sigmoid,
    ];
    assert_eq!(ae.decoder(), decoder);
}

#[test]
fn a_layer_without_a_mirror_is_named_as_it_was_written() {
    let up = ConvTranspose2d(4, 3).output_padding(1).dilation(2);
    assert_eq!(
        build_error(&[Residual(vec![Relu]), up.clone(), Relu], (1, 8, 9)),
        "encoder layer 1, ConvTranspose2d(4, 3).output_padding(1).dilation(2): expected \
         output_padding below the stride, 1, which a convolution can undo, got 1. Only then can it \
         be mirrored: choose less, or pass a decoder to Autoencoder::new"
    );
    // A block is mirrored by itself.
    let block = Residual(vec![up, Conv2d(1, 6)]);
    let ae = Autoencoder::symmetric((1, 8, 9), &[block]).unwrap();
    assert_eq!(ae.code_shape(), [1, 8, 9]);
}
