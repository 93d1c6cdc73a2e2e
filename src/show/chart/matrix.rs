//! Heat maps and confusion matrices.

use crate::error::Error;
use crate::show::Numbers;
use crate::show::chart::axis::AxisScale;
use crate::show::chart::checks::expect_one_each;
use crate::show::chart::labels::{distinct, strings};
use crate::show::chart::plot::Plot;
use crate::show::chart::series::{HeatMap, Shape};
use candle_core::Tensor;

/// Maximum number of classes of a confusion matrix with numbers.
const MAX_NUMBERED_CLASSES: usize = 20;

impl Plot {
    /// Adds a matrix in colors, its first row at the top, with a color bar. NaN and infinity are
    /// magenta.
    ///
    /// # Shapes
    /// `matrix` is (rows, columns).
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let weights = Tensor::randn(0f32, 1f32, (16, 32), &Device::Cpu)?;
    /// Plot::new().heat_map(&weights).x_label("input").y_label("unit");
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn heat_map(mut self, matrix: &Tensor) -> Self {
        match (matrix.dims(), matrix.numbers()) {
            (&[rows, columns], Ok(values)) if rows * columns > 0 => {
                let numbers = false;
                self.push_heat_map(HeatMap {
                    values,
                    rows,
                    columns,
                    numbers,
                })
            }
            (_, Err(error)) => {
                self.check(Err(error));
                self
            }
            (dims, _) => {
                self.check(Err(Error::shape(
                    "heat_map",
                    "(rows, columns)",
                    format!("{dims:?}"),
                    "Select a matrix with .squeeze(0) or .get(0)",
                )));
                self
            }
        }
    }

    /// A confusion matrix: rows are the true classes, columns the predicted ones. Different lengths
    /// and empty labels are reported when the chart is drawn.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::confusion(&[0, 1, 1, 2], &[0, 1, 2, 2]);
    /// ```
    pub fn confusion<L: ToString, M: ToString>(truth: &[L], predicted: &[M]) -> Self {
        let (truth, predicted) = (strings(truth), strings(predicted));
        let mut plot = Plot::new()
            .size(480, 440)
            .title("Confusion matrix")
            .x_label("predicted")
            .y_label("truth");
        plot.check(expect_one_each(
            "confusion",
            "predictions",
            "true label",
            truth.len(),
            predicted.len(),
        ));
        let classes = distinct(truth.iter().chain(&predicted));
        if classes.is_empty() {
            plot.check(Err(Error::shape(
                "confusion",
                "at least one true label",
                "none",
                "Pass the true and the predicted labels",
            )));
        }
        let n = classes.len();
        plot = plot.push_heat_map(HeatMap {
            values: confusion_counts(&classes, &truth, &predicted),
            rows: n,
            columns: n,
            numbers: n <= MAX_NUMBERED_CLASSES,
        });
        plot.figure.x.scale = AxisScale::Categories(classes.clone());
        plot.figure.y.scale = AxisScale::Categories(classes);
        plot
    }

    fn push_heat_map(self, heat: HeatMap) -> Self {
        self.push(String::new(), Shape::Heat(heat))
    }
}

/// Counts of (true class, predicted class), row by row.
fn confusion_counts(classes: &[String], truth: &[String], predicted: &[String]) -> Vec<f64> {
    let n = classes.len();
    let index = |label: &String| classes.iter().position(|class| class == label).unwrap_or(0);
    let mut counts = vec![0.0; n * n];
    for (truth, predicted) in truth.iter().zip(predicted) {
        counts[index(truth) * n + index(predicted)] += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::confusion_counts;

    #[test]
    fn rows_are_true_classes_and_columns_predictions() {
        let strings = |labels: &[&str]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
        let counts = confusion_counts(
            &strings(&["a", "b"]),
            &strings(&["a", "a", "b"]),
            &strings(&["a", "b", "b"]),
        );
        assert_eq!(counts, [1.0, 1.0, 0.0, 1.0]);
    }
}
