//! Codes and reconstructions: shapes, and values that a formula gives.

use candlebook::prelude::*;

#[test]
fn tensors_of_another_shape_are_rejected() {
    let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)]).unwrap();
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    assert_eq!(
        ae.encode(&zeros(&[2, 1, 28, 27])).unwrap_err().to_string(),
        "encode: expected (n, 1, 28, 28), got [2, 1, 28, 27]. The model was built for that shape"
    );
    assert!(
        ae.decode(&zeros(&[7]))
            .unwrap_err()
            .to_string()
            .starts_with("decode: expected (n, 8), got [7]")
    );
    assert_eq!(ae.encode(&zeros(&[1, 28, 28])).unwrap().dims(), [1, 8]);
    assert_eq!(
        ae.reconstruct(&zeros(&[2500, 1, 28, 28])).unwrap().dims(),
        [2500, 1, 28, 28]
    );
}

#[test]
fn encode_decode_and_reconstruct_match_the_formulas() {
    let mut ae = Autoencoder::new(
        (1, 1, 2),
        &[Flatten, Linear(2), Relu, Dropout(0.5)],
        &[Linear(2), Sigmoid, Unflatten(1, 1, 2)],
    )
    .unwrap();
    let set = |ae: &mut Autoencoder, name: &str, values: &[f32]| {
        let var = ae
            .variables()
            .into_iter()
            .find(|(found, _)| found == name)
            .unwrap()
            .1;
        var.set(
            &Tensor::new(values, &Device::Cpu)
                .unwrap()
                .reshape(var.shape())
                .unwrap(),
        )
        .unwrap();
    };
    set(&mut ae, "encoder.1.weight", &[1.0, 2.0, -1.0, 0.5]);
    set(&mut ae, "encoder.1.bias", &[0.5, -1.0]);
    set(&mut ae, "decoder.0.weight", &[1.0, 0.0, 2.0, 1.0]);
    set(&mut ae, "decoder.0.bias", &[0.0, -1.0]);
    let x = Tensor::new(&[[[[0.5f32, 1.0]]]], &Device::Cpu).unwrap();
    // relu([0.5 + 2 + 0.5, -0.5 + 0.5 - 1]) = [3, 0]; no dropout in evaluation
    assert_eq!(
        ae.encode(&x).unwrap().to_vec2::<f32>().unwrap(),
        [[3.0, 0.0]]
    );
    let y = ae
        .reconstruct(&x)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    let sigmoid = |v: f32| 1.0 / (1.0 + (-v).exp());
    assert!(
        (y[0] - sigmoid(3.0)).abs() < 1e-6 && (y[1] - sigmoid(5.0)).abs() < 1e-6,
        "{y:?}"
    );
    // columns of [[1, 0], [2, 1]]
    let features = ae
        .features()
        .unwrap()
        .tensor()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    assert_eq!(features, [1.0, 2.0, 0.0, 1.0]);
    let responses = ae
        .basis_responses()
        .unwrap()
        .tensor()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    for (value, logit) in responses.iter().zip([1.0, 1.0, 0.0, 0.0]) {
        assert!((value - sigmoid(logit)).abs() < 1e-6, "{responses:?}");
    }
    let split = Split::from_tensor(&x, None).unwrap();
    let expected = ((y[0] - 0.5).powi(2) + (y[1] - 1.0).powi(2)) / 2.0;
    assert!((ae.evaluate(&split).unwrap() - expected).abs() < 1e-6);
}

#[test]
fn values_outside_the_models_range_are_rejected_with_their_place() {
    let ae = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(3)]).unwrap();
    let images = |last: f32| Tensor::new(&[[[[0f32, 0.5], [1.0, last]]]], &Device::Cpu).unwrap();
    let error = |result: Result<Tensor, Error>| result.unwrap_err().to_string();
    assert_eq!(
        error(ae.encode(&images(255.0))),
        "encode: expected floats in [0, 1], got 255 at [0, 0, 1, 1]. Divide bytes by 255: \
         (images / 255.0)?. For numbers of any range see Split::vectors"
    );
    assert!(
        error(ae.reconstruct(&images(f32::NAN)))
            .starts_with("reconstruct: expected floats in [0, 1], got NaN")
    );
    let codes = Tensor::new(&[[0f32, f32::INFINITY, -9.0]], &Device::Cpu).unwrap();
    assert!(
        error(ae.decode(&codes)).starts_with("decode: expected finite numbers, got inf at [0, 1]")
    );
    // A tensor of bytes is the same image.
    let bytes = Tensor::new(&[[[[0u8, 51], [255, 102]]]], &Device::Cpu).unwrap();
    let floats = Tensor::new(&[[[[0f32, 0.2], [1.0, 0.4]]]], &Device::Cpu).unwrap();
    let values = |images: &Tensor| ae.encode(images).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(values(&bytes), values(&floats));
    // Vectors have any range.
    let vectors = Autoencoder::symmetric((1, 1, 4), &[Flatten, Linear(3)]).unwrap();
    let x = Tensor::new(&[[[[-7f32, 0.5, 1.0, 300.0]]]], &Device::Cpu).unwrap();
    assert!(vectors.encode(&x).is_ok());
}
