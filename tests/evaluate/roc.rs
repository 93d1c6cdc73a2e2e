//! ROC curve and the area under it.

use super::common::{data, error, model};
use candlebook::evaluate::Roc;
use candlebook::show::Show;

#[test]
fn the_curve_is_that_of_scikit_learn_with_ties() {
    // s, a = [.1, .4, .35, .8, .4, .4, .9, .1], [0, 1, 0, 1, 0, 1, 1, 1]
    // roc_curve(a, s, drop_intermediate=False), roc_auc_score(a, s)
    let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.1];
    let anomalous = [0, 1, 0, 1, 0, 1, 1, 1].map(|label| label == 1);
    let roc = Roc::new(scores, &anomalous).unwrap();
    assert_eq!(
        roc.false_positive_rate,
        [0.0, 0.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]
    );
    assert_eq!(roc.true_positive_rate, [0.0, 0.2, 0.4, 0.8, 0.8, 1.0]);
    assert_eq!(roc.thresholds, [f64::INFINITY, 0.9, 0.8, 0.4, 0.35, 0.1]);
    assert!((roc.auc - 0.7666666666666667).abs() < 1e-15);
    // i = np.arange(500)
    // s = np.round(np.abs(np.sin(1.3 * i)) * 10) / 10 + 0.1 * (i % 4 == 0)
    // s = np.round(s * 10) / 10
    // roc_auc_score(i % 4 == 0, s), len(np.unique(s))  # 0.5996053, 12
    let anomalous: Vec<bool> = (0..500).map(|i| i % 4 == 0).collect();
    let score = |i: usize| (1.3 * i as f64).sin().abs() * 10.0;
    let scores: Vec<f64> = (0..500)
        .map(|i| (score(i).round() + f64::from(u8::from(i % 4 == 0))) / 10.0)
        .collect();
    let roc = Roc::new(&scores, &anomalous).unwrap();
    assert_eq!(roc.thresholds.len(), 1 + 12);
    assert!((roc.auc - 0.5996053333333333).abs() < 1e-12, "{}", roc.auc);
}

#[test]
fn the_order_of_the_scores_decides() {
    let auc = |scores: [f64; 4]| Roc::new(scores, &[false, false, true, true]).unwrap().auc;
    assert_eq!(auc([0.1, 0.2, 0.3, 0.4]), 1.0);
    assert_eq!(auc([0.3, 0.4, 0.1, 0.2]), 0.0);
    assert_eq!(auc([7.0; 4]), 0.5);
}

#[test]
fn unknown_patterns_have_larger_errors_after_training() {
    let mut train = data(true);
    let ae = {
        let mut ae = model(&train);
        // Trained on stripes along rows alone.
        let rows: Vec<usize> = (0..64).step_by(2).collect();
        let images = train.train.images(&rows).unwrap();
        train.train = candlebook::Split::from_tensor(&images, None).unwrap();
        let fit = candlebook::Fit {
            epochs: 60,
            batch_size: 8,
            learning_rate: 1e-2,
            ..Default::default()
        };
        ae.fit(&train, &fit).unwrap();
        ae
    };
    let roc = ae.anomaly_roc(&train.test, &[1]).unwrap();
    assert!(roc.auc > 0.9, "{}", roc.auc);
    let text = format!(
        "ROC with {} thresholds, AUC {:.3}",
        roc.thresholds.len(),
        roc.auc
    );
    let contents = roc.contents().unwrap();
    assert_eq!(contents[0].get("text/plain"), Some(text.as_str()));
    assert!(contents[0].get("image/png").is_some());
}

#[test]
fn bad_input_is_explained() {
    assert_eq!(
        error(Roc::new([0.5, 0.7], &[true, true])),
        "Roc::new: expected normal and anomalous images, got only anomalous ones. Add images of \
         the other kind"
    );
    assert!(error(Roc::new([0.5], &[true, false])).contains("a label for each of 1 scores, got 2"));
    assert!(error(Roc::new([0.5, f64::NAN], &[true, false])).contains("got NaN at [1]"));
    let (labeled, unlabeled) = (data(true), data(false));
    let ae = model(&labeled);
    assert!(error(ae.anomaly_roc(&labeled.test, &[7])).contains("got only normal ones"));
    assert!(error(ae.anomaly_roc(&unlabeled.test, &[1])).contains("images with labels, got none"));
}
