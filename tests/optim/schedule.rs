//! Schedules against PyTorch 2.15 over 20 steps, and in training:
//!
//! ```python
//! import torch
//! from torch.optim import SGD
//! from torch.optim.lr_scheduler import *
//! def rates(make, steps, losses=None):
//!     opt = SGD([torch.zeros(1)], lr=1.0)
//!     s = make(opt)
//!     found = []
//!     for step in range(steps):
//!         found.append(float("%.9g" % opt.param_groups[0]["lr"]))
//!         opt.step()
//!         s.step() if losses is None else s.step(losses[step])
//!     return found
//! print("multi", rates(lambda o: MultiStepLR(o, [3, 5, 12], gamma=0.5), 20))
//! print("exp", rates(lambda o: ExponentialLR(o, 0.9), 20))
//! print("cos", rates(lambda o: CosineAnnealingLR(o, 20, eta_min=0.1), 20))
//! print("warm cos", rates(lambda o: SequentialLR(o, [LinearLR(o, 0.01, total_iters=4), CosineAnnealingLR(o, 16)], [4]), 20))
//! print("sgdr", rates(lambda o: SequentialLR(o, [LinearLR(o, 0.2, total_iters=3), CosineAnnealingWarmRestarts(o, 4, 2, eta_min=0.05)], [3]), 20))
//! print("sgdr1", rates(lambda o: CosineAnnealingWarmRestarts(o, 6, 1), 20))
//! print("one", rates(lambda o: OneCycleLR(o, 1.0, total_steps=20, cycle_momentum=False), 20))
//! print("one2", rates(lambda o: OneCycleLR(o, 1.0, total_steps=20, pct_start=0.45, div_factor=10, final_div_factor=100, cycle_momentum=False), 20))
//! losses = [1.0, 0.9, 0.9, 0.95, 0.89995, 0.9, 0.8, 0.9, 0.9, 0.9, 0.85, 0.9, 0.7999, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
//! print("plateau", rates(lambda o: ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=0.2), 20, losses))
//! print("plateau0", rates(lambda o: ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.01), 20, losses))
//! ```

use candlebook::optim::{Cosine, Interval, OneCycle, Plateau, RunLength, Schedule};
use candlebook::prelude::*;

/// Five steps an epoch.
const LENGTH: RunLength = RunLength {
    steps_per_epoch: 5,
    epochs: 4,
};

fn check(schedule: &Schedule, expected: [f64; 20]) {
    let found: [f64; 20] = std::array::from_fn(|step| schedule.factor(step, LENGTH, &[]));
    for (step, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() < 1e-8,
            "{schedule:?}, step {step}: {a}, expected {b}"
        );
    }
}

#[test]
fn multi_step_and_exponential_match_pytorch() {
    let at = [3, 5, 12].map(Interval::Steps).to_vec();
    let expected = [
        1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125,
        0.125, 0.125, 0.125, 0.125, 0.125,
    ];
    check(&Schedule::MultiStep { at, factor: 0.5 }, expected);
    // The second change is that of an epoch.
    let at = vec![Interval::Steps(3), Interval::Epochs(1), Interval::Steps(12)];
    check(&Schedule::MultiStep { at, factor: 0.5 }, expected);
    let every = Interval::Steps(1);
    let expected = [
        1.0,
        0.9,
        0.81,
        0.729,
        0.6561,
        0.59049,
        0.531441,
        0.4782969,
        0.43046721,
        0.387420489,
        0.34867844,
        0.313810596,
        0.282429536,
        0.254186583,
        0.228767925,
        0.205891132,
        0.185302019,
        0.166771817,
        0.150094635,
        0.135085172,
    ];
    check(&Schedule::Exponential { every, factor: 0.9 }, expected);
    check(&Schedule::Step { every, factor: 0.9 }, expected);
}

#[test]
fn cosine_waves_match_pytorch() {
    let cosine = Cosine {
        end_factor: 0.1,
        ..Default::default()
    };
    let expected = [
        1.0,
        0.994459753,
        0.977975432,
        0.950952936,
        0.914057647,
        0.868198052,
        0.814503364,
        0.754295725,
        0.689057647,
        0.620395509,
        0.55,
        0.479604491,
        0.410942353,
        0.345704275,
        0.285496636,
        0.231801948,
        0.185942353,
        0.149047064,
        0.122024568,
        0.105540247,
    ];
    check(&Schedule::Cosine(cosine), expected);
    let warm_up = Cosine {
        warm_up: Interval::Steps(4),
        ..Default::default()
    };
    let expected = [
        0.01,
        0.2575,
        0.505,
        0.7525,
        1.0,
        0.99039264,
        0.961939766,
        0.915734806,
        0.853553391,
        0.777785117,
        0.691341716,
        0.597545161,
        0.5,
        0.402454839,
        0.308658284,
        0.222214883,
        0.146446609,
        0.0842651938,
        0.0380602337,
        0.0096073598,
    ];
    check(&Schedule::Cosine(warm_up), expected);
    let restarts = Cosine {
        warm_up: Interval::Steps(3),
        start_factor: 0.2,
        period: Some(Interval::Steps(4)),
        period_factor: 2,
        end_factor: 0.05,
    };
    let expected = [
        0.2,
        0.466666667,
        0.733333333,
        1.0,
        0.860875721,
        0.525,
        0.189124279,
        1.0,
        0.963842778,
        0.860875721,
        0.70677463,
        0.525,
        0.34322537,
        0.189124279,
        0.0861572221,
        1.0,
        0.990873008,
        0.963842778,
        0.919948066,
        0.860875721,
    ];
    check(&Schedule::Cosine(restarts), expected);
    let equal = Cosine {
        period: Some(Interval::Steps(6)),
        ..Default::default()
    };
    let expected = [
        1.0,
        0.933012702,
        0.75,
        0.5,
        0.25,
        0.0669872981,
        1.0,
        0.933012702,
        0.75,
        0.5,
        0.25,
        0.0669872981,
        1.0,
        0.933012702,
        0.75,
        0.5,
        0.25,
        0.0669872981,
        1.0,
        0.933012702,
    ];
    check(&Schedule::Cosine(equal), expected);
}

#[test]
fn one_cycle_matches_pytorch() {
    let expected = [
        0.04,
        0.131671843,
        0.371671843,
        0.668328157,
        0.908328157,
        1.0,
        0.987464006,
        0.950484632,
        0.890916178,
        0.811745654,
        0.716943002,
        0.611262022,
        0.500002,
        0.388741978,
        0.283060998,
        0.188258346,
        0.109087822,
        0.049519368,
        0.0125399938,
        4e-06,
    ];
    check(&Schedule::OneCycle(OneCycle::default()), expected);
    let one_cycle = OneCycle {
        rise_share: 0.45,
        start_factor: 0.1,
        end_factor: 0.001,
    };
    let expected = [
        0.1,
        0.13425421,
        0.231801948,
        0.377792455,
        0.55,
        0.722207545,
        0.868198052,
        0.96574579,
        1.0,
        0.97976674,
        0.92070614,
        0.827602937,
        0.707999799,
        0.571586262,
        0.429413738,
        0.293000201,
        0.173397063,
        0.0802938604,
        0.0212332597,
        0.001,
    ];
    check(&Schedule::OneCycle(one_cycle), expected);
}

#[test]
fn reduction_on_plateaus_matches_pytorch() {
    let losses = [
        1.0, 0.9, 0.9, 0.95, 0.89995, 0.9, 0.8, 0.9, 0.9, 0.9, 0.85, 0.9, 0.7999, 0.9, 0.9, 0.9,
        0.9, 0.9, 0.9, 0.9,
    ];
    let check = |plateau, expected: [f64; 20]| {
        let schedule = Schedule::Plateau(plateau);
        for epochs in 0..20 {
            let factor = schedule.factor(0, LENGTH, &losses[..epochs]);
            assert!(
                (factor - expected[epochs]).abs() < 1e-9,
                "{epochs}: {factor}"
            );
        }
    };
    let plateau = Plateau {
        factor: 0.5,
        patience: 2,
        cooldown: 1,
        min_factor: 0.2,
        ..Default::default()
    };
    let expected = [
        1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.2,
        0.2, 0.2, 0.2,
    ];
    check(plateau, expected);
    let plateau = Plateau {
        factor: 0.5,
        patience: 1,
        threshold: 0.01,
        ..Default::default()
    };
    let expected = [
        1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.03125,
        0.03125, 0.015625, 0.015625, 0.0078125, 0.0078125, 0.00390625,
    ];
    check(plateau, expected);
}

#[test]
fn a_chart_has_the_rates_of_the_schedule() {
    let schedule = Schedule::OneCycle(OneCycle::default());
    let png = schedule.plot(0.1, LENGTH).to_png().unwrap();
    let flat = Schedule::Constant.plot(0.1, LENGTH).to_png().unwrap();
    assert!(png.starts_with(b"\x89PNG") && png != flat);
}

#[test]
fn schedules_survive_the_round_trip() {
    let schedules = [
        Schedule::Constant,
        Schedule::OneCycle(OneCycle::default()),
        Schedule::Plateau(Plateau::default()),
        Schedule::MultiStep {
            at: vec![Interval::Epochs(3)],
            factor: 0.5,
        }
        .by_epoch(),
    ];
    for schedule in schedules {
        let json = serde_json::to_string(&schedule).unwrap();
        let read: Schedule = serde_json::from_str(&json).unwrap();
        assert_eq!(read, schedule, "{json}");
    }
    let old = r#"{"Step":{"every":{"Epochs":2},"factor":0.5}}"#;
    let every = Interval::Epochs(2);
    let expected = Schedule::Step { every, factor: 0.5 };
    assert_eq!(serde_json::from_str::<Schedule>(old).unwrap(), expected);
}

#[test]
fn history_keeps_the_rate_of_each_epoch() {
    let data = mnist_embedded().unwrap().take(200, 20);
    for planned in [true, false] {
        let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)]).unwrap();
        let every = Interval::Epochs(1);
        let fit = Fit {
            planned,
            schedule: Schedule::Step { every, factor: 0.5 },
            ..plain(3)
        };
        let history = ae.fit(&data, &fit).unwrap();
        let rates: Vec<f64> = history
            .epochs
            .iter()
            .map(|epoch| epoch.learning_rate)
            .collect();
        assert_eq!(rates, [0.5, 0.25, 0.125]);
    }
}

#[test]
fn a_plateau_lowers_the_rate_and_survives_resuming() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let data = mnist_embedded().unwrap().take(200, 20);
    // Nothing is ever better by that much.
    let plateau = Plateau {
        factor: 0.5,
        patience: 1,
        threshold: 0.99,
        ..Default::default()
    };
    let fit = |epochs| Fit {
        schedule: Schedule::Plateau(plateau),
        optimizer: Optim::sgd(0.9),
        ..plain(epochs)
    };
    trained(Fit {
        checkpoint: Some(path.clone()),
        ..fit(3)
    });
    let more = Resume {
        epochs: Some(6),
        ..Default::default()
    };
    let (resumed, history) = Autoencoder::resume_with(&path, &data, &more).unwrap();
    let rates: Vec<f64> = history
        .epochs
        .iter()
        .map(|epoch| epoch.learning_rate)
        .collect();
    assert_eq!(rates, [0.5, 0.5, 0.5, 0.25, 0.25, 0.125]);
    assert!(weights(&resumed) == trained(fit(6)));
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let variables = ae.variables().into_iter();
    variables
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

/// Weights after training on 200 images in 10 steps an epoch.
fn trained(fit: Fit) -> Vec<Vec<f32>> {
    let data = mnist_embedded().unwrap().take(200, 20);
    let encoder = [Flatten, Linear(8), Relu];
    let mut ae = Autoencoder::symmetric((1, 28, 28), &encoder).unwrap();
    ae.fit(&data, &fit).unwrap();
    weights(&ae)
}

fn plain(epochs: usize) -> Fit {
    Fit {
        epochs,
        batch_size: 20,
        learning_rate: 0.5,
        validation_split: 0.0,
        optimizer: Optim::sgd(0.0),
        ..Default::default()
    }
}

#[test]
fn the_rate_changes_after_exactly_as_many_steps() {
    for planned in [true, false] {
        let fit = |epochs, every| {
            let schedule = Schedule::Step {
                every,
                factor: 1e-30, // Later steps change nothing.
            };
            Fit {
                planned,
                schedule,
                ..plain(epochs)
            }
        };
        let one_epoch = trained(Fit {
            planned,
            ..plain(1)
        });
        assert!(trained(fit(3, Interval::Epochs(1))) == one_epoch);
        assert!(trained(fit(3, Interval::Steps(10))) == one_epoch);
        for steps in [9, 11] {
            assert!(trained(fit(2, Interval::Steps(steps))) != one_epoch);
        }
    }
}

#[test]
fn a_resumed_run_continues_its_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let data = mnist_embedded().unwrap().take(200, 20);
    let schedule = Schedule::Step {
        every: Interval::Steps(7),
        factor: 0.5,
    };
    let fit = |epochs| Fit {
        schedule: schedule.clone(),
        optimizer: Optim::sgd(0.9),
        ..plain(epochs)
    };
    trained(Fit {
        checkpoint: Some(path.clone()),
        ..fit(2)
    });
    let more = Resume {
        epochs: Some(4),
        ..Default::default()
    };
    let (resumed, _) = Autoencoder::resume_with(&path, &data, &more).unwrap();
    assert!(weights(&resumed) == trained(fit(4)));
}

#[test]
fn a_schedule_outside_its_range_is_rejected_before_training() {
    let data = mnist_embedded().unwrap().take(200, 20);
    let mut ae = Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(8)]).unwrap();
    let schedule = Schedule::Step {
        every: Interval::Steps(0),
        factor: 0.5,
    };
    let fit = Fit {
        schedule,
        ..plain(1)
    };
    let error = ae.fit(&data, &fit).unwrap_err().to_string();
    assert!(
        error.starts_with("Schedule::Step::every: expected"),
        "{error}"
    );
}
