//! Training with and without a planned step, on any number of threads, and on tensors of any layout.

use crate::common::{dataset, fit, max_difference, with_threads};
use candlebook::prelude::*;

fn assert_losses(name: &str, found: &[f32], expected: &[f32]) {
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() < 1e-5,
            "{name}: {found:?}, expected {expected:?}"
        );
    }
}

#[test]
fn odd_sizes_train_the_same_on_both_executors_and_any_number_of_threads() {
    for (c, h, w) in [(1, 1, 1), (5, 7, 17), (1, 17, 7), (5, 1, 17)] {
        let encoder = [
            Conv2d(5, 3).padding(1),
            Tanh,
            Conv2d(7, 3).stride(2).padding(1),
            LeakyRelu(0.2),
            ConvTranspose2d(5, 2).stride(2),
            Tanh,
            Flatten,
        ];
        let decoder = [Linear(c * h * w), Sigmoid, Unflatten(c, h, w)];
        let images = crate::common::images(&[3, c, h, w]);
        let data = dataset(&images);
        let train = |threads: usize, compiled: bool, batch: usize| {
            with_threads(threads, || {
                let mut ae = Autoencoder::new((c, h, w), &encoder, &decoder).unwrap();
                let fit = Fit {
                    learning_rate: 0.5,
                    optimizer: Optim::sgd(0.9),
                    planned: compiled,
                    ..fit(3, batch)
                };
                let losses = ae.fit(&data, &fit).unwrap().train_loss();
                (losses, ae.reconstruct(&images).unwrap())
            })
        };
        for batch in [1, 2, 3] {
            let (expected_losses, expected) = train(1, false, batch);
            for threads in [1, 2, 8] {
                let name = format!("{c} x {h} x {w}, {threads} threads, batch {batch}");
                let (losses, outputs) = train(threads, true, batch);
                assert_losses(&name, &losses, &expected_losses);
                assert!(max_difference(&outputs, &expected) < 1e-4, "{name}");
            }
        }
    }
}

#[test]
fn large_models_train_the_same_on_more_threads_than_images() {
    // Large enough for several threads.
    let encoder = [
        Conv2d(12, 3).padding(1),
        Relu,
        MaxPool2d(2),
        Conv2d(24, 3).padding(1),
        BatchNorm,
        Relu,
        Flatten,
        Linear(64),
    ];
    let new = || Autoencoder::symmetric((5, 34, 34), &encoder).unwrap();
    let images = crate::common::images(&[3, 5, 34, 34]);
    let data = dataset(&images);
    let train = |threads: usize| {
        with_threads(threads, || {
            let mut ae = new();
            let losses = ae.fit(&data, &fit(2, 2)).unwrap().train_loss();
            (losses, ae.reconstruct(&images).unwrap())
        })
    };
    let (expected_losses, expected) = train(1);
    let ae = new();
    let untrained = with_threads(1, || ae.reconstruct(&images).unwrap());
    for threads in [2, 3, 5, 16] {
        let name = format!("{threads} threads");
        let (losses, outputs) = train(threads);
        assert_losses(&name, &losses, &expected_losses);
        assert!(max_difference(&outputs, &expected) < 1e-2, "{name}");
        let inferred = with_threads(threads, || ae.reconstruct(&images).unwrap());
        assert!(max_difference(&inferred, &untrained) < 1e-6, "{name}");
    }
}

#[test]
fn tensors_of_any_layout_give_the_numbers_of_contiguous_ones() {
    let images = crate::common::images(&[4, 5, 17, 7]);
    let layouts = [
        ("transposed", images.transpose(2, 3).unwrap()),
        ("channels last", images.permute((0, 3, 1, 2)).unwrap()),
        ("some images", images.narrow(0, 1, 2).unwrap()),
        ("some channels", images.narrow(1, 2, 3).unwrap()),
        ("some columns", images.narrow(3, 1, 5).unwrap()),
        (
            "one image, broadcast",
            images
                .narrow(0, 2, 1)
                .unwrap()
                .broadcast_as((3, 5, 17, 7))
                .unwrap(),
        ),
    ];
    for (name, images) in layouts {
        let (_, c, h, w) = images.dims4().unwrap();
        let encoder = [Conv2d(5, 3).stride(2).padding(1), Relu, Flatten, Linear(9)];
        let decoder = [Linear(c * h * w), Unflatten(c, h, w)];
        let new = || Autoencoder::new((c, h, w), &encoder, &decoder).unwrap();
        let ae = new();
        let contiguous = images.contiguous().unwrap();
        let codes = ae.encode(&contiguous).unwrap();
        let same = |a: Tensor, b: &Tensor| assert_eq!(max_difference(&a, b), 0.0, "{name}");
        same(ae.encode(&images).unwrap(), &codes);
        let expected = ae.reconstruct(&contiguous).unwrap();
        same(ae.reconstruct(&images).unwrap(), &expected);
        let strided_codes = codes.t().unwrap().contiguous().unwrap().t().unwrap();
        same(
            ae.decode(&strided_codes).unwrap(),
            &ae.decode(&codes).unwrap(),
        );
        let losses = [&images, &contiguous].map(|images| {
            let history = new().fit(&dataset(images), &fit(2, 1)).unwrap();
            history.train_loss()
        });
        assert_eq!(losses[0], losses[1], "{name}");
    }
}

#[test]
fn normalizations_spatial_dropout_and_partial_windows_train_the_same_on_both_executors() {
    let conv = |out, stride| Conv2d(out, 3).padding(1).stride(stride);
    let encoders = [
        vec![
            conv(6, 1),
            GroupNorm(3),
            Silu,
            SpatialDropout(0.3),
            conv(4, 2),
        ],
        vec![
            conv(4, 2),
            LayerNorm,
            Softplus,
            Flatten,
            Linear(9),
            Silu,
            LayerNorm,
            Linear(6),
        ],
        vec![
            conv(4, 1),
            Silu,
            MaxPool2d(2).ceil_mode(),
            conv(3, 1),
            AvgPool2d(3).ceil_mode(),
        ],
        vec![
            conv(5, 2),
            Softmax,
            SpatialDropout(0.2),
            Dropout(0.1),
            conv(4, 1),
            GroupNorm(2),
        ],
    ];
    let images = crate::common::images(&[11, 2, 45, 64]);
    for encoder in encoders {
        let train = |threads: usize, planned: bool| {
            with_threads(threads, || {
                let mut ae = Autoencoder::symmetric((2, 45, 64), &encoder).unwrap();
                let fit = Fit {
                    planned,
                    ..fit(2, 5)
                };
                let losses = ae.fit(&dataset(&images), &fit).unwrap().train_loss();
                (losses, ae.reconstruct(&images).unwrap())
            })
        };
        let (expected_losses, expected) = train(1, false);
        for threads in [1, 3] {
            let name = format!("{encoder:?}, {threads} threads");
            let (losses, outputs) = train(threads, true);
            assert_losses(&name, &losses, &expected_losses);
            assert_eq!(outputs.dims(), images.dims(), "{name}");
            let difference = max_difference(&outputs, &expected);
            assert!(difference < 1e-4, "{name}: {difference}");
        }
    }
}

#[test]
fn mirrors_of_oblong_images_train_the_same_on_both_executors() {
    let down = |kernel_size, stride| Conv2d(4, kernel_size).stride(stride).padding(1);
    let encoders = [
        ((1, 45, 64), vec![down(3, 2), Relu, Flatten, Linear(8)]),
        ((1, 45, 63), vec![down(3, 2), Relu, Flatten, Linear(8)]),
        ((2, 14, 19), vec![down(5, 3), Tanh, down(2, 2).groups(2)]),
    ];
    for ((c, h, w), encoder) in encoders {
        let images = crate::common::images(&[11, c, h, w]);
        let train = |planned: bool| {
            let mut ae = Autoencoder::symmetric((c, h, w), &encoder).unwrap();
            let fit = Fit {
                planned,
                ..fit(2, 5)
            };
            let losses = ae.fit(&dataset(&images), &fit).unwrap().train_loss();
            (losses, ae.reconstruct(&images).unwrap())
        };
        let name = format!("{c} x {h} x {w}");
        let ((losses, outputs), (expected_losses, expected)) = (train(true), train(false));
        assert_losses(&name, &losses, &expected_losses);
        assert_eq!(outputs.dims(), images.dims(), "{name}");
        let difference = max_difference(&outputs, &expected);
        assert!(difference < 1e-5, "{name}: {difference}");
    }
}
