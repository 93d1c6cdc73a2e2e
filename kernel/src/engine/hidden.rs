//! Names of the prelude that another item hides.

/// The layers that the prelude imports, as variants of `Layer`.
const LAYERS: [&str; 17] = [
    "AvgPool2d",
    "BatchNorm",
    "Dropout",
    "Elu",
    "Flatten",
    "Gelu",
    "LeakyRelu",
    "Linear",
    "MaxPool2d",
    "MaxUnpool2d",
    "Relu",
    "Residual",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "Unflatten",
    "Upsample",
];
/// Layers with settings, which are types of their own.
const LAYER_TYPES: [&str; 2] = ["Conv2d", "ConvTranspose2d"];

/// What to write for a layer whose name is another item's. `message` is the compiler's about a value
/// that is called, and is none.
pub(super) fn hidden_layer_hint(message: &str) -> Option<String> {
    if !message.starts_with("expected ") && !message.starts_with("cannot initialize") {
        return None;
    }
    let name = message.rsplit('`').nth(1)?.rsplit("::").next()?;
    let path = if LAYERS.contains(&name) {
        format!("Layer::{name}")
    } else if LAYER_TYPES.contains(&name) {
        format!("candlebook::layer::{name}")
    } else {
        return None;
    };
    Some(format!(
        "`{name}` is another item here, because a `use` or a definition hides the layer. Write `{path}` for the \
         layer, or give the other a name of its own: use candle_nn::{name} as Nn{name};"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_of_the_prelude_is_known() {
        let prelude = include_str!("../../../src/prelude.rs");
        let (_, list) = prelude.split_once("pub use crate::layer::Layer::{").unwrap();
        let (list, _) = list.split_once("};").unwrap();
        let names = list.split(',').map(str::trim);
        let mut names: Vec<&str> = names
            .filter(|name| !["", "self"].contains(name))
            .collect();
        names.sort();
        assert_eq!(names, LAYERS);
    }

    #[test]
    fn a_hidden_layer_has_a_longer_name() {
        let hint = |found: &str| {
            hidden_layer_hint(&format!(
                "expected function, tuple struct or tuple variant, found struct `{found}`"
            ))
        };
        assert!(hint("Linear").unwrap().contains("Write `Layer::Linear`"));
        assert!(
            hint("candle_nn::Conv2d")
                .unwrap()
                .contains("Write `candlebook::layer::Conv2d`")
        );
        assert_eq!(hint("Own"), None);
        assert_eq!(hidden_layer_hint("cannot find type `Linear`"), None);
    }
}
