//! k nearest neighbors.

use super::common::{data, error, model, problem};
use candlebook::evaluate::knn_accuracy;
use candlebook::prelude::*;

#[test]
fn the_accuracy_is_that_of_scikit_learn() {
    // (x, y), (xt, yt) = problem(120, 0), problem(60, 1000)
    // (KNeighborsClassifier(k).fit(x, y).predict(xt) == yt).sum()
    let (train, test) = (problem(120, 0), problem(60, 1000));
    for (k, right) in [(1, 39.0), (4, 38.0), (5, 38.0), (20, 32.0)] {
        let accuracy = knn_accuracy((&train.0, &train.1), (&test.0, &test.1), k).unwrap();
        assert_eq!((accuracy * 60.0).round(), right, "k = {k}");
    }
}

#[test]
fn codes_far_from_zero_keep_their_distances() {
    let (train, test) = (problem(120, 0), problem(60, 1000));
    let far = |codes: &Tensor| (codes + 2000.0).unwrap();
    let (a, b) = (far(&train.0), far(&test.0));
    let accuracy = knn_accuracy((&a, &train.1), (&b, &test.1), 1).unwrap();
    assert_eq!((accuracy * 60.0).round(), 39.0);
}

#[test]
fn the_smallest_label_wins_a_tie() {
    let train = Tensor::new(&[[0f32], [1.0], [2.0]], &Device::Cpu).unwrap();
    let test = Tensor::new(&[[0.1f32]], &Device::Cpu).unwrap();
    // KNeighborsClassifier(2).fit([[0.], [1.], [2.]], [8, 3, 3]).predict([[0.1]])  # 3
    let accuracy = |label| knn_accuracy((&train, &[8, 3, 3]), (&test, &[label]), 2).unwrap();
    assert_eq!((accuracy(3), accuracy(8)), (1.0, 0.0));
}

#[test]
fn k_out_of_range_and_missing_labels_are_explained() {
    let labeled = data(true);
    let ae = model(&labeled);
    for k in [0, 65] {
        assert_eq!(
            error(ae.knn_accuracy(&labeled, k)),
            format!("k: expected 1 to 64, the number of training images, got {k}. 5 is usual")
        );
    }
    assert!(ae.knn_accuracy(&labeled, 64).is_ok());
    let unlabeled = data(false);
    assert!(
        error(ae.knn_accuracy(&unlabeled, 5)).contains("expected images with labels, got none")
    );
}
