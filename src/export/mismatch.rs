//! Errors of weights files that do not fit a model: they name the tensors that the file has.

use crate::error::{Error, Result};
use crate::export::names::Tensors;
use crate::export::safetensors::StoredTensor;
use candle_core::Var;
use std::path::Path;

/// Number of tensors that a message lists.
const MAX_LISTED: usize = 3;

/// The tensors of a file, to be compared with a model.
pub(crate) struct FileTensors<'a> {
    pub(crate) path: &'a Path,
    pub(crate) tensors: &'a Tensors<'a>,
    /// Advice for a file that contains an architecture.
    pub(crate) own_advice: Option<&'static str>,
}

/// Lists the first tensors of a file, then the number of the others.
pub(crate) fn listed<'a>(tensors: impl IntoIterator<Item = &'a StoredTensor<'a>>) -> String {
    let mut tensors = tensors.into_iter();
    let first = tensors.by_ref().take(MAX_LISTED);
    let first: Vec<String> = first.map(StoredTensor::describe).collect();
    match tensors.count() {
        0 if first.is_empty() => "no tensors".into(),
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

impl FileTensors<'_> {
    /// Checks that the file has exactly these variables.
    ///
    /// # Errors
    /// It lacks one, has one in another shape, or has others.
    pub(crate) fn check(&self, vars: &[(String, Var)]) -> Result<()> {
        for (name, var) in vars {
            match self.tensors.get(name) {
                None => return Err(self.missing(vars, name, var.dims())),
                Some(tensor) if tensor.shape != var.dims() => {
                    return Err(self.other_shape(name, var.dims(), tensor));
                }
                Some(_) => {}
            }
        }
        let others = self.others(vars);
        if others.is_empty() {
            return Ok(());
        }
        let got = format!("also {}", listed(others));
        Err(self.error("only this model's weights", got, self.advice()))
    }

    /// The tensors that are none of the model's.
    fn others(&self, vars: &[(String, Var)]) -> Vec<&StoredTensor<'_>> {
        let is_other = |name: &str| vars.iter().all(|(own, _)| own != name);
        let others = self.tensors.iter().filter(|(name, _)| is_other(name));
        others.map(|(_, tensor)| tensor).collect()
    }

    fn missing(&self, vars: &[(String, Var)], name: &str, dims: &[usize]) -> Error {
        let expected = format!("{name} of shape {dims:?}");
        let layer = name.strip_suffix(".bias").unwrap_or_default();
        if let Some(weight) = self.tensors.get(&format!("{layer}.weight")) {
            let hint = format!(
                "A layer with bias=False has a bias of zeros. Add it in Python: state[{name:?}] = \
                 torch.zeros({})",
                dims.iter().product::<usize>()
            );
            let got = format!("{} without a bias", weight.describe());
            return self.error(expected, got, hint);
        }
        let mut others = self.others(vars);
        // Names of the same shape first, then those with the longest common start and end.
        others.sort_by_key(|other| (other.shape != dims, usize::MAX - alike(&other.name, name)));
        let hint = match others.first().filter(|_| self.own_advice.is_none()) {
            Some(nearest) if nearest.shape == dims => format!(
                "If {} is meant, rename it in Python: state[{name:?}] = state.pop({:?})",
                nearest.short_name(),
                nearest.short_name()
            ),
            _ => self.advice(),
        };
        let got = if others.is_empty() {
            "no other tensors than the model's".into()
        } else {
            listed(others)
        };
        self.error(expected, got, hint)
    }

    fn other_shape(&self, name: &str, dims: &[usize], tensor: &StoredTensor<'_>) -> Error {
        let sorted = |dims: &[usize]| {
            let mut dims = dims.to_vec();
            dims.sort_unstable();
            dims
        };
        let is_reordered = sorted(dims) == sorted(tensor.shape);
        let expected = format!("{name} of shape {dims:?}");
        let got = tensor.describe();
        match dims.len() {
            2 if is_reordered => self.error(
                expected,
                format!("its transpose, {got}"),
                "Linear layers have (outputs, inputs). Transpose it in Python: tensor.T.contiguous()",
            ),
            _ if is_reordered => self.error(
                expected,
                format!("its dimensions in another order, {got}"),
                "Conv2d has (out, in, rows, columns), ConvTranspose2d (in, out, rows, columns). \
                 Reorder it in Python: tensor.permute(...).contiguous()",
            ),
            _ => self.error(expected, got, self.advice()),
        }
    }

    /// Advice for weights of another architecture.
    fn advice(&self) -> String {
        let general = "Build the model with the layers that the file's weights belong to";
        self.own_advice.unwrap_or(general).into()
    }

    fn error(&self, expected: impl Into<String>, got: String, hint: impl Into<String>) -> Error {
        Error::file(self.path, expected, got, hint)
    }
}

/// Length of the common start and the common end of two names.
fn alike(a: &str, b: &str) -> usize {
    let start = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b);
    let end = a.bytes().rev().zip(b.bytes().rev());
    start.count() + end.take_while(|(a, b)| a == b).count()
}
