//! Convolutions, transposed convolutions, pooling and unpooling against PyTorch: outputs, and three steps of Adam, whose
//! weights are right only if every gradient is. Both executors.
//!
//! The numbers are PyTorch's, from these modules, whose parameters and pictures are sin(0.7 i + k) * 0.3 for the k-th tensor
//! (pictures: k = 50, plus 0.4), with `torch.optim.Adam(lr=0.01)` on `F.mse_loss(net(x), x)`:
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
//! class Residual(nn.Sequential):
//!     def forward(s, x): return x + super().forward(x)
//! modern = nn.Sequential(
//!     nn.Conv2d(2, 4, 3, padding=1), nn.LeakyReLU(0.2), nn.BatchNorm2d(4),
//!     Residual(nn.Conv2d(4, 4, 3, padding=1), nn.GELU(), nn.BatchNorm2d(4), Residual(nn.Conv2d(4, 4, 1)), nn.ELU(0.7)),
//!     nn.ELU(), nn.AvgPool2d(2), nn.Upsample(scale_factor=2), Residual(nn.GELU()), nn.Flatten(), nn.Linear(144, 10),
//!     nn.BatchNorm1d(10), nn.Linear(10, 72), nn.Unflatten(1, (2, 6, 6)), nn.Sigmoid())
//! ```

use candlebook::prelude::*;

fn filled(shape: &[usize], k: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n)
        .map(|i| ((i as f64 * 0.7 + k as f64).sin() * 0.3) as f32)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// What PyTorch says of a parameter after three steps: sum, sum of magnitudes, last value.
type Known = [f32; 3];

struct Case {
    side: usize,
    encoder: Vec<Layer>,
    decoder: Vec<Layer>,
    /// The sum of all outputs, and those at (0, 0, 0, 0), (2, 1, 3, 2) and (1, 0, side - 1, side - 2).
    outputs: [f32; 4],
    losses: [f32; 3],
    /// Of the variables, then of the running means and variances.
    parameters: Vec<Known>,
}

fn pooled() -> Case {
    let same = |out| Conv::new(out, 3).padding(1);
    Case {
        side: 6,
        encoder: vec![
            Conv2d(same(4)),
            Relu,
            MaxPool(2),
            Conv2d(same(6).groups(2)),
            Relu,
        ],
        decoder: vec![Conv2d(same(4)), Relu, MaxUnpool(2), Conv2d(same(2))],
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
    let wide = ConvTranspose::new(6, 2)
        .stride(3)
        .dilation(2)
        .groups(2)
        .output_padding(1);
    Case {
        side: 8,
        encoder: vec![
            Conv2d(Conv::new(5, 3).stride(2).padding(1)),
            Relu,
            Conv2d(Conv::new(4, 2).stride(3).dilation(2)),
            Relu,
        ],
        decoder: vec![
            ConvTranspose2d(wide),
            Tanh,
            ConvTranspose2d(
                ConvTranspose::new(2, 3)
                    .stride(2)
                    .padding(1)
                    .output_padding(1),
            ),
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
    let same = Conv2d(Conv::new(4, 3).padding(1));
    let point = Residual(vec![Conv2d(Conv::new(4, 1))]);
    Case {
        side: 6,
        encoder: vec![
            same.clone(),
            LeakyRelu(0.2),
            BatchNorm,
            Residual(vec![same, Gelu, BatchNorm, point, Elu(0.7)]),
            Elu(1.0),
            AvgPool(2),
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

/// A bias before a normalization has no gradient but rounding, nor have weights of values that are the same in every
/// picture; Adam makes that as large as any other.
const NOISE: Known = [f32::NAN; 3];

fn near(what: &str, got: f32, right: f32) {
    assert!(
        (got - right).abs() < 5e-5 * right.abs().max(1.0),
        "{what}: {got} for {right}"
    );
}

#[test]
fn outputs_and_three_steps_of_training_are_pytorchs() {
    for (name, make) in [
        ("pooled", pooled as fn() -> Case),
        ("strided", strided),
        ("modern", modern),
    ] {
        for compiled in [true, false] {
            let Case {
                side,
                encoder,
                decoder,
                outputs,
                losses,
                parameters,
            } = make();
            let mut ae = Autoencoder::new((2, side, side), &encoder, &decoder).unwrap();
            for (k, (_, variable)) in ae.variables().iter().enumerate() {
                variable.set(&filled(variable.dims(), k)).unwrap();
            }
            let images = (filled(&[3, 2, side, side], 50) + 0.4).unwrap();
            let drawn = ae.reconstruct(&images).unwrap();
            let at = |n: usize, c: usize, y: usize, x: usize| {
                drawn.i((n, c, y, x)).unwrap().to_scalar::<f32>().unwrap()
            };
            near(
                name,
                drawn.sum_all().unwrap().to_scalar().unwrap(),
                outputs[0],
            );
            for (got, right) in [at(0, 0, 0, 0), at(2, 1, 3, 2), at(1, 0, side - 1, side - 2)]
                .iter()
                .zip(&outputs[1..])
            {
                near(name, *got, *right);
            }
            let split = Split::from_tensor(&images, None).unwrap();
            let data = Dataset::new("sines", "here", split.clone(), split).unwrap();
            let fit = Fit {
                epochs: 3,
                batch_size: 3,
                learning_rate: 0.01,
                validation_split: 0.0,
                planned: compiled,
                ..Default::default()
            };
            let history = ae.fit(&data, &fit).unwrap();
            for (got, right) in history.train_loss().iter().zip(losses) {
                near(&format!("{name}, loss, compiled {compiled}"), *got, right);
            }
            let all = [ae.variables(), ae.buffers()].concat();
            assert_eq!(all.len(), parameters.len());
            for ((variable, tensor), [sum, magnitudes, last]) in all.iter().zip(parameters) {
                if sum.is_nan() {
                    continue;
                }
                let what = format!("{name}, {variable}, compiled {compiled}");
                let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
                near(&what, values.iter().sum(), sum);
                near(&what, values.iter().map(|v| v.abs()).sum(), magnitudes);
                near(&what, values[values.len() - 1], last);
            }
        }
    }
}

#[test]
fn the_mirror_of_a_convolutional_encoder_draws_pictures_of_its_size() {
    let same = |out| Conv2d(Conv::new(out, 3).padding(1));
    let encoder = [
        same(12),
        Relu,
        same(12),
        Relu,
        MaxPool(2),
        same(24),
        Relu,
        MaxPool(2),
        Flatten,
        Linear(20),
    ];
    let ae = Autoencoder::symmetric((3, 16, 16), &encoder).unwrap();
    let unpool = |layers: &[Layer]| {
        layers
            .iter()
            .filter(|layer| matches!(layer, MaxUnpool(2)))
            .count()
    };
    assert_eq!(unpool(ae.decoder()), 2);
    assert_eq!(ae.decoder().last(), Some(&Sigmoid));
    assert_eq!(
        ae.reconstruct(&filled(&[2, 3, 16, 16], 0)).unwrap().dims(),
        [2, 3, 16, 16]
    );
    let strided = [
        Conv2d(Conv::new(8, 4).stride(2).padding(1)),
        Relu,
        Conv2d(Conv::new(8, 3).stride(2)),
        Tanh,
    ];
    for side in [15, 16, 17, 18] {
        let ae = Autoencoder::symmetric((1, side, side), &strided).unwrap();
        assert_eq!(
            ae.reconstruct(&filled(&[1, 1, side, side], 0))
                .unwrap()
                .dims(),
            [1, 1, side, side]
        );
    }
}

#[test]
fn codes_alone_are_drawn_from_the_upper_left_of_each_window() {
    let ae = Autoencoder::new((1, 2, 2), &[MaxPool(2)], &[MaxUnpool(2)]).unwrap();
    let picture = Tensor::new(&[[[1f32, 2.0], [4.0, 3.0]]], &Device::Cpu).unwrap();
    let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(
        values(ae.reconstruct(&picture).unwrap()),
        [0.0, 0.0, 4.0, 0.0]
    );
    assert_eq!(
        values(ae.decode(&ae.encode(&picture).unwrap()).unwrap()),
        [4.0, 0.0, 0.0, 0.0]
    );
}

#[test]
fn numbers_that_do_not_fit_are_errors_in_words() {
    let error = |encoder: &[Layer], shape: ImageShape| {
        Autoencoder::symmetric(shape, encoder)
            .unwrap_err()
            .to_string()
    };
    let conv = |conv: Conv| error(&[Conv2d(conv)], (3, 8, 8));
    assert_eq!(
        conv(Conv::new(4, 9)),
        "encoder layer 0, Conv2d(Conv::new(4, 9)): expected pictures of at least 9 x 9 with their padding, got 3 x 8 x 8. \
         Choose a smaller kernel or more padding"
    );
    assert_eq!(
        conv(Conv::new(4, 3).groups(2)),
        "encoder layer 0, Conv2d(Conv::new(4, 3).groups(2)): expected 3 channels in and 4 out to be divisible by the \
         groups, got 2. 1 group fits always"
    );
    assert!(conv(Conv::new(0, 3)).contains("expected out from 1 to 65536, got 0."));
    assert!(conv(Conv::new(4, 3).stride(0)).contains("expected stride from 1 to 64, got 0."));
    assert_eq!(
        error(&[MaxPool(2)], (1, 7, 8)),
        "encoder layer 0, MaxPool(2): expected a height and width divisible by 2, got 7 x 8. Choose pictures of such a \
         size, or another window"
    );
    assert_eq!(
        error(&[Flatten, Conv2d(Conv::new(4, 3))], (1, 8, 8)),
        "encoder layer 1, Conv2d(Conv::new(4, 3)): expected pictures of channels x height x width, got 64 values. Put \
         Unflatten(channels, height, width) before it"
    );
    let cut = ConvTranspose2d(ConvTranspose::new(1, 3).padding(9));
    assert!(
        error(&[cut], (1, 8, 8)).contains("expected something left after the padding is cut off")
    );
    let added = ConvTranspose2d(ConvTranspose::new(1, 3).output_padding(1));
    assert!(
        error(&[added], (1, 8, 8))
            .contains("expected output_padding below the stride or the dilation, 1, got 1")
    );
    let many = vec![MaxUnpool(255); 9];
    assert!(error(&many, (1, 8, 8)).contains("values of a picture"));
}

#[test]
fn an_unpooling_must_fit_the_pooling_it_undoes() {
    let error = |encoder: &[Layer], decoder: &[Layer]| {
        Autoencoder::new((1, 8, 8), encoder, decoder)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[MaxPool(4)], &[MaxUnpool(2), MaxUnpool(2)]),
        "decoder layer 0, MaxUnpool(2): expected 1 x 2 x 2 as the paired MaxPool(4) gave, got 1 x 2 x 2 and a window of 2. \
         Undo poolings innermost first, with the channels that they had"
    );
    let wide = [MaxPool(2), Conv2d(Conv::new(3, 3).padding(1))];
    assert!(
        error(&wide, &[MaxUnpool(2), Conv2d(Conv::new(1, 3).padding(1))])
            .contains("got 3 x 4 x 4 and a window of 2")
    );
    let empty = Autoencoder::new((1, 0, 8), &[Relu], &[])
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert_eq!(
        empty,
        "Autoencoder: expected pictures of 1 to 1073741824 values, got (1, 0, 8). Build it with data.image_shape()"
    );
    assert!(Autoencoder::new((usize::MAX, 2, 2), &[Flatten], &[]).is_err());
    let overflow = [Flatten, Linear(4), Unflatten(1 << 40, 1 << 40, 1)];
    assert!(Autoencoder::new((1, 8, 8), &overflow, &[]).is_err());
    assert!(
        Split::from_tensor(
            &Tensor::zeros((3, 1, 0, 8), DType::F32, &Device::Cpu).unwrap(),
            None
        )
        .is_err()
    );
    assert!(Split::from_bytes(vec![0; 8], (1 << 40, 1 << 40, 1), None).is_err());
}

/// Runs with so many threads.
fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}

fn apart(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b)
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap()
        .to_scalar()
        .unwrap()
}

/// What an encoder of one layer gives, with its weight and bias; whatever comes after does not count.
fn encoded(layer: Layer, images: &Tensor) -> (Tensor, Option<(Tensor, Tensor)>) {
    let (_, c, h, w) = images.dims4().unwrap();
    let ae = Autoencoder::new(
        (c, h, w),
        &[layer],
        &[Flatten, Linear(c * h * w), Unflatten(c, h, w)],
    )
    .unwrap();
    let own: Vec<Tensor> = ae
        .variables()
        .into_iter()
        .filter(|(name, _)| name.starts_with("encoder"))
        .map(|(_, var)| var.as_tensor().clone())
        .collect();
    let own = own
        .first()
        .map(|weight| (weight.clone(), own[1].reshape((1, (), 1, 1)).unwrap()));
    (ae.encode(images).unwrap(), own)
}

#[test]
fn odd_channels_and_sizes_give_what_candles_own_operations_give() {
    let mut tried = 0;
    for (c, h, w) in [
        (1, 1, 1),
        (5, 1, 17),
        (1, 17, 7),
        (5, 7, 17),
        (1, 7, 1),
        (5, 17, 17),
        (3, 1, 7),
    ] {
        for pictures in [1, 3] {
            let images = filled(&[pictures, c, h, w], 50);
            let windows = [
                (1, 1, 0, 1),
                (3, 1, 1, 1),
                (3, 2, 1, 1),
                (2, 2, 1, 1),
                (5, 3, 2, 1),
                (3, 1, 2, 2),
                (4, 1, 3, 1),
            ];
            for (kernel, stride, padding, dilation) in windows {
                for out in [1, 5, 7] {
                    let what = format!(
                        "{pictures} x {c} x {h} x {w}, {kernel} {stride} {padding} {dilation} to {out}"
                    );
                    let conv = Conv::new(out, kernel)
                        .stride(stride)
                        .padding(padding)
                        .dilation(dilation);
                    let (ours, own) = encoded(Conv2d(conv), &images);
                    let (weight, bias) = own.unwrap();
                    let candles = images
                        .conv2d(&weight, padding, stride, dilation, 1)
                        .unwrap();
                    assert!(
                        apart(&ours, &candles.broadcast_add(&bias).unwrap()) < 2e-6,
                        "{what}"
                    );
                    // A transposed one must leave something after its padding.
                    let reach = (kernel - 1) * dilation + 1;
                    let added = usize::from(stride > 1);
                    if [h, w]
                        .iter()
                        .any(|n| (n - 1) * stride + reach + added <= 2 * padding)
                    {
                        continue;
                    }
                    let up = ConvTranspose::new(out, kernel)
                        .stride(stride)
                        .padding(padding)
                        .dilation(dilation);
                    let (ours, own) = encoded(ConvTranspose2d(up.output_padding(added)), &images);
                    let (weight, bias) = own.unwrap();
                    let candles = images
                        .conv_transpose2d(&weight, padding, added, stride, dilation)
                        .unwrap();
                    assert!(
                        apart(&ours, &candles.broadcast_add(&bias).unwrap()) < 2e-6,
                        "transposed, {what}"
                    );
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn pooling_and_resampling_of_odd_sizes_are_candles() {
    for (c, h, w, n) in [
        (1, 1, 1, 1),
        (5, 3, 21, 3),
        (1, 7, 7, 7),
        (5, 14, 2, 2),
        (3, 5, 35, 5),
    ] {
        for pictures in [1, 3] {
            let images = filled(&[pictures, c, h, w], 50);
            let what = format!("{pictures} x {c} x {h} x {w}, {n}");
            assert_eq!(
                apart(
                    &encoded(MaxPool(n), &images).0,
                    &images.max_pool2d(n).unwrap()
                ),
                0.0,
                "{what}"
            );
            assert!(
                apart(
                    &encoded(AvgPool(n), &images).0,
                    &images.avg_pool2d(n).unwrap()
                ) < 1e-6,
                "{what}"
            );
            let wide = images.upsample_nearest2d(n * h, n * w).unwrap();
            assert_eq!(
                apart(&encoded(Upsample(n), &images).0, &wide),
                0.0,
                "{what}"
            );
        }
    }
}

#[test]
fn odd_sizes_learn_the_same_by_both_executors_on_any_number_of_threads() {
    for (c, h, w) in [(1, 1, 1), (5, 7, 17), (1, 17, 7), (5, 1, 17)] {
        let layers = [
            Conv2d(Conv::new(5, 3).padding(1)),
            Tanh,
            Conv2d(Conv::new(7, 3).stride(2).padding(1)),
            LeakyRelu(0.2),
            ConvTranspose2d(ConvTranspose::new(5, 2).stride(2)),
            Tanh,
            Flatten,
        ];
        let decoder = [Linear(c * h * w), Sigmoid, Unflatten(c, h, w)];
        let images = (filled(&[3, c, h, w], 50) + 0.4).unwrap();
        let split = Split::from_tensor(&images, None).unwrap();
        let data = Dataset::new("sines", "here", split.clone(), split).unwrap();
        let train = |threads: usize, compiled: bool, batch: usize| {
            with_threads(threads, || {
                let mut ae = Autoencoder::new((c, h, w), &layers, &decoder).unwrap();
                let optimizer = Optim::sgd(0.9);
                let fit = Fit {
                    epochs: 3,
                    batch_size: batch,
                    learning_rate: 0.5,
                    optimizer,
                    validation_split: 0.0,
                    planned: compiled,
                    ..Default::default()
                };
                let losses = ae.fit(&data, &fit).unwrap().train_loss();
                (losses, ae.reconstruct(&images).unwrap())
            })
        };
        for batch in [1, 2, 3] {
            let expected = train(1, false, batch);
            for threads in [1, 2, 8] {
                let what = format!("{c} x {h} x {w}, {threads} threads, batch {batch}");
                let found = train(threads, true, batch);
                for (a, b) in found.0.iter().zip(&expected.0) {
                    assert!(
                        (a - b).abs() < 1e-5,
                        "{what}: {:?}, expected {:?}",
                        found.0,
                        expected.0
                    );
                }
                assert!(apart(&found.1, &expected.1) < 1e-4, "{what}");
            }
        }
    }
}

#[test]
fn more_threads_than_pictures_share_the_work_of_a_large_model() {
    // Large enough that the step is given to several threads.
    let same = |out| Conv2d(Conv::new(out, 3).padding(1));
    let encoder = [
        same(12),
        Relu,
        MaxPool(2),
        same(24),
        BatchNorm,
        Relu,
        Flatten,
        Linear(64),
    ];
    let ae = || Autoencoder::symmetric((5, 34, 34), &encoder).unwrap();
    let images = (filled(&[3, 5, 34, 34], 50) + 0.4).unwrap();
    let split = Split::from_tensor(&images, None).unwrap();
    let data = Dataset::new("sines", "here", split.clone(), split).unwrap();
    let train = |threads: usize| {
        with_threads(threads, || {
            let mut ae = ae();
            let fit = Fit {
                epochs: 2,
                batch_size: 2,
                validation_split: 0.0,
                ..Default::default()
            };
            (
                ae.fit(&data, &fit).unwrap().train_loss(),
                ae.reconstruct(&images).unwrap(),
            )
        })
    };
    let expected = train(1);
    for threads in [2, 3, 5, 16] {
        let found = train(threads);
        for (a, b) in found.0.iter().zip(&expected.0) {
            assert!(
                (a - b).abs() < 1e-5,
                "{threads} threads: {:?}, expected {:?}",
                found.0,
                expected.0
            );
        }
        assert!(apart(&found.1, &expected.1) < 1e-2, "{threads} threads");
        // The same weights draw the same, however many threads share the pictures.
        let ae = ae();
        let drawn = with_threads(threads, || ae.reconstruct(&images).unwrap());
        assert!(
            apart(
                &drawn,
                &with_threads(1, || ae.reconstruct(&images).unwrap())
            ) < 1e-6
        );
    }
}

#[test]
fn pictures_that_do_not_lie_in_a_row_are_taken_as_they_are() {
    let all = filled(&[4, 5, 17, 7], 50);
    let ways = [
        ("turned", all.transpose(2, 3).unwrap()),
        (
            "every channel elsewhere",
            all.permute((0, 3, 1, 2)).unwrap(),
        ),
        ("some pictures", all.narrow(0, 1, 2).unwrap()),
        ("some channels", all.narrow(1, 2, 3).unwrap()),
        ("some columns", all.narrow(3, 1, 5).unwrap()),
        (
            "one picture, many times",
            all.narrow(0, 2, 1)
                .unwrap()
                .broadcast_as((3, 5, 17, 7))
                .unwrap(),
        ),
    ];
    for (what, images) in ways {
        let (_, c, h, w) = images.dims4().unwrap();
        let encoder = [
            Conv2d(Conv::new(5, 3).stride(2).padding(1)),
            Relu,
            Flatten,
            Linear(9),
        ];
        let mut ae = Autoencoder::new(
            (c, h, w),
            &encoder,
            &[Linear(c * h * w), Unflatten(c, h, w)],
        )
        .unwrap();
        let in_a_row = images.contiguous().unwrap();
        assert_eq!(
            apart(&ae.encode(&images).unwrap(), &ae.encode(&in_a_row).unwrap()),
            0.0,
            "{what}"
        );
        assert_eq!(
            apart(
                &ae.reconstruct(&images).unwrap(),
                &ae.reconstruct(&in_a_row).unwrap()
            ),
            0.0,
            "{what}"
        );
        let codes = ae.encode(&in_a_row).unwrap();
        let turned = codes.t().unwrap().contiguous().unwrap().t().unwrap();
        assert_eq!(
            apart(&ae.decode(&turned).unwrap(), &ae.decode(&codes).unwrap()),
            0.0,
            "{what}"
        );
        let losses = [&images, &in_a_row].map(|images| {
            let split = Split::from_tensor(images, None).unwrap();
            let data = Dataset::new("sines", "here", split.clone(), split).unwrap();
            ae = Autoencoder::new(
                (c, h, w),
                &encoder,
                &[Linear(c * h * w), Unflatten(c, h, w)],
            )
            .unwrap();
            ae.fit(
                &data,
                &Fit {
                    epochs: 2,
                    batch_size: 1,
                    validation_split: 0.0,
                    ..Default::default()
                },
            )
            .unwrap()
            .train_loss()
        });
        assert_eq!(losses[0], losses[1], "{what}");
    }
}
