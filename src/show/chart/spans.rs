//! Series of segments, arrows and rectangles.

use crate::show::Numbers;
use crate::show::chart::plot::{Plot, column};
use crate::show::chart::series::{Shape, Span};

/// Opacity of filled rectangles.
pub(super) const RECTANGLE_ALPHA: f64 = 0.7;

impl Plot {
    /// Adds line segments from (x0, y0) to (x1, y1).
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().segments("residuals", [1, 2], [0.4, 0.7], [1, 2], [0.5, 0.6]);
    /// ```
    pub fn segments(
        self,
        name: impl Into<String>,
        x0: impl Numbers,
        y0: impl Numbers,
        x1: impl Numbers,
        y1: impl Numbers,
    ) -> Self {
        let columns = [
            column("x0", &x0),
            column("y0", &y0),
            column("x1", &x1),
            column("y1", &y1),
        ];
        self.rows("segments", name, columns, span, Shape::Segments)
    }

    /// Adds arrows from (x, y) to (x + dx, y + dy): a vector field.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().quiver("gradient", [0.0, 1.0], [0.0, 1.0], [0.5, -0.5], [0.2, 0.2]);
    /// ```
    pub fn quiver(
        self,
        name: impl Into<String>,
        x: impl Numbers,
        y: impl Numbers,
        dx: impl Numbers,
        dy: impl Numbers,
    ) -> Self {
        let columns = [
            column("x", &x),
            column("y", &y),
            column("dx", &dx),
            column("dy", &dy),
        ];
        let arrow = |[x, y, dx, dy]: [f64; 4]| span([x, y, x + dx, y + dy]);
        self.rows("quiver", name, columns, arrow, Shape::Arrows)
    }

    /// Adds filled rectangles between the corners (x0, y0) and (x1, y1).
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// Plot::new().quads("boxes", [0.0, 2.0], [0.0, 0.0], [1.0, 3.0], [1.0, 2.0]);
    /// ```
    pub fn quads(
        self,
        name: impl Into<String>,
        x0: impl Numbers,
        y0: impl Numbers,
        x1: impl Numbers,
        y1: impl Numbers,
    ) -> Self {
        let columns = [
            column("x0", &x0),
            column("y0", &y0),
            column("x1", &x1),
            column("y1", &y1),
        ];
        self.rows("quads", name, columns, span, Shape::Rectangles)
            .alpha(RECTANGLE_ALPHA)
    }
}

fn span([x0, y0, x1, y1]: [f64; 4]) -> Span {
    Span {
        from: (x0, y0),
        to: (x1, y1),
    }
}
