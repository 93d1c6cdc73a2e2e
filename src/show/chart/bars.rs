//! Bar charts.

use crate::error::{Error, Result};
use crate::show::Numbers;
use crate::show::chart::axis::AxisScale;
use crate::show::chart::checks::expect_one_each;
use crate::show::chart::labels::{distinct, strings};
use crate::show::chart::plot::{Plot, column, context};
use crate::show::chart::series::{BARS_WIDTH, Shape, Span};

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
        let name = name.into();
        let heights = self.heights("bars", &name, strings(categories), &heights);
        self.push(name, Shape::Bars(heights))
    }

    /// Adds one bar per category, in a color for each distinct label. The legend shows `name` and
    /// the label.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let units = [7, 2, 4];
    /// Plot::new().bars_by("", &units, [2.1, 1.4, 0.0], &["active", "active", "inactive"]);
    /// ```
    pub fn bars_by<S: ToString, L: ToString>(
        mut self,
        name: impl Into<String>,
        categories: &[S],
        heights: impl Numbers,
        labels: &[L],
    ) -> Self {
        let (name, labels) = (name.into(), strings(labels));
        let heights = self.heights("bars_by", &name, strings(categories), &heights);
        let (n, context) = (heights.len(), context("bars_by", &name));
        self.check(expect_one_each(&context, "labels", "bar", n, labels.len()));
        for label in distinct(&labels) {
            let positions = (0..n.min(labels.len())).filter(|&i| labels[i] == label);
            let bars = positions.map(|i| bar(i, heights[i])).collect();
            let name = format!("{name} {label}").trim().to_owned();
            self = self.push(name, Shape::Rectangles(bars));
        }
        self
    }

    /// The heights of bars, and the categories as the x axis.
    fn heights(
        &mut self,
        method: &str,
        name: &str,
        categories: Vec<String>,
        heights: &dyn Numbers,
    ) -> Vec<f64> {
        let heights = self.join(method, name, [column("heights", heights)]);
        let context = context(method, name);
        self.check(expect_one_each(
            &context,
            "heights",
            "category",
            categories.len(),
            heights.len(),
        ));
        let check = same_categories(&context, &self.figure.x.scale, &categories);
        self.check(check);
        self.figure.x.scale = AxisScale::Categories(categories);
        heights.iter().map(|v| v[0]).collect()
    }
}

/// The bar of category `i`.
fn bar(i: usize, height: f64) -> Span {
    let center = i as f64;
    Span {
        from: (center - BARS_WIDTH / 2.0, 0.0),
        to: (center + BARS_WIDTH / 2.0, height),
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
