//! `VectorQuantizedAutoencoder`: it uses its codebook.

use candlebook::prelude::*;
use std::collections::BTreeSet;

#[test]
fn more_than_half_of_the_codebook_is_used() {
    let data = mnist_embedded().unwrap().take(2000, 200);
    let settings = VectorQuantizedAutoencoder {
        channels: [8, 16],
        code: 8,
        entries: 64,
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
    let codes = ae.encode(&data.test.first(200).unwrap()).unwrap();
    // (n, 8, 7, 7) -> (n*7*7, 8)
    let vectors = codes
        .permute((0, 2, 3, 1))
        .unwrap()
        .reshape(((), 8))
        .unwrap();
    let vectors = vectors.to_vec2::<f32>().unwrap();
    // The code is added and subtracted again, so that the last bits differ.
    let rounded = |vector: &Vec<f32>| -> Vec<i32> {
        vector.iter().map(|v| (v * 100.0).round() as i32).collect()
    };
    let used: BTreeSet<Vec<i32>> = vectors.iter().map(rounded).collect();
    assert!(used.len() > 32, "{} entries", used.len());
    let loss = ae.evaluate(&data.test).unwrap();
    assert!(loss < 0.04, "{loss}");
}
