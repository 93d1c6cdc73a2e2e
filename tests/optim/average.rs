//! Averages of the weights, against averages computed here from the weights of shorter runs.

use candlebook::optim::Average;
use candlebook::prelude::*;

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

/// One step an epoch, so that the weights after each step are those of a shorter run.
fn fit(epochs: usize, planned: bool) -> Fit {
    Fit {
        epochs,
        batch_size: 180,
        learning_rate: 0.01,
        planned,
        ..Default::default()
    }
}

fn trained(fit: &Fit) -> (Vec<f32>, History) {
    let mut ae = model();
    let history = ae.fit(&data(), fit).unwrap();
    (weights(&ae), history)
}

fn assert_near(a: &[f32], b: &[f32]) {
    let difference = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(difference < 1e-6, "{difference}");
    assert!(a.len() == b.len());
}

#[test]
fn the_model_holds_the_average_in_the_end() {
    for planned in [true, false] {
        let each: Vec<Vec<f32>> = (1..=6)
            .map(|epochs| trained(&fit(epochs, planned)).0)
            .collect();
        let mut ema = each[0].clone();
        for weights in &each[1..] {
            ema.iter_mut()
                .zip(weights)
                .for_each(|(a, x)| *a += 0.25 * (x - *a));
        }
        let average = Average::Ema { decay: 0.75 };
        let (found, history) = trained(&Fit {
            average,
            ..fit(6, planned)
        });
        assert_near(&found, &ema);
        // Training itself does not change, validation is that of the average.
        let (_, plain) = trained(&fit(6, planned));
        assert_eq!(history.train_loss(), plain.train_loss());
        assert_eq!(history.valid_loss()[0], plain.valid_loss()[0]);
        assert_ne!(history.valid_loss()[5], plain.valid_loss()[5]);

        let mean = |i: usize| each[3..].iter().map(|weights| weights[i]).sum::<f32>() / 3.0;
        let swa: Vec<f32> = (0..ema.len()).map(mean).collect();
        let average = Average::Swa { from_epoch: 4 };
        let (found, history) = trained(&Fit {
            average,
            ..fit(6, planned)
        });
        assert_near(&found, &swa);
        assert_eq!(history.valid_loss()[..4], plain.valid_loss()[..4]);
        assert_ne!(history.valid_loss()[4], plain.valid_loss()[4]);
    }
}

#[test]
fn a_checkpoint_holds_the_average_as_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let fit = Fit {
        average: Average::Ema { decay: 0.75 },
        checkpoint: Some(path.clone()),
        ..fit(3, true)
    };
    let (average, _) = trained(&fit);
    assert!(weights(&Autoencoder::load(&path).unwrap()) == average);
    let (resumed, history) = Autoencoder::resume(&path, &data()).unwrap();
    assert!(weights(&resumed) == average);
    assert_eq!(history.epochs.len(), 3);
}

#[test]
fn an_epoch_after_the_last_one_is_rejected() {
    let mut ae = model();
    let fit = Fit {
        average: Average::Swa { from_epoch: 4 },
        ..fit(3, true)
    };
    assert_eq!(
        ae.fit(&data(), &fit).unwrap_err().to_string(),
        "Average::Swa::from_epoch: expected 1 to 3, the number of epochs, got 4. Three quarters are \
         common"
    );
}
