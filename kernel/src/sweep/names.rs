//! Names of the executed notebooks.

use crate::home;
use crate::notebook::Parameter;
use sha2::{Digest, Sha256};

/// Longest name without its hash.
const MAX_NAME: usize = 80;

/// The file of a point, `hidden-32_dropout-0.2.ipynb`: safe in shells, and the same in every sweep.
/// Values that a file name cannot hold are replaced, and a hash tells them apart.
pub(super) fn file_name(point: &[Parameter]) -> String {
    let parts = point
        .iter()
        .map(|Parameter { name, value }| format!("{name}-{value}"));
    let whole = parts.collect::<Vec<_>>().join("_");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let plain: String = whole
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .take(MAX_NAME)
        .collect();
    let is_unique = plain == whole && !point.iter().any(|parameter| parameter.value.contains('_'));
    if is_unique {
        return format!("{plain}.ipynb");
    }
    let mut hash = Sha256::new();
    for Parameter { name, value } in point {
        hash.update(format!("{name}={value}\0"));
    }
    format!("{plain}-{}.ipynb", home::hex(&hash.finalize()[..4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(texts: &[&str]) -> String {
        let point: Vec<Parameter> = texts
            .iter()
            .map(|text| Parameter::parse(text).unwrap())
            .collect();
        file_name(&point)
    }

    #[test]
    fn names_have_the_values_and_a_hash_where_they_do_not_fit() {
        assert_eq!(
            name(&["hidden=32", "dropout=0.2"]),
            "hidden-32_dropout-0.2.ipynb"
        );
        let [a, b] = ["x=[1,2]", "x=[1;2]"].map(|text| name(&[text]));
        assert!(a.starts_with("x--1-2--") && a.ends_with(".ipynb"), "{a}");
        assert_ne!(a, b);
        let long = format!("x={}", "9".repeat(300));
        assert!(name(&[&long]).len() < 100);
        assert!(!name(&["x=\"/../../a\""]).contains('/'));
        assert_ne!(name(&["a=1_b-2"]), name(&["a=1", "b=2"]));
    }
}
