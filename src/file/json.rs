//! JSON of files: parsed only if its nesting cannot exhaust the stack.

use crate::file::limits::MAX_JSON_DEPTH;
use serde::de::DeserializeOwned;

/// Parses JSON.
///
/// # Errors
/// The reason in words.
pub(crate) fn parse_json<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let depth = depth(json);
    if depth > MAX_JSON_DEPTH {
        return Err(format!(
            "JSON nested {depth} deep, more than {MAX_JSON_DEPTH}"
        ));
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Maximum number of open arrays and objects.
fn depth(json: &str) -> usize {
    let (mut depth, mut max_depth) = (0usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                max_depth = max_depth.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    max_depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        assert_eq!(depth(r#"{"a": [1, [2]], "b[[[\"[": [3]}"#), 3);
        assert_eq!(depth("]]]["), 1);
        assert_eq!(depth("1"), 0);
    }

    #[test]
    fn deep_json_is_rejected_in_words() {
        let json = |depth| "[".repeat(depth) + &"]".repeat(depth);
        let parse = |json: &str| parse_json::<serde_json::Value>(json);
        assert!(parse(&json(MAX_JSON_DEPTH)).is_ok());
        assert_eq!(
            parse(&json(1_000_000)).unwrap_err(),
            "JSON nested 1000000 deep, more than 120"
        );
        assert!(parse("[").unwrap_err().starts_with("EOF while parsing"));
    }
}
