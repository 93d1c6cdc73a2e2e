//! Ranges that settings of several optimizers share.

use crate::error::{Error, Result};

/// Rejects a decay outside [0, 1).
pub(crate) fn check_decay(name: &str, decay: f64, default: &str) -> Result<()> {
    if (0.0..1.0).contains(&decay) {
        return Ok(());
    }
    let hint = format!("The default is {default}");
    Err(Error::setting(name, "a decay in [0, 1)", decay, hint))
}

/// Rejects a number that is not positive and finite.
pub(crate) fn check_positive(name: &str, value: f64, default: &str) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    let hint = format!("The default is {default}");
    Err(Error::setting(name, "a positive number", value, hint))
}

/// Rejects a number that is negative or not finite.
pub(crate) fn check_not_negative(name: &str, value: f64, hint: &str) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::setting(name, "zero or more", value, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_the_ranges() {
        for (decay, ok) in [(0.0, true), (0.999, true), (1.0, false), (f64::NAN, false)] {
            assert_eq!(check_decay("x", decay, "0.9").is_ok(), ok, "{decay}");
        }
        for (value, ok) in [(1e-300, true), (0.0, false), (f64::INFINITY, false)] {
            assert_eq!(check_positive("x", value, "1").is_ok(), ok, "{value}");
        }
        for (value, ok) in [(0.0, true), (-1e-9, false), (f64::NAN, false)] {
            assert_eq!(check_not_negative("x", value, "").is_ok(), ok, "{value}");
        }
    }
}
