//! Structural similarity.

use super::common::{data, error, image, model};
use candlebook::evaluate::ssim;
use candlebook::prelude::*;

#[test]
fn ssim_is_that_of_scikit_image() {
    // skimage.metrics.structural_similarity(image(0, *shape), image(0.4, *shape),
    //     gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1,
    //     channel_axis=0)
    for (shape, expected) in [
        ((1, 28, 28), 0.9213335),
        ((1, 11, 17), 0.8472534),
        ((3, 16, 12), 0.9213311),
    ] {
        let found = ssim(&image(0.0, shape), &image(0.4, shape)).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0] - expected).abs() < 1e-6, "{shape:?}: {found:?}");
    }
}

#[test]
fn each_image_of_a_batch_has_its_own_similarity() {
    let images = [0.0, 0.2, 0.4].map(|phase| image(phase, (1, 28, 28)));
    let first = Tensor::stack(&[&images[0]; 3], 0).unwrap();
    let batch = Tensor::stack(&images, 0).unwrap();
    let found = ssim(&first, &batch).unwrap();
    assert_eq!(found[0], 1.0);
    assert!(found[1] > found[2] && (found[2] - 0.9213335).abs() < 1e-6);
    let ae = model(&data(false));
    assert!(ae.ssim(&data(false).test).unwrap() < 0.2, "a new model");
}

#[test]
fn images_smaller_than_the_window_are_rejected() {
    let small = image(0.0, (1, 10, 28));
    assert_eq!(
        error(ssim(&small, &small)),
        "ssim: expected images of at least 11 x 11 pixels, the window, got 10 x 28. Compare \
         smaller images by their mean squared error or psnr"
    );
}
