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
    let pool = MaxPool2d(2).ceil_mode();
    let error_of_size = Autoencoder::new((1, 7, 8), &[pool], &[MaxUnpool2d(2)]).map(|_| ());
    assert_eq!(
        error_of_size.unwrap_err().to_string(),
        "decoder layer 0, MaxUnpool2d(2): expected an output of 7 x 8, the input of its paired \
         MaxPool2d(2).ceil_mode(), got 8 x 8. Write MaxUnpool2d(2).output_size(7, 8)"
    );
    let encoder = [MaxPool2d(2), Conv2d(3, 3).padding(1)];
    let channels = error(&encoder, &[MaxUnpool2d(2), Conv2d(1, 3).padding(1)]);
    assert!(channels.contains("got 3 x 4 x 4"), "{channels}");
}

#[test]
fn an_output_size_must_be_covered_by_the_windows() {
    let error = |layer: Layer| {
        Autoencoder::new((1, 4, 4), &[Relu], &[layer])
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(Upsample(2).output_size(6, 8)),
        "decoder layer 0, Upsample(2).output_size(6, 8): expected an output_size that 4 x 4 windows \
         of 2 x 2 cover, got 6 x 8. Choose 7 to 8 rows and 7 to 8 columns"
    );
    for (h, w) in [(0, 0), (9, 8), (usize::MAX, 8)] {
        assert!(error(MaxUnpool2d(2).output_size(h, w)).contains("Choose 7 to 8 rows"));
    }
}
