//! All layers against PyTorch: outputs, and the weights after three steps of Adam, which depend on
//! every gradient. Both executors.
//!
//! The expected numbers come from these modules. The k-th parameter tensor is sin(0.7 i + k) * 0.3;
//! the images are the same with k = 50, plus 0.4. Training uses `torch.optim.Adam(lr=0.01)` on `F.mse_loss(net(x), x)`:
//! ```python
//! class Pooled(nn.Module):
//!     def __init__(s):
//!         super().__init__()
//!         s.c1 = nn.Conv2d(2, 4, 3, padding=1); s.c2 = nn.Conv2d(4, 6, 3, padding=1, groups=2)
//!         s.d1 = nn.Conv2d(6, 4, 3, padding=1); s.d2 = nn.Conv2d(4, 2, 3, padding=1)
//!         s.pool = nn.MaxPool2d(2, 2, return_indices=True); s.un = nn.MaxUnpool2d(2, 2)
//!     def forward(s, x):
//!         x = F.relu(s.c1(x)); x, i = s.pool(x); x = F.relu(s.c2(x)); x = F.relu(s.d1(x)); x = s.un(x, i); return s.d2(x)
//! class Strided(nn.Module):
//!     def __init__(s):
//!         super().__init__()
//!         s.c1 = nn.Conv2d(2, 5, 3, stride=2, padding=1); s.c2 = nn.Conv2d(5, 4, 2, stride=3, dilation=2)
//!         s.t1 = nn.ConvTranspose2d(4, 6, 2, stride=3, dilation=2, groups=2, output_padding=1)
//!         s.t2 = nn.ConvTranspose2d(6, 2, 3, stride=2, padding=1, output_padding=1)
//!     def forward(s, x):
//!         return torch.sigmoid(s.t2(torch.tanh(s.t1(F.relu(s.c2(F.relu(s.c1(x))))))))
//! class Partial(nn.Module):
//!     def __init__(s):
//!         super().__init__()
//!         s.c1 = nn.Conv2d(2, 4, 3, padding=1); s.c2 = nn.Conv2d(4, 3, 3, padding=1); s.c3 = nn.Conv2d(3, 4, 3, padding=1)
//!         s.d0 = nn.Conv2d(4, 3, 3, padding=1); s.d1 = nn.Conv2d(3, 4, 3, padding=1); s.d2 = nn.Conv2d(4, 2, 3, padding=1)
//!         s.max = nn.MaxPool2d(2, ceil_mode=True, return_indices=True); s.avg = nn.AvgPool2d(3, ceil_mode=True)
//!         s.un = nn.MaxUnpool2d(2); s.up = nn.Upsample(scale_factor=3)
//!     def forward(s, x):
//!         x = F.silu(s.c1(x)); a = x.shape; x, i = s.max(x); x = F.silu(s.c2(x)); b = x.shape; x, j = s.max(x)
//!         x = F.silu(s.c3(x)); c = x.shape; x = s.avg(x); x = s.up(x)[:, :, :c[2], :c[3]]; x = F.silu(s.d0(x))
//!         x = s.un(x, j, output_size=b); x = F.silu(s.d1(x)); x = s.un(x, i, output_size=a); return s.d2(x)
//! class Residual(nn.Sequential):
//!     def forward(s, x): return x + super().forward(x)
//! modern = nn.Sequential(
//!     nn.Conv2d(2, 4, 3, padding=1), nn.LeakyReLU(0.2), nn.BatchNorm2d(4),
//!     Residual(nn.Conv2d(4, 4, 3, padding=1), nn.GELU(), nn.BatchNorm2d(4), Residual(nn.Conv2d(4, 4, 1)), nn.ELU(0.7)),
//!     nn.ELU(), nn.AvgPool2d(2), nn.Upsample(scale_factor=2), Residual(nn.GELU()), nn.Flatten(), nn.Linear(144, 10),
//!     nn.BatchNorm1d(10), nn.Linear(10, 72), nn.Unflatten(1, (2, 6, 6)), nn.Sigmoid())
//! class TopK(nn.Module):
//!     def __init__(s, k): super().__init__(); s.k = k
//!     def forward(s, x): v, i = x.topk(s.k); return torch.zeros_like(x).scatter(1, i, v)
//! class WinnerTakeAll(nn.Module):
//!     def __init__(s, share): super().__init__(); s.share = share
//!     def forward(s, x):
//!         if not s.training: return x
//!         v, i = x.topk(max(1, round(s.share * len(x))), 0); return torch.zeros_like(x).scatter(0, i, v)
//! class Term(nn.Module):
//!     def __init__(s, f): super().__init__(); s.f = f
//!     def forward(s, x): s.value = s.f(x); return x
//! l1 = lambda x: 0.02 * x.abs().sum(1).mean()
//! def kl(x):
//!     m = x.mean(0); return 0.05 * (0.1 * (0.1 / m).log() + 0.9 * (0.9 / (1 - m)).log()).sum()
//! sparse = nn.Sequential(
//!     nn.Hardtanh(0.2, 0.6), nn.Flatten(), nn.Linear(72, 10), nn.Sigmoid(), Term(kl), nn.Linear(10, 8), Term(l1), TopK(5),
//!     WinnerTakeAll(0.67), nn.Linear(8, 72), nn.Unflatten(1, (2, 6, 6)), nn.Sigmoid())
//! # Its loss is that of the others, plus the value of each Term.
//! normalized = nn.Sequential(
//!     nn.Conv2d(2, 6, 3, padding=1), nn.GroupNorm(3, 6), nn.SiLU(), nn.Conv2d(6, 4, 3, padding=1), nn.LayerNorm((4, 6, 6)),
//!     Residual(nn.GroupNorm(1, 4), nn.Softplus()), nn.Conv2d(4, 3, 3, padding=1), nn.Softmax(dim=1), nn.Conv2d(3, 2, 3, padding=1))
//! features = nn.Sequential(
//!     nn.Flatten(), nn.Linear(72, 12), nn.LayerNorm(12), nn.SiLU(), nn.Linear(12, 9), nn.GroupNorm(3, 9), nn.Softplus(),
//!     nn.Linear(9, 6), Residual(nn.Softmax(dim=1)), nn.Linear(6, 72), nn.Unflatten(1, (2, 6, 6)), nn.Sigmoid())
//! ```

use crate::common::{dataset, filled, fit};
use candlebook::prelude::*;

/// A tensor's sum, sum of magnitudes and last value after three steps.
pub type Checksum = [f32; 3];

pub struct Case {
    pub side: usize,
    pub encoder: Vec<Layer>,
    pub decoder: Vec<Layer>,
    /// Sum of all outputs, then the outputs at (0, 0, 0, 0), (2, 1, 3, 2) and
    /// (1, 0, side - 1, side - 2).
    pub outputs: [f32; 4],
    pub losses: [f32; 3],
    /// Variables, then running means and variances.
    pub parameters: Vec<Checksum>,
}

fn pooled() -> Case {
    let same = |out| Conv2d(out, 3).padding(1);
    Case {
        side: 6,
        encoder: vec![same(4), Relu, MaxPool2d(2), same(6).groups(2), Relu],
        decoder: vec![same(4), Relu, MaxUnpool2d(2), same(2)],
        outputs: [53.519108, 0.216323, 0.80415, 0.197096],
        losses: [0.2906629, 0.1274799, 0.0813074],
        parameters: vec![
            [0.68423, 13.04986, -0.135029],
            [0.75538, 0.78521, -0.014912],
            [-2.39487, 20.36733, 0.272585],
            [-0.91255, 1.01747, 0.037356],
            [-3.23703, 39.10438, -0.138707],
            [-0.30787, 0.7032, 0.190781],
            [0.19121, 12.38965, -0.198262],
            [0.55332, 0.55332, 0.326292],
        ],
    }
}

fn strided() -> Case {
    let wide = ConvTranspose2d(6, 2)
        .stride(3)
        .dilation(2)
        .groups(2)
        .output_padding(1);
    Case {
        side: 8,
        encoder: vec![
            Conv2d(5, 3).stride(2).padding(1),
            Relu,
            Conv2d(4, 2).stride(3).dilation(2),
            Relu,
        ],
        decoder: vec![
            wide,
            Tanh,
            ConvTranspose2d(2, 3).stride(2).padding(1).output_padding(1),
            Sigmoid,
        ],
        outputs: [214.53093, 0.557404, 0.565675, 0.524263],
        losses: [0.0698864, 0.0674017, 0.0649785],
        parameters: vec![
            [0.59042, 17.13858, -0.152139],
            [0.6252, 0.99231, -0.183557],
            [-0.34135, 15.19128, 0.204784],
            [-0.70172, 0.74264, -0.277744],
            [-0.64681, 9.34852, -0.215021],
            [0.4508, 1.3687, 0.269013],
            [-1.12762, 20.84034, -0.241216],
            [0.43368, 0.43368, 0.266509],
        ],
    }
}

fn modern() -> Case {
    let same = Conv2d(4, 3).padding(1);
    let point = Residual(vec![Conv2d(4, 1)]);
    Case {
        side: 6,
        encoder: vec![
            same.clone(),
            LeakyRelu(0.2),
            BatchNorm,
            Residual(vec![same, Gelu, BatchNorm, point, Elu(0.7)]),
            Elu(1.0),
            AvgPool2d(2),
        ],
        decoder: vec![
            Upsample(2),
            Residual(vec![Gelu]),
            Flatten,
            Linear(10),
            BatchNorm,
            Linear(72),
            Unflatten(2, 6, 6),
            Sigmoid,
        ],
        outputs: [108.296776, 0.619921, 0.349402, 0.66298],
        losses: [0.1158709, 0.1089923, 0.1035962],
        parameters: vec![
            [-0.46232, 13.96103, -0.146502],
            [0.71146, 0.71146, 0.023018],
            [0.11612, 0.71862, -0.21832],
            [-0.76825, 0.80977, -0.300662],
            [-0.09958, 27.52609, -0.098579],
            [-0.15706, 0.75011, 0.239647],
            [0.51083, 0.72246, 0.269216],
            [0.79889, 0.79889, 0.071803],
            [-0.53371, 3.12996, -0.124782],
            [-0.55356, 0.84556, -0.321698],
            NOISE,
            NOISE,
            [-0.16814, 1.77214, -0.141755],
            [0.07478, 1.60979, 0.100739],
            [0.57765, 127.56741, 0.232389],
            [-0.19141, 12.27699, 0.256836],
            [0.30509, 0.30509, 0.047335],
            [3.00561, 3.00561, 0.74535],
            [0.00385, 0.08951, 0.03803],
            [2.92559, 2.92559, 0.733657],
            NOISE,
            [7.30308, 7.30308, 0.730845],
        ],
    }
}

fn sparse() -> Case {
    Case {
        side: 6,
        encoder: vec![
            Clamp(0.2, 0.6),
            Flatten,
            Linear(10),
            Sigmoid,
            KlSparsity(0.1, 0.05),
            Linear(8),
            L1(0.02),
            TopK(5),
            WinnerTakeAll(0.67),
        ],
        decoder: vec![Linear(72), Unflatten(2, 6, 6), Sigmoid],
        outputs: [108.01386, 0.487501, 0.579182, 0.395039],
        losses: [0.8101798, 0.6949546, 0.587158],
        parameters: vec![
            [-21.34506, 137.96631, 0.15056],
            [-0.03923, 1.94239, 0.22529],
            [0.07989, 15.08087, 0.17506],
            [-0.186, 1.29723, 0.26978],
            [-1.87191, 113.80322, -0.31305],
            [-0.77639, 14.06381, -0.31851],
        ],
    }
}

fn partial() -> Case {
    let conv = |out| Conv2d(out, 3).padding(1);
    let pool = MaxPool2d(2).ceil_mode();
    Case {
        side: 13,
        encoder: vec![
            conv(4),
            Silu,
            pool.clone(),
            conv(3),
            Silu,
            pool,
            conv(4),
            Silu,
            AvgPool2d(3).ceil_mode(),
        ],
        decoder: vec![
            Upsample(3).output_size(4, 4),
            conv(3),
            Silu,
            MaxUnpool2d(2).output_size(7, 7),
            conv(4),
            Silu,
            MaxUnpool2d(2).output_size(13, 13),
            conv(2),
        ],
        outputs: [-240.00116, -0.29946, -0.255712, 0.058073],
        losses: [0.5455938, 0.4972595, 0.4666919],
        parameters: vec![
            [0.20274, 12.88569, -0.134401],
            [0.67138, 0.69422, -0.011419],
            [-2.72461, 20.69762, 0.273419],
            [-0.48063, 0.51336, -0.311784],
            [-0.22183, 19.4993, -0.077508],
            [-0.30513, 0.70869, 0.192716],
            [1.12508, 19.85614, -0.189223],
            [0.66520, 0.66520, 0.227876],
            [1.53931, 18.81812, 0.256074],
            [-0.38736, 0.69302, -0.269133],
            [-0.67279, 13.15579, -0.032576],
            [-0.46861, 0.46861, -0.198604],
        ],
    }
}

fn normalized() -> Case {
    let conv = |out| Conv2d(out, 3).padding(1);
    Case {
        side: 6,
        encoder: vec![
            conv(6),
            GroupNorm(3),
            Silu,
            conv(4),
            LayerNorm,
            Residual(vec![GroupNorm(1), Softplus]),
        ],
        decoder: vec![conv(3), Softmax, conv(2)],
        outputs: [60.730854, -0.148109, 0.266241, 0.830799],
        losses: [0.155819, 0.1367534, 0.1260789],
        parameters: vec![
            [0.12802, 20.33126, -0.113573],
            [0.28824, 1.27628, -0.267246],
            [-0.48521, 1.29915, -0.240424],
            [-0.57569, 0.90809, 0.094531],
            [0.00346, 40.76175, -0.189394],
            [-0.23303, 0.70328, 0.227380],
            [0.56012, 27.76123, -0.166940],
            [1.12504, 26.13076, 0.114535],
            [0.20635, 0.68203, -0.216947],
            [-0.39653, 0.69664, -0.270259],
            [0.33932, 20.86107, -0.053090],
            [-0.56966, 0.56966, -0.079041],
            [0.85463, 10.24355, -0.247471],
            [0.44717, 0.44717, 0.293386],
        ],
    }
}

fn features() -> Case {
    Case {
        side: 6,
        encoder: vec![
            Flatten,
            Linear(12),
            LayerNorm,
            Silu,
            Linear(9),
            GroupNorm(3),
            Softplus,
            Linear(6),
            Residual(vec![Softmax]),
        ],
        decoder: vec![Linear(72), Unflatten(2, 6, 6), Sigmoid],
        outputs: [107.98351, 0.405511, 0.507061, 0.501306],
        losses: [0.0550263, 0.0527159, 0.0503839],
        parameters: vec![
            [-0.17215, 165.26253, 0.233708],
            [0.74775, 2.48155, 0.194609],
            [0.33967, 2.18966, -0.087207],
            [-0.40005, 2.07468, -0.281254],
            [-0.14377, 20.46971, -0.100108],
            [0.02911, 1.76489, -0.282219],
            [-0.04401, 1.75002, -0.240684],
            [-0.02289, 1.69850, 0.036335],
            [0.37792, 10.26103, 0.296743],
            [-0.69516, 0.94005, 0.007350],
            [-3.28271, 82.62189, -0.219205],
            [-0.75917, 13.63086, -0.283916],
        ],
    }
}

/// Marks a tensor whose gradient is only rounding error, which Adam normalizes to full steps: a bias
/// before a batch normalization, or weights of values that are equal in every image.
pub const NOISE: Checksum = [f32::NAN; 3];

fn assert_near(name: &str, got: f32, expected: f32) {
    assert!(
        (got - expected).abs() < 5e-5 * expected.abs().max(1.0),
        "{name}: got {got}, expected {expected}"
    );
}

#[test]
fn outputs_and_three_training_steps_match_pytorch() {
    for (name, case) in [
        ("pooled", pooled as fn() -> Case),
        ("strided", strided),
        ("modern", modern),
        ("sparse", sparse),
        ("partial", partial),
        ("normalized", normalized),
        ("features", features),
    ] {
        for compiled in [true, false] {
            check(&format!("{name}, compiled {compiled}"), case(), compiled);
        }
    }
}

pub fn check(name: &str, case: Case, compiled: bool) {
    let side = case.side;
    let mut ae = Autoencoder::new((2, side, side), &case.encoder, &case.decoder).unwrap();
    for (k, (_, variable)) in ae.variables().iter().enumerate() {
        variable.set(&filled(variable.dims(), k)).unwrap();
    }
    let images = (filled(&[3, 2, side, side], 50) + 0.4).unwrap();
    let outputs = ae.reconstruct(&images).unwrap();
    let at = |n: usize, c: usize, y: usize, x: usize| {
        outputs.i((n, c, y, x)).unwrap().to_scalar::<f32>().unwrap()
    };
    let found = [
        outputs.sum_all().unwrap().to_scalar().unwrap(),
        at(0, 0, 0, 0),
        at(2, 1, 3, 2),
        at(1, 0, side - 1, side - 2),
    ];
    for (got, expected) in found.iter().zip(case.outputs) {
        assert_near(name, *got, expected);
    }
    let fit = Fit {
        learning_rate: 0.01,
        planned: compiled,
        ..fit(3, 3)
    };
    let history = ae.fit(&dataset(&images), &fit).unwrap();
    for (got, expected) in history.train_loss().iter().zip(case.losses) {
        assert_near(&format!("{name}, loss"), *got, expected);
    }
    let tensors = [ae.variables(), ae.buffers()].concat();
    assert_eq!(tensors.len(), case.parameters.len());
    for ((variable, tensor), [sum, magnitudes, last]) in tensors.iter().zip(case.parameters) {
        if sum.is_nan() {
            continue;
        }
        let name = format!("{name}, {variable}");
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        assert_near(&name, values.iter().sum(), sum);
        assert_near(&name, values.iter().map(|v| v.abs()).sum(), magnitudes);
        assert_near(&name, values[values.len() - 1], last);
    }
}
