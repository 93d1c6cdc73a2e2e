//! Batches for custom training loops.

use crate::support::error;
use candlebook::data::Crop;
use candlebook::prelude::*;
use image::{Rgb, RgbImage};

/// All batches of an epoch; each image as its values.
fn batches(split: &Split, seed: u64) -> Vec<Vec<Vec<f32>>> {
    let loader = split.batches(4, seed).unwrap();
    assert_eq!(loader.len(), split.len().div_ceil(4));
    loader
        .map(|batch| batch.unwrap().0.flatten_from(1).unwrap().to_vec2().unwrap())
        .collect()
}

fn sorted(mut images: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    images.sort_by(|a, b| a.partial_cmp(b).unwrap());
    images
}

/// The photograph's number: blue, the last value, whatever the crop.
fn numbers(images: &[Vec<f32>]) -> Vec<u32> {
    images
        .iter()
        .map(|image| (image[191] * 255.0 / 20.0).round() as u32)
        .collect()
}

#[test]
fn every_image_comes_once_in_order_and_with_crops_of_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..12u32 {
        let ramp = RgbImage::from_fn(60, 40, |x, y| {
            Rgb([(4 * x) as u8, (6 * y) as u8, (20 * i) as u8])
        });
        ramp.save(folder.path().join(format!("{i}.png"))).unwrap();
    }
    let settings = PhotoSettings {
        size: 8,
        crop: Crop::Random(0.3),
        flip: true,
        ..Default::default()
    };
    let train = image_folder(folder.path(), &settings).unwrap().train;
    let first = batches(&train, 1);
    let sizes: Vec<usize> = first.iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 4, 3], "eleven images in batches of four");
    assert_eq!(first, batches(&train, 1), "crops do not depend on threads");
    let (first, second) = (first.concat(), batches(&train, 2).concat());
    let (mut one, mut two) = (numbers(&first), numbers(&second));
    assert_ne!(one, two, "another seed, another order");
    one.sort();
    two.sort();
    assert_eq!(one, two);
    assert_ne!(sorted(first), sorted(second), "another seed, other crops");
    assert_eq!(
        error(train.batches(0, 0)),
        "batch_size: expected at least one image, got 0. 32 is a good start"
    );
}

#[test]
fn images_in_memory_are_shuffled() {
    let digits = mnist_embedded().unwrap().train.take(10);
    let seen = batches(&digits, 0).concat();
    let all: Vec<Vec<f32>> = digits
        .first(10)
        .unwrap()
        .flatten_from(1)
        .unwrap()
        .to_vec2()
        .unwrap();
    assert_ne!(seen, all);
    assert_eq!(sorted(seen), sorted(all));
}

#[test]
fn labels_belong_to_their_images() {
    let labels: Vec<u32> = (0..9).collect();
    let bytes = labels.iter().map(|&label| label as u8).collect();
    let split = Split::from_bytes(bytes, (1, 1, 1), Some(labels))
        .unwrap()
        .take(7);
    let mut seen = 0;
    for batch in split.batches(3, 5).unwrap() {
        let (images, labels) = batch.unwrap();
        let images = (images.flatten_all().unwrap() * 255.0).unwrap();
        let images = images.round().unwrap().to_vec1::<f32>().unwrap();
        let labels = labels.unwrap();
        assert_eq!(
            (labels.dtype(), labels.dims()),
            (DType::U32, &[images.len()][..])
        );
        let expected: Vec<u32> = images.iter().map(|&value| value as u32).collect();
        assert_eq!(labels.to_vec1::<u32>().unwrap(), expected);
        seen += images.len();
    }
    assert_eq!(seen, 7);
    let unlabeled = Split::from_bytes(vec![0; 2], (1, 1, 1), None).unwrap();
    let (_, labels) = unlabeled.batches(2, 0).unwrap().next().unwrap().unwrap();
    assert!(labels.is_none());
}
