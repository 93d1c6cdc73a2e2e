//! Greedy layer-wise training.

use candlebook::prelude::*;

fn fit(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 50,
        learning_rate: 0.01,
        ..Default::default()
    }
}

#[test]
fn a_deep_sigmoid_network_learns_more_in_as_many_epochs() {
    let data = mnist_embedded().unwrap().take(4000, 500);
    let mut encoder = vec![Flatten];
    for units in [128, 64, 32] {
        encoder.extend([Linear(units), Sigmoid]);
    }
    let mut plain = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    let mut stacked = plain.copy().unwrap();
    plain.fit(&data, &fit(8)).unwrap();
    let histories = stacked.pretrain(&data, &fit(2)).unwrap();
    assert_eq!(histories.len(), 3);
    let pretrained = stacked.evaluate(&data.test).unwrap();
    stacked.fit(&data, &fit(2)).unwrap();
    let (loss, stacked) = (
        plain.evaluate(&data.test).unwrap(),
        stacked.evaluate(&data.test).unwrap(),
    );
    assert!(stacked < 0.85 * loss, "{stacked}, without {loss}");
    assert!(stacked < pretrained, "{stacked}, before fit {pretrained}");
}

#[test]
fn a_decoder_that_is_no_mirror_is_rejected() {
    let data = mnist_embedded().unwrap().take(100, 20);
    let decoder = [Linear(8), Relu, Linear(784), Unflatten(1, 28, 28)];
    let mut ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(4)], &decoder).unwrap();
    assert_eq!(
        ae.pretrain(&data, &fit(1)).unwrap_err().to_string(),
        "pretrain: expected a decoder with a mirror for each encoder layer with weights, got 1 and 2. \
         Build the model with Autoencoder::symmetric"
    );
}
