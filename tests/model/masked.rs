//! `MaskedAutoencoder`: it predicts what it does not see, and rejects wrong settings.

use candlebook::model::MaskedAutoencoder;
use candlebook::prelude::*;

#[test]
fn hidden_patches_are_predicted_better_than_by_the_mean_image() {
    let data = mnist_embedded().unwrap();
    let settings = MaskedAutoencoder {
        width: 32,
        blocks: [1, 1],
        ..Default::default()
    };
    let mut ae = settings.build().unwrap();
    let fit = Fit {
        epochs: 4,
        batch_size: 50,
        learning_rate: 0.003,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    let images = data.test.first(500).unwrap();
    let error = |prediction: &Tensor| {
        let errors = images.broadcast_sub(prediction).unwrap().sqr().unwrap();
        errors.mean_all().unwrap().to_scalar::<f32>().unwrap()
    };
    // In training, three of four patches are hidden.
    let masked = error(&ae.forward(&images, true).unwrap());
    let mean = error(&data.train.mean_image().unwrap());
    assert!(masked < 0.9 * mean, "{masked}, the mean image {mean}");
}

#[test]
fn settings_out_of_range_are_rejected() {
    let error = |settings: MaskedAutoencoder| settings.build().unwrap_err().to_string();
    let blocks = error(MaskedAutoencoder {
        blocks: [1, 5000],
        ..Default::default()
    });
    assert_eq!(
        blocks,
        "MaskedAutoencoder::blocks: expected at most 1000 blocks, got 5000. Start with [3, 1]"
    );
    let share = error(MaskedAutoencoder {
        share: 1.0,
        ..Default::default()
    });
    assert!(
        share.contains("expected a share in [0, 1), got 1"),
        "{share}"
    );
}
