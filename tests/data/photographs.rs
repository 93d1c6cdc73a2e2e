//! The photographs inside the crate: held out by photograph, the same each time, not blank.

use candlebook::photographs;
use candlebook::prelude::*;

#[test]
fn pictures_of_other_photographs_are_held_out() {
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
fn they_are_the_same_each_time_and_differ_from_each_other() {
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
fn sizes_that_the_photographs_do_not_have_are_refused() {
    for size in [0, 7, 257] {
        let error = photographs(size).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("photographs: expected 8 to 256 pixels, got {size}. 64 is a good start")
        );
    }
}
