//! Sparse autoencoders on vectors.

use candlebook::model::{Init, SparseAutoencoder, Sparsity};
use candlebook::prelude::*;

const D: usize = 64;
const UNITS: usize = 512;

/// Vectors that are sums of 20 of 256 directions, as activations of another network might be.
fn data() -> Dataset {
    let n = 3000;
    let mut rng = 1u64;
    let mut next = || {
        rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (rng >> 40) as f32 / (1u64 << 24) as f32
    };
    let directions: Vec<f32> = (0..256 * D).map(|_| next() - 0.5).collect();
    let mut vectors = vec![0f32; n * D];
    for vector in vectors.chunks_exact_mut(D) {
        for _ in 0..20 {
            // Some directions are rarer than others.
            let (which, size) = ((next() * next() * 256.0) as usize, next() + 0.5);
            let direction = &directions[which * D..][..D];
            let values = vector.iter_mut().zip(direction);
            values.for_each(|(value, part)| *value += size * part);
        }
    }
    let vectors = Tensor::from_vec(vectors, (n, D), &Device::Cpu).unwrap();
    Dataset::vectors(&vectors, None).unwrap()
}

fn fit(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 50,
        learning_rate: 0.003,
        loss: Loss::Mse,
        ..Default::default()
    }
}

fn settings(sparsity: Sparsity) -> SparseAutoencoder {
    SparseAutoencoder {
        input: (1, 1, D),
        units: UNITS,
        sparsity,
        ..Default::default()
    }
}

fn values(variables: Vec<(String, Var)>) -> Vec<Vec<f32>> {
    let values = |(_, var): &(String, Var)| var.flatten_all().unwrap().to_vec1().unwrap();
    variables.iter().map(values).collect()
}

/// Largest distance of a decoder column's norm from 1.
fn norm_error(ae: &Autoencoder) -> f32 {
    let (name, weight) = &ae.variables()[2];
    assert_eq!(
        (name.as_str(), weight.dims()),
        ("decoder.0.weight", &[D, UNITS][..])
    );
    let norms = weight
        .sqr()
        .unwrap()
        .sum(0)
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    norms
        .iter()
        .map(|norm| (norm.sqrt() - 1.0).abs())
        .fold(0.0, f32::max)
}

/// A model whose encoder does not begin as the transpose of its decoder: many units die.
fn model(code: Layer) -> Autoencoder {
    let decoder = [Linear(D).unit_norm(), Unflatten(1, 1, D)];
    Autoencoder::new((1, 1, D), &[Flatten, Linear(UNITS), Relu, code], &decoder).unwrap()
}

#[test]
fn the_auxiliary_loss_revives_dead_units() {
    let data = data();
    let (mut plain, mut revived) = (model(TopK(8)), model(TopK(8).auxiliary(D / 2)));
    plain.fit(&data, &fit(35)).unwrap();
    let history = revived.fit(&data, &fit(35)).unwrap();
    let [without, with] = [&plain, &revived].map(|ae| ae.code_sparsity(&data.train).unwrap());
    assert!(
        with.dead * 3 < without.dead,
        "{with}, without the loss {without}"
    );
    assert_eq!((with.l0, without.l0), (8.0, 8.0));
    assert!(norm_error(&revived) < 1e-4 && norm_error(&plain) < 1e-4);
    let terms = history
        .epochs
        .iter()
        .map(|epoch| (epoch.terms[0].train, epoch.train_loss));
    assert_eq!(history.epochs[0].terms[0].name, "auxiliary");
    // In the first epochs, no unit has been unused for long enough. Later, dead units reconstruct a
    // part of what the code leaves over.
    let terms: Vec<(f32, f32)> = terms.collect();
    assert!(terms[..3].iter().all(|(term, _)| *term == 0.0), "{terms:?}");
    assert!(
        terms[20..]
            .iter()
            .all(|(term, loss)| *term > 0.0 && *term < loss / 32.0),
        "{terms:?}"
    );
    let report = revived.report(&data).unwrap();
    assert_eq!(report.sparsity.unwrap().l0, 8.0);
    let table = report.table().to_text();
    assert!(
        table.contains("L0") && table.contains("dead units"),
        "{table}"
    );
}

#[test]
fn few_units_are_dead_if_the_encoder_begins_as_the_transpose() {
    let data = data();
    let mut sae = settings(Sparsity::TopK(8)).build().unwrap();
    sae.fit(&data, &fit(12)).unwrap();
    let found = sae.code_sparsity(&data.train).unwrap();
    assert!(found.dead_share() < 0.1, "{found}");
    let mut plain = model(TopK(8));
    plain.fit(&data, &fit(12)).unwrap();
    let plain = plain.code_sparsity(&data.train).unwrap();
    assert!(plain.dead_share() > 0.4, "{plain}");
}

#[test]
fn both_executors_train_the_same_model() {
    let data = data();
    for code in [TopK(8), BatchTopK(8)].map(|code| code.auxiliary(D / 2)) {
        let train = |planned| {
            let mut ae = model(code.clone());
            let fit = Fit { planned, ..fit(6) };
            let history = ae.fit(&data, &fit).unwrap();
            (ae, history)
        };
        let ((planned, found), (autograd, expected)) = (train(true), train(false));
        for (found, expected) in found.epochs.iter().zip(&expected.epochs) {
            let terms = [found, expected].map(|epoch| epoch.terms[0].train);
            assert!((terms[0] - terms[1]).abs() <= 1e-3 * terms[1], "{terms:?}");
            let losses = [found, expected].map(|epoch| epoch.train_loss);
            assert!(
                (losses[0] - losses[1]).abs() < 1e-3 * losses[1],
                "{losses:?}"
            );
        }
        // Units were dead in the last epochs.
        assert!(found.epochs[5].terms[0].train > 0.0);
        assert!(norm_error(&planned) < 1e-4 && norm_error(&autograd) < 1e-4);
        let pairs = values(planned.variables())
            .into_iter()
            .zip(values(autograd.variables()));
        for (a, b) in pairs {
            let sum: f32 = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum();
            let mean = sum / a.len() as f32;
            assert!(mean < 1e-3, "{code}: {mean}");
        }
    }
}

#[test]
fn a_resumed_run_ends_with_the_same_values() {
    let data = data();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sae.safetensors");
    for planned in [true, false] {
        let model = || model(BatchTopK(8).auxiliary(D / 2));
        let half = Fit {
            planned,
            checkpoint: Some(path.clone()),
            ..fit(4)
        };
        model().fit(&data, &half).unwrap();
        let resume = Resume {
            epochs: Some(6),
            ..Default::default()
        };
        let (resumed, _) = Autoencoder::resume_with(&path, &data, &resume).unwrap();
        let mut whole = model();
        whole.fit(&data, &Fit { planned, ..fit(6) }).unwrap();
        let all = |ae: &Autoencoder| values([ae.variables(), ae.buffers()].concat());
        assert_eq!(all(&resumed), all(&whole), "planned: {planned}");
        assert_eq!(resumed.buffers().len(), 2);
    }
}

#[test]
fn a_loaded_model_encodes_as_before() {
    let data = data();
    let init = Init {
        seed: 2,
        ..Default::default()
    };
    let settings = SparseAutoencoder {
        init,
        ..settings(Sparsity::BatchTopK(8))
    };
    let mut sae = settings.build().unwrap();
    sae.fit(&data, &fit(2)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sae.safetensors");
    sae.save(&path).unwrap();
    let loaded = Autoencoder::load(&path).unwrap();
    let images = data.test.first(50).unwrap();
    let codes = |ae: &Autoencoder| ae.encode(&images).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(codes(&sae), codes(&loaded));
    assert_eq!(loaded.encoder(), sae.encoder());
}
