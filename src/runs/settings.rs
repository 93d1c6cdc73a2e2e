//! The settings of a run as names and texts.

use crate::train::Fit;
use serde_json::{Map, Value};

/// Names in checkpoints that differ from those of the fields.
const FIELDS: [(&str, &str); 3] = [
    ("batch", "batch_size"),
    ("compiled", "planned"),
    ("validation", "validation_split"),
];

/// The settings of a run as JSON, under the names of the fields.
pub(super) fn settings_of(fit: &Fit) -> Map<String, Value> {
    match serde_json::to_value(fit) {
        Ok(Value::Object(fit)) => with_field_names(fit),
        _ => Map::new(),
    }
}

/// The JSON of a `Fit` under the names of its fields.
pub(super) fn with_field_names(fit: Map<String, Value>) -> Map<String, Value> {
    let field = |name: String| {
        let known = FIELDS.iter().find(|(stored, _)| *stored == name);
        known.map_or(name, |(_, field)| (*field).to_owned())
    };
    fit.into_iter()
        .map(|(name, value)| (field(name), value))
        .collect()
}

/// A setting as text: `0.001`, `none`, `Adam(beta1 = 0.9, beta2 = 0.999, eps = 1e-8)`.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => match fields.iter().collect::<Vec<_>>().as_slice() {
            // An enum's variant with its fields.
            [(variant, Value::Object(fields))] => format!("{variant}({})", fields_text(fields)),
            [(variant, value)] => format!("{variant}({})", text(value)),
            _ => fields_text(fields),
        },
        Value::Number(number) => number_text(number),
        Value::Bool(on) => on.to_string(),
    }
}

fn fields_text(fields: &Map<String, Value>) -> String {
    let field = |(name, value): (&String, &Value)| format!("{name} = {}", text(value));
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

/// Small numbers with an exponent: 1e-8, not 0.00000001.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if value != 0.0 && value.abs() < 1e-4 => format!("{value:e}"),
        Some(value) if number.is_f64() => value.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_have_the_names_of_the_fields() {
        let settings = settings_of(&Fit::default());
        assert_eq!(settings["batch_size"], 128);
        assert_eq!(settings["validation_split"], 0.1);
        assert_eq!(settings["planned"], true);
        assert!(!settings.contains_key("batch"));
    }

    #[test]
    fn values_are_written_as_in_code() {
        let settings = settings_of(&Fit::default());
        assert_eq!(text(&settings["optimizer"]), "Adam");
        let momentum = Fit {
            optimizer: crate::optim::Optim::sgd(0.9),
            ..Default::default()
        };
        let momentum = &settings_of(&momentum)["optimizer"];
        assert!(
            text(momentum).contains("(momentum = 0.9"),
            "{}",
            text(momentum)
        );
        assert_eq!(text(&settings["schedule"]), "Constant");
        let written = [
            (json!(1e-8), "1e-8"),
            (json!(0.001), "0.001"),
            (json!(3), "3"),
            (json!(null), "none"),
            (json!(["a", "b"]), "a, b"),
            (json!({ "Steps": 5 }), "Steps(5)"),
        ];
        for (value, expected) in written {
            assert_eq!(text(&value), expected);
        }
    }
}
