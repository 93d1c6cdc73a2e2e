//! The compiled step computes what candle's autograd computes: the same losses, the same weights, the same draws.

use candlebook::prelude::*;

/// Trains two equal models, one by each executor, and compares what came out.
fn compare(what: &str, encoder: &[Layer], decoder: &[Layer], fit: Fit) {
    let data = mnist_embedded().unwrap().take(203, 50);
    let train = |compiled: bool| {
        let mut ae = Autoencoder::new((1, 28, 28), encoder, decoder)
            .unwrap()
            .with_seed(3)
            .unwrap();
        let history = ae
            .fit(
                &data,
                &Fit {
                    compiled,
                    ..fit.clone()
                },
            )
            .unwrap();
        let weights: Vec<Vec<f32>> = ae
            .variables()
            .iter()
            .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
            .collect();
        (history.train_loss(), history.valid_loss(), weights)
    };
    let (ours, candles) = (train(true), train(false));
    let near = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.0))
    };
    assert!(
        near(&ours.0, &candles.0),
        "{what}: training losses {:?} and {:?}",
        ours.0,
        candles.0
    );
    assert!(
        near(&ours.1, &candles.1),
        "{what}: validation losses {:?} and {:?}",
        ours.1,
        candles.1
    );
    for (ours, candles) in ours.2.iter().zip(&candles.2) {
        let mean: f32 = ours
            .iter()
            .zip(candles)
            .map(|(a, b)| (a - b).abs())
            .sum::<f32>()
            / ours.len() as f32;
        assert!(mean < 2e-5, "{what}: weights differ by {mean} in the mean");
    }
}

fn fit() -> Fit {
    Fit {
        epochs: 2,
        batch: 20,
        ..Default::default()
    }
}

#[test]
fn both_executors_give_the_same_numbers() {
    let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    compare(
        "plain",
        &[Flatten, Linear(17)],
        &[Linear(784), Unflatten(1, 28, 28)],
        fit(),
    );
    compare(
        "relu and dropout",
        &[Flatten, Linear(33), Relu, Dropout(0.3)],
        &decoder,
        fit(),
    );
    compare(
        "noise",
        &[Flatten, Linear(16), Tanh],
        &decoder,
        Fit {
            noise: 0.2,
            ..fit()
        },
    );
    compare(
        "cross-entropy",
        &[Flatten, Linear(16), Sigmoid],
        &decoder,
        Fit {
            loss: Loss::BinaryCrossEntropy,
            ..fit()
        },
    );
    let logits = [Linear(784), Unflatten(1, 28, 28)];
    let loss = Loss::BinaryCrossEntropyWithLogits;
    compare(
        "cross-entropy with logits",
        &[Flatten, Linear(16), Relu],
        &logits,
        Fit { loss, ..fit() },
    );
    compare(
        "weight decay",
        &[Flatten, Linear(16), Relu],
        &decoder,
        Fit {
            weight_decay: 0.1,
            ..fit()
        },
    );
    let sgd = |momentum| Fit {
        optimizer: Optim::Sgd { momentum },
        learning_rate: 0.5,
        weight_decay: 1e-3,
        ..fit()
    };
    compare(
        "gradient descent",
        &[Flatten, Linear(17), Relu, Dropout(0.3)],
        &decoder,
        sgd(0.0),
    );
    compare(
        "gradient descent with momentum",
        &[Flatten, Linear(17), Tanh],
        &decoder,
        sgd(0.9),
    );
    let convolutions = [Conv2d(3, 3).stride(2), BatchNorm, Relu, Flatten, Linear(9)];
    compare(
        "gradient descent of convolutions",
        &convolutions,
        &decoder,
        sgd(0.9),
    );
    let deep = [
        Linear(40),
        Relu,
        Dropout(0.1),
        Linear(784),
        Sigmoid,
        Unflatten(1, 28, 28),
    ];
    compare(
        "deep",
        &[
            Flatten,
            Linear(40),
            Relu,
            Dropout(0.2),
            Linear(7),
            Tanh,
            Dropout(0.5),
        ],
        &deep,
        fit(),
    );
}

#[test]
fn odd_orders_of_layers_and_odd_batches_too() {
    let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    compare(
        "dropout of the input",
        &[Dropout(0.2), Flatten, Linear(12), Relu],
        &decoder,
        fit(),
    );
    compare(
        "two activations",
        &[Flatten, Linear(12), Tanh, Sigmoid, Relu],
        &decoder,
        fit(),
    );
    compare(
        "dropout twice",
        &[Flatten, Linear(12), Dropout(0.2), Dropout(0.3), Relu],
        &decoder,
        fit(),
    );
    compare(
        "an activation first",
        &[Tanh, Flatten, Linear(12)],
        &decoder,
        fit(),
    );
    compare("no weights in the encoder", &[Flatten], &decoder, fit());
    for batch in [1, 2, 3, 61, 183] {
        let fit = Fit {
            epochs: 1,
            batch,
            ..fit()
        };
        compare(
            &format!("batch {batch}"),
            &[Flatten, Linear(64), Relu, Dropout(0.2)],
            &decoder,
            fit,
        );
    }
}

#[test]
fn inference_is_that_of_candle_for_any_number_of_pictures() {
    let ae =
        Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(70), Relu, Linear(9), Tanh]).unwrap();
    let variables = ae.variables();
    let get = |name: &str| {
        variables
            .iter()
            .find(|(other, _)| other == name)
            .unwrap()
            .1
            .as_tensor()
            .clone()
    };
    let linear = |xs: &Tensor, name: &str| {
        xs.matmul(&get(&format!("{name}.weight")).t().unwrap())
            .unwrap()
            .broadcast_add(&get(&format!("{name}.bias")))
            .unwrap()
    };
    let digits = mnist_embedded().unwrap().test;
    for n in [1, 2, 63, 64, 65, 300, 1000] {
        let images = digits.first(n).unwrap();
        let hidden = linear(&images.flatten_from(1).unwrap(), "encoder.1")
            .relu()
            .unwrap();
        let code = linear(&hidden, "encoder.3").tanh().unwrap();
        let apart = (ae.encode(&images).unwrap() - &code)
            .unwrap()
            .abs()
            .unwrap()
            .max_all()
            .unwrap();
        assert!(apart.to_scalar::<f32>().unwrap() < 2e-6, "{n} pictures");
        assert_eq!(ae.reconstruct(&images).unwrap().dims(), [n, 1, 28, 28]);
    }
    // A part of a larger tensor, not in a row.
    let turned = digits.first(40).unwrap().transpose(2, 3).unwrap();
    let apart =
        (ae.encode(&turned).unwrap() - ae.encode(&turned.contiguous().unwrap()).unwrap()).unwrap();
    assert_eq!(
        apart
            .abs()
            .unwrap()
            .max_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap(),
        0.0
    );
}

#[test]
fn convolutions_pooling_and_unpooling_too() {
    let fit = || Fit {
        epochs: 1,
        batch: 16,
        ..Default::default()
    };
    // The colour post's form: pooling, and unpooling with its places.
    let encoder = [
        Conv2d(5, 3).padding(1),
        Relu,
        MaxPool2d(2),
        Conv2d(8, 3).padding(1),
        Relu,
        MaxPool2d(2),
        Flatten,
        Linear(10),
    ];
    let decoder = [
        Linear(8 * 49),
        Unflatten(8, 7, 7),
        MaxUnpool2d(2),
        Conv2d(5, 3).padding(1),
        Relu,
        MaxUnpool2d(2),
        Conv2d(1, 3).padding(1),
    ];
    compare("pooling", &encoder, &decoder, fit());
    // Strides, mirrored by transposed convolutions.
    let encoder = [
        Conv2d(6, 3).stride(2).padding(1),
        Relu,
        Conv2d(9, 3).stride(2).padding(1),
        Relu,
        Dropout(0.1),
    ];
    let decoder = [
        ConvTranspose2d(6, 3).stride(2).padding(1).output_padding(1),
        Relu,
        ConvTranspose2d(1, 3).stride(2).padding(1).output_padding(1),
        Sigmoid,
    ];
    compare("strides", &encoder, &decoder, fit());
    // Groups, dilation, kernels of other sizes; no padding; an input of which nothing is left over.
    let encoder = [
        Conv2d(4, 5),
        Tanh,
        Conv2d(6, 3).groups(2).dilation(2),
        Relu,
        MaxPool2d(4),
    ];
    let decoder = [
        MaxUnpool2d(4),
        ConvTranspose2d(4, 3).groups(2).dilation(2),
        Tanh,
        ConvTranspose2d(1, 5),
    ];
    compare("groups and dilation", &encoder, &decoder, fit());
}

#[test]
fn normalization_blocks_and_resampling_too() {
    let encoder = [
        BatchNorm,
        Conv2d(6, 3).stride(2).padding(1),
        Gelu,
        Residual(vec![
            Relu,
            Conv2d(6, 3).padding(1),
            Dropout(0.2),
            Residual(vec![BatchNorm, Elu(0.5)]),
        ]),
        Residual(vec![Dropout(0.3)]),
        AvgPool2d(2),
        Flatten,
        // A bias directly before a normalization has no gradient but rounding, which Adam makes large.
        Linear(20),
        LeakyRelu(0.1),
        BatchNorm,
        Dropout(0.1),
    ];
    let decoder = [
        Linear(4 * 49),
        Unflatten(4, 7, 7),
        Upsample(4),
        Conv2d(3, 3).padding(1),
        Gelu,
        BatchNorm,
        Residual(vec![Tanh]),
        Conv2d(1, 3).padding(1),
        Sigmoid,
    ];
    compare("a modern network", &encoder, &decoder, fit());
    compare(
        "a batch of one picture last",
        &encoder,
        &decoder,
        Fit {
            epochs: 1,
            batch: 91,
            ..fit()
        },
    );
    compare(
        "one picture",
        &[BatchNorm, Conv2d(2, 3).padding(1), LeakyRelu(0.5)],
        &[BatchNorm, Conv2d(1, 1)],
        Fit {
            epochs: 1,
            batch: 1,
            ..fit()
        },
    );
}

#[test]
fn models_without_weights_can_be_fitted_too() {
    let nothing = Autoencoder::new((1, 28, 28), &[Flatten], &[Unflatten(1, 28, 28)]).unwrap();
    let pools = Autoencoder::new((1, 28, 28), &[MaxPool2d(2)], &[MaxUnpool2d(2)]).unwrap();
    let data = mnist_embedded().unwrap().take(40, 10);
    for (mut ae, lossless) in [(nothing, true), (pools, false)] {
        let history = ae
            .fit(
                &data,
                &Fit {
                    epochs: 1,
                    batch: 8,
                    ..Default::default()
                },
            )
            .unwrap();
        assert_eq!(history.train_loss()[0] == 0.0, lossless);
    }
}
