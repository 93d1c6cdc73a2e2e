//! Activations of every layer.

use super::common::{image, model, values};
use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn activations_are_the_outputs_of_each_layer() {
    let activations = model().activations(&image([0.1, 0.2, 0.3, 0.4])).unwrap();
    let names: Vec<&str> = activations
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["input", "encoder.1 Linear(2)", "decoder.0 Linear(4)"]
    );
    assert_eq!(values(&activations.layers[1].values), [0.2, 0.4]);
    assert_eq!(activations.contents().unwrap().len(), 3);
}

#[test]
fn images_of_another_shape_are_rejected() {
    let error = model()
        .activations(&Tensor::zeros((1, 3, 3), DType::F32, &Device::Cpu).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "activations: expected (n, 1, 2, 2), got [1, 3, 3]. The model was built for that shape"
    );
}
