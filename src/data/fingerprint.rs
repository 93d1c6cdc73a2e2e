//! [`Fingerprint`]: what identifies the images of a split, to tell one data set from another.

use serde::{Deserialize, Serialize};

/// Identity of the images of a split, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// Hash of all pixels; for photographs of all names, because decoding them takes too long.
    pub(super) all: String,
    /// For photographs: hashes of the pixels of some, `None` for those that are unreadable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) samples: Vec<Option<String>>,
}

impl Fingerprint {
    /// Hash of all pixels, or of all names.
    pub(crate) fn hash(&self) -> String {
        self.all.clone()
    }

    /// Returns true unless the images differ. A photograph that is unreadable for a while is no
    /// difference.
    pub(crate) fn matches(&self, other: &Fingerprint) -> bool {
        let mut pairs = self.samples.iter().zip(&other.samples);
        let same =
            |(a, b): (&Option<String>, &Option<String>)| a.is_none() || b.is_none() || a == b;
        self.all == other.all && pairs.all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_sample_matches_any() {
        let print = |samples: &[Option<&str>]| Fingerprint {
            all: "names".into(),
            samples: samples.iter().map(|hash| hash.map(str::to_owned)).collect(),
        };
        let whole = print(&[Some("a"), Some("b")]);
        assert!(whole.matches(&print(&[Some("a"), None])));
        assert!(!whole.matches(&print(&[Some("a"), Some("c")])));
    }
}
