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
        epochs: 8,
        batch_size: 50,
        learning_rate: 0.003,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    let images = data.test.first(200).unwrap();
    let entries = ae.code_entries(&images).unwrap();
    let entries = entries.flatten_all().unwrap().to_vec1::<u32>().unwrap();
    let used: BTreeSet<u32> = entries.into_iter().collect();
    assert!(used.len() > 32, "{} entries", used.len());
    let loss = ae.evaluate(&data.test).unwrap();
    assert!(loss < 0.04, "{loss}");
}
