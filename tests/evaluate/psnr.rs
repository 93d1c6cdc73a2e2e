//! Peak signal-to-noise ratio.

use super::common::{data, error, image, model};
use candlebook::evaluate::psnr;
use candlebook::prelude::*;

#[test]
fn psnr_is_that_of_scikit_image() {
    // skimage.metrics.peak_signal_noise_ratio(
    //     image(0, *shape).astype(float), image(0.4, *shape).astype(float), data_range=1)
    for (shape, expected) in [((1, 28, 28), 17.04145), ((3, 16, 12), 17.0567)] {
        let found = psnr(&image(0.0, shape), &image(0.4, shape)).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0] - expected).abs() < 1e-4, "{shape:?}: {found:?}");
    }
    let image = image(0.0, (1, 4, 4));
    assert_eq!(psnr(&image, &image).unwrap(), [f32::INFINITY]);
}

#[test]
fn the_psnr_of_a_model_is_the_mean_over_the_images() {
    let data = data(false);
    let ae = model(&data);
    let images = data.test.first(24).unwrap();
    let each = psnr(&images, &ae.reconstruct(&images).unwrap()).unwrap();
    let mean = each.iter().sum::<f32>() / 24.0;
    assert!((ae.psnr(&data.test).unwrap() as f32 - mean).abs() < 1e-4);
}

#[test]
fn other_shapes_and_vectors_are_explained() {
    let (a, b) = (image(0.0, (1, 4, 4)), image(0.0, (1, 4, 5)));
    assert_eq!(
        error(psnr(&a, &b)),
        "psnr: expected two tensors of one shape, [1, 4, 4], got [1, 4, 5]. Compare each image \
         with its own reconstruction"
    );
    let flat = a.flatten_all().unwrap();
    assert!(error(psnr(&flat, &flat)).starts_with("psnr: expected (n, c, h, w) or (c, h, w)"));
    let vectors = Tensor::zeros((4, 3), DType::F32, &Device::Cpu).unwrap();
    let split = Split::vectors(&vectors, None).unwrap();
    let ae = Autoencoder::symmetric((1, 1, 3), &[Flatten, Linear(2)]).unwrap();
    assert_eq!(
        error(ae.psnr(&split)),
        "psnr: expected images with values in [0, 1], got vectors of 3 values. Vectors have no \
         range of values: use ae.evaluate(&split)"
    );
}
