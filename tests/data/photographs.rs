//! The photographs inside the crate.

use candlebook::data::photographs;
use candlebook::prelude::*;

#[test]
fn test_images_come_from_other_photographs() {
    let data = photographs(24).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.image_shape()),
        (3000, 200, (3, 24, 24))
    );
    let seen = |split: &Split| {
        split
            .labels()
            .unwrap()
            .into_iter()
            .collect::<std::collections::BTreeSet<u32>>()
    };
    assert_eq!(seen(&data.train), (0..6).collect());
    assert_eq!(seen(&data.test), (6..8).collect());
    assert_eq!(data.test.classes().unwrap()[6..], ["chelsea", "coffee"]);
}

#[test]
fn crops_are_reproducible_and_differ() {
    let values = |data: &Dataset, n| {
        data.train
            .images(&[n])
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
    };
    let (data, again) = (photographs(16).unwrap(), photographs(16).unwrap());
    assert_eq!(values(&data, 7), values(&again, 7));
    assert_ne!(values(&data, 7), values(&data, 13));
    // The cat is orange and brown: more red than blue.
    let cat = data
        .test
        .images(&(0..200).step_by(2).collect::<Vec<_>>())
        .unwrap();
    let mean = cat.mean((0, 2, 3)).unwrap().to_vec1::<f32>().unwrap();
    assert!(mean[0] > mean[2] + 0.1, "{mean:?}");
}

#[test]
fn sizes_outside_their_range_are_rejected() {
    for size in [0, 7, 257] {
        let error = photographs(size).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("photographs: expected 8 to 256 pixels, got {size}. 64 is a good start")
        );
    }
}
