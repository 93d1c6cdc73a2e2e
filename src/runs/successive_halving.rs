//! The early end of the worse runs of a sweep.

use super::point::Point;
use super::search::{Halving, Search};
use crate::error::{Error, Result};

/// Trains all points of another search for a few epochs, then the best third for three times as many,
/// and so on until one is left, which is trained to the end of its [`Fit`](crate::train::Fit). Runs
/// go on from where they were (Jamieson and Talwalkar, "Non-stochastic best arm identification and
/// hyperparameter optimization", 2016).
///
/// # Examples
/// ```
/// use candlebook::runs::{Random, SuccessiveHalving};
/// let random = Random::new(27).log_uniform("learning_rate", 1e-4, 1e-1);
/// let search = SuccessiveHalving::new(random).epochs(1).factor(3); // 27, 9, 3, 1
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SuccessiveHalving<S> {
    search: S,
    halving: Halving,
}

impl<S: Search> SuccessiveHalving<S> {
    /// Halving of another search's points.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Grid, SuccessiveHalving};
    /// SuccessiveHalving::new(Grid::new().values("hidden", [8, 16, 32]));
    /// ```
    pub fn new(search: S) -> Self {
        SuccessiveHalving {
            search,
            halving: Halving {
                epochs: 1,
                factor: 3,
            },
        }
    }

    /// Sets the epochs before the first runs end. Defaults to 1.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Grid, SuccessiveHalving};
    /// SuccessiveHalving::new(Grid::new().values("hidden", [8, 16, 32])).epochs(2);
    /// ```
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.halving.epochs = epochs;
        self
    }

    /// Sets the factor: the best 1 / factor of the runs go on. Defaults to 3.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Grid, SuccessiveHalving};
    /// SuccessiveHalving::new(Grid::new().values("hidden", [8, 16, 32])).factor(2);
    /// ```
    pub fn factor(mut self, factor: usize) -> Self {
        self.halving.factor = factor;
        self
    }
}

impl<S: Search> Search for SuccessiveHalving<S> {
    fn points(&self) -> Result<Vec<Point>> {
        let Halving { epochs, factor } = self.halving;
        if epochs == 0 {
            let hint = "1 is usual";
            let name = "SuccessiveHalving::epochs";
            return Err(Error::setting(name, "at least 1", epochs, hint));
        }
        if factor < 2 {
            let hint = "3 keeps a third of the runs";
            let name = "SuccessiveHalving::factor";
            return Err(Error::setting(name, "at least 2", factor, hint));
        }
        self.search.points()
    }

    fn halving(&self) -> Option<Halving> {
        Some(self.halving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::Grid;

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let grid = Grid::new().values("hidden", [8, 16]);
        let search = SuccessiveHalving::new(grid.clone());
        assert_eq!(search.points().unwrap(), grid.points().unwrap());
        let error = |search: &SuccessiveHalving<Grid>| search.points().unwrap_err().to_string();
        assert!(error(&search.clone().epochs(0)).contains("epochs: expected at least 1, got 0"));
        assert!(error(&search.factor(1)).contains("factor: expected at least 2, got 1"));
    }
}
