//! Writes the seeds in formats of this crate: `cargo test --test readers -- --ignored`. `fuzz/seeds.py` writes the others.

use crate::readers::Reader;
use crate::{corpora, set_cache};
use candlebook::prelude::*;

#[test]
#[ignore = "writes to tests/corpus"]
fn seeds_of_our_own_formats() {
    models();
    checkpoints();
    frames();
}

fn save(reader: &str, name: &str, bytes: &[u8]) {
    let folder = corpora().join(reader);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn model_file(ae: &Autoencoder) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    ae.save(folder.path().join("ae")).unwrap();
    std::fs::read(folder.path().join("ae")).unwrap()
}

fn models() {
    let dense = [
        Flatten,
        Linear(4),
        BatchNorm,
        Softplus,
        Dropout(0.2),
        Linear(2),
        Tanh,
    ];
    let convolutional = [
        Conv2d(2, 3).padding(1),
        LeakyRelu(0.1),
        MaxPool2d(2),
        Residual(vec![Conv2d(2, 1), Gelu]),
        Elu(1.0),
    ];
    let upsampled = [Conv2d(1, 3).padding(1).stride(2), AvgPool2d(2), Sigmoid];
    for (name, layers) in [
        ("dense", &dense[..]),
        ("convolutional", &convolutional[..]),
        ("upsampled", &upsampled[..]),
    ] {
        let ae = Autoencoder::symmetric((1, 4, 4), layers).unwrap();
        save("model", name, &model_file(&ae));
    }
    let fixed = [Conv2d(2, 3).padding(1), BatchNorm, Relu, Flatten, Linear(3)];
    let ae = Autoencoder::symmetric((1, 4, 4), &fixed).unwrap();
    save("weights", "weights", &model_file(&ae));
}

fn checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    for (name, optimizer, planned) in [
        ("adam", Optim::default(), true),
        ("autograd", Optim::sgd(0.9), false),
    ] {
        let images = Split::from_bytes((0..16).collect(), (1, 2, 2), None).unwrap();
        let data = Dataset::new("images", "", images.clone(), images).unwrap();
        let mut ae = Autoencoder::symmetric((1, 2, 2), &[Flatten, Linear(2), BatchNorm]).unwrap();
        let fit = Fit {
            epochs: 1,
            batch_size: 2,
            optimizer,
            planned,
            validation_split: 0.25,
            checkpoint: Some(path.clone()),
            ..Default::default()
        };
        ae.fit(&data, &fit).unwrap();
        let file = std::fs::read(&path).unwrap();
        save("checkpoint", &format!("{name}_finished"), &file);
        save("checkpoint", name, &one_more_epoch(file));
    }
}

/// The checkpoint of a longer run.
fn one_more_epoch(mut file: Vec<u8>) -> Vec<u8> {
    let epochs = br#"epochs\":1"#;
    let at = file
        .windows(epochs.len())
        .position(|part| part == epochs)
        .unwrap();
    file[at + epochs.len() - 1] = b'2';
    file
}

fn frames() {
    let root = tempfile::tempdir().unwrap();
    set_cache(&root.path().join("cache"));
    let prepared = Reader::named("packed").unwrap().prepare(root.path());
    save("packed", "frames", &std::fs::read(&prepared.path).unwrap());
}
