//! Mean loss over a split.

use candlebook::prelude::*;

#[test]
fn evaluation_is_the_mean_loss_of_the_reconstructions() {
    let data = mnist_embedded().unwrap().take(100, 30);
    let ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)]).unwrap();
    let images = data.test.first(30).unwrap();
    let output = ae.reconstruct(&images).unwrap();
    for loss in [Loss::Mse, Loss::BinaryCrossEntropy] {
        let expected = loss.of(&output, &images).unwrap();
        let expected = expected.to_scalar::<f32>().unwrap();
        let found = ae.evaluate_with(&data.test, loss).unwrap();
        assert!(
            (found - expected).abs() < 1e-6,
            "{loss}: {found}, {expected}"
        );
    }
}
