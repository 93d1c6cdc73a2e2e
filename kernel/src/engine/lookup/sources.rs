//! The references of the helper, of candle and of the standard library, read when the first lookup
//! needs them.

use super::super::reference::Reference;
use crate::build::{dependency_sources, helper_sources, standard_library_folder};
use std::sync::LazyLock;

static HELPER: LazyLock<Reference> = LazyLock::new(|| Reference::read(helper_sources()));
static CANDLE: LazyLock<Reference> = LazyLock::new(|| {
    let files = ["candle-core", "candle-nn"]
        .map(dependency_sources)
        .concat();
    Reference::read(
        files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    )
});

/// The files of the standard library whose types are used most; reading all would take seconds.
const STANDARD_FILES: [&str; 14] = [
    "alloc/src/vec/mod.rs",
    "alloc/src/string.rs",
    "alloc/src/slice.rs",
    "alloc/src/str.rs",
    "alloc/src/boxed.rs",
    "alloc/src/rc.rs",
    "alloc/src/sync.rs",
    "core/src/slice/mod.rs",
    "core/src/str/mod.rs",
    "core/src/option.rs",
    "core/src/result.rs",
    "std/src/collections/hash/map.rs",
    "std/src/path.rs",
    "std/src/fs.rs",
];

static STANDARD: LazyLock<Reference> = LazyLock::new(|| {
    let library = standard_library_folder().unwrap_or_default();
    let files = STANDARD_FILES.map(|file| {
        let text = std::fs::read_to_string(library.join(file));
        (file, text.unwrap_or_default())
    });
    Reference::read(files.iter().map(|(path, text)| (*path, text.as_str())))
});

/// Reads the helper's reference on a thread of its own: the first cell that ends in a name needs it.
pub(crate) fn read_reference() {
    // Without a thread, that cell reads it.
    let _ = std::thread::Builder::new().spawn(|| LazyLock::force(&HELPER));
}

/// The reference of the helper crate.
pub(super) fn helper() -> &'static Reference {
    &HELPER
}

/// The references of the crates that every cell can name.
pub(super) fn all() -> [&'static Reference; 2] {
    [&HELPER, &CANDLE]
}

/// The reference of the standard library, in part.
pub(super) fn standard() -> &'static Reference {
    &STANDARD
}

/// True for a name that every cell can use: of the prelude, or a crate.
pub(crate) fn is_always_known(name: &str) -> bool {
    const CRATES: [&str; 6] = [
        "std",
        "core",
        "alloc",
        "candlebook",
        "candle_core",
        "candle_nn",
    ];
    CRATES.contains(&name) || HELPER.exports("prelude", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helpers_settings_are_in_its_reference() {
        assert!(helper().has_field("Fit", "learning_rate"));
        assert!(helper().is_private("Autoencoder", "run_layers"));
        assert!(!helper().is_private("Autoencoder", "fit"));
        assert!(is_always_known("mnist") && is_always_known("Linear") && is_always_known("std"));
        assert!(!is_always_known("ls"));
        assert!(!standard().is_private("Vec", "push"));
    }
}
