//! Constants of every build: environment variables and folder names.

/// The cargo shim's folder in a session.
pub(crate) const SHIM_FOLDER: &str = "front";

/// Environment of seed and cell builds. Part of the seed's key, because a session would recompile a
/// seed that was built with other settings.
///
/// Incremental state of a crate as small as a cell saves nothing and fills the disk.
pub(crate) const BUILD_ENVIRONMENT: [(&str, &str); 1] = [("CARGO_INCREMENTAL", "0")];

/// The folder of the helper's source in a session. Cargo names a package inside the session's folder
/// by its relative path, so that what was compiled in one session is valid in every other.
pub(crate) const HELPER_FOLDER: &str = "helper";

/// Name prefixes of files that belong to the cells of one folder, and are not copied to another.
pub(crate) const CELL_PRODUCTS: [&str; 4] = ["ctx-", "ctx.", "libctx", "libcode_"];
