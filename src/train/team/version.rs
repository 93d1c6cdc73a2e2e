//! The version of a process: all ranks need that of the notebook's.

/// Variable with the key of the helper's build, which the program sets.
pub(super) const SEED_VARIABLE: &str = "CANDLEBOOK_SEED";

/// Version of this library, with the key of its build if the program tells it.
pub(super) fn version() -> String {
    named(&std::env::var(SEED_VARIABLE).unwrap_or_default())
}

fn named(build: &str) -> String {
    // A build that came with the program is the same as one that was made here.
    let build = build.trim_end_matches("-shipped");
    format!("{} {build}", env!("CARGO_PKG_VERSION"))
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_build_does_not_matter() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(named("a1b2"), format!("{version} a1b2"));
        assert_eq!(named("a1b2-shipped"), named("a1b2"));
        assert_eq!(named(""), version);
    }
}
