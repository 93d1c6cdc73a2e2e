//! Pairs of max-pooling and unpooling.

use candlebook::prelude::*;

#[test]
fn decoding_codes_alone_unpools_to_the_top_left_of_each_window() {
    let ae = Autoencoder::new((1, 2, 2), &[MaxPool2d(2)], &[MaxUnpool2d(2)]).unwrap();
    let image = Tensor::new(&[[[0.1f32, 0.2], [0.4, 0.3]]], &Device::Cpu).unwrap();
    let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let reconstructed = values(ae.reconstruct(&image).unwrap());
    assert_eq!(reconstructed, [0.0, 0.0, 0.4, 0.0]);
    let decoded = values(ae.decode(&ae.encode(&image).unwrap()).unwrap());
    assert_eq!(decoded, [0.4, 0.0, 0.0, 0.0]);
}

#[test]
fn unpooling_must_match_the_paired_pooling() {
    let error = |encoder: &[Layer], decoder: &[Layer]| {
        Autoencoder::new((1, 8, 8), encoder, decoder)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let window = error(&[MaxPool2d(4)], &[MaxUnpool2d(2), MaxUnpool2d(2)]);
    assert!(
        window.starts_with("decoder layer 0, MaxUnpool2d(2): expected 1 x 2 x 2"),
        "{window}"
    );
    let encoder = [MaxPool2d(2), Conv2d(3, 3).padding(1)];
    let channels = error(&encoder, &[MaxUnpool2d(2), Conv2d(1, 3).padding(1)]);
    assert!(channels.contains("got 3 x 4 x 4"), "{channels}");
}
