//! The style of the series added last.

use crate::error::{Error, Result};
use crate::show::chart::checks::{check_alpha, check_width, expect_one_each};
use crate::show::chart::labels::strings;
use crate::show::chart::marker::Marker;
use crate::show::chart::plot::Plot;
use crate::show::chart::series::{Series, Shape};
use crate::show::parse_color;

impl Plot {
    /// Sets the color of the series added last: a name such as "red", or a hex code such as
    /// "#ff8932". Defaults to the next color of the palette.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().line("loss", 1..4, [0.9, 0.5, 0.3]).color("red").width(3.0);
    /// ```
    pub fn color(self, color: &str) -> Self {
        let parsed = parse_color(color);
        let chosen = parsed.as_ref().ok().copied();
        self.restyle(parsed.map(|_| ()), |series| series.color = chosen)
    }

    /// Sets the line width of the series added last, in pixels. Defaults to 2.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).width(4.0));
    /// ```
    pub fn width(self, width: f64) -> Self {
        self.restyle(check_width(width), |series| series.width = width)
    }

    /// Sets the marker of the series added last. Defaults to circles.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).marker(show::Marker::Square));
    /// ```
    pub fn marker(self, marker: Marker) -> Self {
        self.restyle(Ok(()), |series| series.marker = marker)
    }

    /// Sets the opacity of the series added last, in [0, 1]. Defaults to 1 for lines and small
    /// scatter plots.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// show(Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]).alpha(0.5));
    /// ```
    pub fn alpha(self, alpha: f64) -> Self {
        self.restyle(check_alpha(alpha), |series| series.alpha = alpha)
    }

    /// Sets a tooltip for each point of the series added last, a line or scatter plot.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().scatter("codes", [0.1, 0.7], [0.4, 0.2]).hover(&["three", "eight"]);
    /// ```
    pub fn hover<S: ToString>(self, texts: &[S]) -> Self {
        let texts = strings(texts);
        let check = self.check_hover(texts.len());
        self.restyle(check, |series| series.hover = texts)
    }

    fn check_hover(&self, texts: usize) -> Result<()> {
        match self.figure.series.last().map(|series| &series.shape) {
            Some(Shape::Line(points) | Shape::Scatter(points)) => {
                expect_one_each("hover", "texts", "point", points.len(), texts)
            }
            Some(_) => Err(Error::setting(
                "hover",
                "a line or scatter series",
                "another series",
                "Call .hover(...) after .scatter(...) or .line(...)",
            )),
            None => Ok(()),
        }
    }

    fn restyle(mut self, check: Result<()>, change: impl FnOnce(&mut Series)) -> Self {
        self.check(check);
        if self.figure.series.is_empty() {
            self.check(Err(Error::setting(
                "series",
                "a series to style",
                "none",
                "Call .line(...) or another series method first",
            )));
        }
        if let Some(series) = self.figure.series.last_mut() {
            change(series);
        }
        self
    }
}
