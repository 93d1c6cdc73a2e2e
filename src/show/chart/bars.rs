//! Bar charts and histograms.

use crate::error::{Error, Result};
use crate::show::chart::axis::AxisScale;
use crate::show::chart::checks::expect_one_each;
use crate::show::chart::labels::strings;
use crate::show::chart::plot::{Plot, column, context};
use crate::show::chart::series::{Shape, Span};
use crate::show::chart::spans::RECTANGLE_ALPHA;
use crate::show::{Numbers, finite_range};

const MAX_BINS: usize = 10_000;

impl Plot {
    /// Adds one bar per category. The bars of several series are grouped by category.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let sizes = ["32", "128"];
    /// Plot::new()
    ///     .bars("train", &sizes, [0.017, 0.006])
    ///     .bars("validation", &sizes, [0.018, 0.008]);
    /// ```
    pub fn bars<S: ToString>(
        mut self,
        name: impl Into<String>,
        categories: &[S],
        heights: impl Numbers,
    ) -> Self {
        let (name, categories) = (name.into(), strings(categories));
        let heights = self.join("bars", &name, [column("heights", &heights)]);
        self.check(expect_one_each(
            &context("bars", &name),
            "heights",
            "category",
            categories.len(),
            heights.len(),
        ));
        let check = same_categories(&context("bars", &name), &self.figure.x.scale, &categories);
        self.check(check);
        self.figure.x.scale = AxisScale::Categories(categories);
        self.push(name, Shape::Bars(heights.iter().map(|v| v[0]).collect()))
    }

    /// Adds a histogram: the number of values in each of `bins` intervals of equal width. NaN and
    /// infinity are omitted.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().histogram("weights", [0.1, 0.15, 0.4, -0.2], 3);
    /// ```
    pub fn histogram(mut self, name: impl Into<String>, values: impl Numbers, bins: usize) -> Self {
        let name = name.into();
        let rows = self.join("histogram", &name, [column("values", &values)]);
        let values: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        let bins = histogram_bins(&values, bins.clamp(1, MAX_BINS));
        self.push(name, Shape::Rectangles(bins))
            .alpha(RECTANGLE_ALPHA)
    }
}

/// Checks that all bar series of a chart have the same categories.
fn same_categories(context: &str, scale: &AxisScale, categories: &[String]) -> Result<()> {
    match scale {
        AxisScale::Categories(others) if *others != categories => Err(Error::setting(
            context,
            format!("the categories of the other bars, {others:?}"),
            format!("{categories:?}"),
            "Use the same categories for all series",
        )),
        _ => Ok(()),
    }
}

/// The bins of a histogram as rectangles; none without finite values.
fn histogram_bins(values: &[f64], bins: usize) -> Vec<Span> {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if finite.is_empty() {
        return Vec::new();
    }
    let (low, high) = finite_range(finite.iter().copied());
    let width = if high > low {
        (high - low) / bins as f64
    } else {
        1.0 / bins as f64
    };
    let mut counts = vec![0.0; bins];
    for value in &finite {
        counts[(((value - low) / width) as usize).min(bins - 1)] += 1.0;
    }
    let edge = |i: usize| low + i as f64 * width;
    let bin = |(i, &count): (usize, &f64)| Span {
        from: (edge(i), 0.0),
        to: (edge(i + 1), count),
    };
    counts.iter().enumerate().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::histogram_bins;

    fn counts(values: &[f64], bins: usize) -> Vec<f64> {
        let bins = histogram_bins(values, bins);
        bins.iter().map(|bin| bin.to.1).collect()
    }

    #[test]
    fn every_finite_value_is_in_one_bin() {
        assert_eq!(counts(&[0.0, 0.4, 0.5, 1.0, f64::NAN], 2), [2.0, 2.0]);
        assert_eq!(counts(&[7.0, 7.0], 3), [2.0, 0.0, 0.0]);
        assert_eq!(counts(&[f64::INFINITY], 3), [0.0; 0]);
    }
}
