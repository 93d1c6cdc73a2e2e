//! Forward passes with gradients.

use candle_nn::ModuleT;
use candlebook::model::Init;
use candlebook::prelude::*;

const SHAPE: (usize, usize, usize) = (1, 4, 4);

fn images() -> Tensor {
    let bytes: Vec<u8> = (0..6 * 16).map(|i| (i * 37 % 256) as u8).collect();
    let split = Split::from_bytes(bytes, SHAPE, None).unwrap();
    split.first(6).unwrap()
}

fn model(encoder: &[Layer]) -> Autoencoder {
    Autoencoder::symmetric(SHAPE, encoder).unwrap()
}

fn max_difference(a: &Tensor, b: &Tensor) -> f32 {
    let difference = (a - b).unwrap().abs().unwrap();
    difference.max_all().unwrap().to_scalar().unwrap()
}

fn error(result: Result<Tensor, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn in_evaluation_the_values_are_those_of_encode_decode_and_reconstruct() {
    let encoder = [
        Conv2d(3, 3).padding(1),
        BatchNorm,
        Relu,
        MaxPool2d(2),
        Dropout(0.5),
        Flatten,
        Linear(5),
    ];
    let (ae, xs) = (model(&encoder), images());
    let output = ae.forward(&xs, false).unwrap();
    assert!(max_difference(&output, &ae.reconstruct(&xs).unwrap()) < 1e-6);
    let codes = ae.forward_encoder(&xs, false).unwrap();
    assert!(max_difference(&codes, &ae.encode(&xs).unwrap()) < 1e-6);
    let decoded = ae.forward_decoder(&codes, false).unwrap();
    assert!(max_difference(&decoded, &ae.decode(&codes.detach()).unwrap()) < 1e-6);
    assert_eq!(ae.forward_t(&xs, false).unwrap().dims(), [6, 1, 4, 4]);
    assert_eq!(
        ae.forward(&xs.get(0).unwrap(), false).unwrap().dims(),
        [1, 1, 4, 4]
    );
}

#[test]
fn every_parameter_and_the_input_have_gradients() {
    let ae = model(&[
        Conv2d(3, 3).padding(1),
        BatchNorm,
        Relu,
        MaxPool2d(2),
        Flatten,
        Linear(5),
    ]);
    let xs = Var::from_tensor(&images()).unwrap();
    let loss = ae
        .forward(&xs, true)
        .unwrap()
        .sqr()
        .unwrap()
        .mean_all()
        .unwrap();
    let gradients = loss.backward().unwrap();
    assert!(gradients.get(&xs).is_some());
    for (name, var) in ae.variables() {
        let gradient = gradients.get(&var).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(gradient.dims(), var.dims(), "{name}");
    }
}

#[test]
fn training_drops_other_values_in_each_call_and_the_same_ones_from_the_same_seed() {
    let layers = [Flatten, Linear(40), Dropout(0.5), Linear(5)];
    let of_seed = |seed| {
        let init = Init {
            seed,
            ..Default::default()
        };
        Autoencoder::symmetric_with(SHAPE, &layers, &init).unwrap()
    };
    let codes = |ae: &Autoencoder| ae.forward_encoder(&images(), true).unwrap();
    let (ae, again) = (of_seed(3), of_seed(3));
    let first = codes(&ae);
    assert_eq!(max_difference(&first, &codes(&again)), 0.0);
    let copy = ae.copy().unwrap();
    let second = codes(&ae);
    assert!(max_difference(&first, &second) > 1e-3);
    assert_eq!(
        max_difference(&second, &codes(&copy)),
        0.0,
        "a copy continues the stream"
    );
}

#[test]
fn training_moves_the_running_statistics_and_evaluation_does_not() {
    let ae = model(&[Flatten, Linear(5), BatchNorm, Linear(3)]);
    let mean = |ae: &Autoencoder| ae.buffers()[0].1.to_vec1::<f32>().unwrap();
    let before = mean(&ae);
    ae.forward(&images(), false).unwrap();
    assert_eq!(mean(&ae), before);
    ae.forward(&images(), true).unwrap();
    assert_ne!(mean(&ae), before);
}

#[test]
fn a_batch_of_one_has_no_variance() {
    let ae = model(&[Flatten, Linear(5), BatchNorm]);
    let one = images().narrow(0, 0, 1).unwrap();
    assert_eq!(
        error(ae.forward(&one, true)),
        "encoder layer 2, BatchNorm: expected at least 2 values per channel in training, got 1. Train on batches of \
         at least 2 images"
    );
    assert!(ae.forward(&one, false).is_ok());
    let channels = model(&[BatchNorm, Conv2d(2, 3).padding(1)]);
    assert!(
        channels.forward(&one, true).is_ok(),
        "16 pixels have a variance"
    );
}

#[test]
fn bytes_are_pixels_and_shapes_are_checked() {
    let ae = model(&[Flatten, Linear(5)]);
    let bytes = (images() * 255.0)
        .unwrap()
        .round()
        .unwrap()
        .to_dtype(DType::U8)
        .unwrap();
    let difference = max_difference(
        &ae.forward(&bytes, false).unwrap(),
        &ae.forward(&images(), false).unwrap(),
    );
    assert!(difference < 1e-6, "{difference}");
    let flat = images().flatten_from(1).unwrap();
    assert!(
        error(ae.forward(&flat, true)).starts_with("forward: expected (n, 1, 4, 4), got [6, 16]")
    );
    assert!(error(ae.forward_encoder(&flat, true)).starts_with("forward_encoder: expected"));
    assert!(error(ae.forward_decoder(&flat, true)).starts_with("forward_decoder: expected (n, 5)"));
}

#[test]
fn results_without_gradients_cannot_be_trained_on() {
    let ae = model(&[Flatten, Linear(5)]);
    let xs = images();
    let codes = ae.encode(&xs).unwrap();
    for result in [
        &codes,
        &ae.decode(&codes).unwrap(),
        &ae.reconstruct(&xs).unwrap(),
    ] {
        let loss = result.sqr().unwrap().mean_all().unwrap();
        let error = loss.backward().unwrap_err().to_string();
        assert!(
            error.contains("To train, call ae.forward(&images, true)?"),
            "{error}"
        );
    }
    // As a constant it can be the target of a loss.
    let target = ae.reconstruct(&xs).unwrap().detach();
    let loss = Loss::Mse
        .of(&ae.forward(&xs, true).unwrap(), &target)
        .unwrap();
    assert!(loss.backward().unwrap().get(&ae.parameters()[0]).is_some());
}
