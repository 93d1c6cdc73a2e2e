//! Receiver operating characteristic of anomaly scores.

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::labels::labels_of;
use crate::model::Autoencoder;
use crate::show::{Content, Numbers, Plot, Show, evcxr_display};

/// ROC curve of scores, and the area under it. Renders as a chart.
///
/// An image is called anomalous if its score is at least a threshold. For each threshold, the curve
/// has the share of anomalous images that are found, and the share of normal images that are
/// found wrongly. scikit-learn: `roc_curve(anomalous, scores, drop_intermediate=False)`.
///
/// # Examples
/// ```
/// use candlebook::evaluate::Roc;
/// let roc = Roc::new([0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!(roc.auc, 0.75);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Roc {
    /// Share of the normal images with at least the threshold, from 0 to 1.
    pub false_positive_rate: Vec<f64>,
    /// Share of the anomalous images with at least the threshold, from 0 to 1.
    pub true_positive_rate: Vec<f64>,
    /// Infinity, then every score once, in descending order.
    pub thresholds: Vec<f64>,
    /// Area under the curve: the probability that an anomalous image has a higher score than a
    /// normal one, where equal scores count half. 0.5 for scores that tell nothing, 1 for perfect
    /// ones.
    pub auc: f64,
}

impl Roc {
    /// The curve of scores, which are higher for more anomalous images.
    ///
    /// # Shapes
    /// `scores` and `anomalous` are (n).
    ///
    /// # Errors
    /// Different lengths; NaN; only normal or only anomalous images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::Roc;
    /// let roc = Roc::new([0.5, 0.5, 1.0], &[false, true, true])?;
    /// assert_eq!((roc.true_positive_rate, roc.auc), (vec![0.0, 0.5, 1.0], 0.75));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new(scores: impl Numbers, anomalous: &[bool]) -> Result<Self> {
        let scores = scores.numbers()?;
        check(&scores, anomalous)?;
        let mut sorted: Vec<(f64, bool)> = scores.into_iter().zip(anomalous.to_vec()).collect();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = anomalous.iter().filter(|anomalous| **anomalous).count();
        let negatives = anomalous.len() - positives;
        let mut roc = Roc {
            false_positive_rate: vec![0.0],
            true_positive_rate: vec![0.0],
            thresholds: vec![f64::INFINITY],
            auc: 0.0,
        };
        let (mut found, mut wrong) = (0, 0);
        // Equal scores are one point of the curve.
        for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
            let anomalous = tied.iter().filter(|(_, anomalous)| *anomalous).count();
            let normal = tied.len() - anomalous;
            roc.auc += normal as f64 * (found as f64 + anomalous as f64 / 2.0);
            (found, wrong) = (found + anomalous, wrong + normal);
            roc.true_positive_rate.push(found as f64 / positives as f64);
            roc.false_positive_rate
                .push(wrong as f64 / negatives as f64);
            roc.thresholds.push(tied[0].0);
        }
        roc.auc /= positives as f64 * negatives as f64;
        Ok(roc)
    }

    /// Chart of the curve, beside the diagonal of scores that tell nothing.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::Roc;
    /// let roc = Roc::new([0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
    /// assert!(roc.plot().to_svg()?.contains("AUC 0.750"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn plot(&self) -> Plot {
        let name = format!("AUC {:.3}", self.auc);
        Plot::new()
            .title("ROC")
            .line(name, &self.false_positive_rate, &self.true_positive_rate)
            .width(2.5)
            .line("chance", [0, 1], [0, 1])
            .color("gray")
            .width(1.0)
            .x_label("false positive rate")
            .y_label("true positive rate")
            .x_range(0.0, 1.0)
            .y_range(0.0, 1.0)
            .size(420, 380)
    }
}

fn check(scores: &[f64], anomalous: &[bool]) -> Result<()> {
    if scores.len() != anomalous.len() {
        let expected = format!("a label for each of {} scores", scores.len());
        let hint = "Take scores and labels from the same split";
        return Err(Error::shape("Roc::new", expected, anomalous.len(), hint));
    }
    if let Some(at) = scores.iter().position(|score| score.is_nan()) {
        let hint = "Remove the images whose score is NaN";
        return Err(Error::shape(
            "Roc::new",
            "scores",
            format!("NaN at [{at}]"),
            hint,
        ));
    }
    let got = match (anomalous.contains(&true), anomalous.contains(&false)) {
        (true, true) => return Ok(()),
        (true, false) => "only anomalous ones",
        (false, true) => "only normal ones",
        (false, false) => "none",
    };
    let hint = "Add images of the other kind";
    Err(Error::shape(
        "Roc::new",
        "normal and anomalous images",
        got,
        hint,
    ))
}

impl Autoencoder {
    /// ROC curve of the reconstruction error ([`Autoencoder::errors`]) as a score of anomaly. Images
    /// with one of the labels `anomalous` are anomalies, the others are normal.
    ///
    /// # Errors
    /// Images without labels; no image of one of the kinds; images without the model's shape.
    ///
    /// # Examples
    /// Zeros among other digits:
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 50);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// let roc = ae.anomaly_roc(&data.test, &[0])?;
    /// assert!((0.0..=1.0).contains(&roc.auc));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn anomaly_roc(&self, split: &Split, anomalous: &[u32]) -> Result<Roc> {
        let labels = labels_of("anomaly_roc", split)?;
        let anomalous: Vec<bool> = labels
            .iter()
            .map(|label| anomalous.contains(label))
            .collect();
        Roc::new(self.errors(split)?, &anomalous)
    }
}

impl Show for Roc {
    fn contents(&self) -> Result<Vec<Content>> {
        let (width, height) = (420, 380);
        let png = self.plot().to_png()?;
        let text = format!(
            "ROC with {} thresholds, AUC {:.3}",
            self.thresholds.len(),
            self.auc
        );
        Ok(vec![Content::text(text).png(&png, width, height)])
    }
}
evcxr_display!(Roc);
