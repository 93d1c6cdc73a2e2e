//! A number of a row, as the program prints it and `reproduce.json` keeps it.

use serde_json::Value;

/// Our value of a published number, with its band, settings and source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number(Value);

impl Number {
    /// Reads a line of the program and adds the date. `None` if the line is progress.
    pub(crate) fn parse(line: &str, date: &str) -> Option<Number> {
        let mut fields: Value = serde_json::from_str(line).ok()?;
        fields.as_object_mut()?.insert("date".into(), date.into());
        Some(Number(fields))
    }

    pub(crate) fn from_json(value: Value) -> Number {
        Number(value)
    }

    pub(crate) fn to_json(&self) -> Value {
        self.0.clone()
    }

    /// A field; empty if it is absent.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// A field; NaN if it is absent or was not finite.
    pub(crate) fn value(&self, field: &str) -> f64 {
        self.0[field].as_f64().unwrap_or(f64::NAN)
    }

    pub(crate) fn in_band(&self) -> bool {
        (self.value("low")..=self.value("high")).contains(&self.value("ours"))
    }

    /// Says that the number is outside its band.
    pub(crate) fn fault(&self) -> Option<String> {
        let [ours, low, high] = ["ours", "low", "high"].map(|field| significant(self.value(field)));
        let (row, number) = (self.text("row"), self.text("number"));
        (!self.in_band())
            .then(|| format!("{row}: expected {number} in {low} to {high}, got {ours}"))
    }
}

/// Four significant digits.
pub(crate) fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits_before = value.abs().log10().floor() as i32 + 1;
    format!("{value:.*}", (4 - digits_before).max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(ours: &str) -> Number {
        let line = format!(
            r#"{{"row":"dense","number":"test BCE","ours":{ours},"low":0.085,"high":0.095}}"#
        );
        Number::parse(&line, "2026-01-31").unwrap()
    }

    #[test]
    fn a_number_outside_its_band_and_one_that_is_not_finite_are_faults() {
        assert_eq!(number("0.0915").fault(), None);
        assert_eq!(
            number("0.1002").fault().unwrap(),
            "dense: expected test BCE in 0.08500 to 0.09500, got 0.1002"
        );
        // JSON has no NaN; serde_json writes null.
        assert!(number("null").fault().unwrap().ends_with("got NaN"));
    }

    #[test]
    fn lines_of_progress_are_not_numbers() {
        for line in ["epoch 1/50  train 0.2", "", "7", "{"] {
            assert_eq!(Number::parse(line, "2026-01-31"), None, "{line}");
        }
        assert_eq!(number("1").text("date"), "2026-01-31");
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        let numbers = [0.09, 105.5601, 0.008881, -102.04, 1234.5, 1.0, 0.0];
        let texts = numbers.map(significant);
        let expected = [
            "0.09000", "105.6", "0.008881", "-102.0", "1234", "1.000", "0",
        ];
        assert_eq!(texts, expected);
    }
}
