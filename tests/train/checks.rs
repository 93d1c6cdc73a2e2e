//! Faults that are found before the first step.

use candlebook::prelude::*;

const SHAPE: (usize, usize, usize) = (1, 2, 2);

fn dataset(split: Split) -> Dataset {
    Dataset::new("test", "memory", split.clone(), split).unwrap()
}

fn digits(n: usize) -> Dataset {
    let bytes = (0..4 * n).map(|i| (i * 61 % 256) as u8).collect();
    dataset(Split::from_bytes(bytes, SHAPE, None).unwrap())
}

fn fit(batch_size: usize, loss: Loss) -> Fit {
    Fit {
        epochs: 1,
        batch_size,
        loss,
        validation_split: 0.0,
        ..Default::default()
    }
}

/// A model whose decoder ends in these layers.
fn ending(last: &[Layer]) -> Autoencoder {
    let decoder = [&[Linear(4)], last, &[Unflatten(1, 2, 2)]].concat();
    Autoencoder::new(SHAPE, &[Flatten, Linear(3)], &decoder).unwrap()
}

fn error(ae: &mut Autoencoder, data: &Dataset, fit: &Fit) -> String {
    let weights = |ae: &Autoencoder| -> Vec<f32> {
        let first = ae.parameters()[0].flatten_all().unwrap();
        first.to_vec1().unwrap()
    };
    let before = weights(ae);
    let error = ae.fit(data, fit).unwrap_err().to_string();
    assert_eq!(weights(ae), before, "no step");
    error
}

#[test]
fn cross_entropy_needs_an_output_in_the_unit_interval() {
    let (data, bce) = (digits(20), fit(5, Loss::BinaryCrossEntropy));
    assert_eq!(
        error(&mut ending(&[]), &data, &bce),
        "Fit::loss: expected a decoder whose output is in [0, 1], got one whose output has values \
         without bounds. End it with Sigmoid, or choose Loss::BinaryCrossEntropyWithLogits"
    );
    let relu = error(&mut ending(&[Relu]), &data, &bce);
    assert!(relu.contains("values of 0 or more"), "{relu}");
    let dropped = error(&mut ending(&[Sigmoid, Dropout(0.5)]), &data, &bce);
    assert!(dropped.contains("values in [0, 2]"), "{dropped}");
    ending(&[Sigmoid]).fit(&data, &bce).unwrap();
    let logits = fit(5, Loss::BinaryCrossEntropyWithLogits);
    ending(&[]).fit(&data, &logits).unwrap();
    assert!(
        error(&mut ending(&[Tanh]), &data, &logits).contains("expected a decoder that outputs")
    );
    let evaluated = ending(&[]).evaluate_with(&data.test, Loss::BinaryCrossEntropy);
    assert!(
        evaluated
            .unwrap_err()
            .to_string()
            .starts_with("loss: expected a decoder whose")
    );
}

#[test]
fn vectors_get_a_decoder_that_reaches_them_and_others_are_rejected() {
    let values: Vec<f32> = (0..200 * 6)
        .map(|i| 10.0 * (0.7 * (i * i % 97) as f32).sin() - 3.0)
        .collect();
    let vectors = Tensor::from_vec(values, (200, 6), &Device::Cpu).unwrap();
    let data = dataset(Split::vectors(&vectors, None).unwrap());
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(6)]).unwrap();
    assert_eq!(ae.decoder(), [Linear(6), Unflatten(1, 1, 6)]);
    let settings = Fit {
        epochs: 60,
        learning_rate: 0.01,
        ..fit(20, Loss::Mse)
    };
    ae.fit(&data, &settings).unwrap();
    // The variance is about 50: a sigmoid would leave more than that.
    let left = ae.evaluate(&data.test).unwrap();
    assert!(left < 1.0, "{left}");
    let lowest = ae
        .reconstruct(&data.test.first(200).unwrap())
        .unwrap()
        .min_all()
        .unwrap();
    assert!(lowest.to_scalar::<f32>().unwrap() < -10.0);
    let mut bounded = Autoencoder::new(
        (1, 1, 6),
        &[Flatten, Linear(6)],
        &[Linear(6), Sigmoid, Unflatten(1, 1, 6)],
    )
    .unwrap();
    let text = error(&mut bounded, &data, &settings);
    assert!(
        text.starts_with("fit: expected a decoder that can output the data, in [-12.791778, 6.98")
            && text.contains("got one whose output has values in [0, 1]"),
        "{text}"
    );
    let text = error(&mut ae, &data, &fit(20, Loss::BinaryCrossEntropyWithLogits));
    assert!(
        text.starts_with("Fit::loss: expected data in [0, 1]"),
        "{text}"
    );
}

#[test]
fn bytes_as_floats_and_nan_are_rejected() {
    let values: Vec<f32> = (0..20 * 4).map(|i| (i * 61 % 256) as f32).collect();
    let images = Tensor::from_vec(values.clone(), (20, 1, 2, 2), &Device::Cpu).unwrap();
    let text = Split::from_tensor(&images, None).unwrap_err().to_string();
    assert!(
        text.contains("expected floats in [0, 1], got 61 at [0, 0, 0, 1]. Divide bytes by 255"),
        "{text}"
    );
    // Vectors may have any range; a cross-entropy of them is not defined.
    let vectors = images.flatten_from(1).unwrap();
    let data = dataset(Split::vectors(&vectors, None).unwrap());
    let mut ae = Autoencoder::new(
        (1, 1, 4),
        &[Flatten, Linear(3)],
        &[Linear(4), Sigmoid, Unflatten(1, 1, 4)],
    )
    .unwrap();
    let bce = fit(5, Loss::BinaryCrossEntropy);
    assert_eq!(
        error(&mut ae, &data, &bce),
        "Fit::loss: expected data in [0, 1] for the binary cross-entropy, got data in [0, 247]. \
         Divide bytes by 255: (images / 255.0)?, or choose Loss::Mse"
    );
    let loop_error = ae.training_loss(&vectors, Loss::BinaryCrossEntropy);
    let text = loop_error.unwrap_err().to_string();
    assert!(text.contains("got 247. Divide bytes by 255"), "{text}");
    let mut missing = values;
    missing[5] = f32::NAN;
    let missing = Tensor::from_vec(missing, (20, 4), &Device::Cpu).unwrap();
    let pixels = (&missing / 255.0).unwrap().reshape((20, 1, 2, 2)).unwrap();
    for split in [
        Split::vectors(&missing, None),
        Split::from_tensor(&pixels, None),
    ] {
        assert!(split.unwrap_err().to_string().contains("got NaN at [1, "));
    }
}

#[test]
fn batch_normalization_needs_two_values_per_channel() {
    let build = |layers: &[Layer]| Autoencoder::symmetric(SHAPE, layers).unwrap();
    let features = [Flatten, Linear(3), BatchNorm, Linear(2)];
    assert_eq!(
        error(&mut build(&features), &digits(21), &fit(5, Loss::Mse)),
        "Fit::batch_size: expected at least 2 images in each batch for encoder layer 2, BatchNorm, \
         got a last batch of 1, because 21 = 4 * 5 + 1. Choose another batch size, or take one \
         image less with data.take(..)"
    );
    let ones = error(&mut build(&features), &digits(20), &fit(1, Loss::Mse));
    assert!(ones.contains("got batches of 1. "), "{ones}");
    for planned in [true, false] {
        let settings = Fit {
            planned,
            ..fit(5, Loss::Mse)
        };
        build(&features).fit(&digits(20), &settings).unwrap();
        // Channels of four pixels have a variance in every batch.
        let channels = [Conv2d(2, 3).padding(1), BatchNorm];
        build(&channels).fit(&digits(21), &settings).unwrap();
    }
    // One pixel per channel.
    let pooled = [Conv2d(2, 2), BatchNorm];
    assert!(
        error(&mut build(&pooled), &digits(21), &fit(5, Loss::Mse)).contains("layer 1, BatchNorm")
    );
}

#[test]
fn weights_that_are_not_finite_are_named_and_the_learning_rate_is_not() {
    let mut ae = ending(&[Sigmoid]);
    let (_, weight) = &ae.variables()[2];
    weight
        .set(&(weight.as_tensor() * f64::NAN).unwrap())
        .unwrap();
    let text = ae
        .fit(&digits(20), &fit(5, Loss::Mse))
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "decoder.0.weight: expected finite weights, got NaN or infinity. Load a file with finite \
         weights, or build a new model"
    );
}
