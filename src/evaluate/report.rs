//! A table of all measures of a model that apply to a data set.

use crate::data::{Dataset, Split, is_vector};
use crate::error::Result;
use crate::evaluate::active_units::ActiveUnits;
use crate::evaluate::code_usage::CodeUsage;
use crate::evaluate::knn::knn_accuracy;
use crate::evaluate::linear_probe::{LinearProbe, linear_probe};
use crate::evaluate::mutual_information::mutual_information_gap;
use crate::evaluate::pairs::{mean_over, squared_errors};
use crate::evaluate::ssim::window_fits;
use crate::model::{Autoencoder, CodeSparsity};
use crate::show::{Content, Show, Table, evcxr_display};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// Neighbors that vote in a report, scikit-learn's default.
const NEIGHBORS: usize = 5;

/// Measures of a model on a data set, from [`Autoencoder::report`]. Renders as a table.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(400, 100);
/// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
/// let report = ae.report(&data)?;
/// assert!(report.psnr.is_some() && report.table().to_text().contains("linear probe"));
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Name and value of the loss that the model was trained with, over the test images.
    pub loss: (String, f32),
    /// Mean squared error of the reconstructions of the test images.
    pub mse: f64,
    /// Share of the variance of the test images that the reconstructions explain: 1 - MSE / MSE of
    /// the mean image. 1 is perfect, 0 is as good as the mean image. None if all images are equal.
    pub explained_variance: Option<f64>,
    /// Mean peak signal-to-noise ratio, in decibels. None for vectors.
    pub psnr: Option<f64>,
    /// Mean structural similarity, at most 1. None for vectors and for images of fewer than 11
    /// pixels in height or width.
    pub ssim: Option<f64>,
    /// Values of an image, and of its code.
    pub sizes: (usize, usize),
    /// Use of the units of the code by the test images.
    pub active_units: ActiveUnits,
    /// Number of units that an image uses, and of dead units. None if no layer makes the code sparse.
    pub sparsity: Option<CodeSparsity>,
    /// Use of the entries of a discrete code. None for other codes, and above 1,048,576 entries.
    pub code_usage: Option<CodeUsage>,
    /// Accuracy of a linear classifier of codes. None without labels of at least two classes.
    pub linear_probe: Option<LinearProbe>,
    /// Accuracy of the majority label among the 5 nearest training codes. None without labels of at
    /// least two classes.
    pub knn_accuracy: Option<f64>,
    /// Accuracy on the test images if the most frequent label is always predicted. None without
    /// labels of at least two classes.
    pub majority_accuracy: Option<f64>,
    /// Mutual information gap of code and labels, in [0, 1]. None without labels of at least two
    /// classes, and for a code of one value.
    pub mutual_information_gap: Option<f64>,
}

impl Report {
    /// The measures as a table: name, value and a note.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(400, 100);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!(ae.report(&data)?.table().len() >= 8);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn table(&self) -> Table {
        let rows = [
            self.reconstruction_rows(),
            self.code_rows(),
            self.label_rows(),
        ]
        .concat();
        let table = Table::new(["measure", "test", ""]);
        rows.into_iter().fold(table, |table, row| match row {
            (name, Some(value), note) => table.row([name, value, note]),
            (_, None, _) => table,
        })
    }

    fn reconstruction_rows(&self) -> Vec<Row> {
        let (loss, mse) = (&self.loss.0, "mean squared error");
        let loss_value = (loss != mse).then_some(f64::from(self.loss.1));
        let psnr = self.psnr.map(|value| format!("{value:.2}"));
        let of_mean = "1 - MSE / MSE of the mean";
        vec![
            row(loss, digits(loss_value, 5), "the trained loss"),
            row(mse, digits(Some(self.mse), 5), ""),
            row(
                "explained variance",
                digits(self.explained_variance, 4),
                of_mean,
            ),
            row("PSNR", psnr, "decibels"),
            row("SSIM", digits(self.ssim, 4), "1 for equal images"),
        ]
    }

    fn code_rows(&self) -> Vec<Row> {
        let (inputs, code) = self.sizes;
        let compression = inputs as f64 / code as f64;
        let (units, of_all) = (&self.active_units, format!("of {code}"));
        let usage = self.code_usage.as_ref();
        let perplexity = usage.map(CodeUsage::perplexity);
        let codes = usage.map_or(0, |usage| usage.counts.len());
        let of_codes = format!("of {codes}");
        let dead = self.sparsity.map_or(0.0, |sparsity| sparsity.dead_share());
        let dead_share = format!("of {code}, {:.1} %", 100.0 * dead);
        vec![
            row(
                "compression",
                digits(Some(compression), 1),
                "inputs per value of the code",
            ),
            row("active units", Some(units.active.to_string()), &of_all),
            row("constant units", Some(units.constant.to_string()), &of_all),
            row(
                "L0",
                digits(self.sparsity.map(|sparsity| sparsity.l0), 1),
                "units of the code that an image uses",
            ),
            row(
                "dead units",
                self.sparsity.map(|sparsity| sparsity.dead.to_string()),
                &dead_share,
            ),
            row(
                "used codes",
                usage.map(|usage| usage.used().to_string()),
                &of_codes,
            ),
            row(
                "perplexity",
                digits(perplexity, 1),
                "of the uses of the codes",
            ),
        ]
    }

    fn label_rows(&self) -> Vec<Row> {
        let probe = self.linear_probe.map(|probe| probe.accuracy);
        let gap = self.mutual_information_gap;
        let majority = digits(self.majority_accuracy, 4).unwrap_or_default();
        let note = format!("accuracy; {majority} for the most frequent class");
        vec![
            row("linear probe", digits(probe, 4), &note),
            row("5 nearest neighbors", digits(self.knn_accuracy, 4), &note),
            row(
                "mutual information gap",
                digits(gap, 4),
                "of code and labels",
            ),
        ]
    }
}

/// Name, value if it applies, and note.
type Row = (String, Option<String>, String);

fn row(name: &str, value: Option<String>, note: &str) -> Row {
    (name.into(), value, note.into())
}

fn digits(value: Option<f64>, decimals: usize) -> Option<String> {
    value.map(|value| format!("{value:.decimals$}"))
}

impl Autoencoder {
    /// Measures the model on a data set: reconstructions and codes of the test images, and what the
    /// codes tell about the labels, if there are labels. Measures that do not apply are None.
    ///
    /// # Errors
    /// An empty split, or images without the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(400, 100);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// ae.report(&data)?
    /// # ; Ok::<(), candlebook::Error>(())
    /// ```
    pub fn report(&self, data: &Dataset) -> Result<Report> {
        let test = &data.test;
        test.not_empty("report")?;
        let (c, h, w) = test.image_shape();
        let images = !is_vector((c, h, w));
        let codes = self.codes(test)?;
        let mse = mean_over(
            test,
            |images, labels| self.reconstructed(images, labels),
            squared_errors,
        )?;
        let labels = self.label_measures(data, &codes)?;
        let loss = self.trained_loss();
        Ok(Report {
            loss: (loss.to_string(), self.evaluate(test)?),
            explained_variance: explained(test, mse)?,
            mse,
            psnr: images.then(|| self.psnr(test)).transpose()?,
            ssim: (images && window_fits(h, w))
                .then(|| self.ssim(test))
                .transpose()?,
            sizes: (c * h * w, codes.dim(1)?),
            active_units: ActiveUnits::of(&codes)?,
            sparsity: (self.has_sparse_code())
                .then(|| self.code_sparsity(test))
                .transpose()?,
            code_usage: (self.has_counted_code())
                .then(|| self.code_usage(test))
                .transpose()?,
            linear_probe: labels.as_ref().map(|labels| labels.probe),
            knn_accuracy: labels.as_ref().map(|labels| labels.knn),
            majority_accuracy: labels.as_ref().map(|labels| labels.majority),
            mutual_information_gap: labels.and_then(|labels| labels.gap),
        })
    }

    /// None without labels of at least two classes in both splits.
    fn label_measures(&self, data: &Dataset, test: &Tensor) -> Result<Option<LabelMeasures>> {
        let (Some(train_labels), Some(labels)) = (data.train.labels(), data.test.labels()) else {
            return Ok(None);
        };
        let several = |labels: &[u32]| labels.iter().any(|label| *label != labels[0]);
        if !several(&train_labels) || !several(&labels) {
            return Ok(None);
        }
        let train = self.codes(&data.train)?;
        let (train, test) = ((&train, &train_labels[..]), (test, &labels[..]));
        let k = NEIGHBORS.min(train_labels.len());
        let gap = || mutual_information_gap(test.0, std::slice::from_ref(&labels));
        Ok(Some(LabelMeasures {
            probe: linear_probe(train, test)?,
            knn: knn_accuracy(train, test, k)?,
            majority: majority_accuracy(&train_labels, &labels),
            gap: (self.code_size() > 1).then(gap).transpose()?,
        }))
    }
}

/// Measures of codes with labels.
struct LabelMeasures {
    probe: LinearProbe,
    knn: f64,
    majority: f64,
    gap: Option<f64>,
}

/// 1 - MSE / MSE of the mean image; None if the images do not vary.
fn explained(split: &Split, mse: f64) -> Result<Option<f64>> {
    let mean = split.mean_image()?;
    let of_mean = |images: &Tensor, _: Option<&Tensor>| Ok(mean.broadcast_as(images.shape())?);
    let variance = mean_over(split, of_mean, squared_errors)?;
    Ok((variance > 0.0).then(|| 1.0 - mse / variance))
}

fn majority_accuracy(train: &[u32], test: &[u32]) -> f64 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    train
        .iter()
        .for_each(|label| *counts.entry(*label).or_default() += 1);
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    let right = test
        .iter()
        .filter(|label| most.is_some_and(|(most, _)| most == **label));
    right.count() as f64 / test.len() as f64
}

impl Show for Report {
    fn contents(&self) -> Result<Vec<Content>> {
        self.table().contents()
    }
}
evcxr_display!(Report);
