//! Layers of sequences, codebooks and tied weights against PyTorch, as in `pytorch.rs`. Each `value` is
//! added to the loss.
//! ```python
//! import torch
//! from torch import nn
//! import torch.nn.functional as F
//! class Residual(nn.Sequential):
//!     def forward(s, x): return x + super().forward(x)
//! class Attention(nn.MultiheadAttention):
//!     def __init__(s, n, heads): super().__init__(n, heads, batch_first=True)
//!     def forward(s, x): return super().forward(x, x, x)[0]
//! class Patches(nn.Module):
//!     def __init__(s, h, w): super().__init__(); s.size = (h, w)
//!     def forward(s, x): return F.unfold(x, s.size, stride=s.size).transpose(1, 2)
//! class Unpatches(Patches):
//!     def forward(s, x): return F.fold(x.transpose(1, 2), (6, 6), s.size, stride=s.size)
//! class Positions(nn.Module):
//!     def __init__(s, *shape): super().__init__(); s.weight = nn.Parameter(torch.zeros(shape))
//!     def forward(s, x): return x + s.weight
//! class Lstm(nn.LSTM):
//!     def __init__(s, n, units, steps): super().__init__(n, units, batch_first=True); s.steps = steps
//!     def forward(s, x): y, (h, _) = super().forward(x); return y if s.steps else h[0]
//! class Repeat(nn.Module):
//!     def __init__(s, steps): super().__init__(); s.steps = steps
//!     def forward(s, x): return x.unsqueeze(1).repeat(1, s.steps, 1)
//! class Codebook(nn.Module):
//!     def __init__(s, entries, n): super().__init__(); s.weight = nn.Parameter(torch.zeros(entries, n))
//!     def forward(s, x):
//!         v = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]); q = s.weight[torch.cdist(v, s.weight).argmin(1)]
//!         s.value = 0.25 * F.mse_loss(v, q.detach()) + F.mse_loss(q, v.detach())
//!         q = q.reshape(x.shape[0], *x.shape[2:], -1).permute(0, 3, 1, 2); return x + (q - x).detach()
//! class Tied(nn.Module):
//!     def __init__(s, other): super().__init__(); s.other = [other]; s.bias = nn.Parameter(torch.zeros(other.weight.shape[1]))
//!     def forward(s, x): return F.linear(x, s.other[0].weight.t(), s.bias)
//! class Contractive(nn.Module):
//!     def __init__(s, weight, other): super().__init__(); s.weight_, s.other = weight, [other]
//!     def forward(s, x):
//!         s.value = s.weight_ * ((1 - x * x) ** 2 * s.other[0].weight.square().sum(1)).sum(1).mean() / 72; return x
//! sequences = nn.Sequential(
//!     Patches(3, 3), nn.Linear(18, 8), Positions(4, 8), Residual(nn.LayerNorm(8), Attention(8, 2)),
//!     Residual(nn.LayerNorm(8), nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 8)), Lstm(8, 6, False),
//!     Repeat(6), Lstm(6, 5, True), nn.Linear(5, 12), Unpatches(1, 6))
//! codebook = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), Codebook(5, 4), nn.Conv2d(4, 2, 3, padding=1))
//! dense = nn.Linear(72, 9)
//! tied = nn.Sequential(nn.Flatten(), dense, nn.Tanh(), Contractive(30.0, dense), Tied(dense), nn.Unflatten(1, (2, 6, 6)), nn.Sigmoid())
//! ```

use crate::pytorch::{Case, NOISE, check};
use candlebook::prelude::*;

fn sequences() -> Case {
    Case {
        side: 6,
        encoder: vec![
            Patches(3, 3),
            Linear(8),
            Positions,
            Residual(vec![LayerNorm, Attention(2)]),
            Residual(vec![LayerNorm, Linear(12), Gelu, Linear(8)]),
            Lstm(6),
        ],
        decoder: vec![
            Repeat(6),
            LstmSteps(5),
            Linear(12),
            Unpatches(1, 6, (2, 6, 6)),
        ],
        outputs: [-4.1862736, -0.1872493, -0.4644741, 0.2151041],
        losses: [0.2703241, 0.2538195, 0.2395609],
        parameters: vec![
            [0.54890, 27.50964, -0.127937],
            [-0.05850, 1.64916, -0.115181],
            [-0.14488, 6.20246, -0.323892],
            [-0.26573, 1.51578, 0.294962],
            [0.02807, 1.73105, 0.153188],
            [-0.30512, 36.97384, 0.132243],
            NOISE,
            [0.26379, 12.44319, 0.251408],
            [-0.24824, 1.39556, 0.069589],
            [-0.14699, 1.44017, 0.295599],
            [-0.03059, 1.58403, 0.213078],
            [0.36733, 17.51277, 0.285979],
            [0.02601, 2.11029, 0.198278],
            [0.57832, 18.72611, -0.274655],
            [-0.19498, 1.48120, -0.013609],
            [0.24968, 36.35765, -0.264160],
            [-0.00398, 27.92275, 0.036660],
            [0.11389, 4.69789, 0.302788],
            [0.76930, 4.55811, 0.137228],
            [0.66025, 22.87195, 0.290630],
            [0.61087, 19.25341, 0.297188],
            [0.18183, 3.58416, 0.079833],
            [-0.36505, 3.49176, -0.199407],
            [-1.30618, 11.71774, 0.325249],
            [0.04514, 2.19529, 0.114024],
        ],
    }
}

fn codebook() -> Case {
    Case {
        side: 6,
        encoder: vec![
            Conv2d(4, 3).padding(1),
            VectorQuantize(5).learned_codebook(),
        ],
        decoder: vec![Conv2d(2, 3).padding(1)],
        outputs: [-45.54208, 0.1114203, 0.1922947, -0.872741],
        losses: [0.5979521, 0.5613716, 0.5246179],
        parameters: vec![
            [-1.64640, 13.22818, -0.176794],
            [0.65035, 0.68524, -0.017446],
            [0.44060, 3.76127, 0.148295],
            [1.41624, 13.79558, 0.205111],
            [-0.46726, 0.46726, -0.270087],
        ],
    }
}

fn tied() -> Case {
    Case {
        side: 6,
        encoder: vec![Flatten, Linear(9), Tanh, Contractive(30.0)],
        decoder: vec![Linear(72).tied(1), Unflatten(2, 6, 6), Sigmoid],
        outputs: [108.1264, 0.7999761, 0.8928159, 0.1711041],
        losses: [0.3833021, 0.1834416, 0.1090063],
        parameters: vec![
            [7.57645, 122.26141, 0.173635],
            [0.25447, 1.75128, 0.120678],
            [-0.65903, 12.837, 0.267223],
        ],
    }
}

#[test]
fn outputs_and_three_training_steps_match_pytorch() {
    for (name, case) in [
        ("sequences", sequences as fn() -> Case),
        ("codebook", codebook),
        ("tied", tied),
    ] {
        for compiled in [true, false] {
            check(&format!("{name}, compiled {compiled}"), case(), compiled);
        }
    }
}
