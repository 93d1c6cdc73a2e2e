//! A point of a sweep: values by name, as plain data.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Value of a [`Point`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PointValue {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text, such as the name of an optimizer.
    Text(String),
}

/// Values by name at which a sweep trains a model. As JSON it is one object:
/// `{"hidden": 32, "learning_rate": 0.001}`.
///
/// # Examples
/// ```
/// use candlebook::runs::{Grid, Search};
/// let points = Grid::new().values("hidden", [16, 32]).values("rate", [1e-3]).points()?;
/// assert_eq!((points[1].integer("hidden")?, points[1].number("rate")?), (32, 0.001));
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Point(BTreeMap<String, PointValue>);

impl Point {
    /// Sets a value.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Point;
    /// let point = Point::default().with("hidden", 32).with("optimizer", "Adam");
    /// assert_eq!(point.to_string(), "hidden 32, optimizer Adam");
    /// ```
    pub fn with(mut self, name: impl Into<String>, value: impl Into<PointValue>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The value of a name, if the point has it.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::{Point, PointValue};
    /// let point = Point::default().with("hidden", 32);
    /// assert_eq!(point.get("hidden"), Some(&PointValue::Integer(32)));
    /// ```
    pub fn get(&self, name: &str) -> Option<&PointValue> {
        self.0.get(name)
    }

    /// Names and values, in the order of the names.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Point;
    /// assert_eq!(Point::default().with("hidden", 32).iter().count(), 1);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PointValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A number, whole or not.
    ///
    /// # Errors
    /// No value of this name, or one of another kind.
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Point;
    /// assert_eq!(Point::default().with("dropout", 0.2).number("dropout")?, 0.2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn number(&self, name: &str) -> Result<f64> {
        match self.get(name) {
            Some(PointValue::Number(number)) => Ok(*number),
            Some(PointValue::Integer(number)) => Ok(*number as f64),
            other => Err(self.mismatch(name, "a number", other)),
        }
    }

    /// A count: a whole number that is not negative.
    ///
    /// # Errors
    /// As [`Point::number`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Point;
    /// assert_eq!(Point::default().with("hidden", 32).integer("hidden")?, 32);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn integer(&self, name: &str) -> Result<usize> {
        let value = self.get(name);
        let count = match value {
            Some(PointValue::Integer(number)) => usize::try_from(*number).ok(),
            _ => None,
        };
        count.ok_or_else(|| self.mismatch(name, "a whole number from 0", value))
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Point::number`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Point;
    /// assert_eq!(Point::default().with("optimizer", "Adam").text("optimizer")?, "Adam");
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn text(&self, name: &str) -> Result<&str> {
        match self.get(name) {
            Some(PointValue::Text(text)) => Ok(text),
            other => Err(self.mismatch(name, "a text", other)),
        }
    }

    /// A flag.
    ///
    /// # Errors
    /// As [`Point::number`].
    ///
    /// # Examples
    /// ```
    /// use candlebook::runs::Point;
    /// assert!(Point::default().with("noisy", true).flag("noisy")?);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            Some(PointValue::Flag(on)) => Ok(*on),
            other => Err(self.mismatch(name, "true or false", other)),
        }
    }

    fn mismatch(&self, name: &str, expected: &str, got: Option<&PointValue>) -> Error {
        let names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        let got = got.map_or("no such value".into(), PointValue::to_string);
        let hint = format!("The point has: {}", names.join(", "));
        Error::setting(format!("point {name:?}"), expected, got, hint)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        f.write_str(&values.join(", "))
    }
}

impl fmt::Display for PointValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PointValue::Flag(on) => write!(f, "{on}"),
            PointValue::Integer(number) => write!(f, "{number}"),
            PointValue::Number(number) if *number != 0.0 && number.abs() < 1e-4 => {
                write!(f, "{number:e}")
            }
            PointValue::Number(number) => write!(f, "{number}"),
            PointValue::Text(text) => f.write_str(text),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident,)*) => { $(
        impl From<$type> for PointValue {
            fn from(value: $type) -> Self {
                PointValue::$variant(value.into())
            }
        }
    )* };
}
from! {
    bool => Flag,
    i32 => Integer,
    i64 => Integer,
    u32 => Integer,
    f32 => Number,
    f64 => Number,
    &str => Text,
    String => Text,
}

impl From<u64> for PointValue {
    fn from(value: u64) -> Self {
        PointValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for PointValue {
    fn from(value: usize) -> Self {
        PointValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_object_and_is_read_back() {
        let point = Point::default()
            .with("hidden", 32usize)
            .with("learning_rate", 1e-5)
            .with("noisy", true)
            .with("optimizer", "Adam");
        let json = r#"{"hidden":32,"learning_rate":0.00001,"noisy":true,"optimizer":"Adam"}"#;
        assert_eq!(
            serde_json::to_value(&point).unwrap(),
            json.parse::<serde_json::Value>().unwrap()
        );
        assert_eq!(serde_json::from_str::<Point>(json).unwrap(), point);
        let text = "hidden 32, learning_rate 1e-5, noisy true, optimizer Adam";
        assert_eq!(point.to_string(), text);
    }

    #[test]
    fn a_value_of_another_kind_is_an_error_that_lists_the_names() {
        let point = Point::default().with("hidden", -3).with("rate", 0.5);
        assert_eq!(point.number("hidden").unwrap(), -3.0);
        let errors = [
            point.integer("hidden").unwrap_err(),
            point.integer("rate").unwrap_err(),
            point.text("missing").unwrap_err(),
            point.flag("rate").unwrap_err(),
        ];
        let expected = [
            "point \"hidden\": expected a whole number from 0, got -3. The point has: hidden, rate",
            "point \"rate\": expected a whole number from 0, got 0.5. The point has: hidden, rate",
            "point \"missing\": expected a text, got no such value. The point has: hidden, rate",
            "point \"rate\": expected true or false, got 0.5. The point has: hidden, rate",
        ];
        assert_eq!(errors.map(|error| error.to_string()), expected);
    }
}
