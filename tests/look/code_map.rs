//! Entries of a codebook that images choose.

use candlebook::prelude::*;

fn trained(encoder: &[Layer]) -> (Autoencoder, Dataset) {
    let data = mnist_embedded().unwrap().take(1000, 100);
    let mut ae = Autoencoder::symmetric(data.image_shape(), encoder).unwrap();
    let fit = Fit {
        epochs: 4,
        batch_size: 50,
        ..Default::default()
    };
    ae.fit(&data, &fit).unwrap();
    (ae, data)
}

#[test]
fn codes_are_the_entries_that_the_pixels_choose() {
    let conv = [
        Conv2d(8, 4).stride(4),
        Relu,
        Conv2d(4, 1),
        VectorQuantize(16),
    ];
    let (ae, data) = trained(&conv);
    let images = data.test.first(100).unwrap();
    let entries = ae.code_entries(&images).unwrap();
    assert_eq!(
        (entries.dims(), entries.dtype()),
        (&[100, 7, 7][..], DType::U32)
    );
    let codebook = ae.buffers()[0].1.to_vec2::<f32>().unwrap();
    let codes = ae.encode(&images).unwrap();
    let entries = entries.to_vec3::<u32>().unwrap();
    for (i, y, x) in [(0, 0, 0), (5, 3, 2), (99, 6, 6)] {
        let code = codes.i((i, .., y, x)).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(code, codebook[entries[i][y][x] as usize]);
    }
    // More than half of the codebook is used.
    let mut used: Vec<u32> = entries.concat().concat();
    used.sort_unstable();
    used.dedup();
    assert!(used.len() > 8, "{} of 16 entries", used.len());
    let maps = ae.code_maps(&data.test, 3).unwrap();
    assert_eq!(maps.tensor().dims(), [9, 1, 28, 28]);
    let shade = maps
        .tensor()
        .i((4, 0, 13, 13))
        .unwrap()
        .to_scalar::<f32>()
        .unwrap();
    assert!((shade - entries[1][3][3] as f32 / 15.0).abs() < 1e-6);
}

#[test]
fn features_choose_one_entry_and_other_codes_none() {
    let (ae, data) = trained(&[Flatten, Linear(6), VectorQuantize(10)]);
    let images = data.test.first(7).unwrap();
    assert_eq!(ae.code_entries(&images).unwrap().dims(), [7]);
    let text = ae.code_maps(&data.test, 2).unwrap_err().to_string();
    assert!(
        text.starts_with("code_maps: expected a code of pixels"),
        "{text}"
    );
    let plain = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(6)]).unwrap();
    let text = plain.code_entries(&images).unwrap_err().to_string();
    assert!(
        text.starts_with(
            "code_entries: expected an encoder that ends in a codebook, got Linear(6)"
        ),
        "{text}"
    );
}
