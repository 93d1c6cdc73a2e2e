//! Training on augmented images.

use candlebook::data::Augmentation;
use candlebook::prelude::*;

const SHAKE: [Augmentation; 3] = [
    Augmentation::FlipHorizontal,
    Augmentation::Shift { pixels: 2 },
    Augmentation::Rotation { degrees: 10.0 },
];

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8), Relu]).unwrap()
}

fn fit(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 32,
        augment: SHAKE.to_vec(),
        ..Default::default()
    }
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let all = ae.variables();
    all.iter()
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

#[test]
fn both_executors_train_on_the_same_images() {
    let data = mnist_embedded().unwrap().take(200, 10);
    let losses = |planned| {
        let fit = Fit { planned, ..fit(2) };
        model().fit(&data, &fit).unwrap().train_loss()
    };
    for (planned, autograd) in losses(true).iter().zip(losses(false)) {
        assert!(
            (planned - autograd).abs() < 1e-5,
            "{planned}, autograd {autograd}"
        );
    }
    let without = Fit {
        augment: Vec::new(),
        ..fit(2)
    };
    assert_ne!(
        model().fit(&data, &without).unwrap().train_loss(),
        losses(true)
    );
}

#[test]
fn a_resumed_run_and_other_threads_see_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let data = mnist_embedded().unwrap().take(200, 10);
    let mut whole = model();
    whole.fit(&data, &fit(3)).unwrap();
    let fit_one = Fit {
        checkpoint: Some(path.clone()),
        ..fit(1)
    };
    model().fit(&data, &fit_one).unwrap();
    let more = Resume {
        epochs: Some(3),
        ..Default::default()
    };
    let (resumed, _) = Autoencoder::resume_with(&path, &data, &more).unwrap();
    assert_eq!(weights(&resumed), weights(&whole));
    let mut parts = model();
    parts.fit(&data, &fit(1)).unwrap();
    parts.fit(&data, &fit(2)).unwrap();
    assert_eq!(
        weights(&parts),
        weights(&whole),
        "a second call goes on with new images"
    );
}

#[test]
fn photographs_are_augmented_after_their_crops() {
    let data = photographs(16).unwrap().take(60, 10);
    let losses = |augment: &[Augmentation]| {
        let mut ae = Autoencoder::symmetric((3, 16, 16), &[Flatten, Linear(8)]).unwrap();
        let fit = Fit {
            augment: augment.to_vec(),
            batch_size: 20,
            ..fit(1)
        };
        ae.fit(&data, &fit).unwrap().train_loss()
    };
    let cut = [Augmentation::Cutout { size: 8 }];
    assert_eq!(losses(&cut), losses(&cut));
    assert_ne!(losses(&cut), losses(&[]));
}

#[test]
fn settings_outside_their_range_are_rejected() {
    let data = mnist_embedded().unwrap().take(50, 10);
    let error = |augmentation| {
        let fit = Fit {
            augment: vec![augmentation],
            ..fit(1)
        };
        model().fit(&data, &fit).unwrap_err().to_string()
    };
    assert_eq!(
        error(Augmentation::Shift { pixels: 28 }),
        "Shift::pixels: expected 1 to 27, less than the smaller side, got 28. Leave it out for no \
         change"
    );
    for (augmentation, expected) in [
        (
            Augmentation::Shift { pixels: 0 },
            "Shift::pixels: expected 1 to 27",
        ),
        (
            Augmentation::Crop { min_share: 1.0 },
            "Crop::min_share: expected a share of the area in (0, 1)",
        ),
        (
            Augmentation::Crop {
                min_share: f64::NAN,
            },
            "Crop::min_share: ",
        ),
        (
            Augmentation::Rotation { degrees: 181.0 },
            "Rotation::degrees: expected an angle in (0, 180]",
        ),
        (
            Augmentation::Brightness { change: 1.5 },
            "Brightness::change: expected a number in (0, 1]",
        ),
        (
            Augmentation::Cutout { size: 29 },
            "Cutout::size: expected 1 to 28, the larger side",
        ),
    ] {
        let text = error(augmentation);
        assert!(text.starts_with(expected), "{text}");
    }
    let vectors = Tensor::zeros((40, 3), DType::F32, &Device::Cpu).unwrap();
    let vectors = Split::vectors(&vectors, None).unwrap();
    let text = vectors.augmented(0, 3, &SHAKE, 0).unwrap_err().to_string();
    assert!(
        text.starts_with("Fit::augment: expected images, got vectors of 3 values"),
        "{text}"
    );
}

#[test]
fn the_montage_begins_with_the_original() {
    let data = mnist_embedded().unwrap();
    let montage = data.train.augmented(3, 7, &SHAKE, 0).unwrap();
    let image = |i: usize| -> Vec<f32> {
        let image = montage.tensor().get(i).unwrap();
        image.flatten_all().unwrap().to_vec1().unwrap()
    };
    let original = data.train.images(&[3]).unwrap();
    assert_eq!(
        image(0),
        original.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    );
    assert!(image(1) != image(0) && image(2) != image(1));
    assert!(data.train.augmented(9_999, 7, &SHAKE, 0).is_err());
    assert!(data.train.augmented(0, 0, &SHAKE, 0).is_err());
}
