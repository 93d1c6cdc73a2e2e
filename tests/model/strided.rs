//! `StridedAutoencoder`: code shapes and rejected settings.

use candlebook::prelude::*;

#[test]
fn code_shape_follows_the_number_of_halvings() {
    for halvings in 1..=5 {
        let settings = StridedAutoencoder {
            input: (3, 64, 96),
            halvings,
            channels: 4,
            blocks: 2,
            code: 5,
            ..Default::default()
        };
        let ae = settings.build().unwrap();
        assert_eq!(ae.code_shape(), [5, 64 >> halvings, 96 >> halvings]);
    }
}

#[test]
fn sizes_that_cannot_be_halved_are_rejected() {
    let settings = StridedAutoencoder {
        input: (3, 60, 64),
        ..Default::default()
    };
    assert_eq!(
        settings.build().unwrap_err().to_string(),
        "StridedAutoencoder: expected a height and width divisible by 8, for 3 halvings, got 60 x 64. \
         Choose another size, or fewer halvings"
    );
}

#[test]
fn settings_out_of_range_are_rejected() {
    let error = |settings: StridedAutoencoder| settings.build().unwrap_err().to_string();
    let halvings = error(StridedAutoencoder {
        halvings: 0,
        ..Default::default()
    });
    assert!(
        halvings.starts_with("StridedAutoencoder::halvings: expected 1 to 6, got 0"),
        "{halvings}"
    );
    let channels = error(StridedAutoencoder {
        channels: 5000,
        ..Default::default()
    });
    assert!(
        channels.starts_with("StridedAutoencoder::channels: expected at most 4096, got 5000"),
        "{channels}"
    );
}
