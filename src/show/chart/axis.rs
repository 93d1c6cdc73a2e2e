//! An axis of a chart: its range, its scale and its labels.

use crate::show::chart::ticks::{linear_label, linear_ticks, log_ticks, round_step};
use crate::show::{compact, finite_range};
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use std::ops::Range;

/// Maximum magnitude of a linear axis: its span must not overflow.
const MAX_LINEAR: f64 = f64::MAX / 4.0;

/// The scale of an axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum AxisScale {
    #[default]
    Linear,
    Log,
    /// One name at each of 0, 1, 2, ...
    Categories(Vec<String>),
}

/// An axis from `low` to `high`, or reversed if `low` is above `high`.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    scale: AxisScale,
    /// Ticks at integers only, such as epochs.
    integers: bool,
}

impl Axis {
    /// An axis with these ends.
    pub(super) fn between(low: f64, high: f64, scale: AxisScale) -> Self {
        Axis {
            low,
            high,
            scale,
            integers: false,
        }
    }

    /// An axis that holds all drawable values, with a margin on both sides as a fraction of their
    /// span.
    pub(super) fn fit(values: impl Iterator<Item = f64>, scale: AxisScale, margin: f64) -> Self {
        match &scale {
            AxisScale::Categories(names) => Axis::between(-0.5, names.len() as f64 - 0.5, scale),
            AxisScale::Linear => {
                let (low, high) = padded_range(values, margin, |high| {
                    if high == 0.0 { 1.0 } else { high.abs() * 0.5 }
                });
                let clamp = |v: f64| v.clamp(-MAX_LINEAR, MAX_LINEAR);
                Axis::between(clamp(low), clamp(high), scale)
            }
            AxisScale::Log => {
                let exponents = values.filter(|v| *v > 0.0).map(f64::log10);
                let (low, high) = padded_range(exponents, margin, |_| 1.0);
                let power = |v: f64| 10f64.powf(v).clamp(f64::MIN_POSITIVE, f64::MAX);
                Axis::between(power(low), power(high), scale)
            }
        }
    }

    /// The same axis with ticks at integers only.
    pub(super) fn integers(self, integers: bool) -> Self {
        Axis { integers, ..self }
    }

    /// True if the axis can display a value.
    pub(super) fn accepts(&self, value: f64) -> bool {
        value.is_finite() && (self.scale != AxisScale::Log || value > 0.0)
    }

    /// Position of a value as a fraction of the axis. Values outside are at the nearer end.
    pub(super) fn position(&self, value: f64) -> f64 {
        let (low, high, value) = match self.scale {
            AxisScale::Log => (
                self.low.log10(),
                self.high.log10(),
                value.max(f64::MIN_POSITIVE).log10(),
            ),
            _ => (self.low, self.high, value),
        };
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The values with labels; about `max_ticks` or fewer.
    pub(super) fn ticks(&self, max_ticks: usize) -> Vec<f64> {
        let max_ticks = max_ticks.max(2);
        let (low, high) = (self.low.min(self.high), self.low.max(self.high));
        match &self.scale {
            AxisScale::Categories(names) => (0..names.len())
                .step_by(names.len().div_ceil(max_ticks).max(1))
                .map(|i| i as f64)
                .collect(),
            AxisScale::Log => log_ticks(low, high, max_ticks),
            AxisScale::Linear => linear_ticks(low, high, self.step(max_ticks), max_ticks),
        }
    }

    /// The label of a value.
    pub(super) fn label(&self, value: f64, max_ticks: usize) -> String {
        let magnitude = self.low.abs().max(self.high.abs());
        match &self.scale {
            AxisScale::Categories(names) => names
                .get(value.round() as usize)
                .cloned()
                .unwrap_or_default(),
            AxisScale::Linear if (1e-5..1e6).contains(&magnitude) => {
                linear_label(value, self.step(max_ticks))
            }
            AxisScale::Linear | AxisScale::Log => compact(value),
        }
    }

    /// Distance between two ticks of a linear axis.
    fn step(&self, max_ticks: usize) -> f64 {
        let step = round_step((self.high - self.low).abs(), max_ticks.max(2));
        if self.integers && step < 5.0 {
            step.floor().max(1.0)
        } else {
            step
        }
    }
}

/// The range of the values with a margin as a fraction of their span. `around` is the margin of a
/// constant; without values the range is 0 to 1.
fn padded_range(
    values: impl Iterator<Item = f64>,
    margin: f64,
    around: impl Fn(f64) -> f64,
) -> (f64, f64) {
    let (low, high) = finite_range(values);
    if low > high {
        return (0.0, 1.0);
    }
    let margin = if high - low <= 1e-12 * high.abs().max(low.abs()) {
        around(high)
    } else {
        (high - low) * margin
    };
    (low - margin, high + margin)
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.position(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks(hint.max_num_points())
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, AxisScale};

    fn fit(values: &[f64], scale: AxisScale, margin: f64) -> (f64, f64) {
        let axis = Axis::fit(values.iter().copied(), scale, margin);
        (axis.low, axis.high)
    }

    #[test]
    fn an_axis_holds_all_finite_values_with_a_margin() {
        assert_eq!(
            fit(&[0.0, f64::NAN, 10.0], AxisScale::Linear, 0.1),
            (-1.0, 11.0)
        );
        assert_eq!(fit(&[4.0, 4.0], AxisScale::Linear, 0.1), (2.0, 6.0));
        assert_eq!(fit(&[], AxisScale::Linear, 0.1), (0.0, 1.0));
        let (low, high) = fit(&[-1.0, 0.0, 1.0, 100.0], AxisScale::Log, 0.5);
        assert!((low - 0.1).abs() < 1e-12 && (high - 1000.0).abs() < 1e-9);
    }

    #[test]
    fn integer_axes_have_no_fractional_ticks() {
        let axis = Axis::between(1.0, 3.0, AxisScale::Linear);
        assert_eq!(
            axis.ticks(8),
            [1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0]
        );
        assert_eq!(axis.integers(true).ticks(8), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn positions_are_clamped_to_the_axis_and_run_backwards_on_a_reversed_one() {
        let axis = Axis::between(10.0, 0.0, AxisScale::Linear);
        assert_eq!(axis.position(10.0), 0.0);
        assert_eq!(axis.position(2.5), 0.75);
        assert_eq!(axis.position(-5.0), 1.0);
    }
}
