//! Parameter groups: rates of their own for variables whose names match a pattern.

use super::ranges::check_not_negative;
use super::rates::Rates;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Learning rate and weight decay of the variables whose names match a pattern. PyTorch: `params`
/// groups of an optimizer.
///
/// Names are those of [`Autoencoder::variables`](crate::model::Autoencoder::variables), which
/// safetensors files have too, such as `encoder.1.weight`. If several groups match, the first
/// counts. Variables that no group matches have the rates of [`Fit`](crate::train::Fit).
///
/// # Examples
/// No weight decay of biases, and a tenth of the learning rate in the encoder:
/// ```
/// # use candlebook::prelude::*;
/// use candlebook::optim::ParameterGroup;
/// let biases = ParameterGroup {
///     pattern: "*.bias".into(),
///     weight_decay: Some(0.0),
///     ..Default::default()
/// };
/// let encoder = ParameterGroup {
///     pattern: "encoder.*".into(),
///     learning_rate_factor: 0.1,
///     ..Default::default()
/// };
/// let fit = Fit { weight_decay: 0.01, groups: vec![biases, encoder], ..Default::default() };
/// # assert_eq!(fit.groups.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ParameterGroup {
    /// Pattern of the names: `*` stands for any characters, `?` for one. Defaults to "*".
    pub pattern: String,
    /// Factor of the learning rate, zero or more. 0 freezes the variables. Defaults to 1.
    pub learning_rate_factor: f64,
    /// Weight decay in place of that of `Fit`, zero or more. Defaults to none: that of `Fit`.
    pub weight_decay: Option<f64>,
}

impl Default for ParameterGroup {
    fn default() -> Self {
        ParameterGroup {
            pattern: "*".into(),
            learning_rate_factor: 1.0,
            weight_decay: None,
        }
    }
}

impl ParameterGroup {
    /// Rejects settings outside their range.
    pub(crate) fn check(&self) -> Result<()> {
        let (name, hint) = (
            "ParameterGroup::learning_rate_factor",
            "0 freezes the variables",
        );
        check_not_negative(name, self.learning_rate_factor, hint)?;
        let (name, hint) = ("ParameterGroup::weight_decay", "Some(0.0) turns it off");
        check_not_negative(name, self.weight_decay.unwrap_or(0.0), hint)
    }

    fn matches(&self, name: &str) -> bool {
        matches(self.pattern.as_bytes(), name.as_bytes())
    }
}

/// Factor of the learning rate, and weight decay, of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GroupRates {
    learning_rate_factor: f64,
    weight_decay: f64,
}

impl Default for GroupRates {
    fn default() -> Self {
        GroupRates::of_others(0.0)
    }
}

impl GroupRates {
    /// Rates of the variables that no group matches.
    pub(crate) fn of_others(weight_decay: f64) -> Self {
        GroupRates {
            learning_rate_factor: 1.0,
            weight_decay,
        }
    }

    pub(crate) fn rates(&self, learning_rate: f64) -> Rates {
        Rates {
            learning_rate: learning_rate * self.learning_rate_factor,
            weight_decay: self.weight_decay,
        }
    }
}

/// The groups of a list of variables.
#[derive(Clone, Debug)]
pub(crate) struct Grouping {
    /// Those of the variables that no group matches, then those of each group.
    pub(crate) rates: Vec<GroupRates>,
    /// Position in `rates` of each variable's group.
    pub(crate) group_of: Vec<usize>,
}

impl Grouping {
    /// One group of `n` variables.
    pub(crate) fn single(n: usize, weight_decay: f64) -> Self {
        Grouping {
            rates: vec![GroupRates::of_others(weight_decay)],
            group_of: vec![0; n],
        }
    }

    /// Groups of the variables with these names.
    ///
    /// # Errors
    /// A group that no name matches.
    pub(crate) fn new(
        groups: &[ParameterGroup],
        weight_decay: f64,
        names: &[String],
    ) -> Result<Self> {
        let of_group = |group: &ParameterGroup| GroupRates {
            learning_rate_factor: group.learning_rate_factor,
            weight_decay: group.weight_decay.unwrap_or(weight_decay),
        };
        let unused = |group: &&ParameterGroup| !names.iter().any(|name| group.matches(name));
        if let Some(group) = groups.iter().find(unused) {
            let expected = format!("a pattern of {}", names.join(", "));
            let hint = "* stands for any characters: \"*.bias\", \"decoder.*\"";
            let name = "ParameterGroup::pattern";
            let got = format!("{:?}, which matches none", group.pattern);
            return Err(Error::setting(name, expected, got, hint));
        }
        let group_of = |name: &String| {
            let place = groups.iter().position(|group| group.matches(name));
            place.map_or(0, |place| place + 1)
        };
        let others = std::iter::once(GroupRates::of_others(weight_decay));
        Ok(Grouping {
            rates: others.chain(groups.iter().map(of_group)).collect(),
            group_of: names.iter().map(group_of).collect(),
        })
    }
}

/// Matches a whole name: `*` stands for any characters, `?` for one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // After the last `*`, and the end of what it stands for.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((after, end)) = star else {
                    return false;
                };
                star = Some((after, end + 1));
                (p, n) = (after, end + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("*", "encoder.1.weight", true),
            ("*.bias", "encoder.1.bias", true),
            ("*.bias", "encoder.1.bias.x", false),
            ("encoder.*", "decoder.1.bias", false),
            ("encoder.?.weight", "encoder.1.weight", true),
            ("encoder.?.weight", "encoder.12.weight", false),
            ("*coder*.we*t", "decoder.0.weight", true),
            ("*a*b", "aab", true),
            ("*a*b", "abba", false),
            ("", "x", false),
            ("x", "x", true),
        ] {
            let found = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_match_counts_and_unused_patterns_are_errors() {
        let group = |pattern: &str, weight_decay| ParameterGroup {
            pattern: pattern.into(),
            weight_decay,
            learning_rate_factor: 0.5,
        };
        let names = ["encoder.0.weight", "encoder.0.bias", "decoder.0.bias"].map(String::from);
        let groups = [group("*.bias", Some(0.0)), group("encoder.*", None)];
        let found = Grouping::new(&groups, 0.1, &names).unwrap();
        assert_eq!(found.group_of, [2, 1, 1]);
        let rates = |group: usize| found.rates[group].rates(1.0);
        assert_eq!((rates(0).learning_rate, rates(0).weight_decay), (1.0, 0.1));
        assert_eq!((rates(1).learning_rate, rates(1).weight_decay), (0.5, 0.0));
        assert_eq!((rates(2).learning_rate, rates(2).weight_decay), (0.5, 0.1));
        let error = Grouping::new(&[group("enc", None)], 0.0, &names).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ParameterGroup::pattern: expected a pattern of encoder.0.weight, encoder.0.bias, \
             decoder.0.bias, got \"enc\", which matches none. * stands for any characters: \
             \"*.bias\", \"decoder.*\""
        );
    }

    #[test]
    fn settings_outside_their_range_are_rejected() {
        let group = ParameterGroup {
            learning_rate_factor: -0.1,
            ..Default::default()
        };
        assert_eq!(
            group.check().unwrap_err().to_string(),
            "ParameterGroup::learning_rate_factor: expected zero or more, got -0.1. 0 freezes the \
             variables"
        );
        let group = ParameterGroup {
            weight_decay: Some(f64::NAN),
            ..Default::default()
        };
        assert!(group.check().is_err());
    }
}
