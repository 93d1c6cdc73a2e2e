//! Models of vectors: no layers for the shape of images, and tensors of shape (n, d).

use candlebook::prelude::*;

const D: usize = 12;

fn vectors(n: usize) -> Tensor {
    let values = (0..n * D).map(|i| 4.0 * (0.37 * (i % (7 * D)) as f32).sin() + 1.0);
    Tensor::from_vec(values.collect::<Vec<_>>(), (n, D), &Device::Cpu).unwrap()
}

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 1, D), &[Linear(4), Tanh]).unwrap()
}

#[test]
fn a_vector_needs_no_flatten() {
    let ae = model();
    assert_eq!(ae.code_shape(), [4]);
    assert_eq!(ae.decoder(), [Linear(D), Unflatten(1, 1, D)]);
    // The names of nn.Sequential(nn.Linear(12, 4), nn.Tanh()).
    let names: Vec<String> = ae.variables().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[0], "encoder.0.weight");
    assert_eq!(names[2], "decoder.0.weight");
    let own = Autoencoder::new((1, 1, D), &[Linear(4)], &[Linear(8), Relu, Linear(D)]).unwrap();
    assert_eq!(own.decoder()[3], Unflatten(1, 1, D));
    let deep = Autoencoder::symmetric((1, 1, D), &[Dropout(0.1), Linear(8), Relu, Linear(2)]);
    assert_eq!(
        deep.unwrap().decoder(),
        [Linear(8), Relu, Linear(D), Unflatten(1, 1, D)]
    );
    let flat = Autoencoder::symmetric((1, 1, D), &[Flatten, Linear(4), Tanh]).unwrap();
    assert_eq!(flat.decoder(), [Linear(D), Unflatten(1, 1, D)]);
}

#[test]
fn images_still_need_a_flatten() {
    assert_eq!(
        Autoencoder::symmetric((1, 2, 6), &[Linear(4)])
            .unwrap_err()
            .to_string(),
        "encoder layer 0, Linear(4): expected flat features, got 1 x 2 x 6. Put Flatten before it"
    );
}

#[test]
fn tensors_of_rank_two_keep_their_shape() {
    let (ae, x) = (model(), vectors(5));
    assert_eq!(ae.reconstruct(&x).unwrap().dims(), [5, D]);
    assert_eq!(ae.forward(&x, false).unwrap().dims(), [5, D]);
    assert_eq!(ae.encode(&x).unwrap().dims(), [5, 4]);
    assert_eq!(ae.reconstruct(&x.i(0).unwrap()).unwrap().dims(), [1, D]);
    let images = x.reshape((5, 1, 1, D)).unwrap();
    let reconstructed = ae.reconstruct(&images).unwrap();
    assert_eq!(reconstructed.dims(), [5, 1, 1, D]);
    let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(values(reconstructed), values(ae.reconstruct(&x).unwrap()));
    assert_eq!(
        ae.reconstruct(&x.narrow(1, 0, 7).unwrap())
            .unwrap_err()
            .to_string(),
        "reconstruct: expected (n, 12), got [5, 7]. The model was built for that shape"
    );
}

#[test]
fn both_executors_train_it_alike_and_its_file_is_read_back() {
    let split = Split::vectors(&vectors(200), None).unwrap();
    let data = Dataset::new("waves", "a formula", split.clone(), split).unwrap();
    let train = |planned| {
        let mut ae = model();
        let fit = Fit {
            epochs: 20,
            batch_size: 20,
            learning_rate: 1e-2,
            planned,
            ..Default::default()
        };
        ae.fit(&data, &fit).unwrap();
        ae
    };
    let ae = train(true);
    let loss = ae.evaluate(&data.test).unwrap();
    let other = train(false).evaluate(&data.test).unwrap();
    assert!((loss / other - 1.0).abs() < 1e-3, "{loss} {other}");
    assert!(loss < 0.5 * model().evaluate(&data.test).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ae.safetensors");
    ae.save(&path).unwrap();
    let loaded = Autoencoder::load(&path).unwrap();
    assert_eq!(loaded.decoder(), ae.decoder());
    assert_eq!(loaded.evaluate(&data.test).unwrap(), loss);
}
