//! The search for a learning rate. The valley is that of fastai's function:
//!
//! ```python
//! import math
//! def valley(losses):
//!     n = len(losses)
//!     max_start, max_end = 0,0
//!     lds = [1]*n
//!     for i in range(1,n):
//!         for j in range(0,i):
//!             if (losses[i] < losses[j]) and (lds[i] < lds[j] + 1):
//!                 lds[i] = lds[j] + 1
//!             if lds[max_end] < lds[i]:
//!                 max_end = i
//!                 max_start = max_end - lds[max_end]
//!     sections = (max_end - max_start) / 3
//!     return max_start + int(sections) + int(sections/2)
//! for seed in range(4):
//!     losses = [1/(1+math.exp((i-50-5*seed)/6)) + 0.02*math.sin(7*i+seed) + (0 if i<80 else (i-80)**2/100) for i in range(100)]
//!     print(valley(losses))
//! print(valley([3,2,1]), valley([1,2,3]), valley([1]))
//! ```

use candlebook::prelude::*;
use candlebook::train::{RateRange, RateSearch};

fn data() -> Dataset {
    mnist_embedded().unwrap().take(500, 50)
}

fn model() -> Autoencoder {
    Autoencoder::symmetric((1, 28, 28), &[Flatten, Linear(32), Relu]).unwrap()
}

fn weights(ae: &Autoencoder) -> Vec<Vec<f32>> {
    let variables = ae.variables().into_iter();
    variables
        .map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap())
        .collect()
}

fn search(fit: &Fit) -> RateSearch {
    let ae = model();
    let before = weights(&ae);
    let search = ae.find_learning_rate(&data(), fit).unwrap();
    assert_eq!(weights(&ae), before);
    search
}

#[test]
fn the_suggested_rate_trains_better_than_rates_far_from_it() {
    // A decoder with a sigmoid bears any rate of SGD.
    for (planned, optimizer, too_large) in [
        (true, Optim::adam(), Some(1e3)),
        (false, Optim::adam(), Some(1e3)),
        (true, Optim::sgd(0.9), None),
    ] {
        let fit = Fit {
            epochs: 2,
            batch_size: 20,
            planned,
            optimizer,
            ..Default::default()
        };
        let suggestion = search(&fit).suggestion;
        let loss = |learning_rate: f64| {
            let mut ae = model();
            let fit = Fit {
                learning_rate,
                ..fit.clone()
            };
            match ae.fit(&data(), &fit) {
                Ok(_) => ae.evaluate(&data().test).unwrap(),
                Err(_) => f32::INFINITY,
            }
        };
        let best = loss(suggestion);
        assert!(best < loss(suggestion / 1e2), "{optimizer}, {suggestion}");
        if let Some(factor) = too_large {
            let diverged = loss(suggestion * factor);
            assert!(best < diverged, "{optimizer}, {suggestion}");
        }
    }
}

#[test]
fn it_renders_as_a_chart_with_the_suggestion() {
    let fit = Fit {
        batch_size: 20,
        ..Default::default()
    };
    let search = search(&fit);
    assert!(search.rates.contains(&search.suggestion));
    assert_eq!(search.rates.len(), search.losses.len());
    assert!(search.rates.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(search.plot().to_png().unwrap().starts_with(b"\x89PNG"));
    // The same seed, the same search.
    assert_eq!(search, model().find_learning_rate(&data(), &fit).unwrap());
}

#[test]
fn wrong_arguments_are_rejected() {
    let fit = Fit {
        batch_size: 20,
        ..Default::default()
    };
    let range = RateRange {
        steps: 5,
        ..Default::default()
    };
    let error = model()
        .find_learning_rate_in(&data(), &fit, &range)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("RateRange::steps: expected at least 20, got 5"),
        "{error}"
    );
    let fit = Fit {
        batch_size: 0,
        ..fit
    };
    let error = model()
        .find_learning_rate(&data(), &fit)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("Fit::batch_size: expected"), "{error}");
}
