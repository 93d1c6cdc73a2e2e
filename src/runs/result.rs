//! Values of a notebook for the table of a sweep.

use super::point::PointValue;
use crate::show::{Content, Handle, RESULT, show};
use serde_json::{Value, json};

/// Shows a value under the cell, and puts it into the table of `candlebook sweep`, under this name:
/// a number, or a text. Of values with the same name, the last one counts.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(200, 20);
/// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(4)])?;
/// result("test loss", ae.evaluate(&data.test)?);
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn result(name: impl Into<String>, value: impl Into<PointValue>) -> Handle {
    show(content(&name.into(), &value.into()))
}

fn content(name: &str, value: &PointValue) -> Content {
    let json = json!({ "name": name, "value": in_json(value) });
    Content::text(format!("{name}: {}", rounded(value))).with(RESULT, json)
}

/// The value with six digits: an `f32` has further ones as an `f64`.
fn rounded(value: &PointValue) -> PointValue {
    match value {
        PointValue::Number(number) => {
            let rounded = format!("{number:.5e}").parse();
            PointValue::Number(rounded.unwrap_or(*number))
        }
        value => value.clone(),
    }
}

/// The value as JSON, which has no NaN.
fn in_json(value: &PointValue) -> Value {
    match value {
        PointValue::Number(number) if !number.is_finite() => json!(number.to_string()),
        value => json!(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_line_of_text_and_json_for_the_table() {
        let shown = content("psnr", &0.1f32.into());
        assert_eq!(shown.get("text/plain"), Some("psnr: 0.1"));
        let json = json!({ "name": "psnr", "value": f64::from(0.1f32) });
        assert_eq!(shown.get_json(RESULT), Some(&json));
        let shown = content("loss", &f64::NAN.into());
        assert_eq!(shown.get_json(RESULT).unwrap()["value"], "NaN");
        let shown = content("kind", &"<b>".into());
        assert_eq!(shown.get_json(RESULT).unwrap()["value"], "<b>");
    }
}
