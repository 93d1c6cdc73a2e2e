//! [`Fingerprint`]: what identifies the images of a split, to tell one data set from another.

use crate::cell::check_stopped;
use crate::data::photo::PhotoStream;
use crate::data::split::Split;
use crate::error::Result;
use crate::file::{Sha256, sha256_hex};
use serde::{Deserialize, Serialize};

/// Photographs whose pixels are compared.
const SAMPLES: usize = 8;

/// Identity of the images of a split, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// Hash of all pixels; for photographs of all names, because decoding them takes too long.
    all: String,
    /// For photographs: hashes of the pixels of some, `None` for those that are unreadable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    samples: Vec<Option<String>>,
}

impl Fingerprint {
    /// Returns true unless the images differ. A photograph that is unreadable for a while is no
    /// difference.
    pub(crate) fn matches(&self, other: &Fingerprint) -> bool {
        let mut pairs = self.samples.iter().zip(&other.samples);
        let same =
            |(a, b): (&Option<String>, &Option<String>)| a.is_none() || b.is_none() || a == b;
        self.all == other.all && pairs.all(same)
    }
}

impl Split {
    /// The identity of the split's images.
    ///
    /// # Errors
    /// On Stop.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint> {
        match self.pixels.stream() {
            Some(stream) => self.fingerprint_of(stream),
            None => self.fingerprint_of_pixels(),
        }
    }

    fn fingerprint_of_pixels(&self) -> Result<Fingerprint> {
        let (c, h, w) = self.image_shape();
        let mut hash = Sha256::default();
        hash.update(format!("{c} {h} {w}\n"));
        let mut values = vec![0f32; c * h * w];
        for position in 0..self.len() {
            check_stopped()?;
            self.fill(&[position], &mut values)?;
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            hash.update(bytes);
        }
        Ok(Fingerprint {
            all: hash.hex(),
            samples: Vec::new(),
        })
    }

    fn fingerprint_of(&self, stream: &PhotoStream) -> Result<Fingerprint> {
        let source = stream.source();
        let mut hash = Sha256::default();
        hash.update(format!("{}\n", stream.framing().size));
        for &i in self.index.iter() {
            check_stopped()?;
            // Without the root, so that the folder may move.
            let name = source.name(i);
            let name = name.strip_prefix(stream.root()).unwrap_or(&name);
            hash.update(name.as_os_str().as_encoded_bytes());
            hash.update("\n");
        }
        let step = self.len().div_ceil(SAMPLES).max(1);
        let sample = |&i: &usize| {
            check_stopped()?;
            Ok(source.read(i).ok().map(|image| sha256_hex(image.as_raw())))
        };
        Ok(Fingerprint {
            all: hash.hex(),
            samples: self
                .index
                .iter()
                .step_by(step)
                .map(sample)
                .collect::<Result<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Tensor;

    fn split(bytes: &[u8]) -> Split {
        Split::from_bytes(bytes.to_vec(), (1, 1, 2), None).unwrap()
    }

    #[test]
    fn images_in_memory_are_compared_by_value_and_order() {
        let print = |split: &Split| split.fingerprint().unwrap();
        let first = split(&[0, 51, 255, 102]);
        assert_eq!(print(&first), print(&split(&[0, 51, 255, 102])));
        assert!(!print(&first).matches(&print(&split(&[255, 102, 0, 51]))));
        assert!(!print(&first).matches(&print(&split(&[0, 51, 255, 103]))));
        assert!(!print(&first).matches(&print(&first.take(1))));
        let floats = Tensor::new(
            &[[[[0f32, 0.2]]], [[[1.0, 0.4]]]],
            &candle_core::Device::Cpu,
        );
        let floats = Split::from_tensor(&floats.unwrap(), None).unwrap();
        assert_eq!(print(&first), print(&floats), "however they are stored");
    }

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
