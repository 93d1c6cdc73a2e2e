//! Reconstructions from quantized codes.

use candlebook::prelude::*;

#[test]
fn more_bits_approach_the_reconstruction_without_quantization() {
    let data = photographs(16).unwrap();
    let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(24)]).unwrap();
    ae.fit(
        &data.take(600, 50),
        &Fit {
            epochs: 10,
            batch_size: 20,
            ..Default::default()
        },
    )
    .unwrap();
    let images = data.test.first(50).unwrap();
    let error = |output: Tensor| {
        (output - &images)
            .unwrap()
            .sqr()
            .unwrap()
            .mean_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap()
    };
    let exact = error(ae.reconstruct(&images).unwrap());
    let others = data.train.first(400).unwrap();
    let at = |bits| error(ae.reconstruct_quantized(&images, bits, &others).unwrap());
    assert!(
        (at(12) - exact).abs() < 0.02 * exact,
        "{} for {exact}",
        at(12)
    );
    assert!(
        at(1) > at(4) && at(4) > exact,
        "{} {} {exact}",
        at(1),
        at(4)
    );
    assert!(
        ae.reconstruct_quantized(&images, 0, &others)
            .unwrap_err()
            .to_string()
            .starts_with("bits: expected 1 to 16, got 0")
    );
}
