//! Building models: mirrored decoders, variables, seeds, and layers that do not fit.

use candlebook::model::Init;
use candlebook::prelude::*;

fn error(result: Result<Autoencoder, Error>) -> String {
    result.unwrap_err().to_string()
}

fn symmetric(encoder: &[Layer]) -> Result<Autoencoder, Error> {
    Autoencoder::symmetric((1, 28, 28), encoder)
}

#[test]
fn mirrored_decoder_keeps_activations_and_dropout_between_layers() {
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
fn variables_have_the_names_and_shapes_of_pytorch() {
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
fn layers_that_do_not_fit_are_reported_with_both_shapes() {
    assert_eq!(
        error(symmetric(&[Linear(128)])),
        "encoder layer 0, Linear(128): expected flat features, got 1 x 28 x 28. Put Flatten before it"
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
                 fifth of the values"
            )
        );
    }
    assert_eq!(
        error(Autoencoder::new(
            (1, 28, 28),
            &[Flatten, Linear(8)],
            &[Linear(700), Unflatten(1, 28, 28)]
        )),
        "decoder layer 1, Unflatten(1, 28, 28): expected 1 x 28 x 28 = 784 flat features, got 700 values. Put Linear(784) \
         before it"
    );
    assert_eq!(
        error(Autoencoder::new(
            (1, 28, 28),
            &[Flatten, Linear(8)],
            &[Linear(784)]
        )),
        "decoder, after its 1 layers: expected images of 1 x 28 x 28, got 784 values. End it with Linear(784), Sigmoid, \
         Unflatten(1, 28, 28)"
    );
}

#[test]
fn initial_weights_depend_on_the_seed() {
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
    let init = Init {
        seed: 7,
        ..Default::default()
    };
    let seven = Autoencoder::symmetric_with((1, 28, 28), &layers, &init).unwrap();
    assert_ne!(weights(&zero), weights(&seven));
}

#[test]
fn training_a_copy_leaves_the_original_unchanged() {
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
fn layers_too_large_for_any_memory_are_rejected() {
    let text = error(symmetric(&[Flatten, Linear(1_000_000_000_000)]));
    assert_eq!(
        text,
        "encoder layer 1, Linear(1000000000000): expected at most 1073741824 values per image, got 1000000000000. Choose \
         a smaller size"
    );
}

#[test]
fn parameters_are_the_variables_without_names() {
    let ae = symmetric(&[Flatten, Linear(16), BatchNorm]).unwrap();
    let sizes: Vec<usize> = ae.parameters().iter().map(|var| var.elem_count()).collect();
    assert_eq!(sizes, [784 * 16, 16, 16, 16, 16 * 784, 784]);
    assert_eq!(ae.count_params(), sizes.iter().sum::<usize>());
    let shared = ae.parameters().remove(1);
    shared.set(&shared.ones_like().unwrap()).unwrap();
    let bias = &ae.variables()[1].1;
    assert_eq!(bias.to_vec1::<f32>().unwrap(), [1.0; 16]);
}
