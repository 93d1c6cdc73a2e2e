//! An axis of a chart: what range it spans, where a value stands, and which values are written beside it.

use crate::show::finite_range;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use std::ops::Range;

/// How the values of an axis are laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Ticks {
    #[default]
    Linear,
    /// Equal distances stand for equal ratios.
    Log,
    /// A name at each of 0, 1, 2, ...
    Names(Vec<String>),
}

/// An axis from `low` to `high`; `low` above `high` runs the other way.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    ticks: Ticks,
    /// Only whole numbers are written beside it, such as epochs.
    whole: bool,
}

impl Axis {
    /// The axis that holds all values that can stand on it, with a margin on each side as a share of their span.
    pub(crate) fn fit(values: impl Iterator<Item = f64>, ticks: Ticks, margin: f64) -> Self {
        if let Ticks::Names(names) = &ticks {
            return Axis {
                low: -0.5,
                high: names.len() as f64 - 0.5,
                ticks,
                whole: false,
            };
        }
        let log = ticks == Ticks::Log;
        let values = values
            .filter(|v| !log || *v > 0.0)
            .map(|v| if log { v.log10() } else { v });
        let (mut low, mut high) = finite_range(values);
        if low > high {
            (low, high) = (0.0, 1.0);
        } else if high - low <= 1e-12 * high.abs().max(low.abs()) {
            let around = if log || high == 0.0 {
                1.0
            } else {
                high.abs() * 0.5
            };
            (low, high) = (low - around, high + around);
        } else {
            let margin = (high - low) * margin;
            (low, high) = (low - margin, high + margin);
        }
        let (low, high) = if log {
            (10f64.powf(low), 10f64.powf(high))
        } else {
            (low, high)
        };
        // What no number is left for.
        let (least, most) = if log {
            (f64::MIN_POSITIVE, f64::MAX)
        } else {
            (-f64::MAX / 4.0, f64::MAX / 4.0)
        };
        let (low, high) = (low.clamp(least, most), high.clamp(least, most));
        Axis {
            low,
            high,
            ticks,
            whole: false,
        }
    }

    /// An axis with these ends.
    pub(crate) fn between(low: f64, high: f64, ticks: Ticks) -> Self {
        Axis {
            low,
            high,
            ticks,
            whole: false,
        }
    }

    /// The same axis with only whole numbers beside it.
    pub(crate) fn whole(self, whole: bool) -> Self {
        Axis { whole, ..self }
    }

    /// The distance between its marks.
    fn step(&self, most: usize) -> f64 {
        let step = step((self.high - self.low).abs(), most.max(2));
        if self.whole && step < 5.0 {
            step.floor().max(1.0)
        } else {
            step
        }
    }

    /// Whether a value can stand on it.
    pub(crate) fn takes(&self, value: f64) -> bool {
        value.is_finite() && (self.ticks != Ticks::Log || value > 0.0)
    }

    /// Where a value stands, as a share of the axis; what is outside stands at the edge.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let (low, high, value) = match self.ticks {
            Ticks::Log => (
                self.low.log10(),
                self.high.log10(),
                value.max(f64::MIN_POSITIVE).log10(),
            ),
            _ => (self.low, self.high, value),
        };
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The values to write beside it, at most about so many.
    pub(crate) fn marks(&self, most: usize) -> Vec<f64> {
        let most = most.max(2);
        let (low, high) = (self.low.min(self.high), self.low.max(self.high));
        match &self.ticks {
            Ticks::Names(names) => (0..names.len())
                .step_by(names.len().div_ceil(most).max(1))
                .map(|i| i as f64)
                .collect(),
            Ticks::Log => {
                let power = |value: f64| (value.log10() as i32).clamp(-324, 309);
                let (first, last) = (power(low) - 1, power(high) + 1);
                let decades = (last - first).max(1) as usize;
                let within: &[f64] = if decades <= most.min(3) {
                    &[1.0, 2.0, 5.0]
                } else {
                    &[1.0]
                };
                let all = (first..=last).step_by(decades.div_ceil(most).max(1));
                let all = all.flat_map(|power| within.iter().map(move |m| m * 10f64.powi(power)));
                all.filter(|v| (low..=high).contains(v)).collect()
            }
            Ticks::Linear => {
                let step = self.step(most);
                if !(step.is_finite() && step > 0.0 && (low / step).abs() < 1e15) {
                    return Vec::new();
                }
                let first = (low / step - 1e-9).ceil() as i64;
                (first..)
                    .map(|i| i as f64 * step)
                    .take_while(|v| *v <= high + step * 1e-9)
                    .take(2 * most)
                    .collect()
            }
        }
    }

    /// A value as it is written beside the axis.
    pub(crate) fn label(&self, value: f64, most: usize) -> String {
        match &self.ticks {
            Ticks::Names(names) => names
                .get(value.round() as usize)
                .cloned()
                .unwrap_or_default(),
            Ticks::Log => short(value),
            Ticks::Linear => {
                let step = self.step(most);
                let largest = self.low.abs().max(self.high.abs());
                if !(1e-5..1e6).contains(&largest) {
                    return short(value);
                }
                // Of a step of 2.5 the second digit is needed too.
                let mut decimals = (-(step.log10().floor())).max(0.0) as usize;
                if (step * 10f64.powi(decimals as i32)).fract() > 1e-6 {
                    decimals += 1;
                }
                let text = format!("{value:.decimals$}");
                if text
                    .trim_start_matches('-')
                    .chars()
                    .all(|c| c == '0' || c == '.')
                {
                    text.trim_start_matches('-').into()
                } else {
                    text
                }
            }
        }
    }
}

/// A round step that divides a span into at most about so many parts.
fn step(span: f64, most: usize) -> f64 {
    let rough = span / most as f64;
    let power = 10f64.powf(rough.log10().floor());
    let of = |n: f64| n * power;
    [of(1.0), of(2.0), of(2.5), of(5.0)]
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(of(10.0))
}

/// A number of any size in few characters: 0.001, 25, 1e-7.
pub(crate) fn short(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) {
        let text = format!("{value:.1e}");
        return text.replace(".0e", "e");
    }
    let text = format!("{value:.3}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.place(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.marks(hint.max_num_points())
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}
