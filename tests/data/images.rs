//! Images of a split as tensors.

use candlebook::prelude::*;

#[test]
fn images_are_floats_in_0_to_1_in_the_requested_order() {
    let split = Split::from_bytes(vec![0, 255, 51, 102], (1, 1, 2), Some(vec![7, 8])).unwrap();
    let images = split.images(&[1, 0]).unwrap();
    assert_eq!(images.dims(), [2, 1, 1, 2]);
    let values = images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (value, expected) in values.iter().zip([0.2, 0.4, 0.0, 1.0]) {
        assert!((value - expected).abs() < 1e-6, "{values:?}");
    }
    assert_eq!(split.labels(), Some(vec![7, 8]));
    assert_eq!(split.take(1).labels(), Some(vec![7]));
}

#[test]
fn the_mean_image_averages_over_images() {
    let images = Tensor::new(&[0f32, 1.0, 0.5, 0.0], &Device::Cpu)
        .unwrap()
        .reshape((2, 1, 1, 2))
        .unwrap();
    let mean = Split::from_tensor(&images, None)
        .unwrap()
        .mean_image()
        .unwrap();
    assert_eq!(
        mean.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
        [0.25, 0.5]
    );
}
