//! Points with random values.

use super::point::{Point, PointValue};
use super::search::{Search, check_some};
use crate::error::{Error, Result};
use crate::math::{Purpose, Rng};

/// Points with random values: better than a grid if only some of the values matter (Bergstra and
/// Bengio, "Random search for hyper-parameter optimization", 2012). Values do not depend on the
/// number of points or the order of the names.
///
/// # Examples
/// ```
/// use candlebook::runs::{Random, Search};
/// let random = Random::new(20).log_uniform("learning_rate", 1e-4, 1e-1).choice("hidden", [16, 32]);
/// let rate = random.points()?[0].number("learning_rate")?;
/// assert!((1e-4..=1e-1).contains(&rate));
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    n: usize,
    seed: u64,
    ranges: Vec<(String, Range)>,
}

/// Values that a name may have.
#[derive(Clone, Debug, PartialEq)]
enum Range {
    Uniform(f64, f64),
    LogUniform(f64, f64),
    Integers(i64, i64),
    Choice(Vec<PointValue>),
}

impl Random {
    /// `n` points.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Random, Search};
    /// assert_eq!(Random::new(5).uniform("dropout", 0.0, 0.5).points()?.len(), 5);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new(n: usize) -> Self {
        Random {
            n,
            seed: 0,
            ranges: Vec::new(),
        }
    }

    /// Sets the seed. Defaults to 0.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Random, Search};
    /// let random = Random::new(5).uniform("dropout", 0.0, 0.5);
    /// assert_ne!(random.clone().seed(1).points()?, random.points()?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a number, uniform in [low, high].
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Random;
    /// Random::new(5).uniform("dropout", 0.0, 0.5);
    /// ```
    pub fn uniform(self, name: impl Into<String>, low: f64, high: f64) -> Self {
        self.with(name, Range::Uniform(low, high))
    }

    /// Adds a number whose logarithm is uniform: as many from 0.001 to 0.01 as from 0.01 to 0.1.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Random;
    /// Random::new(5).log_uniform("learning_rate", 1e-4, 1e-1);
    /// ```
    pub fn log_uniform(self, name: impl Into<String>, low: f64, high: f64) -> Self {
        self.with(name, Range::LogUniform(low, high))
    }

    /// Adds a whole number, uniform from `low` to `high`, both included.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Random;
    /// Random::new(5).integers("hidden", 8, 64);
    /// ```
    pub fn integers(self, name: impl Into<String>, low: i64, high: i64) -> Self {
        self.with(name, Range::Integers(low, high))
    }

    /// Adds one of some values.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Random;
    /// Random::new(5).choice("optimizer", ["Adam", "SGD"]);
    /// ```
    pub fn choice<V: Into<PointValue>>(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.with(
            name,
            Range::Choice(values.into_iter().map(V::into).collect()),
        )
    }

    fn with(mut self, name: impl Into<String>, range: Range) -> Self {
        self.ranges.push((name.into(), range));
        self
    }
}

impl Search for Random {
    fn points(&self) -> Result<Vec<Point>> {
        for (name, range) in &self.ranges {
            range.check(name)?;
        }
        let point = |i: usize| {
            let ranges = self.ranges.iter();
            ranges.fold(Point::default(), |point, (name, range)| {
                // A stream for each name, which does not depend on the other names.
                let word = name.bytes().fold(0usize, |word, byte| {
                    word.wrapping_mul(31).wrapping_add(byte.into())
                });
                let mut rng = Rng::for_image(self.seed, Purpose::Search, word, i);
                point.with(name, range.value(f64::from(rng.unit())))
            })
        };
        check_some("Random", (0..self.n).map(point).collect())
    }
}

impl Range {
    /// The value at a share of the range.
    fn value(&self, share: f64) -> PointValue {
        match self {
            Range::Uniform(low, high) => rounded(low + share * (high - low), *low, *high),
            Range::LogUniform(low, high) => {
                let value = (low.ln() + share * (high.ln() - low.ln())).exp();
                rounded(value, *low, *high)
            }
            Range::Integers(low, high) => {
                let count = (high - low + 1) as f64;
                PointValue::Integer(low + (share * count) as i64)
            }
            Range::Choice(values) => values[(share * values.len() as f64) as usize].clone(),
        }
    }

    fn check(&self, name: &str) -> Result<()> {
        let name = format!("Random {name:?}");
        let (expected, got) = match self {
            Range::Uniform(low, high) if !(low.is_finite() && high.is_finite() && low < high) => (
                "finite ends, the lower one first",
                format!("{low} to {high}"),
            ),
            Range::LogUniform(low, high) if !(*low > 0.0 && high.is_finite() && low < high) => (
                "positive ends, the lower one first",
                format!("{low} to {high}"),
            ),
            Range::Integers(low, high) if low > high || high.checked_sub(*low).is_none() => {
                ("ends with the lower one first", format!("{low} to {high}"))
            }
            Range::Choice(values) if values.is_empty() => ("at least one value", "none".into()),
            _ => return Ok(()),
        };
        let hint = "log_uniform(\"learning_rate\", 1e-4, 1e-1) is a range";
        Err(Error::setting(name, expected, got, hint))
    }
}

/// Four significant digits, which tables hold, within the range.
fn rounded(value: f64, low: f64, high: f64) -> PointValue {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    PointValue::Number(rounded.clamp(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize) -> Random {
        Random::new(n)
            .log_uniform("rate", 1e-4, 1e-1)
            .integers("hidden", 8, 11)
            .choice("optimizer", ["Adam", "SGD"])
            .uniform("dropout", 0.0, 0.5)
    }

    #[test]
    fn values_fill_their_ranges() {
        let points = random(400).points().unwrap();
        let rates: Vec<f64> = points
            .iter()
            .map(|point| point.number("rate").unwrap())
            .collect();
        for (low, high) in [(1e-4, 1e-3), (1e-3, 1e-2), (1e-2, 1e-1)] {
            let n = rates
                .iter()
                .filter(|rate| (low..high).contains(*rate))
                .count();
            assert!((90..180).contains(&n), "{n} of 400 from {low} to {high}");
        }
        for hidden in 8..=11 {
            let has = |point: &&Point| point.integer("hidden").unwrap() == hidden;
            let n = points.iter().filter(has).count();
            assert!((60..140).contains(&n), "{n} of 400 are {hidden}");
        }
        let adam = |point: &&Point| point.text("optimizer").unwrap() == "Adam";
        assert!((150..250).contains(&points.iter().filter(adam).count()));
    }

    #[test]
    fn values_do_not_depend_on_the_number_of_points_or_the_order_of_names() {
        let few = random(3).points().unwrap();
        assert_eq!(random(9).points().unwrap()[..3], few);
        let alone = Random::new(3)
            .log_uniform("rate", 1e-4, 1e-1)
            .points()
            .unwrap();
        assert_eq!(alone[2].get("rate"), few[2].get("rate"));
        assert_ne!(random(3).seed(1).points().unwrap(), few);
    }

    #[test]
    fn ranges_without_values_are_rejected() {
        let error = |random: Random| random.points().unwrap_err().to_string();
        let text = error(Random::new(3).log_uniform("rate", 0.0, 0.1));
        assert!(
            text.starts_with(
                "Random \"rate\": expected positive ends, the lower one first, got 0 to 0.1."
            ),
            "{text}"
        );
        for random in [
            Random::new(3).uniform("x", 1.0, 1.0),
            Random::new(3).uniform("x", f64::NAN, 1.0),
            Random::new(3).integers("x", 2, 1),
            Random::new(3).integers("x", i64::MIN, i64::MAX),
            Random::new(3).choice("x", Vec::<i32>::new()),
            Random::new(0),
        ] {
            assert!(random.points().is_err(), "{random:?}");
        }
    }
}
