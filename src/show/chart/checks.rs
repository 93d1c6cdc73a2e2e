//! Checks of the data and settings of a chart.

use crate::error::{Error, Result};
use crate::show::chart::axis::AxisScale;
use crate::show::chart::figure::AxisSettings;

/// Checks that there is one value for each item, such as one label per point.
pub(super) fn expect_one_each(
    context: &str,
    values: &str,
    item: &str,
    items: usize,
    got: usize,
) -> Result<()> {
    if items == got {
        return Ok(());
    }
    Err(Error::shape(
        context,
        format!("{items} {values}, one per {item}"),
        got,
        "Pass sequences of equal length",
    ))
}

/// Checks the ends of an axis.
pub(super) fn check_range(name: &str, low: f64, high: f64) -> Result<()> {
    if low < high && low.is_finite() && high.is_finite() {
        return Ok(());
    }
    Err(Error::setting(
        name,
        "two finite ends, low < high",
        format!("{low}, {high}"),
        "Put the smaller number first",
    ))
}

/// Checks that the range of a log axis is positive.
pub(super) fn check_log_range(name: &str, settings: &AxisSettings) -> Result<()> {
    match (&settings.scale, settings.range) {
        (AxisScale::Log, Some((low, high))) if low <= 0.0 => Err(Error::setting(
            name,
            "positive ends on a log axis",
            format!("{low}, {high}"),
            "Start above zero, such as at 0.001",
        )),
        _ => Ok(()),
    }
}

/// Checks the line width of a series.
pub(super) fn check_width(width: f64) -> Result<()> {
    if (0.1..=100.0).contains(&width) {
        return Ok(());
    }
    let hint = "Defaults to 2";
    Err(Error::setting("width", "0.1 to 100 pixels", width, hint))
}

/// Checks the opacity of a series.
pub(super) fn check_alpha(alpha: f64) -> Result<()> {
    if (0.0..=1.0).contains(&alpha) {
        return Ok(());
    }
    let expected = "0 (invisible) to 1 (opaque)";
    Err(Error::setting("alpha", expected, alpha, "Defaults to 1"))
}

#[cfg(test)]
mod tests {
    use super::{check_alpha, check_range, check_width, expect_one_each};

    #[test]
    fn ends_of_ranges_are_accepted_and_nan_is_rejected() {
        assert!(check_alpha(0.0).is_ok() && check_alpha(1.0).is_ok());
        assert!(check_width(0.1).is_ok() && check_width(100.0).is_ok());
        assert!(check_alpha(f64::NAN).is_err() && check_width(f64::NAN).is_err());
        assert!(check_range("x_range", 0.0, f64::INFINITY).is_err());
        assert!(check_range("x_range", 1.0, 1.0).is_err());
        assert!(expect_one_each("text", "texts", "point", 2, 3).is_err());
    }
}
