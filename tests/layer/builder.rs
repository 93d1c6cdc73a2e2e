//! Settings of convolutions, and of layers that do not have them.

use crate::common::build_error;
use candlebook::layer::{ConvSettings, ConvTransposeSettings, Layer};
use candlebook::prelude::*;

#[test]
fn methods_set_the_settings_of_convolutions() {
    const CONV: Layer = Conv2d(12, 4).stride(2).padding(1).dilation(3).groups(4);
    let settings = ConvSettings {
        stride: 2,
        padding: 1,
        dilation: 3,
        groups: 4,
        ..ConvSettings::new(12, 4)
    };
    assert_eq!(CONV, Layer::Conv2d(settings));
    let transposed = ConvTranspose2d(12, 4)
        .output_padding(1)
        .stride(2)
        .padding(1)
        .dilation(3)
        .groups(4);
    let settings = ConvTransposeSettings {
        conv: settings,
        output_padding: (1, 1),
    };
    assert_eq!(transposed, Layer::ConvTranspose2d(settings));
}

#[test]
fn setting_that_a_layer_does_not_have_is_an_error_of_the_model() {
    assert_eq!(
        build_error(&[Flatten, Linear(8).stride(2).padding(1)], (1, 8, 8)),
        "encoder layer 1, Linear.stride(2): expected a layer with the setting stride, got Linear. \
         Remove .stride(...); only Conv2d and ConvTranspose2d have it"
    );
    assert_eq!(
        build_error(&[Conv2d(4, 3).output_padding(1)], (1, 8, 8)),
        "encoder layer 0, Conv2d.output_padding(1): expected a layer with the setting \
         output_padding, got Conv2d. Remove .output_padding(...); only ConvTranspose2d has it"
    );
    assert_eq!(
        build_error(&[Conv2d(4, 3).output_padding_hw(0, 1)], (1, 8, 8)),
        "encoder layer 0, Conv2d.output_padding_hw(0, 1): expected a layer with the setting \
         output_padding_hw, got Conv2d. Remove .output_padding_hw(...); only ConvTranspose2d has it"
    );
    assert_eq!(
        build_error(&[Upsample(2).ceil_mode()], (1, 8, 8)),
        "encoder layer 0, Upsample.ceil_mode(): expected a layer with the setting ceil_mode, got \
         Upsample. Remove .ceil_mode(...); only MaxPool2d and AvgPool2d have it"
    );
    assert_eq!(
        build_error(&[MaxPool2d(2).output_size(7, 8)], (1, 8, 8)),
        "encoder layer 0, MaxPool2d.output_size(7, 8): expected a layer with the setting \
         output_size, got MaxPool2d. Remove .output_size(...); only MaxUnpool2d and Upsample have it"
    );
    let block = Residual(vec![Relu]).groups(2);
    assert!(build_error(&[block], (1, 8, 8)).contains("got Residual."));
}
