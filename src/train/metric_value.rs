//! A metric of an epoch.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A metric of an epoch: a [`Metric`](crate::train::Metric), or a value that a callback has added
/// ([`Event::metric`](crate::train::Event::metric)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// Name, such as "PSNR".
    pub name: String,
    /// Value over the validation images, or the training images if there are none. May be NaN or
    /// infinite.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub value: f64,
}

impl MetricValue {
    pub(super) fn new(name: impl Into<String>, value: f64) -> Self {
        MetricValue {
            name: name.into(),
            value,
        }
    }
}

/// JSON has no NaN and no infinity: they are written as text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

fn write<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let written = if value.is_finite() {
        Written::Number(*value)
    } else {
        Written::Text(value.to_string())
    };
    written.serialize(serializer)
}

fn read<'a, D: Deserializer<'a>>(deserializer: D) -> Result<f64, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Number(value) => Ok(value),
        Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_survives_the_round_trip() {
        for value in [0.1, -1e-300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let json = serde_json::to_string(&MetricValue::new("x", value)).unwrap();
            let read: MetricValue = crate::file::parse_json(&json).unwrap();
            assert!(
                read.value == value || (read.value.is_nan() && value.is_nan()),
                "{json}"
            );
        }
        assert!(crate::file::parse_json::<MetricValue>(r#"{"name":"x","value":"y"}"#).is_err());
    }
}
