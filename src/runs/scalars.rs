//! The numbers of an epoch by name.

use crate::train::Epoch;

/// The numbers of an epoch, under the names that TensorBoard, Trackio and W&B group by the part
/// before the slash.
pub(super) fn scalars(epoch: &Epoch) -> Vec<(String, f64)> {
    let mut all = vec![("loss/train".to_owned(), decimal(epoch.train_loss))];
    let loss = epoch.valid_loss.map(decimal);
    all.extend(loss.map(|loss| ("loss/validation".into(), loss)));
    for term in &epoch.terms {
        all.push((format!("{}/train", term.name), decimal(term.train)));
        let valid = term.valid.map(decimal);
        all.extend(valid.map(|valid| (format!("{}/validation", term.name), valid)));
    }
    let metrics = epoch.metrics.iter();
    all.extend(metrics.map(|metric| (format!("metric/{}", metric.name), metric.value)));
    if epoch.learning_rate > 0.0 {
        all.push(("learning_rate".into(), epoch.learning_rate));
    }
    all.push(("time/epoch_seconds".into(), epoch.seconds));
    all.push(("time/images_per_second".into(), epoch.images_per_second));
    all
}

/// The number with the same decimal digits: 0.1, not 0.10000000149.
pub(super) fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{LossTerm, MetricValue};

    #[test]
    fn absent_numbers_have_no_name() {
        let mut epoch = Epoch {
            train_loss: 0.1,
            seconds: 2.0,
            images_per_second: 50.0,
            ..Default::default()
        };
        let time = [
            ("time/epoch_seconds".to_owned(), 2.0),
            ("time/images_per_second".to_owned(), 50.0),
        ];
        let mut expected = vec![("loss/train".to_owned(), 0.1)];
        expected.extend(time.clone());
        assert_eq!(scalars(&epoch), expected);

        epoch.valid_loss = Some(0.2);
        epoch.learning_rate = 0.01;
        epoch.terms.push(LossTerm {
            name: "KL".into(),
            train: 0.3,
            valid: Some(f32::NAN),
        });
        epoch.metrics.push(MetricValue {
            name: "PSNR".into(),
            value: 20.5,
        });
        let all = scalars(&epoch);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let losses = ["loss/train", "loss/validation", "KL/train", "KL/validation"];
        assert_eq!(names[..4], losses);
        assert_eq!((all[1].1, all[2].1), (0.2, 0.3));
        assert!(all[3].1.is_nan());
        assert_eq!(all[4], ("metric/PSNR".to_owned(), 20.5));
        assert_eq!(all[5], ("learning_rate".to_owned(), 0.01));
    }
}
