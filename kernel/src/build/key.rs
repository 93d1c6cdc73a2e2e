//! A seed's key: a hash of everything that determines the seed's content.

use super::compile::WARM_UP_CELLS;
use super::environment::BUILD_ENVIRONMENT;
use super::features::Features;
use super::helper::{LOCK_FILE, MANIFEST, embedded_files};
use super::layout::{CARGO_CONFIG, INIT, PRELUDE};
use crate::home;
use sha2::{Digest, Sha256};

const ENGINE: &str = "evcxr 0.22.0";
/// Changes with the places of files in a seed.
const LAYOUT: &str = "the helper in the session, a list of units";

/// Hashes the toolchain, the features and the embedded source into a folder name.
pub(crate) fn seed_key(rustc: &str, features: &Features) -> String {
    let mut hash = Sha256::new();
    for part in [
        rustc,
        ENGINE,
        LAYOUT,
        &features.quoted(),
        MANIFEST,
        LOCK_FILE,
        INIT,
        PRELUDE,
        WARM_UP_CELLS,
        CARGO_CONFIG,
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(format!("{:?}", BUILD_ENVIRONMENT));
    for (name, value) in features.variables() {
        hash.update(format!("{name}={value:?}"));
    }
    for file in embedded_files() {
        hash.update(file.path().to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update(file.contents());
    }
    home::hex(&hash.finalize()[..8])
}

#[cfg(test)]
#[cfg(not(target_os = "macos"))]
mod tests {
    use super::*;

    #[test]
    fn key_depends_on_toolchain_and_features() {
        let none = Features::default();
        let cuda = Features::parse("cuda").unwrap();
        let keys = [("1.95", &none), ("1.96", &none), ("1.95", &cuda)]
            .map(|(rustc, features)| seed_key(rustc, features));
        assert_eq!(keys[0], seed_key("1.95", &none));
        assert_eq!(keys[0].len(), 16);
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
    }
}
