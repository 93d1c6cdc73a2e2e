//! Charts of the metrics of a run, one each, because their units differ.

use super::history::{History, metric_names};
use crate::show::{Plot, Plots};

/// Charts in a row.
const COLUMNS: usize = 3;
/// Width of the charts of [`History::metrics_plot`], in pixels.
const WIDTH: usize = 640;
/// Height of a chart, in pixels.
const HEIGHT: usize = 170;

impl History {
    /// Charts of the metrics by epoch, one for each. Values that are not finite are left out.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::Metric;
    /// let data = mnist_embedded()?.take(200, 10);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
    /// let metrics = vec![Metric::Psnr, Metric::Mae];
    /// let history = ae.fit(&data, &Fit { epochs: 2, metrics, ..Default::default() })?;
    /// show(history.metrics_plot());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn metrics_plot(&self) -> Plots {
        self.metric_plots(WIDTH)
    }

    /// True if a metric has values to draw.
    pub(super) fn has_metric_plots(&self) -> bool {
        let mut metrics = self.epochs.iter().flat_map(|epoch| &epoch.metrics);
        metrics.any(|metric| metric.value.is_finite())
    }

    /// The charts of the metrics, of this width together.
    pub(super) fn metric_plots(&self, width: usize) -> Plots {
        let plots: Vec<Plot> = metric_names(&self.epochs)
            .iter()
            .filter_map(|name| self.metric_plot(name))
            .collect();
        let columns = COLUMNS.min(plots.len()).max(1);
        let size = ((width / columns) as u32, HEIGHT as u32);
        let plots = plots.into_iter().map(|plot| plot.size(size.0, size.1));
        Plots::new(plots).columns(columns)
    }

    /// `None` without a finite value.
    fn metric_plot(&self, name: &str) -> Option<Plot> {
        let values = (1usize..).zip(&self.epochs);
        let values = values.filter_map(|(number, epoch)| Some((number, epoch.metric(name)?)));
        let (numbers, values): (Vec<usize>, Vec<f64>) =
            values.filter(|(_, value)| value.is_finite()).unzip();
        let plot = Plot::new().title(name).legend(false);
        (!values.is_empty()).then(|| plot.line(name, numbers, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Show;
    use crate::train::{Epoch, MetricValue};

    #[test]
    fn each_metric_has_a_chart_of_its_finite_values() {
        let epoch = |psnr, mae| Epoch {
            metrics: vec![MetricValue::new("PSNR", psnr), MetricValue::new("MAE", mae)],
            ..Default::default()
        };
        let history = History {
            epochs: vec![
                epoch(20.0, f64::NAN),
                epoch(25.0, 0.5),
                epoch(f64::INFINITY, 0.25),
            ],
            ..Default::default()
        };
        assert!(history.has_metric_plots() && !History::default().has_metric_plots());
        let contents = history.metrics_plot().contents().unwrap();
        let text = contents[0].get("text/plain").unwrap();
        for part in [
            "PSNR: line of 2 points, 20 to 25",
            "MAE: line of 2 points, 0.25 to 0.5",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
