//! Planned inference against candle operations.

use candlebook::prelude::*;

#[test]
fn planned_inference_equals_candle_operations_for_any_number_of_images() {
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
        let difference = (ae.encode(&images).unwrap() - &code)
            .unwrap()
            .abs()
            .unwrap()
            .max_all()
            .unwrap();
        assert!(difference.to_scalar::<f32>().unwrap() < 2e-6, "{n} images");
        assert_eq!(ae.reconstruct(&images).unwrap().dims(), [n, 1, 28, 28]);
    }
    // A strided view.
    let transposed = digits.first(40).unwrap().transpose(2, 3).unwrap();
    let difference = (ae.encode(&transposed).unwrap()
        - ae.encode(&transposed.contiguous().unwrap()).unwrap())
    .unwrap();
    assert_eq!(
        difference
            .abs()
            .unwrap()
            .max_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap(),
        0.0
    );
}
