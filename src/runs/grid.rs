//! Every combination of values.

use super::point::{Point, PointValue};
use super::search::{Search, check_some};
use crate::error::Result;

/// Every combination of values.
///
/// # Examples
/// ```
/// use candlebook::runs::{Grid, Search};
/// let grid = Grid::new().values("hidden", [16, 32, 64]).values("learning_rate", [1e-3, 1e-2]);
/// assert_eq!(grid.points()?.len(), 6);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid(Vec<(String, Vec<PointValue>)>);

impl Grid {
    /// A grid without names.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Grid, Search};
    /// assert_eq!(Grid::new().points()?.len(), 1); // a single point without values
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new() -> Self {
        Grid::default()
    }

    /// Adds a name with its values.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Grid, Search};
    /// let grid = Grid::new().values("optimizer", ["Adam", "SGD"]);
    /// assert_eq!(grid.points()?[1].text("optimizer")?, "SGD");
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn values<V: Into<PointValue>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(V::into).collect();
        self.0.push((name.into(), values));
        self
    }
}

impl Search for Grid {
    fn points(&self) -> Result<Vec<Point>> {
        let mut points = vec![Point::default()];
        for (name, values) in &self.0 {
            let with_each = |point: Point| {
                let value = |value: &PointValue| point.clone().with(name, value.clone());
                values.iter().map(value).collect::<Vec<_>>()
            };
            points = points.into_iter().flat_map(with_each).collect();
        }
        check_some("Grid", points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_varies_fastest() {
        let grid = Grid::new().values("a", [1, 2]).values("b", ["x", "y"]);
        let texts: Vec<String> = grid
            .points()
            .unwrap()
            .iter()
            .map(Point::to_string)
            .collect();
        assert_eq!(texts, ["a 1, b x", "a 1, b y", "a 2, b x", "a 2, b y"]);
        let none = Grid::new().values("a", Vec::<i32>::new());
        assert!(none.points().is_err());
    }
}
