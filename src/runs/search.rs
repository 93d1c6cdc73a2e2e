//! The interface of searches: the points of a sweep, and how long each is trained.

use super::point::Point;
use crate::error::{Error, Result};

/// Points of a sweep, and how long each is trained. [`Grid`](crate::runs::Grid),
/// [`Random`](crate::runs::Random) and [`SuccessiveHalving`](crate::runs::SuccessiveHalving) are
/// searches, and so is a list of points.
pub trait Search {
    /// The points, in the order in which they begin.
    ///
    /// # Errors
    /// Settings outside their range.
    fn points(&self) -> Result<Vec<Point>>;

    /// The early end of worse runs; `None` if all are trained to their end.
    fn halving(&self) -> Option<Halving> {
        None
    }
}

impl Search for Vec<Point> {
    fn points(&self) -> Result<Vec<Point>> {
        check_some("sweep", self.clone())
    }
}

/// When worse runs end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halving {
    /// Epochs before the first end.
    pub(super) epochs: usize,
    /// The best 1 / `factor` of the runs go on, for `factor` times as many epochs.
    pub(super) factor: usize,
}

/// Rejects a search without points.
pub(super) fn check_some(name: &str, points: Vec<Point>) -> Result<Vec<Point>> {
    if points.is_empty() {
        let hint = "Give each name at least one value";
        return Err(Error::setting(name, "at least one point", "none", hint));
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_points_is_a_search_if_it_has_some() {
        let points = vec![Point::default().with("hidden", 8)];
        assert_eq!(points.points().unwrap(), points);
        assert_eq!(points.halving(), None);
        let error = Vec::<Point>::new().points().unwrap_err().to_string();
        assert_eq!(
            error,
            "sweep: expected at least one point, got none. Give each name at least one value"
        );
    }
}
