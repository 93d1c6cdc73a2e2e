//! Terms that the layers of a model add to its loss.

use crate::error::Result;
use crate::layer::{ForwardState, TermValue};
use crate::model::autoencoder::Autoencoder;
use candle_core::Tensor;

impl Autoencoder {
    /// Names of the terms, in the order of the layers. Equal names are numbered.
    pub(crate) fn term_names(&self) -> Vec<String> {
        let terms: Vec<&str> = self
            .plan()
            .term_stages()
            .map(|(_, term)| term.name)
            .collect();
        let numbered = |(i, &name): (usize, &&str)| {
            let earlier = terms[..i].iter().filter(|&&other| other == name).count();
            match earlier {
                0 => name.to_owned(),
                n => format!("{name} {}", n + 1),
            }
        };
        terms.iter().enumerate().map(numbered).collect()
    }

    /// Parts of the mean loss that the terms of a forward pass are, as scalars with gradients.
    pub(crate) fn shares(&self, state: &ForwardState) -> Result<Vec<Tensor>> {
        let (c, h, w) = self.image_shape();
        let share = |value: &TermValue| Ok((&value.mean * value.term.scale(c * h * w))?);
        state.terms.iter().map(share).collect()
    }
}
