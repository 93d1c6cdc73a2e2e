//! Remarks on a weights file that was loaded, as one line under the cell.

use crate::export::names::Tensors;
use crate::show::note;
use safetensors::tensor::Dtype;
use std::path::Path;

/// Everything about a file that its reader should know.
#[derive(Default)]
pub(crate) struct Remarks {
    texts: Vec<String>,
    /// Number of tensors with values that are NaN or infinite.
    not_finite: usize,
}

impl Remarks {
    /// Remarks on tensors whose names or types were changed.
    pub(crate) fn of(tensors: &Tensors<'_>) -> Self {
        let mut texts = Vec::new();
        if let Some((name, tensor)) = tensors.iter().find(|(name, tensor)| **name != tensor.name) {
            let file_name = tensor.short_name();
            texts.push(format!(
                "{file_name} is read as {name}, and other names alike"
            ));
        }
        for dtype in [Dtype::F16, Dtype::BF16, Dtype::F64] {
            let count = tensors.values().filter(|tensor| tensor.dtype == dtype);
            let (all, verb) = match (count.count(), dtype) {
                (0, _) => continue,
                (n, Dtype::F64) => (n, "rounded"),
                (n, _) => (n, "converted"),
            };
            texts.push(format!(
                "{dtype:?} is {verb} to F32 in {all} of its tensors"
            ));
        }
        Remarks {
            texts,
            not_finite: 0,
        }
    }

    /// Adds a remark on values that are NaN or infinite. Of several tensors, the first is named.
    pub(crate) fn check_finite(&mut self, name: &str, values: &[f32]) {
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count == 0 {
            return;
        }
        self.not_finite += 1;
        if self.not_finite == 1 {
            let all = values.len();
            let text = format!("{count} of {all} values of {name} are NaN or infinite");
            self.texts.push(text);
        }
    }

    /// Prints the remarks under the cell.
    pub(crate) fn print(self, path: &Path) {
        if let Some(line) = self.line(path) {
            note(line);
        }
    }

    fn line(mut self, path: &Path) -> Option<String> {
        if self.not_finite > 1 {
            let others = self.not_finite - 1;
            self.texts
                .push(format!("such tensors besides it: {others}"));
        }
        let any = !self.texts.is_empty();
        any.then(|| format!("{}: {}", path.display(), self.texts.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::safetensors::StoredTensor;

    fn stored(name: &str, dtype: Dtype) -> StoredTensor<'static> {
        StoredTensor {
            name: name.into(),
            dtype,
            shape: &[],
            bytes: &[],
        }
    }

    #[test]
    fn changed_names_and_types_are_said_in_one_line() {
        let tensors = Tensors::from([
            (
                "decoder.0.bias".into(),
                stored("module.decoder.0.bias", Dtype::F16),
            ),
            (
                "decoder.0.weight".into(),
                stored("module.decoder.0.weight", Dtype::F16),
            ),
            (
                "encoder.1.weight".into(),
                stored("module.encoder.1.weight", Dtype::F64),
            ),
        ]);
        assert_eq!(
            Remarks::of(&tensors).line(Path::new("ae")).unwrap(),
            "ae: module.decoder.0.bias is read as decoder.0.bias, and other names alike; F16 is \
             converted to F32 in 2 of its tensors; F64 is rounded to F32 in 1 of its tensors"
        );
        let own = Tensors::from([("w".into(), stored("w", Dtype::F32))]);
        assert_eq!(Remarks::of(&own).line(Path::new("ae")), None);
    }

    #[test]
    fn values_that_are_not_finite_are_counted() {
        let mut remarks = Remarks::default();
        remarks.check_finite("a", &[1.0, f32::MAX]);
        remarks.check_finite("b", &[f32::NAN, 1.0, f32::NEG_INFINITY]);
        remarks.check_finite("c", &[f32::NAN]);
        assert_eq!(
            remarks.line(Path::new("ae")).unwrap(),
            "ae: 2 of 3 values of b are NaN or infinite; such tensors besides it: 1"
        );
    }
}
