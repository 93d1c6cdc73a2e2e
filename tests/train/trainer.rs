//! Training steps in one's own loop.

use candlebook::optim::{Average, Gradients, Schedule};
use candlebook::prelude::*;
use candlebook::train::Trainer;

fn data() -> Dataset {
    mnist_embedded().unwrap().take(200, 20)
}

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(12), BatchNorm, Relu]).unwrap()
}

fn weights(ae: &Autoencoder) -> Vec<f32> {
    let all = [ae.variables(), ae.buffers()].concat();
    all.iter()
        .flat_map(|(_, var)| var.flatten_all().unwrap().to_vec1::<f32>().unwrap())
        .collect()
}

fn fit(planned: bool) -> Fit {
    Fit {
        epochs: 1,
        batch_size: 100,
        validation_split: 0.0,
        planned,
        ..Default::default()
    }
}

fn assert_near(a: &[f32], b: &[f32]) {
    let difference = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(difference < 1e-6, "{difference}");
}

#[test]
fn a_step_is_that_of_fit() {
    let data = data();
    let images = data.train.first(100).unwrap();
    for planned in [true, false] {
        // Adam would enlarge the rounding of sums in another order.
        let settings = Fit {
            optimizer: Optim::sgd(0.9),
            learning_rate: 0.1,
            ..fit(planned)
        };
        let mut reference = model();
        let first = data.take(100, 20);
        let history = reference.fit(&first, &settings).unwrap();
        let mut ae = model();
        let before = weights(&ae);
        let mut trainer = Trainer::new(&ae, &settings).unwrap();
        let loss = trainer.step(&images).unwrap();
        assert!((loss - history.train_loss()[0]).abs() < 1e-6);
        assert!(weights(&ae) == before, "the model changes in store");
        trainer.store(&mut ae).unwrap();
        assert_near(&weights(&ae), &weights(&reference));
        assert!(weights(&ae) != before);
        assert_eq!(trainer.steps(), 1);
    }
}

#[test]
fn a_step_in_parts_is_a_step() {
    let images = data().train.first(100).unwrap();
    let gradients = Gradients {
        clip_norm: Some(0.01),
        ..Default::default()
    };
    for (planned, gradients) in [
        (true, Gradients::default()),
        (true, gradients),
        (false, gradients),
    ] {
        let settings = Fit {
            gradients,
            ..fit(planned)
        };
        let [mut whole, mut parts] = [model(), model()];
        let mut trainer = Trainer::new(&whole, &settings).unwrap();
        let expected = trainer.step(&images).unwrap();
        trainer.store(&mut whole).unwrap();
        let mut trainer = Trainer::new(&parts, &settings).unwrap();
        assert_eq!(trainer.backward(&images).unwrap(), expected);
        assert_eq!(trainer.steps(), 0);
        let unchanged = trainer.gradients().unwrap();
        trainer.set_gradients(&unchanged).unwrap();
        trainer.update().unwrap();
        trainer.update().unwrap();
        trainer.store(&mut parts).unwrap();
        assert!(weights(&parts) == weights(&whole));
        assert_eq!(trainer.steps(), 1);
    }
}

#[test]
fn gradients_are_the_mean_over_the_images_and_can_be_changed() {
    let data = data();
    // Without batch normalization, which sees one batch.
    let ae = || Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(12), Tanh]).unwrap();
    for planned in [true, false] {
        let settings = Fit {
            optimizer: Optim::sgd(0.0),
            learning_rate: 1.0,
            ..fit(planned)
        };
        let mut trainer = Trainer::new(&ae(), &settings).unwrap();
        trainer.backward(&data.train.first(90).unwrap()).unwrap();
        let all = trainer.gradients().unwrap();
        let mut trainer = Trainer::new(&ae(), &settings).unwrap();
        let range = |range: std::ops::Range<usize>| data.train.images(&range.collect::<Vec<_>>());
        trainer.backward(&range(0..60).unwrap()).unwrap();
        trainer.backward(&range(60..90).unwrap()).unwrap();
        for ((name, a), (_, b)) in trainer.gradients().unwrap().iter().zip(&all) {
            let difference = (a - b).unwrap().abs().unwrap().max_all().unwrap();
            assert!(difference.to_scalar::<f32>().unwrap() < 1e-7, "{name}");
            assert!(
                a.abs()
                    .unwrap()
                    .max_all()
                    .unwrap()
                    .to_scalar::<f32>()
                    .unwrap()
                    > 1e-5
            );
        }
        // Only the biases of the encoder move, by 1.
        let changed = all.iter().map(|(name, gradient)| {
            let ones = name == "encoder.1.bias";
            let value = if ones { 1.0 } else { 0.0 };
            (name.clone(), gradient.affine(0.0, value).unwrap())
        });
        trainer.set_gradients(&changed.collect::<Vec<_>>()).unwrap();
        trainer.update().unwrap();
        let mut stepped = ae();
        trainer.store(&mut stepped).unwrap();
        for ((name, after), (_, before)) in stepped.variables().iter().zip(&ae().variables()) {
            let change = (before.as_tensor() - after.as_tensor()).unwrap();
            let change = change.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let expected = if name == "encoder.1.bias" { 1.0 } else { 0.0 };
            assert!(change.iter().all(|c| *c == expected), "{name}");
        }
    }
}

#[test]
fn a_stored_average_does_not_stop_training() {
    let images = data().train.first(100).unwrap();
    for planned in [true, false] {
        let average = Average::Ema { decay: 0.5 };
        let settings = fit(planned);
        let [mut plain, mut averaged] = [model(), model()];
        let mut trainer = Trainer::new(&plain, &settings).unwrap();
        let mut each = Vec::new();
        let mut losses = Vec::new();
        for _ in 0..3 {
            losses.push(trainer.step(&images).unwrap());
            trainer.store(&mut plain).unwrap();
            each.push(weights(&plain));
        }
        let settings = Fit {
            average,
            ..settings
        };
        let mut trainer = Trainer::new(&averaged, &settings).unwrap();
        for loss in losses {
            assert_eq!(trainer.step(&images).unwrap(), loss);
            trainer.store(&mut averaged).unwrap();
        }
        let mean = |i: usize| 0.25 * each[0][i] + 0.25 * each[1][i] + 0.5 * each[2][i];
        let expected: Vec<f32> = (0..each[0].len()).map(mean).collect();
        assert_near(&weights(&averaged), &expected);
    }
}

#[test]
fn labels_reach_the_layer_that_reads_them() {
    let data = data();
    let encoder = [Flatten, Linear(8), Condition(10)];
    let ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let images = data.train.first(100).unwrap();
    let labels = |label: u32| Tensor::full(label, 100, &Device::Cpu).unwrap();
    let mut trainer = Trainer::new(&ae, &fit(true)).unwrap();
    let first = trainer.step_with_labels(&images, &labels(3)).unwrap();
    assert!(trainer.step_with_labels(&images, &labels(3)).unwrap() < first);
    let error = trainer.step(&images).unwrap_err().to_string();
    assert!(
        error.starts_with("step: expected labels, which Condition reads"),
        "{error}"
    );
    let error = trainer
        .step_with_labels(&images, &labels(10))
        .unwrap_err()
        .to_string();
    assert!(error.contains("labels of 0 to 9"), "{error}");
}

#[test]
fn wrong_arguments_are_rejected() {
    let ae = model();
    let mut trainer = Trainer::new(&ae, &fit(true)).unwrap();
    let mut error = |shape: &[usize]| {
        let images = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        trainer.step(&images).unwrap_err().to_string()
    };
    let expected = "images: expected (b, 1, 28, 28) with 1 to 100 images, got [101, 1, 28, 28]";
    assert!(error(&[101, 1, 28, 28]).starts_with(expected));
    assert!(error(&[20, 1, 28, 27]).contains("got [20, 1, 28, 27]"));
    assert!(error(&[1, 28, 28]).contains("got [1, 28, 28]"));
    assert!(error(&[1, 1, 28, 28]).starts_with("images: expected at least 2 images in each batch"));
    let images = data().train.first(20).unwrap();
    let scaled = (&images * 255.0).unwrap();
    assert!(trainer.step(&scaled).is_err());
    let gradients = trainer.gradients().unwrap();
    let error = trainer.set_gradients(&gradients).unwrap_err().to_string();
    assert!(
        error.starts_with("set_gradients: expected gradients of a batch, got none"),
        "{error}"
    );
    trainer.backward(&images).unwrap();
    let named = |name: &str| vec![(name.to_owned(), gradients[0].1.clone())];
    let error = trainer
        .set_gradients(&named("encoder.9.weight"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("one of encoder.1.weight, encoder.1.bias"),
        "{error}"
    );
    let error = trainer
        .set_gradients(&named("encoder.1.bias"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("encoder.1.bias: expected [12], got [12, 784]"),
        "{error}"
    );
    let error = trainer.set_learning_rate(-1.0).unwrap_err().to_string();
    assert!(
        error.starts_with("learning_rate: expected zero or more, got -1"),
        "{error}"
    );
    let mut other = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(3)]).unwrap();
    let error = trainer.store(&mut other).unwrap_err().to_string();
    assert!(
        error.starts_with("store: expected a model with the trainer's variables"),
        "{error}"
    );
}

#[test]
fn settings_that_need_the_length_of_a_run_are_rejected() {
    let error = |fit: Fit| Trainer::new(&model(), &fit).err().unwrap().to_string();
    let every = candlebook::optim::Interval::Epochs(1);
    let schedule = Schedule::Step { every, factor: 0.5 };
    let text = error(Fit {
        schedule,
        ..fit(true)
    });
    assert!(
        text.starts_with("Fit::schedule: expected Schedule::Constant for a Trainer"),
        "{text}"
    );
    let average = Average::Swa { from_epoch: 1 };
    let text = error(Fit {
        average,
        ..fit(true)
    });
    assert!(
        text.starts_with("Fit::average: expected Average::None or Average::Ema"),
        "{text}"
    );
}

#[test]
fn a_loss_that_is_not_finite_is_an_error() {
    let decoder = [Linear(784), Unflatten(1, 28, 28)];
    let ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(8)], &decoder).unwrap();
    let fit = Fit {
        learning_rate: 1e18,
        ..fit(true)
    };
    let mut trainer = Trainer::new(&ae, &fit).unwrap();
    let images = data().train.first(20).unwrap();
    let mut steps = (0..5).map(|_| trainer.step(&images));
    let error = steps.find_map(Result::err).unwrap().to_string();
    assert!(
        error.starts_with("loss: expected a finite number, got "),
        "{error}"
    );
}
