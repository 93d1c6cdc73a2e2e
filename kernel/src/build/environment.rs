//! Constants of a build: folder names, and the environment of every compilation.

/// Folder of the cargo in front, in a session.
pub(crate) const FRONT_FOLDER: &str = "front";

/// How seeds and cells are built. Part of the seed's key: what was built another way would be built again in each session.
/// Of a crate as small as a cell nothing is worth keeping for the next one, and what is kept fills the disk.
pub(crate) const BUILD_ENVIRONMENT: [(&str, &str); 1] = [("CARGO_INCREMENTAL", "0")];

/// What the names of the cell crate's own products start with; they belong to the cells of the folder they are in.
pub(crate) const CELL_PRODUCTS: [&str; 5] = ["ctx-", "ctx.", "libctx", "libcode_", FRONT_FOLDER];
