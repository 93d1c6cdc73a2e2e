//! Interpolations.

use super::common::{image, model, values};
use candlebook::prelude::*;

#[test]
fn interpolation_leads_from_one_image_to_the_other() {
    let between = model()
        .interpolation(
            &image([0.0, 0.4, 0.0, 0.0]),
            &image([1.0, 0.8, 0.0, 0.0]),
            3,
        )
        .unwrap();
    let decoded: Vec<f32> = values(between.tensor())
        .chunks(4)
        .flat_map(|image| [image[0], image[1]])
        .collect();
    assert!(
        decoded
            .iter()
            .zip([0.0, 0.4, 0.5, 0.6, 1.0, 0.8])
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{decoded:?}"
    );
}

#[test]
fn unpooling_uses_the_maxima_of_the_nearer_image() {
    let ae = Autoencoder::new(
        (1, 2, 2),
        &[MaxPool2d(2), Flatten],
        &[Unflatten(1, 1, 1), MaxUnpool2d(2)],
    )
    .unwrap();
    let (left, right) = (image([0.0, 0.0, 0.5, 0.0]), image([0.0, 0.9, 0.0, 0.0]));
    let between = values(ae.interpolation(&left, &right, 2).unwrap().tensor());
    assert_eq!(between, [0.0, 0.0, 0.5, 0.0, 0.0, 0.9, 0.0, 0.0]);
}

/// The first two pixels of each image.
fn pixels(montage: &Montage) -> Vec<[f32; 2]> {
    let images = values(montage.tensor());
    images.chunks(4).map(|image| [image[0], image[1]]).collect()
}

#[test]
fn a_spherical_path_keeps_the_length_of_codes() {
    let (from, to) = (image([0.6, 0.0, 0.0, 0.0]), image([0.0, 0.6, 0.0, 0.0]));
    let path = model().spherical_interpolation(&from, &to, 3).unwrap();
    let expected = [0.6, 0.0, 0.6 * 0.5f32.sqrt(), 0.6 * 0.5f32.sqrt(), 0.0, 0.6];
    let found = pixels(&path).concat();
    assert!(
        found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{found:?}"
    );
    let error = model().spherical_interpolation(&from, &to, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "steps: expected 2 to 1000, got 1. 9 is a good start"
    );
}

#[test]
fn a_loop_passes_every_image_and_ends_before_the_first_one() {
    let corners = [[0.0, 0.0], [0.8, 0.0], [0.8, 0.4]].map(|[a, b]| image([a, b, 0.0, 0.0]));
    let corners = Tensor::stack(&corners, 0).unwrap();
    let path = model().interpolation_loop(&corners, 2).unwrap();
    let expected = [
        [0.0, 0.0],
        [0.4, 0.0],
        [0.8, 0.0],
        [0.8, 0.2],
        [0.8, 0.4],
        [0.4, 0.2],
    ];
    let found = pixels(&path);
    assert_eq!(found.len(), 6);
    for (found, expected) in found.concat().iter().zip(expected.concat()) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    let error = |images: &Tensor, steps| {
        let error = model().interpolation_loop(images, steps).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        error(&corners, 500),
        "interpolation_loop: expected at least 2 images, and at most 1000 steps in all, got 3 images with 500 steps \
         each. Start with 5 images and 10 steps"
    );
    assert!(error(&corners.narrow(0, 0, 1).unwrap(), 10).contains("got 1 images"));
}

#[test]
fn a_loop_is_spherical_for_codes_close_to_the_prior() {
    let ends = [[0.6, 0.0], [0.0, 0.6]].map(|[a, b]| image([a, b, 0.0, 0.0]));
    let ends = Tensor::stack(&ends, 0).unwrap();
    let encoder = [Flatten, Linear(2), Mmd(1.0)];
    let ae = Autoencoder::new((1, 2, 2), &encoder, &[Linear(4), Unflatten(1, 2, 2)]).unwrap();
    for ((_, variable), (_, other)) in ae.variables().iter().zip(model().variables()) {
        variable.set(&other).unwrap();
    }
    let path = pixels(&ae.interpolation_loop(&ends, 2).unwrap());
    assert!((path[1][0] - 0.6 * 0.5f32.sqrt()).abs() < 1e-6, "{path:?}");
}
