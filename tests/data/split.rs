//! Splits: shapes, values, labels, errors.

use crate::support::error;
use candlebook::prelude::*;
use candlebook::show::Show;

#[test]
fn shapes_and_labels_that_do_not_match_are_errors() {
    assert_eq!(
        error(Split::from_bytes(vec![0; 5], (1, 1, 2), None)),
        "Split::from_bytes: expected a whole number of images of 1 x 1 x 2 = 2 bytes, got 5. Check the shape"
    );
    assert_eq!(
        error(Split::from_bytes(vec![0; 4], (1, 1, 2), Some(vec![0]))),
        "labels: expected one label for each of 2 images, got 1. Check that images and labels come from the same \
         source"
    );
    assert!(error(Split::from_bytes(vec![], (1, 1, 2), None)).contains("at least one image"));
    let flat = Tensor::zeros((2, 4), DType::F32, &Device::Cpu).unwrap();
    assert!(
        error(Split::from_tensor(&flat, None))
            .starts_with("Split::from_tensor: expected (n, c, h, w), got [2, 4]")
    );
    let split = Split::from_bytes(vec![0; 4], (1, 1, 2), None).unwrap();
    assert_eq!(
        error(split.images(&[2])),
        "position: expected below 2, got 2. Positions count from 0"
    );
}

#[test]
fn an_empty_split_has_no_mean_and_no_loss_and_shows_a_text() {
    let digits = mnist_embedded().unwrap();
    let empty = digits.test.take(0);
    assert!(empty.is_empty() && !digits.test.is_empty());
    let expected = "expected a split of at least one image, got an empty one. \
                    Keep at least one image, e.g. .take(100)";
    let mean = error(empty.mean_image());
    assert_eq!(mean, format!("Split::mean_image: {expected}"));
    let ae = Autoencoder::symmetric(digits.image_shape(), &[Flatten, Linear(2)]).unwrap();
    assert_eq!(error(ae.evaluate(&empty)), format!("evaluate: {expected}"));
    assert_eq!(empty.first(9).unwrap().dims(), [0, 1, 28, 28]);
    assert_eq!(empty.batches(4, 0).unwrap().count(), 0);
    let contents = empty.contents().unwrap();
    assert_eq!(contents[0].get("text/plain"), Some("0 images (1, 28, 28)"));
    assert_eq!(
        digits.take(0, 0).contents().unwrap().len(),
        1,
        "the table alone"
    );
}

#[test]
fn names_are_needed_for_every_label() {
    let split = |labels| Split::from_bytes(vec![0; 2], (1, 1, 1), labels).unwrap();
    let names = |n: usize| (0..n).map(|i| format!("class {i}")).collect::<Vec<_>>();
    let named = split(Some(vec![0, 1])).named(names(2)).unwrap();
    assert_eq!(named.classes().unwrap(), names(2));
    assert_eq!(
        error(split(Some(vec![0, 2])).named(names(2))),
        "Split::named: expected 3 names, one per label, got 2. Pass a name for every label"
    );
    assert!(error(split(None).named(names(2))).contains("expected 1 names"));
}

#[test]
fn a_tensor_of_bytes_is_read_as_bytes() {
    let bytes: Vec<u8> = (0..512).map(|i| (i % 256) as u8).collect();
    let tensor = Tensor::from_vec(bytes.clone(), (8, 1, 8, 8), &Device::Cpu).unwrap();
    let split = Split::from_tensor(&tensor, None).unwrap();
    let expected = Split::from_bytes(bytes, (1, 8, 8), None).unwrap();
    let values = |split: &Split| {
        split
            .first(8)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
    };
    assert_eq!(values(&split), values(&expected));
    assert_eq!(values(&split)[255], 1.0);
}

#[test]
fn floats_outside_the_unit_interval_and_nan_are_rejected_with_their_place() {
    let error = |at: usize, value: f32| {
        let mut values = vec![0.5f32; 512];
        values[at] = value;
        let tensor = Tensor::from_vec(values, (8, 1, 8, 8), &Device::Cpu).unwrap();
        Split::from_tensor(&tensor, None).unwrap_err().to_string()
    };
    assert_eq!(
        error(100, f32::NAN),
        "Split::from_tensor: expected floats in [0, 1], got NaN at [1, 0, 4, 4]. Remove the images \
         that have such values"
    );
    assert!(
        error(0, 255.0).contains("got 255 at [0, 0, 0, 0]. Divide bytes by 255: (images / 255.0)?")
    );
    assert!(error(511, f32::NEG_INFINITY).contains("got -inf at [7, 0, 7, 7]. Remove"));
    assert!(error(64, 1.0001).contains("got 1.0001 at [1, 0, 0, 0]. Keep noisy images"));
}

#[test]
fn vectors_have_any_finite_range() {
    let values: Vec<f32> = (0..12).map(|i| 100.0 * i as f32 - 600.0).collect();
    let vectors = Tensor::from_vec(values.clone(), (4, 3), &Device::Cpu).unwrap();
    let split = Split::vectors(&vectors, Some(vec![0, 1, 2, 3])).unwrap();
    assert_eq!((split.len(), split.image_shape()), (4, (1, 1, 3)));
    let found = split
        .first(4)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    assert_eq!(found, values);
    let error = |result: Result<Split, Error>| result.unwrap_err().to_string();
    let images = vectors.reshape((4, 1, 3, 1)).unwrap();
    assert_eq!(
        error(Split::vectors(&images, None)),
        "Split::vectors: expected (n, d), got [4, 1, 3, 1]. Flatten each one with .flatten_from(1)"
    );
    assert!(error(Split::from_tensor(&vectors, None)).ends_with("For vectors see Split::vectors"));
    let infinite = (vectors / 0.0).unwrap();
    assert!(
        error(Split::vectors(&infinite, None))
            .contains("expected finite numbers, got -inf at [0, 0]")
    );
}

#[test]
fn vectors_show_as_bars_over_the_range_of_the_data() {
    use candlebook::show::Show;
    let vectors = Tensor::new(&[[-9f32, 0.0, 9.0], [9.0, 0.0, -9.0]], &Device::Cpu).unwrap();
    let split = Split::vectors(&vectors, None).unwrap();
    let text = |shown: &dyn Show, i: usize| {
        let contents = shown.contents().unwrap();
        contents[i].get("text/plain").unwrap().to_owned()
    };
    assert_eq!(
        text(&split, 0),
        "2 vectors of 3 values, the first: 2 of shape (1, 1, 3), values -9.000 to 9.000\n▁▅█  █▅▁"
    );
    let data = Dataset::new("waves", "memory", split.clone(), split).unwrap();
    assert!(
        text(&data, 0)
            .starts_with("waves        vectors  values  labels\ntrain              2       3")
    );
    assert!(text(&data, 1).starts_with("waves: training vectors: 2 of shape"));
}
