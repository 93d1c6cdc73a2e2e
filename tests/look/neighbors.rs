//! Nearest neighbors by code.

use super::common::{image, model, split, text, values};

#[test]
fn neighbors_are_sorted_by_the_distance_of_their_codes() {
    // The last two pixels are not part of the code, so the second image is the nearest.
    let images = [
        [0.5, 0.5, 0.0, 0.0],
        [0.1, 0.1, 1.0, 1.0],
        [0.2, 0.1, 0.0, 0.0],
    ];
    let found = model()
        .neighbors(
            &image([0.1, 0.1, 0.0, 0.0]),
            &split(&images, Some(vec![7, 8, 9])),
            2,
        )
        .unwrap();
    let shown: Vec<Vec<f32>> = values(found.tensor())
        .chunks(4)
        .map(<[f32]>::to_vec)
        .collect();
    assert_eq!(shown[1], images[1]);
    assert_eq!(shown[2], images[2]);
    assert!(text(&found).starts_with("nearest by code (label: distance): 3 of shape (1, 2, 2)"));
}
