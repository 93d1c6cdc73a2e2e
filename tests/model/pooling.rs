//! `PoolingAutoencoder`: layers and rejected sizes.

use candlebook::model::Init;
use candlebook::prelude::*;

#[test]
fn layers_are_three_convolutions_a_side_with_paired_unpooling() {
    let settings = PoolingAutoencoder {
        input: (3, 32, 32),
        code: 50,
        ..Default::default()
    };
    let conv = |channels| Conv2d(channels, 3).padding(1);
    let (encoder, decoder) = settings.layers();
    assert_eq!(
        encoder,
        [
            conv(12),
            Relu,
            conv(12),
            Relu,
            MaxPool2d(2),
            conv(24),
            Relu,
            MaxPool2d(2),
            Flatten,
            Linear(50)
        ]
    );
    assert_eq!(
        decoder,
        [
            Linear(1536),
            Unflatten(24, 8, 8),
            MaxUnpool2d(2),
            Relu,
            conv(12),
            MaxUnpool2d(2),
            Relu,
            conv(12),
            Relu,
            conv(3),
            Sigmoid
        ]
    );
    assert_eq!(settings.build().unwrap().decoder(), decoder);
    assert_eq!(PoolingAutoencoder::default().input, (3, 224, 224));
}

#[test]
fn decoder_mirrors_the_encoder_for_every_size() {
    for (input, channels) in [((1, 28, 20), [2, 3, 5]), ((3, 8, 12), [4, 4, 1])] {
        let settings = PoolingAutoencoder {
            input,
            channels,
            code: 7,
            ..Default::default()
        };
        let (encoder, decoder) = settings.layers();
        let mirrored = Autoencoder::symmetric(input, &encoder).unwrap();
        assert_eq!(decoder, mirrored.decoder());
    }
}

#[test]
fn seed_of_init_is_used() {
    let first_weight = |seed| {
        let init = Init {
            seed,
            ..Default::default()
        };
        let settings = PoolingAutoencoder {
            input: (1, 4, 4),
            init,
            ..Default::default()
        };
        let weight = settings.build().unwrap().parameters().remove(0);
        weight.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(first_weight(3), first_weight(3));
    assert_ne!(first_weight(3), first_weight(4));
}

#[test]
fn sizes_not_divisible_by_4_are_rejected() {
    let settings = PoolingAutoencoder {
        input: (3, 30, 30),
        ..Default::default()
    };
    let error = settings.build().unwrap_err().to_string();
    assert!(
        error.starts_with(
            "encoder layer 7, MaxPool2d(2): expected a height and width divisible by 2, got 15 x 15"
        ),
        "{error}"
    );
}
