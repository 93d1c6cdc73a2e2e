//! The planned step against candle's autograd: the same random numbers give the same losses and
//! weights.

use candlebook::model::Init;
use candlebook::prelude::*;

/// Result of training one model.
struct Trained {
    history: History,
    weights: Vec<Vec<f32>>,
}

fn train(encoder: &[Layer], decoder: &[Layer], fit: &Fit) -> Trained {
    let data = mnist_embedded().unwrap().take(203, 50);
    let init = Init {
        seed: 3,
        ..Default::default()
    };
    let mut ae = Autoencoder::new_with((1, 28, 28), encoder, decoder, &init).unwrap();
    let history = ae.fit(&data, fit).unwrap();
    let variables = ae.variables().into_iter();
    let weights = variables.map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap());
    Trained {
        history,
        weights: weights.collect(),
    }
}

fn assert_losses_near(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (a, b) in found.iter().zip(expected) {
        let tolerance = 1e-5 * b.abs().max(1.0);
        assert!(
            (a - b).abs() <= tolerance,
            "{name}: {found:?}, expected {expected:?}"
        );
    }
}

fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.sum::<f32>() / a.len() as f32
}

/// Trains two equal models, one by each executor, and compares losses and weights.
fn compare(name: &str, encoder: &[Layer], decoder: &[Layer], fit: Fit) {
    let run = |planned| {
        let fit = Fit {
            planned,
            ..fit.clone()
        };
        train(encoder, decoder, &fit)
    };
    let (found, expected) = (run(true), run(false));
    assert_losses_near(
        name,
        &found.history.train_loss(),
        &expected.history.train_loss(),
    );
    assert_losses_near(
        name,
        &found.history.valid_loss(),
        &expected.history.valid_loss(),
    );
    for (a, b) in found.weights.iter().zip(&expected.weights) {
        let mean = mean_difference(a, b);
        assert!(mean < 2e-5, "{name}: weights differ by {mean} on average");
    }
}

fn fit() -> Fit {
    Fit {
        epochs: 2,
        batch_size: 20,
        ..Default::default()
    }
}

#[test]
fn layers_of_whole_batches_train_as_on_autograd() {
    let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    let conv = [Conv2d(8, 4).stride(4), Relu, Conv2d(4, 1)];
    let up = [ConvTranspose2d(1, 4).stride(4), Sigmoid];
    let quantized = [conv.to_vec(), vec![VectorQuantize(16)]].concat();
    compare("codebook", &quantized, &up, fit());
    let learned = VectorQuantize(16).commitment(0.5).learned_codebook();
    let learned = [conv.to_vec(), vec![learned]].concat();
    compare("learned codebook", &learned, &up, fit());
    let discriminator = vec![Linear(16), LeakyRelu(0.2), Linear(1)];
    let deceived = [Flatten, Linear(8), Adversarial(discriminator, 3.0)];
    compare("adversarial", &deceived, &decoder, fit());
    let correlated = Gaussian(1.0).total_correlation(4.0).warm_up(10);
    let correlated = [Flatten, Linear(8), correlated];
    compare("total correlation", &correlated, &decoder, fit());
    let conditioned = [vec![Condition(10)], decoder.to_vec()].concat();
    compare("labels", &[Flatten, Linear(8)], &conditioned, fit());
    let block = Residual(vec![LayerNorm, Attention(2)]);
    compare(
        "sequences",
        &[
            Patches(7, 7),
            Linear(8),
            Positions,
            MaskSteps(0.5),
            block,
            Flatten,
            Linear(8),
        ],
        &[
            Repeat(28),
            LstmSteps(16),
            Linear(28),
            Sigmoid,
            Unpatches(1, 28, (1, 28, 28)),
        ],
        fit(),
    );
    let module = Layer::module("dense", |vb| candle_nn::linear(784, 16, vb));
    compare("module", &[Flatten, module, Tanh], &decoder, fit());
}

#[test]
fn dense_models_train_as_on_autograd() {
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
        &[
            GaussianNoise(0.2),
            Clamp(0.0, 1.0),
            MaskingNoise(0.2),
            Flatten,
            Linear(16),
            SaltAndPepperNoise(0.1),
        ],
        &decoder,
        fit(),
    );
    compare(
        "sparse",
        &[Flatten, Linear(16), L1(1e-3), TopK(5)],
        &decoder,
        fit(),
    );
    compare(
        "whole batch",
        &[
            Flatten,
            Linear(16),
            Sigmoid,
            KlSparsity(0.1, 1e-3),
            WinnerTakeAll(0.4),
            Linear(4),
            Mmd(10.0),
        ],
        &decoder,
        fit(),
    );
    compare(
        "largest of the batch",
        &[Flatten, Linear(16), Relu, BatchTopK(4), Linear(6)],
        &decoder,
        fit(),
    );
    compare(
        "variational",
        &[
            Flatten,
            Linear(16),
            Tanh,
            Linear(8),
            Gaussian(0.5).free_bits(0.01).warm_up(5),
            Dropout(0.1),
        ],
        &decoder,
        fit(),
    );
    compare(
        "categorical",
        &[
            Flatten,
            Linear(12),
            Gumbel(4, 3).beta(0.5).temperature(2.0).anneal(0.05, 0.8),
        ],
        &decoder,
        fit(),
    );
    compare(
        "categorical, straight through",
        &[Flatten, Linear(12), Gumbel(3, 4).straight_through()],
        &decoder,
        fit(),
    );
    compare(
        "finite scalar quantization",
        &[Flatten, Linear(4), Fsq(vec![8, 5, 5, 2])],
        &decoder,
        fit(),
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
        optimizer: Optim::sgd(momentum),
        learning_rate: 0.5,
        weight_decay: 1e-3,
        ..fit()
    };
    compare(
        "SGD",
        &[Flatten, Linear(17), Relu, Dropout(0.3)],
        &decoder,
        sgd(0.0),
    );
    compare(
        "SGD with momentum",
        &[Flatten, Linear(17), Tanh],
        &decoder,
        sgd(0.9),
    );
    let convolutions = [Conv2d(3, 3).stride(2), BatchNorm, Relu, Flatten, Linear(9)];
    compare("SGD of convolutions", &convolutions, &decoder, sgd(0.9));
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
fn unusual_layer_orders_and_batch_sizes_train_as_on_autograd() {
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
    for batch_size in [1, 2, 3, 61, 183] {
        let fit = Fit {
            epochs: 1,
            batch_size,
            ..fit()
        };
        compare(
            &format!("batch size {batch_size}"),
            &[Flatten, Linear(64), Relu, Dropout(0.2)],
            &decoder,
            fit,
        );
    }
}

#[test]
fn convolutions_and_pooling_train_as_on_autograd() {
    let fit = || Fit {
        epochs: 1,
        batch_size: 16,
        ..Default::default()
    };
    // As in the post on color images: unpooling restores values at the pooled positions.
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
    // Groups, dilation, other kernel sizes, no padding, and sizes that divide evenly.
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
    let encoder = [Conv2d(3, 3).stride(2).padding(1), Fsq(vec![8, 3, 5])];
    let decoder = [ConvTranspose2d(1, 3).stride(2).padding(1).output_padding(1)];
    compare("quantized pixels", &encoder, &decoder, fit());
}

#[test]
fn normalization_residual_blocks_and_resampling_train_as_on_autograd() {
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
        // No normalization directly after a layer with a bias: the bias's gradient would be pure
        // rounding error, which Adam amplifies.
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
    compare(
        "normalization and residual blocks",
        &encoder,
        &decoder,
        fit(),
    );
    compare(
        "a last batch of three images",
        &encoder,
        &decoder,
        Fit {
            epochs: 1,
            batch_size: 90,
            ..fit()
        },
    );
    compare(
        "batches of one image",
        &[BatchNorm, Conv2d(2, 3).padding(1), LeakyRelu(0.5)],
        &[BatchNorm, Conv2d(1, 1)],
        Fit {
            epochs: 1,
            batch_size: 1,
            ..fit()
        },
    );
}

#[test]
fn models_without_weights_can_be_fitted() {
    let nothing = Autoencoder::new((1, 28, 28), &[Flatten], &[Unflatten(1, 28, 28)]).unwrap();
    let pools = Autoencoder::new((1, 28, 28), &[MaxPool2d(2)], &[MaxUnpool2d(2)]).unwrap();
    let data = mnist_embedded().unwrap().take(40, 10);
    for (mut ae, lossless) in [(nothing, true), (pools, false)] {
        let history = ae
            .fit(
                &data,
                &Fit {
                    epochs: 1,
                    batch_size: 8,
                    ..Default::default()
                },
            )
            .unwrap();
        assert_eq!(history.train_loss()[0] == 0.0, lossless);
    }
}
