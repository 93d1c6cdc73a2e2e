//! Series of points: lines, scatter plots, bands, and text.

use crate::show::Numbers;
use crate::show::chart::checks::expect_one_each;
use crate::show::chart::labels::{distinct, strings};
use crate::show::chart::plot::{Plot, column, context};
use crate::show::chart::series::{BandPoint, PlacedText, Shape};

/// Number of points above which scatter plots are translucent, so that density shows.
const MAX_OPAQUE_POINTS: usize = 200;
const DENSE_ALPHA: f64 = 0.6;
const BAND_ALPHA: f64 = 0.25;

impl Plot {
    /// Adds a line through points. NaN and infinity leave a gap.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().line("loss", 1..4, [0.9, 0.5, 0.3]);
    /// ```
    pub fn line(self, name: impl Into<String>, x: impl Numbers, y: impl Numbers) -> Self {
        let columns = [column("x", &x), column("y", &y)];
        self.rows("line", name, columns, |[x, y]| (x, y), Shape::Line)
    }

    /// Adds a marker at each point. Defaults to circles; see [`Plot::marker`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().scatter("codes", [0.1, 0.7, 0.4], [0.4, 0.2, 0.9]);
    /// ```
    pub fn scatter(self, name: impl Into<String>, x: impl Numbers, y: impl Numbers) -> Self {
        let columns = [column("x", &x), column("y", &y)];
        let plot = self.rows("scatter", name, columns, |[x, y]| (x, y), Shape::Scatter);
        let points = match plot.figure.series.last().map(|series| &series.shape) {
            Some(Shape::Scatter(points)) => points.len(),
            _ => 0,
        };
        plot.alpha(scatter_alpha(points))
    }

    /// Adds one scatter series per distinct label, in the order of the labels. The legend shows
    /// `name` and the label.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().scatter_by("digit", [0.1, 0.7, 0.4], [0.4, 0.2, 0.9], &[3, 8, 3]);
    /// ```
    pub fn scatter_by<L: ToString>(
        mut self,
        name: impl Into<String>,
        x: impl Numbers,
        y: impl Numbers,
        labels: &[L],
    ) -> Self {
        let (name, labels) = (name.into(), strings(labels));
        let points = self.join("scatter_by", &name, [column("x", &x), column("y", &y)]);
        let (n, context) = (points.len(), context("scatter_by", &name));
        self.check(expect_one_each(
            &context,
            "labels",
            "point",
            n,
            labels.len(),
        ));
        for label in distinct(&labels) {
            let group = points
                .iter()
                .zip(&labels)
                .filter(|(_, other)| **other == label)
                .map(|(p, _)| (p[0], p[1]))
                .collect();
            let name = if name.is_empty() {
                label
            } else {
                format!("{name} {label}")
            };
            self = self
                .push(name, Shape::Scatter(group))
                .alpha(scatter_alpha(n));
        }
        self
    }

    /// Adds the area between two curves, such as mean ± standard deviation.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().band("spread", 1..4, [0.8, 0.4, 0.2], [1.0, 0.6, 0.4]);
    /// ```
    pub fn band(
        self,
        name: impl Into<String>,
        x: impl Numbers,
        low: impl Numbers,
        high: impl Numbers,
    ) -> Self {
        let columns = [column("x", &x), column("low", &low), column("high", &high)];
        let point = |[x, low, high]: [f64; 3]| BandPoint { x, low, high };
        self.rows("band", name, columns, point, Shape::Band)
            .alpha(BAND_ALPHA)
    }

    /// Adds text centered on points.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().text("", [0.2, 0.8], [0.5, 0.5], &["three", "eight"]);
    /// ```
    pub fn text<S: ToString>(
        mut self,
        name: impl Into<String>,
        x: impl Numbers,
        y: impl Numbers,
        texts: &[S],
    ) -> Self {
        let name = name.into();
        let points = self.join("text", &name, [column("x", &x), column("y", &y)]);
        let (n, context) = (points.len(), context("text", &name));
        self.check(expect_one_each(&context, "texts", "point", n, texts.len()));
        let placed = points.iter().zip(texts).map(|(p, text)| PlacedText {
            position: (p[0], p[1]),
            text: text.to_string(),
        });
        let placed = Shape::Texts(placed.collect());
        self.push(name, placed)
    }
}

fn scatter_alpha(points: usize) -> f64 {
    if points > MAX_OPAQUE_POINTS {
        DENSE_ALPHA
    } else {
        1.0
    }
}
