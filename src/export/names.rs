//! Names of tensors in files of other programs: prefixes that wrappers of models add.

use crate::export::safetensors::StoredTensor;
use std::collections::BTreeMap;

/// Components that PyTorch's `nn.DataParallel`, `DistributedDataParallel` and `torch.compile` add,
/// each around the model or a part of it.
const WRAPPERS: [&str; 2] = ["module", "_orig_mod"];
/// The first components of the names in files of this crate.
const ROOTS: [&str; 3] = ["encoder.", "decoder.", "training."];

/// Tensors by the names that the crate gives them.
pub(crate) type Tensors<'a> = BTreeMap<String, StoredTensor<'a>>;

/// Removes the components of wrappers, and one prefix that all names of the model have, as
/// `model.` in `model.encoder.1.weight`. Names stay as they are if two would become the same.
pub(crate) fn unwrap_names(tensors: Tensors<'_>) -> Tensors<'_> {
    let names: Vec<String> = tensors.keys().map(|name| without_wrappers(name)).collect();
    let prefix = common_prefix(&names).unwrap_or_default().to_owned();
    let unwrapped = names.iter().map(|name| match prefix_of(name) {
        Some(found) if found == prefix => name[prefix.len()..].to_owned(),
        _ => name.clone(),
    });
    let unwrapped: Vec<String> = unwrapped.collect();
    let mut unique = unwrapped.clone();
    unique.sort_unstable();
    unique.dedup();
    if unique.len() < tensors.len() {
        return tensors;
    }
    unwrapped.into_iter().zip(tensors.into_values()).collect()
}

fn without_wrappers(name: &str) -> String {
    let components = name.split('.').filter(|part| !WRAPPERS.contains(part));
    components.collect::<Vec<_>>().join(".")
}

/// The text before the first root.
fn prefix_of(name: &str) -> Option<&str> {
    let after_dots = name.match_indices('.').map(|(i, _)| i + 1);
    let is_root = |i: &usize| ROOTS.iter().any(|root| name[*i..].starts_with(root));
    let start = std::iter::once(0).chain(after_dots).find(is_root)?;
    Some(&name[..start])
}

/// The prefix of all names that have a root.
fn common_prefix(names: &[String]) -> Option<&str> {
    let mut prefixes = names.iter().filter_map(|name| prefix_of(name));
    let first = prefixes.next()?;
    prefixes.all(|prefix| prefix == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::Dtype;

    fn unwrapped(names: &[&str]) -> Vec<String> {
        let stored = |name: &&str| {
            let tensor = StoredTensor {
                name: name.to_string(),
                dtype: Dtype::F32,
                shape: &[],
                bytes: &[],
            };
            (name.to_string(), tensor)
        };
        let tensors = unwrap_names(names.iter().map(stored).collect());
        // Each tensor keeps the name that it has in the file.
        let names = names.iter().map(|name| {
            let found = tensors.iter().find(|(_, tensor)| tensor.name == *name);
            found.unwrap().0.clone()
        });
        names.collect()
    }

    #[test]
    fn wrappers_are_removed_in_any_nesting() {
        for prefix in [
            "",
            "module.",
            "_orig_mod.",
            "module._orig_mod.",
            "_orig_mod.module.",
            "model.",
            "state_dict.model.",
            "module.autoencoder.",
        ] {
            let names =
                ["encoder.1.weight", "decoder.0.bias"].map(|name| format!("{prefix}{name}"));
            assert_eq!(
                unwrapped(&[&names[0], &names[1]]),
                ["encoder.1.weight", "decoder.0.bias"],
                "{prefix}"
            );
        }
        assert_eq!(
            unwrapped(&["encoder._orig_mod.1.weight", "decoder.module.0.bias", "n"]),
            ["encoder.1.weight", "decoder.0.bias", "n"]
        );
        assert_eq!(
            unwrapped(&[
                "net.encoder.0.bias",
                "net.training.mean.encoder.0.bias",
                "x"
            ]),
            ["encoder.0.bias", "training.mean.encoder.0.bias", "x"]
        );
    }

    #[test]
    fn names_with_several_meanings_stay() {
        for names in [
            ["model.encoder.0.bias", "ema.encoder.0.bias"],
            ["module.encoder.0.bias", "encoder.0.bias"],
            ["model.encoder.0.bias", "decoder.0.bias"],
            ["fc1.weight", "fc2.weight"],
            ["autoencoder.1.bias", "my_decoder.1.bias"],
        ] {
            assert_eq!(unwrapped(&names), names);
        }
    }
}
