//! Layers of the prelude that another item of the same name hides.

use evcxr::CompilationError;

/// The layers that the prelude imports, as variants of `Layer`.
const LAYERS: [&str; 42] = [
    "Adversarial",
    "Attention",
    "BatchNorm",
    "BatchTopK",
    "Clamp",
    "Condition",
    "Contractive",
    "Dropout",
    "Elu",
    "Flatten",
    "Fsq",
    "GaussianNoise",
    "Gelu",
    "GroupNorm",
    "KlSparsity",
    "L1",
    "L2",
    "LayerNorm",
    "LeakyRelu",
    "Linear",
    "Lstm",
    "LstmSteps",
    "MaskSteps",
    "MaskingNoise",
    "Mmd",
    "Patches",
    "Positions",
    "Relu",
    "Repeat",
    "Residual",
    "SaltAndPepperNoise",
    "Sequence",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "SpatialDropout",
    "Tanh",
    "TopK",
    "Unflatten",
    "Unpatches",
    "WinnerTakeAll",
];

/// What to write for a layer whose name is another item's, given the compiler's error.
pub(super) fn hidden_layer_hint(error: &CompilationError) -> Option<String> {
    let span = error.json["spans"].as_array()?.first()?;
    let label = span["label"].as_str()?;
    let text = &span["text"][0];
    let start = text["highlight_start"].as_u64()? as usize;
    let code: String = text["text"].as_str()?.chars().skip(start - 1).collect();
    hint(label, &code)
}

/// `label` is what the compiler says of the code.
fn hint(label: &str, code: &str) -> Option<String> {
    if !label.starts_with("expected `Layer`, found") {
        return None;
    }
    let end = code.find(|c: char| !c.is_alphanumeric());
    let name = &code[..end.unwrap_or(code.len())];
    LAYERS.contains(&name).then(|| {
        format!(
            "`{name}` is no layer here: a `use` or a definition of that name hides it. Write `Layer::{name}`."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_of_the_prelude_is_known() {
        let prelude = include_str!("../../../src/prelude.rs");
        let (_, list) = prelude
            .split_once("pub use crate::layer::Layer::{")
            .unwrap();
        let (list, _) = list.split_once("};").unwrap();
        let names = list.split(',').map(str::trim);
        let mut names: Vec<&str> = names.filter(|name| !["", "self"].contains(name)).collect();
        names.sort();
        assert_eq!(names, LAYERS);
    }

    #[test]
    fn a_hidden_layer_has_a_longer_name() {
        let label = "expected `Layer`, found `Activation`";
        let told = hint(label, "Relu])?").unwrap();
        assert!(told.ends_with("Write `Layer::Relu`."), "{told}");
        assert_eq!(hint(label, "own"), None);
        assert_eq!(hint("expected `u8`, found `i8`", "Relu"), None);
    }
}
