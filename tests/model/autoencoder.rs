//! Layers and models: shapes, the mirror, errors that name the layer, and numbers that a formula gives.

use candlebook::prelude::*;

fn error(result: Result<Autoencoder, Error>) -> String {
    result.unwrap_err().to_string()
}

fn symmetric(encoder: &[Layer]) -> Result<Autoencoder, Error> {
    Autoencoder::symmetric((1, 28, 28), encoder)
}

#[test]
fn the_mirror_puts_between_layers_what_stood_between_them() {
    let ae = symmetric(&[
        Flatten,
        Linear(512),
        Relu,
        Dropout(0.1),
        Linear(128),
        Tanh,
        Linear(32),
    ])
    .unwrap();
    assert_eq!(
        ae.decoder(),
        [
            Linear(128),
            Tanh,
            Linear(512),
            Relu,
            Dropout(0.1),
            Linear(784),
            Sigmoid,
            Unflatten(1, 28, 28)
        ]
    );
    assert_eq!(ae.code_shape(), [32]);
    let post = symmetric(&[Flatten, Linear(128), Relu, Dropout(0.2)]).unwrap();
    assert_eq!(post.decoder(), [Linear(784), Sigmoid, Unflatten(1, 28, 28)]);
}

#[test]
fn variables_are_named_and_laid_out_as_in_pytorch() {
    let ae = symmetric(&[Flatten, Linear(16), Relu]).unwrap();
    let named: Vec<_> = ae
        .variables()
        .into_iter()
        .map(|(name, var)| (name, var.dims().to_vec()))
        .collect();
    let expected: [(&str, &[usize]); 4] = [
        ("encoder.1.weight", &[16, 784]),
        ("encoder.1.bias", &[16]),
        ("decoder.0.weight", &[784, 16]),
        ("decoder.0.bias", &[784]),
    ];
    assert_eq!(
        named,
        expected.map(|(name, dims)| (name.to_owned(), dims.to_vec()))
    );
}

#[test]
fn layers_that_do_not_fit_are_named_with_both_shapes() {
    assert_eq!(
        error(symmetric(&[Linear(128)])),
        "encoder layer 0, Linear(128): expected values in a row, got 1 x 28 x 28. Put Flatten before it"
    );
    assert_eq!(
        error(symmetric(&[Flatten, Linear(0)])),
        "encoder layer 1, Linear(0): expected at least one output, got 0. Choose a positive size, such as Linear(128)"
    );
    for p in [1.0, -0.1, f64::NAN] {
        assert_eq!(
            error(symmetric(&[Flatten, Linear(8), Dropout(p)])),
            format!(
                "encoder layer 2, Dropout({p:?}): expected a probability in [0, 1), got {p}. 0 drops nothing; 0.2 drops a \
                 fifth"
            )
        );
    }
    assert_eq!(
        error(Autoencoder::new(
            (1, 28, 28),
            &[Flatten, Linear(8)],
            &[Linear(700), Unflatten(1, 28, 28)]
        )),
        "decoder layer 1, Unflatten(1, 28, 28): expected 1 x 28 x 28 = 784 values in a row, got 700 values. Put Linear(784) \
         before it"
    );
    assert_eq!(
        error(Autoencoder::new(
            (1, 28, 28),
            &[Flatten, Linear(8)],
            &[Linear(784)]
        )),
        "decoder, after its 1 layers: expected pictures of 1 x 28 x 28, got 784 values. End it with Linear(784), Sigmoid, \
         Unflatten(1, 28, 28)"
    );
}

#[test]
fn tensors_of_another_shape_are_refused() {
    let ae = symmetric(&[Flatten, Linear(8)]).unwrap();
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
fn encode_decode_and_reconstruct_follow_the_formulas() {
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
fn weights_depend_on_the_seed_alone_and_start_as_pytorchs_do() {
    let layers = [Flatten, Linear(100)];
    let weights = |ae: &Autoencoder| {
        ae.variables()[0]
            .1
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
    };
    let zero = symmetric(&layers).unwrap();
    assert_eq!(weights(&zero), weights(&symmetric(&layers).unwrap()));
    let seven = symmetric(&layers).unwrap().with_seed(7).unwrap();
    assert_ne!(weights(&zero), weights(&seven));
    // uniform within 1 / sqrt(784)
    let bound = 1.0 / 28.0;
    let most = weights(&zero)
        .into_iter()
        .fold(0f32, |most, v| most.max(v.abs()));
    assert!(most <= bound && most > bound * 0.999, "{most}");
}

#[test]
fn a_copy_has_weights_of_its_own() {
    let data = mnist_embedded().unwrap().take(64, 16);
    let before = symmetric(&[Flatten, Linear(8)]).unwrap();
    let mut after = before.copy().unwrap();
    let error = before.evaluate(&data.test).unwrap();
    assert_eq!(after.evaluate(&data.test).unwrap(), error);
    after
        .fit(
            &data,
            &Fit {
                epochs: 1,
                batch_size: 8,
                ..Default::default()
            },
        )
        .unwrap();
    assert!(after.evaluate(&data.test).unwrap() < error);
    assert_eq!(before.evaluate(&data.test).unwrap(), error);
}

#[test]
fn a_layer_too_large_for_any_memory_is_an_error() {
    let text = error(symmetric(&[Flatten, Linear(1_000_000_000_000)]));
    assert_eq!(
        text,
        "encoder layer 1, Linear(1000000000000): expected at most 1073741824 values of a picture, got 1000000000000. Choose \
         a smaller size"
    );
}

#[test]
fn features_need_a_decoder_that_draws_by_its_last_layer() {
    let ae = Autoencoder::new((1, 1, 2), &[Flatten], &[Unflatten(1, 1, 2)]).unwrap();
    let error = ae.features().unwrap_err().to_string();
    assert!(
        error.contains("expected a last linear layer of 2 outputs")
            && error.contains("basis_responses()"),
        "{error}"
    );
}

#[test]
fn the_summary_has_every_layer_and_the_sum() {
    let contents = symmetric(&[Flatten, Linear(128), Relu, Dropout(0.2)])
        .unwrap()
        .contents()
        .unwrap();
    let text = contents[0].get("text/plain").unwrap();
    let line = |start: &str| {
        text.lines()
            .find(|line| line.starts_with(start))
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        line("encoder.1"),
        ["encoder.1", "Linear(128)", "128", "values", "100,480"]
    );
    assert_eq!(
        line("decoder.2"),
        [
            "decoder.2",
            "Unflatten(1,",
            "28,",
            "28)",
            "1",
            "x",
            "28",
            "x",
            "28"
        ]
    );
    assert_eq!(line("total"), ["total", "201,616"]);
}
