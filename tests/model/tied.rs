//! Decoders with the encoder's weights, penalties on its slopes, and long skips: models by candle.

use candlebook::prelude::*;

fn data() -> Dataset {
    mnist_embedded().unwrap().take(500, 100)
}

fn fit(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 25,
        ..Default::default()
    }
}

fn tied() -> Autoencoder {
    let decoder = [Linear(784).tied(1), Sigmoid, Unflatten(1, 28, 28)];
    Autoencoder::new((1, 28, 28), &[Flatten, Linear(16), Tanh], &decoder).unwrap()
}

#[test]
fn tied_weights_are_trained_once_and_saved_twice() {
    let mut ae = tied();
    let names: Vec<String> = ae.variables().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["encoder.1.weight", "encoder.1.bias", "decoder.0.bias"]
    );
    let before = ae.evaluate(&data().test).unwrap();
    ae.fit(&data(), &fit(3)).unwrap();
    let after = ae.evaluate(&data().test).unwrap();
    assert!(after < 0.7 * before, "{before} {after}");
    assert_eq!(ae.features().unwrap().tensor().dims(), [16, 1, 28, 28]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tied.safetensors");
    ae.save(&path).unwrap();
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let (encoder, decoder) = (&tensors["encoder.1.weight"], &tensors["decoder.0.weight"]);
    let difference = (encoder.t().unwrap() - decoder).unwrap().abs().unwrap();
    assert_eq!(
        difference.sum_all().unwrap().to_scalar::<f32>().unwrap(),
        0.0
    );
    let loaded = Autoencoder::load(&path).unwrap();
    assert_eq!(loaded.evaluate(&data().test).unwrap(), after);
    // The copy is tied to its own encoder.
    let copy = ae.copy().unwrap();
    let weight = copy.variables()[0].1.clone();
    weight.set(&weight.zeros_like().unwrap()).unwrap();
    assert_eq!(ae.evaluate(&data().test).unwrap(), after);
    assert_ne!(copy.evaluate(&data().test).unwrap(), after);
    // Other weights in the decoder belong to another model.
    let mut tensors = tensors;
    let moved = (tensors["decoder.0.weight"].clone() + 1.0).unwrap();
    tensors.insert("decoder.0.weight".into(), moved);
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let error = tied().load_weights(&path).unwrap_err().to_string();
    assert!(
        error.contains("decoder.0.weight as the transposed encoder.1.weight"),
        "{error}"
    );
}

#[test]
fn a_layer_that_cannot_be_tied_is_an_error() {
    let error = |outputs: usize, layer: usize| {
        let decoder = [
            Linear(outputs).tied(layer),
            Linear(784),
            Unflatten(1, 28, 28),
        ];
        let ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(16)], &decoder);
        ae.unwrap_err().to_string()
    };
    let text = error(784, 0);
    assert!(
        text.starts_with(
            "decoder layer 0, Linear(784).tied(0): expected an encoder layer 0 with weights [16, 784], \
             got no dense layer"
        ),
        "{text}"
    );
    assert!(error(100, 1).contains("with weights [16, 100], got [16, 784]"));
}

/// Mean over some images of the squared norm of the encoder's Jacobian, by differences.
fn jacobian(ae: &Autoencoder, images: &Tensor) -> f32 {
    let step = 1e-2;
    let directions = Tensor::randn(0f32, 1.0, images.shape(), &Device::Cpu).unwrap();
    let code = |sign: f64| {
        let moved = (images + (&directions * (sign * step)).unwrap()).unwrap();
        ae.forward_encoder(&moved, false).unwrap()
    };
    let slopes = ((code(1.0) - code(-1.0)).unwrap() / (2.0 * step)).unwrap();
    let squares = slopes.sqr().unwrap().sum(1).unwrap();
    squares.mean_all().unwrap().to_scalar().unwrap()
}

#[test]
fn a_contractive_model_has_a_smaller_jacobian() {
    let data = mnist_embedded().unwrap();
    let train = |layers: &[Layer]| {
        let mut ae = Autoencoder::symmetric((1, 28, 28), layers).unwrap();
        let history = ae.fit(&data, &fit(6)).unwrap();
        (jacobian(&ae, &data.test.first(100).unwrap()), history)
    };
    let plain = [Flatten, Linear(16), Relu];
    let (without, _) = train(&plain);
    let (with, history) = train(&[&plain[..], &[Contractive(1.0)]].concat());
    assert!(with < 0.5 * without, "{with} {without}");
    assert_eq!(history.epochs[0].terms[0].name, "contraction");
}

#[test]
fn a_long_skip_copies_what_the_code_loses() {
    let encoder = [Flatten, Save("image"), Linear(2), Tanh];
    let skip = [
        Concat("image", 784),
        Linear(784),
        Sigmoid,
        Unflatten(1, 28, 28),
    ];
    let plain = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    let mut losses = [&skip[..], &plain[..]].into_iter().map(|decoder| {
        let mut ae = Autoencoder::new((1, 28, 28), &encoder, decoder).unwrap();
        ae.fit(&data(), &fit(5)).unwrap();
        ae.evaluate(&data().test).unwrap()
    });
    let (with, without) = (losses.next().unwrap(), losses.next().unwrap());
    assert!(with < 0.6 * without, "{with} {without}");
    let ae = Autoencoder::new((1, 28, 28), &encoder, &skip).unwrap();
    let codes = Tensor::zeros((1, 2), DType::F32, &Device::Cpu).unwrap();
    let error = ae.decode(&codes).unwrap_err().to_string();
    assert!(
        error.starts_with("Concat(\"image\"): expected what Save kept"),
        "{error}"
    );
}

#[test]
fn a_model_with_a_module_is_saved_without_its_architecture() {
    let build = || {
        let dense = Layer::module("dense", |vb| candle_nn::linear(784, 16, vb));
        let decoder = [Linear(784), Sigmoid, Unflatten(1, 28, 28)];
        Autoencoder::new((1, 28, 28), &[Flatten, dense, Tanh], &decoder).unwrap()
    };
    let mut ae = build();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.safetensors");
    let with_checkpoint = Fit {
        checkpoint: Some(path.clone()),
        ..fit(2)
    };
    let error = ae.fit(&data(), &with_checkpoint).unwrap_err().to_string();
    assert!(
        error.starts_with("Fit::checkpoint: expected a model whose layers"),
        "{error}"
    );
    ae.fit(&data(), &fit(2)).unwrap();
    ae.save(&path).unwrap();
    let error = Autoencoder::load(&path).unwrap_err().to_string();
    assert!(
        error.contains("expected an architecture saved by candlebook"),
        "{error}"
    );
    let mut loaded = build();
    loaded.load_weights(&path).unwrap();
    let losses = [&ae, &loaded].map(|ae| ae.evaluate(&data().test).unwrap());
    assert_eq!(losses[0], losses[1]);
}
