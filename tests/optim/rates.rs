//! Learning rate and weight decay.

use candlebook::optim::{Optimizer, Rates};
use candlebook::prelude::*;

#[test]
fn without_a_gradient_a_step_shrinks_weights_by_the_weight_decay() {
    let rates = Rates {
        learning_rate: 0.5,
        weight_decay: 0.1,
    };
    for optim in [Optim::adam(), Optim::sgd(0.0), Optim::sgd(0.9)] {
        let w = Var::new(&[2f32], &Device::Cpu).unwrap();
        let mut optimizer = Optimizer::new(vec![w.clone()], &optim, rates).unwrap();
        // Its gradient is 1 - 1. A product with 0.0 would have none, and be skipped.
        let loss = (w.as_tensor() - w.as_tensor()).unwrap().sum_all().unwrap();
        optimizer.backward_step(&loss).unwrap();
        let found = w.to_vec1::<f32>().unwrap()[0];
        assert!((found - 1.9).abs() < 1e-6, "{optim}: {found}");
    }
}

#[test]
fn the_defaults_are_those_of_fit() {
    let (rates, fit) = (Rates::default(), Fit::default());
    assert_eq!(rates.learning_rate, fit.learning_rate);
    assert_eq!(rates.weight_decay, fit.weight_decay);
}

#[test]
fn rates_outside_their_range_are_rejected() {
    let error = |learning_rate, weight_decay| {
        let w = Var::new(&[2f32], &Device::Cpu).unwrap();
        let rates = Rates {
            learning_rate,
            weight_decay,
        };
        let optimizer = Optimizer::new(vec![w], &Optim::adam(), rates);
        optimizer.unwrap_err().to_string()
    };
    assert_eq!(
        error(0.0, 0.0),
        "Rates::learning_rate: expected a positive number, got 0. 0.001 is a good start"
    );
    assert_eq!(
        error(0.1, -1.0),
        "Rates::weight_decay: expected zero or more, got -1. 0 turns it off"
    );
}
