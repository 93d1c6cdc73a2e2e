//! Models with every kind of layer, for the tests of the planned step.

use crate::layer::Layer::{self, *};
use crate::layer::{
    AvgPool2d, Conv2d, ConvTranspose2d, Gaussian, Gumbel, MaxPool2d, MaxUnpool2d, Upsample,
};
use crate::loss::Loss;

/// A model and its loss.
pub(super) struct Case {
    pub(super) encoder: Vec<Layer>,
    pub(super) decoder: Vec<Layer>,
    pub(super) loss: Loss,
}

pub(super) fn cases() -> [Case; 28] {
    let conv = |out| Conv2d(out, 3).padding(1);
    let up = ConvTranspose2d(2, 3).stride(2).padding(1).output_padding(1);
    let dense = vec![Linear(128), Sigmoid, Unflatten(2, 8, 8)];
    let block = vec![
        conv(2),
        BatchNorm,
        Residual(vec![Tanh, Dropout(0.2)]),
        conv(2),
    ];
    [
        Case {
            encoder: vec![Flatten, Linear(9), Relu, Dropout(0.3), Linear(5), Tanh],
            decoder: dense.clone(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![Flatten, Linear(7), BatchNorm, Gelu],
            decoder: dense.clone(),
            loss: Loss::BinaryCrossEntropy,
        },
        Case {
            encoder: vec![conv(4).stride(2).groups(2), LeakyRelu(0.2)],
            decoder: vec![up.clone()],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![conv(2).stride(2)],
            decoder: [
                vec![up.clone().output_padding_hw(1, 0), Flatten],
                dense.clone(),
            ]
            .concat(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![conv(3).padding(2).dilation(2), MaxPool2d(2), Elu(0.7)],
            decoder: vec![MaxUnpool2d(2), conv(2)],
            loss: Loss::BinaryCrossEntropyWithLogits,
        },
        Case {
            encoder: vec![BatchNorm, AvgPool2d(4), conv(3), Softplus, Dropout(0.2)],
            decoder: vec![Upsample(4), conv(2), Sigmoid],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![GaussianNoise(0.1), Flatten, Linear(8), Gaussian(30.0)],
            decoder: dense.clone(),
            loss: Loss::BinaryCrossEntropy,
        },
        Case {
            encoder: vec![
                Flatten,
                Linear(6),
                Gaussian(4.0).softplus_deviation().sampled_divergence(),
                Dropout(0.2),
            ],
            decoder: dense.clone(),
            loss: Loss::BinaryCrossEntropy,
        },
        Case {
            encoder: vec![
                MaskingNoise(0.2),
                Flatten,
                Linear(8),
                Gaussian(3.0)
                    .free_bits(0.02)
                    .warm_up(2)
                    .softplus_deviation(),
            ],
            decoder: dense.clone(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                Flatten,
                Linear(12),
                Gumbel(4, 3).beta(20.0).anneal(0.5, 0.7),
                Dropout(0.2),
            ],
            decoder: dense.clone(),
            loss: Loss::BinaryCrossEntropy,
        },
        Case {
            encoder: vec![Flatten, Linear(9), BatchTopK(4), Linear(6)],
            decoder: dense.clone(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![Flatten, Linear(9), L1(0.01), TopK(4)],
            decoder: dense.clone(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                Flatten,
                Linear(6),
                Sigmoid,
                KlSparsity(0.1, 0.01),
                BatchNorm,
                WinnerTakeAll(0.5),
            ],
            decoder: dense.clone(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                conv(2),
                Residual(vec![WinnerTakeAll(0.5)]),
                WinnerTakeAll(0.8),
                Flatten,
                Linear(4),
                Mmd(50.0),
                Dropout(0.1),
            ],
            decoder: [dense.clone(), vec![KlSparsity(0.4, 0.01)]].concat(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                Flatten,
                Linear(6),
                Gaussian(0.5)
                    .total_correlation(3.0)
                    .free_bits(0.01)
                    .softplus_deviation(),
            ],
            decoder: dense.clone(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![conv(2), SaltAndPepperNoise(0.2), conv(2), Clamp(-0.2, 0.2)],
            decoder: vec![conv(2), MaskingNoise(0.2), GaussianNoise(0.1), conv(2)],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![Flatten, Linear(6), L1(0.01), L2(0.02)],
            decoder: [vec![BatchNorm], dense.clone()].concat(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![Flatten, Linear(6), WinnerTakeAll(0.6)],
            decoder: [vec![BatchNorm], dense.clone()].concat(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                Patches(2, 4),
                Linear(6),
                Positions,
                Residual(vec![LayerNorm, Attention(2)]),
                MaskSteps(0.25),
                Flatten,
                Linear(4),
            ],
            decoder: vec![
                Linear(48),
                Sequence(8, 6),
                LstmSteps(5),
                Linear(16),
                Sigmoid,
                Unpatches(2, 4, (2, 8, 8)),
            ],
            loss: Loss::BinaryCrossEntropy,
        },
        Case {
            encoder: vec![Patches(1, 8), Lstm(6)],
            decoder: vec![
                Repeat(8),
                LstmSteps(5),
                Linear(16),
                Unpatches(1, 8, (2, 8, 8)),
            ],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![conv(4), Tanh, conv(2)],
            decoder: vec![],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![conv(2), Residual(block), BatchNorm],
            decoder: vec![MaxUnpool2d(1), conv(2)],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                conv(6),
                GroupNorm(3),
                Silu,
                SpatialDropout(0.3),
                conv(4),
                Softmax,
            ],
            decoder: vec![conv(2), GroupNorm(1), Dropout(0.2), conv(2)],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                conv(2),
                LayerNorm,
                SpatialDropout(0.2),
                SpatialDropout(0.2),
                Flatten,
            ],
            decoder: dense.clone(),
            loss: Loss::BinaryCrossEntropy,
        },
        Case {
            encoder: vec![
                LayerNorm,
                Flatten,
                Linear(12),
                LayerNorm,
                Softmax,
                Linear(8),
            ],
            decoder: [
                vec![GroupNorm(2), Silu, Residual(vec![LayerNorm])],
                dense.clone(),
            ]
            .concat(),
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![SpatialDropout(0.4), Softmax, Silu, GroupNorm(2), conv(3)],
            decoder: vec![conv(2)],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                conv(3),
                MaxPool2d(3).ceil_mode(),
                conv(2),
                AvgPool2d(2).ceil_mode(),
            ],
            decoder: vec![
                Upsample(2).output_size(3, 3),
                conv(3),
                MaxUnpool2d(3).output_size(8, 8),
                conv(2),
            ],
            loss: Loss::Mse,
        },
        Case {
            encoder: vec![
                conv(2),
                MaxUnpool2d(2).output_size(15, 16),
                AvgPool2d(4).ceil_mode(),
            ],
            decoder: vec![Flatten, Linear(128), Unflatten(2, 8, 8)],
            loss: Loss::Mse,
        },
    ]
}
