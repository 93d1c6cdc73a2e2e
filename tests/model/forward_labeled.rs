//! Custom training loops of models that read labels.

use candlebook::prelude::*;

#[test]
fn a_custom_loop_trains_with_labels() {
    let data = mnist_embedded().unwrap().take(500, 100);
    let decoder = [Condition(10), Linear(784), Sigmoid, Unflatten(1, 28, 28)];
    let ae = Autoencoder::new((1, 28, 28), &[Flatten, Linear(2)], &decoder).unwrap();
    let rates = Rates {
        learning_rate: 0.01,
        ..Default::default()
    };
    let mut optimizer = Optimizer::new(ae.parameters(), &Optim::adam(), rates).unwrap();
    let images = data.test.first(100).unwrap();
    let labels = data.test.labels().unwrap();
    let loss = |labels: &[u32]| {
        let output = ae.forward_labeled(&images, labels, false).unwrap();
        let loss = Loss::Mse.of(&output, &images).unwrap();
        loss.to_scalar::<f32>().unwrap()
    };
    let before = loss(&labels);
    for _ in 0..6 {
        for batch in data.train.batches(25, 0).unwrap() {
            let (images, labels) = batch.unwrap();
            let labels = labels.unwrap().to_vec1::<u32>().unwrap();
            let of_batch = ae
                .training_loss_labeled(&images, &labels, Loss::Mse)
                .unwrap();
            optimizer.backward_step(&of_batch).unwrap();
        }
    }
    let after = loss(&labels);
    assert!(after < 0.5 * before, "{after}, before {before}");
    // The decoder reads the labels: those of other classes give worse images.
    let others: Vec<u32> = labels.iter().map(|label| (label + 1) % 10).collect();
    assert!(loss(&others) > 1.1 * after, "{} {after}", loss(&others));
    // As in evaluation.
    let codes = ae.forward_encoder(&images, false).unwrap();
    let decoded = ae.forward_decoder_labeled(&codes, &labels, false).unwrap();
    let expected = ae.reconstruct_labeled(&images, &labels).unwrap();
    let difference = (decoded - expected)
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap();
    assert!(difference.to_scalar::<f32>().unwrap() < 1e-5);
    let error = ae.forward_labeled(&images, &labels[..3], true).unwrap_err();
    assert!(error.to_string().contains("label"), "{error}");
}
