//! Layers as data: their text in files and in code.

use candlebook::prelude::*;

/// Every kind of layer, as weights files store it, and as it is written in code.
fn every_kind() -> Vec<(Layer, &'static str, &'static str)> {
    vec![
        (Flatten, r#""Flatten""#, "Flatten"),
        (
            Unflatten(1, 28, 28),
            r#"{"Unflatten":[1,28,28]}"#,
            "Unflatten(1, 28, 28)",
        ),
        (Linear(128), r#"{"Linear":128}"#, "Linear(128)"),
        (
            Conv2d(12, 3).padding(1),
            r#"{"Conv2d":{"out":12,"kernel":3,"stride":1,"padding":1,"dilation":1,"groups":1}}"#,
            "Conv2d(12, 3).padding(1)",
        ),
        (
            ConvTranspose2d(4, 3)
                .stride(2)
                .padding(1)
                .output_padding(1)
                .dilation(2)
                .groups(2),
            concat!(
                r#"{"ConvTranspose2d":{"conv":{"out":4,"kernel":3,"stride":2,"padding":1,"#,
                r#""dilation":2,"groups":2},"output_padding":1}}"#
            ),
            "ConvTranspose2d(4, 3).stride(2).padding(1).output_padding(1).dilation(2).groups(2)",
        ),
        (
            ConvTranspose2d(1, 3).stride(2).output_padding_hw(0, 1),
            concat!(
                r#"{"ConvTranspose2d":{"conv":{"out":1,"kernel":3,"stride":2,"padding":0,"#,
                r#""dilation":1,"groups":1},"output_padding":[0,1]}}"#
            ),
            "ConvTranspose2d(1, 3).stride(2).output_padding_hw(0, 1)",
        ),
        (MaxPool2d(2), r#"{"MaxPool":2}"#, "MaxPool2d(2)"),
        (MaxUnpool2d(2), r#"{"MaxUnpool":2}"#, "MaxUnpool2d(2)"),
        (AvgPool2d(3), r#"{"AvgPool":3}"#, "AvgPool2d(3)"),
        (
            MaxPool2d(2).ceil_mode(),
            r#"{"MaxPool":{"size":2,"ceil_mode":true}}"#,
            "MaxPool2d(2).ceil_mode()",
        ),
        (
            AvgPool2d(3).ceil_mode(),
            r#"{"AvgPool":{"size":3,"ceil_mode":true}}"#,
            "AvgPool2d(3).ceil_mode()",
        ),
        (
            MaxUnpool2d(2).output_size(7, 8),
            r#"{"MaxUnpool":{"size":2,"output_size":[7,8]}}"#,
            "MaxUnpool2d(2).output_size(7, 8)",
        ),
        (
            Upsample(2).output_size(7, 8),
            r#"{"Upsample":{"size":2,"output_size":[7,8]}}"#,
            "Upsample(2).output_size(7, 8)",
        ),
        (Upsample(3), r#"{"Upsample":3}"#, "Upsample(3)"),
        (BatchNorm, r#""BatchNorm""#, "BatchNorm"),
        (LayerNorm, r#""LayerNorm""#, "LayerNorm"),
        (GroupNorm(4), r#"{"GroupNorm":4}"#, "GroupNorm(4)"),
        (
            Residual(vec![Relu, Linear(4)]),
            r#"{"Residual":["Relu",{"Linear":4}]}"#,
            "Residual(vec![Relu, Linear(4)])",
        ),
        (Relu, r#""Relu""#, "Relu"),
        (LeakyRelu(0.2), r#"{"LeakyRelu":0.2}"#, "LeakyRelu(0.2)"),
        (Elu(0.7), r#"{"Elu":0.7}"#, "Elu(0.7)"),
        (Gelu, r#""Gelu""#, "Gelu"),
        (Silu, r#""Silu""#, "Silu"),
        (Softplus, r#""Softplus""#, "Softplus"),
        (Sigmoid, r#""Sigmoid""#, "Sigmoid"),
        (Tanh, r#""Tanh""#, "Tanh"),
        (Softmax, r#""Softmax""#, "Softmax"),
        (
            SpatialDropout(0.25),
            r#"{"SpatialDropout":0.25}"#,
            "SpatialDropout(0.25)",
        ),
        (Dropout(0.25), r#"{"Dropout":0.25}"#, "Dropout(0.25)"),
        (
            Gumbel(30, 10),
            concat!(
                r#"{"Gumbel":{"groups":30,"classes":10,"beta":1.0,"temperature":1.0,"#,
                r#""annealing":null,"straight_through":false}}"#
            ),
            "Gumbel(30, 10)",
        ),
        (
            Gumbel(3, 4)
                .straight_through()
                .anneal(3e-5, 0.5)
                .temperature(2.0)
                .beta(0.25),
            concat!(
                r#"{"Gumbel":{"groups":3,"classes":4,"beta":0.25,"temperature":2.0,"#,
                r#""annealing":{"rate":0.00003,"min":0.5},"straight_through":true}}"#
            ),
            "Gumbel(3, 4).beta(0.25).temperature(2.0).anneal(3e-5, 0.5).straight_through()",
        ),
        (
            Fsq(vec![8, 5, 5]),
            r#"{"Fsq":[8,5,5]}"#,
            "Fsq(vec![8, 5, 5])",
        ),
    ]
}

#[test]
fn names_in_files_stay_the_same() {
    for (layer, json, _) in every_kind() {
        assert_eq!(serde_json::to_string(&layer).unwrap(), json);
        assert_eq!(serde_json::from_str::<Layer>(json).unwrap(), layer);
    }
}

#[test]
fn layers_print_as_written_in_code() {
    for (layer, _, code) in every_kind() {
        assert_eq!(layer.to_string(), code);
    }
}
