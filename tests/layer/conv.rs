//! Convolutions and transposed convolutions against candle's operations, and their errors.

use crate::common::{build_error, encoded, filled, max_difference};
use candlebook::prelude::*;

/// Kernel size, stride, padding, dilation.
const GEOMETRIES: [[usize; 4]; 7] = [
    [1, 1, 0, 1],
    [3, 1, 1, 1],
    [3, 2, 1, 1],
    [2, 2, 1, 1],
    [5, 3, 2, 1],
    [3, 1, 2, 2],
    [4, 1, 3, 1],
];

fn image_batches() -> Vec<Tensor> {
    let shapes = [
        (1, 1, 1),
        (5, 1, 17),
        (1, 17, 7),
        (5, 7, 17),
        (1, 7, 1),
        (5, 17, 17),
        (3, 1, 7),
    ];
    let batch = |n| move |(c, h, w)| crate::common::images(&[n, c, h, w]);
    [1, 3]
        .into_iter()
        .flat_map(|n| shapes.map(batch(n)))
        .collect()
}

#[test]
fn convolutions_of_odd_channels_and_sizes_match_candle() {
    for images in image_batches() {
        for [kernel_size, stride, padding, dilation] in GEOMETRIES {
            for out_channels in [1, 5, 7] {
                let conv = Conv2d(out_channels, kernel_size)
                    .stride(stride)
                    .padding(padding)
                    .dilation(dilation);
                let name = format!("{conv} of {:?}", images.dims());
                let ours = encoded(conv, &images);
                let (weight, bias) = ours.vars.unwrap();
                let expected = images
                    .conv2d(&weight, padding, stride, dilation, 1)
                    .unwrap()
                    .broadcast_add(&bias)
                    .unwrap();
                assert!(max_difference(&ours.codes, &expected) < 2e-6, "{name}");
            }
        }
    }
}

#[test]
fn transposed_convolutions_of_odd_channels_and_sizes_match_candle() {
    let mut checked = 0;
    for images in image_batches() {
        let (_, _, h, w) = images.dims4().unwrap();
        for [kernel_size, stride, padding, dilation] in GEOMETRIES {
            let output_padding = usize::from(stride > 1);
            let window = (kernel_size - 1) * dilation + 1;
            let empty = |n: usize| (n - 1) * stride + window + output_padding <= 2 * padding;
            if empty(h) || empty(w) {
                continue;
            }
            for out_channels in [1, 5, 7] {
                let layer = ConvTranspose2d(out_channels, kernel_size)
                    .stride(stride)
                    .padding(padding)
                    .dilation(dilation)
                    .output_padding(output_padding);
                let name = format!("{layer} of {:?}", images.dims());
                let ours = encoded(layer, &images);
                let (weight, bias) = ours.vars.unwrap();
                let expected = images
                    .conv_transpose2d(&weight, padding, output_padding, stride, dilation)
                    .unwrap()
                    .broadcast_add(&bias)
                    .unwrap();
                assert!(max_difference(&ours.codes, &expected) < 2e-6, "{name}");
                checked += 1;
            }
        }
    }
    assert!(checked > 150, "{checked}");
}

/// ```python
/// def conv_transpose2d(x, weight, bias, stride, padding, output_padding):
///     (b, _, h, w), (_, out, k, _) = x.shape, weight.shape
///     (rows, columns), reach = output_padding, k - 1
///     y = np.zeros((b, out, (h - 1) * stride + reach + 1 + rows, (w - 1) * stride + reach + 1 + columns))
///     for i in range(k):
///         for j in range(k):
///             taps = np.einsum("bchw,co->bohw", x, weight[:, :, i, j])
///             y[:, :, i:i + (h - 1) * stride + 1:stride, j:j + (w - 1) * stride + 1:stride] += taps
///     return y[:, :, padding:y.shape[2] - padding, padding:y.shape[3] - padding] + bias[:, None, None]
/// fill = lambda shape, k: (np.sin(0.7 * np.arange(np.prod(shape)) + k) * 0.3).reshape(shape)
/// y = conv_transpose2d(fill((1, 2, 2, 3), 50), fill((2, 1, 3, 3), 0), fill((1,), 1), 3, 1, output_padding)
/// y.shape, y.sum(), y[0, 0, -1], y[0, 0, :, -1]
/// ```
#[test]
fn rows_and_columns_have_output_paddings_of_their_own() {
    let bottom = [
        0.27448, 0.23008, 0.330307, 0.282166, 0.220045, 0.315478, 0.275873, 0.225247,
    ];
    check_output_padding(
        (0, 1),
        [4, 8],
        8.809563,
        &bottom,
        &[0.250631, 0.246158, 0.325437, 0.225247],
    );
    check_output_padding(
        (2, 0),
        [6, 7],
        10.829289,
        &[0.252441; 7],
        &[0.256428, 0.243918, 0.301064, 0.275873, 0.18016, 0.252441],
    );
}

fn check_output_padding(
    (rows, columns): (usize, usize),
    sides: [usize; 2],
    sum: f32,
    bottom: &[f32],
    right: &[f32],
) {
    let layer = ConvTranspose2d(1, 3).stride(3).padding(1);
    let encoder = [layer.output_padding_hw(rows, columns)];
    let decoder = [Flatten, Linear(12), Unflatten(2, 2, 3)];
    let ae = Autoencoder::new((2, 2, 3), &encoder, &decoder).unwrap();
    for (k, (_, var)) in ae.variables().iter().enumerate() {
        var.set(&filled(var.dims(), k)).unwrap();
    }
    let codes = ae
        .forward_encoder(&filled(&[1, 2, 2, 3], 50), false)
        .unwrap();
    assert_eq!(codes.dims()[2..], sides);
    let codes = codes.i((0, 0)).unwrap();
    let close = |found: Tensor, expected: &[f32]| {
        let expected = Tensor::new(expected, &Device::Cpu).unwrap();
        assert!(max_difference(&found, &expected) < 1e-5, "{found}");
    };
    close(codes.sum_all().unwrap().reshape(1).unwrap(), &[sum]);
    close(codes.i(sides[0] - 1).unwrap(), bottom);
    close(codes.i((.., sides[1] - 1)).unwrap(), right);
}

#[test]
fn window_larger_than_the_image_is_an_error() {
    assert_eq!(
        build_error(&[Conv2d(4, 9)], (3, 8, 8)),
        "encoder layer 0, Conv2d(4, 9): expected images of at least 9 x 9 including padding, got \
         3 x 8 x 8. Choose a smaller kernel_size or more padding"
    );
}

#[test]
fn groups_must_divide_the_channels() {
    assert_eq!(
        build_error(&[Conv2d(4, 3).groups(2)], (3, 8, 8)),
        "encoder layer 0, Conv2d(4, 3).groups(2): expected groups that divide 3 input channels and \
         4 output channels, got 2. 1 group always fits"
    );
}

#[test]
fn settings_out_of_range_are_errors() {
    let error = |conv: Layer| build_error(&[conv], (3, 8, 8));
    let cases = [
        (
            Conv2d(0, 3),
            "expected out_channels from 1 to 65536, got 0.",
        ),
        (Conv2d(4, 0), "expected kernel_size from 1 to 255, got 0."),
        (
            Conv2d(4, 3).stride(0),
            "expected stride from 1 to 64, got 0.",
        ),
        (
            Conv2d(4, 3).padding(1 << 17),
            "expected padding up to 65536, got 131072.",
        ),
        (
            ConvTranspose2d(1, 3).padding(9),
            "expected an output larger than the padding that is cut off",
        ),
        (
            ConvTranspose2d(1, 3).output_padding(1),
            "expected output_padding below the stride or the dilation, 1, got 1",
        ),
        (
            ConvTranspose2d(1, 3).stride(2).output_padding_hw(0, 2),
            "expected output_padding below the stride or the dilation, 2, got 2",
        ),
    ];
    for (conv, expected) in cases {
        let error = error(conv);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn convolution_after_flatten_is_an_error() {
    assert_eq!(
        build_error(&[Flatten, Conv2d(4, 3)], (1, 8, 8)),
        "encoder layer 1, Conv2d(4, 3): expected images of channels x height x width, got 64 \
         values. Put Unflatten(channels, height, width) before it"
    );
}
