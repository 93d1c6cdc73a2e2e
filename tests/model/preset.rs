//! Ready models: shapes, sizes that do not fit, and that the layers are those of the post.

use candlebook::prelude::*;

#[test]
fn the_posts_model_is_three_convolutions_a_side_with_mirrored_unpooling() {
    let ae = Pooled {
        input: (3, 32, 32),
        code: 50,
        ..Default::default()
    }
    .build()
    .unwrap();
    let names = |layers: &[Layer]| layers.iter().map(Layer::to_string).collect::<Vec<_>>();
    let conv = |maps: usize| format!("Conv2d({maps}, 3).padding(1)");
    let (c3, c12, c24) = (conv(3), conv(12), conv(24));
    assert_eq!(
        names(ae.encoder()),
        [
            &c12,
            "Relu",
            &c12,
            "Relu",
            "MaxPool2d(2)",
            &c24,
            "Relu",
            "MaxPool2d(2)",
            "Flatten",
            "Linear(50)"
        ]
    );
    assert_eq!(
        names(ae.decoder()),
        [
            "Linear(1536)",
            "Unflatten(24, 8, 8)",
            "MaxUnpool2d(2)",
            "Relu",
            &c12,
            "MaxUnpool2d(2)",
            "Relu",
            &c12,
            "Relu",
            &c3,
            "Sigmoid"
        ]
    );
    assert_eq!(Pooled::default().input, (3, 224, 224));
    let error = Pooled {
        input: (3, 30, 30),
        ..Default::default()
    }
    .build()
    .unwrap_err()
    .to_string();
    assert!(
        error.starts_with(
            "encoder layer 7, MaxPool2d(2): expected a height and width divisible by 2, got 15 x 15"
        ),
        "{error}"
    );
}

#[test]
fn the_strided_model_fits_for_any_number_of_halvings() {
    for halvings in 1..=5 {
        let ae = Strided {
            input: (3, 64, 96),
            halvings,
            maps: 4,
            blocks: 2,
            code: 5,
        }
        .build()
        .unwrap();
        assert_eq!(ae.code_shape(), [5, 64 >> halvings, 96 >> halvings]);
    }
    let error = Strided {
        input: (3, 60, 64),
        ..Default::default()
    }
    .build()
    .unwrap_err()
    .to_string();
    assert_eq!(
        error,
        "Strided: expected a height and width divisible by 8, for 3 halvings, got 60 x 64. Choose another size, or fewer \
         halvings"
    );
    let error = Strided {
        halvings: 0,
        ..Default::default()
    }
    .build()
    .unwrap_err()
    .to_string();
    assert!(
        error.starts_with("Strided::halvings: expected 1 to 6, got 0"),
        "{error}"
    );
}
