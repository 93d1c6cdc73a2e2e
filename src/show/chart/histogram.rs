//! Histograms.

use crate::show::chart::plot::{Plot, column};
use crate::show::chart::series::{Histogram, Series, Shape, Span};
use crate::show::chart::spans::RECTANGLE_ALPHA;
use crate::show::{Numbers, finite_range};

const MAX_BINS: usize = 10_000;

impl Plot {
    /// Adds a histogram: the number of values in each of `bins` intervals of equal width. NaN and
    /// infinity are omitted.
    ///
    /// Several histograms in one chart can be compared bar by bar: all have the same intervals. These
    /// cover the values of all, and their number is the largest of `bins`.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new()
    ///     .histogram("before", [0.1, 0.15, 0.4, -0.2], 3)
    ///     .histogram("after", [0.3, 0.5, 0.55], 3);
    /// ```
    pub fn histogram(mut self, name: impl Into<String>, values: impl Numbers, bins: usize) -> Self {
        let name = name.into();
        let rows = self.join("histogram", &name, [column("values", &values)]);
        let values = rows.iter().map(|row| row[0]);
        let histogram = Histogram {
            values: values.filter(|value| value.is_finite()).collect(),
            bins: bins.clamp(1, MAX_BINS),
            bars: Vec::new(),
        };
        let mut plot = self
            .push(name, Shape::Histogram(histogram))
            .alpha(RECTANGLE_ALPHA);
        share_bins(&mut plot.figure.series);
        plot
    }
}

/// Intervals of equal width.
#[derive(Clone, Copy)]
struct Bins {
    low: f64,
    width: f64,
    count: usize,
}

impl Bins {
    /// Intervals that cover all values of the histograms.
    fn over(histograms: &[&mut Histogram]) -> Bins {
        let values = histograms.iter().flat_map(|histogram| &histogram.values);
        let (low, high) = finite_range(values.copied());
        let count = histograms.iter().map(|histogram| histogram.bins).max();
        let count = count.unwrap_or(1);
        let span = if high > low { high - low } else { 1.0 };
        Bins {
            low,
            width: span / count as f64,
            count,
        }
    }

    /// One bar per interval; none without values.
    fn bars(self, values: &[f64]) -> Vec<Span> {
        if values.is_empty() {
            return Vec::new();
        }
        let mut counts = vec![0.0; self.count];
        for value in values {
            let bin = ((value - self.low) / self.width) as usize;
            counts[bin.min(self.count - 1)] += 1.0;
        }
        let edge = |i: usize| self.low + i as f64 * self.width;
        let bar = |(i, &count): (usize, &f64)| Span {
            from: (edge(i), 0.0),
            to: (edge(i + 1), count),
        };
        counts.iter().enumerate().map(bar).collect()
    }
}

/// Computes the bars of all histograms of a chart with the same intervals.
fn share_bins(series: &mut [Series]) {
    let histograms = series
        .iter_mut()
        .filter_map(|series| match &mut series.shape {
            Shape::Histogram(histogram) => Some(histogram),
            _ => None,
        });
    let histograms: Vec<&mut Histogram> = histograms.collect();
    let bins = Bins::over(&histograms);
    for histogram in histograms {
        histogram.bars = bins.bars(&histogram.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left edge and count of each bar of the histograms of a chart.
    fn bars(plot: Plot) -> Vec<Vec<(f64, f64)>> {
        let bars = |series: &Series| match &series.shape {
            Shape::Histogram(histogram) => {
                let bars = histogram.bars.iter();
                bars.map(|bar| (bar.from.0, bar.to.1)).collect()
            }
            shape => panic!("{shape:?}"),
        };
        plot.figure.series.iter().map(bars).collect()
    }

    fn counts(values: &[f64], bins: usize) -> Vec<f64> {
        let bars = bars(Plot::new().histogram("", values, bins)).remove(0);
        bars.into_iter().map(|(_, count)| count).collect()
    }

    #[test]
    fn every_finite_value_is_in_one_bin() {
        assert_eq!(counts(&[0.0, 0.4, 0.5, 1.0, f64::NAN], 2), [2.0, 2.0]);
        assert_eq!(counts(&[7.0, 7.0], 3), [2.0, 0.0, 0.0]);
        assert_eq!(counts(&[f64::INFINITY], 3), [0.0; 0]);
    }

    #[test]
    fn histograms_of_one_chart_have_the_same_bins() {
        let plot = Plot::new()
            .histogram("a", [0.0, 0.5, 1.0], 2)
            .histogram("b", [3.0, 3.0, 4.0], 4)
            .histogram("none", [f64::NAN], 4);
        assert_eq!(
            bars(plot),
            [
                vec![(0.0, 2.0), (1.0, 1.0), (2.0, 0.0), (3.0, 0.0)],
                vec![(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 3.0)],
                vec![],
            ]
        );
    }
}
