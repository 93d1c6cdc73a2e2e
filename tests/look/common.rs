//! A small model with known weights, and helpers for images and output.

use candlebook::prelude::*;
use candlebook::show::Show;

/// A model of 2 x 2 images. The code is the first two pixels times 2; the decoder halves it and
/// writes it to these pixels.
pub fn model() -> Autoencoder {
    let ae = Autoencoder::new(
        (1, 2, 2),
        &[Flatten, Linear(2)],
        &[Linear(4), Unflatten(1, 2, 2)],
    )
    .unwrap();
    let set = |name: &str, values: &[f32], shape: &[usize]| {
        let tensor = Tensor::new(values, &Device::Cpu)
            .unwrap()
            .reshape(shape)
            .unwrap();
        let variables = ae.variables();
        variables
            .iter()
            .find(|(other, _)| other == name)
            .unwrap()
            .1
            .set(&tensor)
            .unwrap();
    };
    set(
        "encoder.1.weight",
        &[2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0],
        &[2, 4],
    );
    set("encoder.1.bias", &[0.0, 0.0], &[2]);
    set(
        "decoder.0.weight",
        &[0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0],
        &[4, 2],
    );
    set("decoder.0.bias", &[0.0; 4], &[4]);
    ae
}

/// A 2 x 2 image.
pub fn image(values: [f32; 4]) -> Tensor {
    Tensor::new(&values, &Device::Cpu)
        .unwrap()
        .reshape((1, 2, 2))
        .unwrap()
}

/// A split of 2 x 2 images.
pub fn split(images: &[[f32; 4]], labels: Option<Vec<u32>>) -> Split {
    let all: Vec<Tensor> = images.iter().map(|values| image(*values)).collect();
    Split::from_tensor(&Tensor::stack(&all, 0).unwrap(), labels).unwrap()
}

/// All values of a tensor in one row.
pub fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The plain text that a value renders as.
pub fn text(shown: &impl Show) -> String {
    let contents = shown.contents().unwrap();
    contents
        .iter()
        .filter_map(|content| content.get("text/plain"))
        .collect::<Vec<_>>()
        .join("\n")
}
