//! Computes the [`Fingerprint`] of a split.

use crate::cell::check_stopped;
use crate::data::fingerprint::Fingerprint;
use crate::data::photo::PhotoStream;
use crate::data::split::Split;
use crate::error::Result;
use crate::file::{Sha256, sha256_hex};

/// Photographs whose pixels are compared.
const SAMPLES: usize = 8;

impl Split {
    /// The identity of the split's images.
    ///
    /// # Errors
    /// On Stop.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint> {
        if let Some(known) = self.known_fingerprint.get() {
            return Ok(known.clone());
        }
        let fingerprint = match self.pixels.stream() {
            Some(stream) => self.fingerprint_of(stream),
            None => self.fingerprint_of_pixels(),
        }?;
        Ok(self.known_fingerprint.get_or_init(|| fingerprint).clone())
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
}
