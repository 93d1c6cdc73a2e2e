//! Several charts in one image.

use crate::error::{Error, Result};
use crate::show::chart::description::describe;
use crate::show::chart::plot::Plot;
use crate::show::{Canvas, Content, DENSITY, Show, evcxr_display};
use std::path::Path;

/// A grid of charts in one image.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let line = Plot::new().line("a", 0..3, [1, 2, 3]);
/// let histogram = Plot::new().histogram("b", [1.0, 2.0, 2.5], 3);
/// Plots::new([line, histogram]).columns(2).to_png()?;
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plots {
    plots: Vec<Plot>,
    columns: usize,
}

impl Plots {
    /// A grid of two columns.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let plot = Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]);
    /// show(Plots::new([plot.clone(), plot.log_y()]));
    /// ```
    pub fn new(plots: impl IntoIterator<Item = Plot>) -> Self {
        Plots {
            plots: plots.into_iter().collect(),
            columns: 2,
        }
    }

    /// Sets the number of charts in a row. Defaults to 2.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let plot = Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]);
    /// show(Plots::new([plot.clone(), plot.log_y()]).columns(1));
    /// ```
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// The PNG file as bytes, with twice the resolution of the page in each direction.
    ///
    /// # Errors
    /// If there are no charts, or one was built from invalid data or settings.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let plot = Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]);
    /// assert!(Plots::new([plot]).to_png()?.starts_with(b"\x89PNG"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.canvas()?.to_png()
    }

    /// Writes the PNG file atomically.
    ///
    /// # Errors
    /// If the file cannot be written, or as [`Plots::to_png`].
    ///
    /// # Examples
    /// ```no_run
    /// use candlebook::prelude::*;
    /// let plot = Plot::new().line("loss", 1..4, [0.3, 0.2, 0.1]);
    /// Plots::new([plot.clone(), plot.log_y()]).save("losses.png")?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write_atomically(path.as_ref(), &self.to_png()?)
    }

    /// The grid as an image, with twice the resolution of the page.
    pub(crate) fn canvas(&self) -> Result<Canvas> {
        let Some(first) = self.plots.first() else {
            return Err(Error::shape(
                "Plots",
                "at least one chart",
                "none",
                "Pass a list of charts",
            ));
        };
        let charts = self
            .plots
            .iter()
            .map(Plot::canvas)
            .collect::<Result<Vec<_>>>()?;
        let columns = self.columns.min(charts.len());
        let rows = charts.len().div_ceil(columns);
        let width = charts.iter().map(Canvas::width).max().unwrap_or(0);
        let height = charts.iter().map(Canvas::height).max().unwrap_or(0);
        let background = first.figure.theme.background;
        let mut canvas = Canvas::new(width * columns, height * rows, background)?;
        for (i, chart) in charts.iter().enumerate() {
            canvas.place(chart, i % columns * width, i / columns * height);
        }
        Ok(canvas)
    }
}

impl Show for Plots {
    fn contents(&self) -> Result<Vec<Content>> {
        let canvas = self.canvas()?;
        let texts: Vec<String> = self
            .plots
            .iter()
            .map(|plot| describe(&plot.figure))
            .collect();
        let density = DENSITY as usize;
        Ok(vec![Content::text(texts.join("\n")).png(
            &canvas.to_png()?,
            canvas.width() / density,
            canvas.height() / density,
        )])
    }
}
evcxr_display!(Plots);
