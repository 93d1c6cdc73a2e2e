//! Training with codes of classes and of rounded values. A model with a broken layer fails.

use candlebook::model::Init;
use candlebook::prelude::*;

fn data() -> Dataset {
    mnist_embedded().unwrap()
}

fn trained(code: &[Layer], epochs: usize) -> (Autoencoder, History) {
    let encoder = [&[Flatten, Linear(128), Relu], code].concat();
    let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let fit = Fit {
        epochs,
        batch_size: 50,
        learning_rate: 0.003,
        loss: Loss::BinaryCrossEntropy,
        ..Default::default()
    };
    let history = ae.fit(&data(), &fit).unwrap();
    (ae, history)
}

fn scalar(tensor: candle_core::Result<Tensor>) -> f32 {
    tensor.unwrap().to_scalar().unwrap()
}

fn codes(ae: &Autoencoder) -> Vec<f32> {
    let codes = ae.encode(&data().test.first(200).unwrap()).unwrap();
    codes.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_categorical_model_generates_images_with_ink() {
    let code = Gumbel(20, 10).anneal(1e-3, 0.5);
    let (vae, history) = trained(&[Linear(200), code], 12);
    let last = history.epochs.last().unwrap();
    let kl = &last.terms[0];
    assert_eq!(kl.name, "KL");
    assert!(kl.train > 0.005 && kl.valid.unwrap() > 0.005, "{kl:?}");
    assert!(kl.train < 0.5 * last.train_loss, "{last:?}");
    // A class for each group.
    let codes = codes(&vae);
    assert!(codes.iter().all(|v| [0.0, 1.0].contains(v)));
    assert!(
        codes
            .chunks(10)
            .all(|group| group.iter().sum::<f32>() == 1.0)
    );
    let bounds = vae.elbo(&data().test, 5).unwrap();
    // An image of independent pixels at their mean has about 206 nats.
    assert!(
        bounds.elbo > -170.0 && bounds.elbo < bounds.log_likelihood,
        "{bounds:?}"
    );
    assert!((bounds.elbo + bounds.reconstruction + bounds.divergence).abs() < 1e-6);
    let samples = vae.samples(50, 0).unwrap();
    let ink = scalar(samples.tensor().mean_all());
    let expected = scalar(data().test.first(1000).unwrap().mean_all());
    assert!((ink - expected).abs() < 0.05, "{ink}, digits {expected}");
    let error = vae.manifold(4).unwrap_err().to_string();
    assert_eq!(
        error,
        "manifold: expected a code close to N(0, 1), got one of classes. Draw codes of classes with \
         samples(20, 0)"
    );
}

/// Number of different values of each unit of a code, over images.
fn used_levels(codes: &[f32], units: usize) -> Vec<usize> {
    let levels = |unit: usize| {
        let mut levels: Vec<u32> = codes[unit..]
            .iter()
            .step_by(units)
            .map(|code| (code + 0.0).to_bits()) // -0 is 0.
            .collect();
        levels.sort_unstable();
        levels.dedup();
        levels.len()
    };
    (0..units).map(levels).collect()
}

#[test]
fn a_quantized_code_uses_all_levels_and_learns_from_every_seed() {
    let levels = [8usize, 5, 4, 3];
    let encoder = [Flatten, Linear(128), Relu, Linear(4), Fsq(levels.to_vec())];
    for seed in 0..3 {
        let init = Init {
            seed,
            ..Default::default()
        };
        let mut ae = Autoencoder::symmetric_with((1, 28, 28), &encoder, &init).unwrap();
        let fit = Fit {
            epochs: 6,
            batch_size: 50,
            learning_rate: 0.003,
            loss: Loss::BinaryCrossEntropy,
            seed,
            ..Default::default()
        };
        let history = ae.fit(&data(), &fit).unwrap();
        // A code of one level gives the mean image: 0.263.
        let loss = history.train_loss()[5];
        assert!(loss < 0.215, "seed {seed}: {loss}");
        let codes = codes(&ae);
        assert_eq!(used_levels(&codes, 4), levels, "seed {seed}");
        for (code, levels) in codes.iter().zip(levels.into_iter().cycle()) {
            let level = code * (levels / 2) as f32;
            assert!(code.abs() <= 1.0 && level == level.round(), "{code}");
        }
    }
}

#[test]
fn files_and_mirrors_know_these_codes() {
    let code = Gumbel(5, 4).beta(0.5).straight_through();
    let quantized = [Conv2d(3, 3).stride(4), Fsq(vec![8, 5, 5])];
    for (encoder, decoder) in [
        (
            vec![Flatten, Linear(30), Relu, Linear(20), code],
            vec![Linear(30), Relu, Linear(784), Sigmoid, Unflatten(1, 28, 28)],
        ),
        (
            quantized.to_vec(),
            vec![ConvTranspose2d(1, 3).stride(4).output_padding(1), Sigmoid],
        ),
    ] {
        let ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
        assert_eq!(ae.decoder(), decoder);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        ae.save(&path).unwrap();
        let loaded = Autoencoder::load(&path).unwrap();
        assert_eq!(loaded.encoder(), encoder);
        assert_eq!(codes(&loaded), codes(&ae));
    }
}

#[test]
fn wrong_settings_are_errors_before_training() {
    let error = |encoder: &[Layer]| {
        Autoencoder::symmetric((1, 28, 28), encoder)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[Flatten, Linear(40), Gumbel(30, 10)]),
        "encoder layer 2, Gumbel(30, 10): expected 300 values, a logit for each of 30 x 10 classes, \
         got 40. Put Linear(300) before it"
    );
    assert_eq!(
        error(&[Flatten, Linear(30), Gumbel(30, 1)]),
        "encoder layer 2, Gumbel(30, 1): expected at least 1 group of at least 2 classes, got 30 \
         groups of 1 classes. Gumbel(30, 10) has 30 groups of 10 classes"
    );
    assert_eq!(
        error(&[Flatten, Linear(6), Gumbel(3, 2).temperature(0.0)]),
        "encoder layer 2, Gumbel(3, 2).temperature(0.0): expected a temperature in [0.001, 1000], \
         got 0. 1 is a good start"
    );
    assert_eq!(
        error(&[Flatten, Linear(2), Fsq(vec![8, 1])]),
        "encoder layer 2, Fsq(vec![8, 1]): expected 2 to 65536 levels for each value, got 1. \
         Fsq(vec![8, 5, 5, 5]) has 1,000 codes"
    );
    assert_eq!(
        error(&[Conv2d(4, 3), Fsq(vec![8, 5])]),
        "encoder layer 1, Fsq(vec![8, 5]): expected 2 values or channels, as there are numbers of \
         levels, got 4 x 26 x 26. Put Linear(2) or Conv2d(2, 1) before it"
    );
    let text = error(&[Flatten, Linear(8), Gaussian(1.0).anneal(1e-4, 0.5)]);
    assert!(text.contains("only Gumbel has it"), "{text}");
}
