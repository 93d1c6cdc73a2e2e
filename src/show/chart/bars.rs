//! Bar charts.

use crate::error::{Error, Result};
use crate::show::Numbers;
use crate::show::chart::axis::AxisScale;
use crate::show::chart::checks::expect_one_each;
use crate::show::chart::labels::strings;
use crate::show::chart::plot::{Plot, column, context};
use crate::show::chart::series::Shape;

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
