//! Linear probe.

use super::common::{data, error, model, problem};
use candlebook::evaluate::linear_probe;
use candlebook::prelude::*;

#[test]
fn the_probe_is_scikit_learns_logistic_regression() {
    // (x, y), (xt, yt) = problem(120, 0), problem(60, 1000)
    // p = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=1000)).fit(x, y)
    // (p.predict(x) == y).sum(), (p.predict(xt) == yt).sum()  # 100, 45
    let (train, test) = (problem(120, 0), problem(60, 1000));
    let probe = linear_probe((&train.0, &train.1), (&test.0, &test.1)).unwrap();
    assert!(probe.converged, "{probe:?}");
    let right = (probe.train_accuracy * 120.0, probe.accuracy * 60.0);
    assert_eq!((right.0.round(), right.1.round()), (100.0, 45.0));
}

#[test]
fn the_probe_does_not_depend_on_the_scale_of_the_codes_nor_on_unused_units() {
    let (train, test) = (problem(120, 0), problem(60, 1000));
    let scaled = |codes: &Tensor| {
        let factors = Tensor::new(&[1e3f32, 1e-3, 5.0, 0.0], &Device::Cpu).unwrap();
        codes.broadcast_mul(&factors).unwrap()
    };
    let used = |codes: &Tensor| codes.narrow(1, 0, 3).unwrap();
    let accuracy = |change: &dyn Fn(&Tensor) -> Tensor| {
        let (train_codes, test_codes) = (change(&train.0), change(&test.0));
        linear_probe((&train_codes, &train.1), (&test_codes, &test.1)).unwrap()
    };
    let (a, b) = (accuracy(&scaled), accuracy(&used));
    assert_eq!(
        (a.accuracy, a.train_accuracy),
        (b.accuracy, b.train_accuracy)
    );
}

#[test]
fn bad_input_is_explained() {
    let (codes, labels) = problem(12, 0);
    let probe = |codes: &Tensor, labels: &[u32]| linear_probe((codes, labels), (codes, labels));
    assert_eq!(
        error(probe(&codes, &labels[1..])),
        "linear_probe: expected one label for each of 12 codes, got 11. Take codes and labels \
         from the same split"
    );
    assert_eq!(
        error(probe(&codes, &[4; 12])),
        "linear_probe: expected labels of at least two classes, got one. With one class there is \
         nothing to tell apart"
    );
    let nan = (&codes * f64::NAN).unwrap();
    assert!(error(probe(&nan, &labels)).contains("expected finite codes, got NaN at [0, 0]"));
    let cube = codes.reshape((3, 4, 4)).unwrap();
    assert!(error(probe(&cube, &labels)).contains("expected codes of shape (n, d), got [3, 4, 4]"));
    let narrow = codes.narrow(1, 0, 2).unwrap();
    let other = linear_probe((&codes, &labels), (&narrow, &labels));
    assert!(error(other).contains("expected test codes of 4 values, as in training, got 2"));
    let unlabeled = data(false);
    assert!(
        error(model(&unlabeled).linear_probe(&unlabeled))
            .starts_with("linear_probe: expected images with labels, got none. Load them")
    );
}
