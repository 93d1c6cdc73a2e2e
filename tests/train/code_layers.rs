//! Training with layers that corrupt the input, draw the code or add a term to the loss. A model with
//! a broken layer fails.

use candlebook::prelude::*;

fn data() -> Dataset {
    mnist_embedded().unwrap()
}

fn trained(encoder: &[Layer], fit: Fit) -> (Autoencoder, History) {
    let mut ae = Autoencoder::symmetric((1, 28, 28), encoder).unwrap();
    let fit = Fit {
        batch_size: 50,
        learning_rate: 0.003,
        loss: Loss::BinaryCrossEntropy,
        ..fit
    };
    let history = ae.fit(&data(), &fit).unwrap();
    (ae, history)
}

fn epochs(epochs: usize) -> Fit {
    Fit {
        epochs,
        ..Default::default()
    }
}

fn scalar(tensor: candle_core::Result<Tensor>) -> f32 {
    tensor.unwrap().to_scalar().unwrap()
}

fn mse(a: &Tensor, b: &Tensor) -> f32 {
    scalar((a - b).unwrap().sqr().unwrap().mean_all())
}

#[test]
fn a_denoising_model_restores_images_it_has_not_seen() {
    for noise in [
        GaussianNoise(0.4),
        MaskingNoise(0.4),
        SaltAndPepperNoise(0.3),
    ] {
        let name = noise.to_string();
        let corrupt = [noise, Clamp(0.0, 1.0)];
        let encoder = [&corrupt[..], &[Flatten, Linear(96), Relu]].concat();
        let (ae, _) = trained(&encoder, epochs(15));
        // The layers themselves, in training.
        let only =
            Autoencoder::new((1, 28, 28), &corrupt, &[Flatten, Unflatten(1, 28, 28)]).unwrap();
        let clean = data().test.first(100).unwrap();
        let noisy = only.forward(&clean, true).unwrap();
        let copied = mse(&noisy, &clean);
        let restored = mse(&ae.reconstruct(&noisy).unwrap(), &clean);
        assert!(copied > 0.03, "{name}: {copied}");
        assert!(
            restored < 0.5 * copied,
            "{name}: {restored} instead of {copied}"
        );
    }
}

#[test]
fn a_sparse_code_reaches_its_rate() {
    let (ae, history) = trained(
        &[Flatten, Linear(64), Sigmoid, KlSparsity(0.1, 0.03)],
        epochs(20),
    );
    let codes = ae.encode(&data().test.first(1000).unwrap()).unwrap();
    let rate = scalar(codes.mean_all());
    assert!((0.08..0.12).contains(&rate), "{rate}");
    let terms: Vec<f32> = history
        .epochs
        .iter()
        .map(|epoch| epoch.terms[0].train)
        .collect();
    assert!(terms[19] < 0.5 * terms[0], "{terms:?}");
}

#[test]
fn an_l1_penalty_shrinks_the_code() {
    let size = |encoder: &[Layer]| {
        let (ae, _) = trained(encoder, epochs(3));
        scalar(
            ae.encode(&data().test.first(500).unwrap())
                .unwrap()
                .abs()
                .unwrap()
                .mean_all(),
        )
    };
    let plain = size(&[Flatten, Linear(32), Relu]);
    let sparse = size(&[Flatten, Linear(32), Relu, L1(1e-3)]);
    assert!(sparse < 0.5 * plain, "{sparse}, without a penalty {plain}");
}

/// Values other than 0 in each row.
fn nonzero(tensor: &Tensor) -> Vec<usize> {
    let rows = tensor.to_vec2::<f32>().unwrap();
    rows.iter()
        .map(|row| row.iter().filter(|v| **v != 0.0).count())
        .collect()
}

#[test]
fn selections_keep_exactly_their_share() {
    let images = data().test.first(40).unwrap();
    let top = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(30), TopK(7)]).unwrap();
    for codes in [
        top.encode(&images).unwrap(),
        top.forward_encoder(&images, true).unwrap(),
    ] {
        assert_eq!(nonzero(&codes), [7; 40]);
    }
    let winners = [Flatten, Linear(30), WinnerTakeAll(0.2)];
    let winners = Autoencoder::symmetric((1, 28, 28), &winners).unwrap();
    let codes = winners.forward_encoder(&images, true).unwrap();
    assert_eq!(nonzero(&codes.t().unwrap().contiguous().unwrap()), [8; 30]);
    assert_eq!(nonzero(&winners.encode(&images).unwrap()), [30; 40]);
}

#[test]
fn the_largest_values_of_a_batch_are_kept_and_their_threshold_in_evaluation() {
    let encoder = [Flatten, Linear(64), Relu, BatchTopK(8)];
    let (ae, _) = trained(&encoder, epochs(3));
    let images = data().test.first(500).unwrap();
    let training = nonzero(&ae.forward_encoder(&images, true).unwrap());
    assert_eq!(training.iter().sum::<usize>(), 500 * 8);
    let different: std::collections::HashSet<usize> = training.into_iter().collect();
    assert!(different.len() > 3, "{different:?}");
    let evaluated = nonzero(&ae.encode(&images).unwrap());
    let mean = evaluated.iter().sum::<usize>() as f32 / 500.0;
    assert!((6.4..9.6).contains(&mean), "{mean}");
    let (name, threshold) = &ae.buffers()[0];
    assert_eq!(name, "encoder.3.threshold");
    assert!(threshold.to_vec1::<f32>().unwrap()[0] > 0.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    ae.save(&path).unwrap();
    let loaded = Autoencoder::load(&path).unwrap();
    assert_eq!(nonzero(&loaded.encode(&images).unwrap()), evaluated);
}

#[test]
fn a_variational_model_generates_images_with_ink() {
    let encoder = [Flatten, Linear(128), Relu, Linear(20), Gaussian(1.0)];
    let (vae, history) = trained(&encoder, epochs(12));
    let last = history.epochs.last().unwrap();
    let kl = &last.terms[0];
    assert_eq!(kl.name, "KL");
    assert!(kl.train > 0.005 && kl.valid.unwrap() > 0.005, "{kl:?}");
    assert!(kl.train < 0.5 * last.train_loss);
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
    assert!((ink - expected).abs() < 0.04, "{ink}, digits {expected}");
    // A new model's samples are gray.
    let strong = scalar(
        samples
            .tensor()
            .gt(0.8)
            .unwrap()
            .to_dtype(DType::F32)
            .unwrap()
            .mean_all(),
    );
    assert!(strong > 0.01, "{strong}");
}

#[test]
fn a_stronger_factor_gives_a_smaller_divergence() {
    let kl = |beta: f64| {
        let encoder = [Flatten, Linear(64), Relu, Linear(16), Gaussian(beta)];
        trained(&encoder, epochs(3))
            .0
            .elbo(&data().test.take(200), 1)
            .unwrap()
            .divergence
    };
    let (weak, strong) = (kl(0.1), kl(4.0));
    assert!(strong < 0.5 * weak, "{strong} {weak}");
}

#[test]
fn a_discrepancy_pulls_codes_to_the_prior() {
    let (ae, _) = trained(
        &[Flatten, Linear(64), Relu, Linear(4), Mmd(50.0)],
        epochs(8),
    );
    let codes = ae.encode(&data().test.first(1000).unwrap()).unwrap();
    let mean = scalar(codes.mean(0).unwrap().abs().unwrap().max(0));
    let variance = scalar(codes.var(0).unwrap().mean_all());
    assert!(mean < 0.3, "{mean}");
    assert!((0.6..1.5).contains(&variance), "{variance}");
    assert_eq!(ae.samples(9, 1).unwrap().tensor().dims(), [9, 1, 28, 28]);
}

#[test]
fn a_discriminator_pulls_codes_to_the_prior() {
    let leaky = LeakyRelu(0.2);
    let hidden = || [Linear(64), leaky.clone()];
    let discriminator = [&hidden()[..], &hidden(), &[Linear(1)]].concat();
    let encoder = [
        Flatten,
        Linear(128),
        leaky.clone(),
        Linear(2),
        Adversarial(discriminator, 50.0),
    ];
    let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let adam = candlebook::optim::Adam {
        beta1: 0.5, // As is usual for two players.
        ..Default::default()
    };
    let fit = Fit {
        epochs: 15,
        batch_size: 50,
        optimizer: Optim::Adam(adam),
        loss: Loss::BinaryCrossEntropy,
        ..Default::default()
    };
    let history = ae.fit(&data(), &fit).unwrap();
    assert_eq!(history.epochs[0].terms[0].name, "adversarial");
    let codes = ae.encode(&data().test.first(1000).unwrap()).unwrap();
    for mean in codes.mean(0).unwrap().to_vec1::<f32>().unwrap() {
        assert!(mean.abs() < 0.15, "{mean}");
    }
    for variance in codes.var(0).unwrap().to_vec1::<f32>().unwrap() {
        assert!((variance - 1.0).abs() < 0.15, "{variance}");
    }
    assert_eq!(ae.manifold(5).unwrap().tensor().dims(), [25, 1, 28, 28]);
}

#[test]
fn a_file_rebuilds_a_model_with_these_layers() {
    let encoder = [
        MaskingNoise(0.1),
        Clamp(0.0, 1.0),
        Flatten,
        Linear(12),
        L1(1e-4),
        TopK(5),
        Linear(8),
        Adversarial(vec![Linear(3), Tanh, Linear(1)], 2.0),
        Gaussian(2.0).free_bits(0.1).warm_up(10),
    ];
    let ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    ae.save(&path).unwrap();
    let loaded = Autoencoder::load(&path).unwrap();
    assert_eq!(loaded.encoder(), encoder);
    let images = data().test.first(3).unwrap();
    assert_eq!(
        mse(
            &loaded.encode(&images).unwrap(),
            &ae.encode(&images).unwrap()
        ),
        0.0
    );
}

#[test]
fn wrong_settings_are_errors_before_training() {
    let error = |encoder: &[Layer]| {
        Autoencoder::symmetric((1, 28, 28), encoder)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[Flatten, Linear(9), Gaussian(1.0)]),
        "encoder layer 2, Gaussian(1.0): expected an even number of values, a mean and a log variance \
         for each unit, got 9. Put Linear(18) before it for a code of 9"
    );
    assert_eq!(
        error(&[Flatten, Linear(8), TopK(9)]),
        "encoder layer 2, TopK(9): expected 1 to 8 values to keep, the size of the code, got 9. A tenth \
         of the code is common"
    );
    assert!(error(&[Flatten, Linear(8).free_bits(0.1)]).contains("only Gaussian has it"));
    assert!(
        error(&[Flatten, Linear(4), Sigmoid, KlSparsity(1.5, 1.0)]).contains("a rate in (0, 1)")
    );
    assert_eq!(
        error(&[
            Flatten,
            Linear(8),
            Adversarial(vec![Linear(4), Dropout(0.5), Linear(1)], 1.0)
        ]),
        "encoder layer 2, Adversarial(vec![Linear(4), Dropout(0.5), Linear(1)], 1.0): expected a \
         discriminator of Linear, LayerNorm and activations, got Dropout(0.5). \
         vec![Linear(64), Relu, Linear(1)] is a discriminator"
    );
    let plain = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)]).unwrap();
    let text = plain.samples(4, 0).unwrap_err().to_string();
    assert!(
        text.starts_with("samples: expected a code with a prior, such as N(0, 1)"),
        "{text}"
    );
    let text = plain.elbo(&data().test, 1).unwrap_err().to_string();
    assert!(
        text.starts_with("elbo: expected a model trained on a cross-entropy"),
        "{text}"
    );
    let layers = [Flatten, Linear(8), Gaussian(1.0), Linear(3)];
    let changed = Autoencoder::symmetric((1, 28, 28), &layers).unwrap();
    let text = changed.samples(4, 0).unwrap_err().to_string();
    assert!(
        text.starts_with("samples: expected a code with a prior, such as N(0, 1)"),
        "{text}"
    );
    let wide = Tensor::zeros((4, 1, 14, 56), DType::F32, &Device::Cpu).unwrap();
    let wide = Split::from_tensor(&wide, None).unwrap();
    for result in [plain.elbo(&wide, 1).err(), plain.evaluate(&wide).err()] {
        let text = result.unwrap().to_string();
        assert!(
            text.contains("expected images of the model's shape (1, 28, 28)"),
            "{text}"
        );
    }
}
