//! Constants of every build: environment variables and folder names.

/// The cargo shim's folder in a session.
pub(crate) const SHIM_FOLDER: &str = "front";

/// Environment of seed and cell builds. Part of the seed's key, because a session would recompile a
/// seed that was built with other settings.
///
/// Incremental state of a crate as small as a cell saves nothing and fills the disk.
pub(crate) const BUILD_ENVIRONMENT: [(&str, &str); 1] = [("CARGO_INCREMENTAL", "0")];

/// Name prefixes of files that belong to the cells of one folder, and are not copied to another.
pub(crate) const CELL_PRODUCTS: [&str; 5] = ["ctx-", "ctx.", "libctx", "libcode_", SHIM_FOLDER];
