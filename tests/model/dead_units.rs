//! Dead units of models with known weights and after training.

use candlebook::prelude::*;
use candlebook::show::Show;

/// A model of images of two pixels, with three hidden units.
fn model() -> Autoencoder {
    let encoder = [Flatten, Linear(3), Relu];
    Autoencoder::new((1, 1, 2), &encoder, &[Linear(2), Unflatten(1, 1, 2)]).unwrap()
}

fn set(ae: &Autoencoder, name: &str, values: &[f32]) {
    let (_, var) = ae
        .variables()
        .into_iter()
        .find(|(other, _)| other == name)
        .unwrap();
    let tensor = Tensor::new(values, &Device::Cpu).unwrap();
    var.set(&tensor.reshape(var.dims()).unwrap()).unwrap();
}

fn images(values: &[f32]) -> Split {
    let tensor = Tensor::new(values, &Device::Cpu).unwrap();
    Split::from_tensor(&tensor.reshape(((), 1, 1, 2)).unwrap(), None).unwrap()
}

fn title(ae: &Autoencoder) -> String {
    let contents = ae.features().unwrap().contents().unwrap();
    let text = contents[0].get("text/plain").unwrap();
    text.split(':').next().unwrap().to_owned()
}

#[test]
fn a_unit_that_is_the_same_for_every_image_is_dead() {
    let ae = model();
    set(&ae, "encoder.1.weight", &[1.0, 0.0, 0.0, -1.0, 1.0, -1.0]);
    set(&ae, "encoder.1.bias", &[0.0, 0.0, 0.0]);
    // The second unit is never positive; the third only if the first pixel is the larger one.
    let rising = images(&[0.1, 0.2, 0.5, 0.9]);
    assert_eq!(ae.dead_units(&rising).unwrap(), [1, 2]);
    let both = images(&[0.1, 0.2, 0.5, 0.9, 0.7, 0.3]);
    assert_eq!(ae.dead_units(&both).unwrap(), [1]);
    assert_eq!(ae.dead_units(&images(&[0.1, 0.2])).unwrap(), [0; 0]);
}

#[test]
fn features_name_units_whose_feature_is_zero() {
    let ae = model();
    let columns = "columns of the decoder matrix";
    assert_eq!(title(&ae), columns, "nothing is known before training");
    set(&ae, "decoder.0.weight", &[0.5, 0.0, 0.1, 0.5, 0.0, 0.2]);
    assert_eq!(title(&ae), format!("{columns}, 1 of 3 units dead"));
}

#[test]
fn features_of_a_trained_model_say_how_many_units_are_dead() {
    let data = mnist_embedded().unwrap().take(1000, 100);
    let layers = [Flatten, Linear(32), Relu];
    let mut ae = Autoencoder::symmetric(data.image_shape(), &layers).unwrap();
    // A large learning rate kills units.
    let fit = Fit {
        epochs: 2,
        batch_size: 20,
        learning_rate: 0.05,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    let dead = ae.dead_units(&data.train).unwrap();
    assert!(!dead.is_empty());
    let codes = ae.codes(&data.train).unwrap();
    let highest: Vec<f32> = codes.max(0).unwrap().to_vec1().unwrap();
    let silent: Vec<usize> = (0..32).filter(|&unit| highest[unit] == 0.0).collect();
    assert_eq!(dead, silent);
    let columns = "columns of the decoder matrix";
    assert_eq!(
        title(&ae),
        format!("{columns}, {} of 32 units dead", dead.len())
    );
    let (_, weight) = &ae.variables()[2];
    weight.set(&(weight.as_tensor() * 2.0).unwrap()).unwrap();
    assert_eq!(title(&ae), columns, "the weights have changed since");
}

#[test]
fn a_decoder_without_features_has_no_units() {
    let ae = Autoencoder::new((1, 1, 2), &[Flatten], &[Unflatten(1, 1, 2)]).unwrap();
    let error = ae.dead_units(&images(&[0.1, 0.2])).unwrap_err().to_string();
    assert_eq!(
        error,
        "features of the decoder: expected a last linear layer of 2 outputs, one per value of \
         an image, got none. basis_responses() works for every decoder"
    );
}
