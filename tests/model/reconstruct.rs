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
