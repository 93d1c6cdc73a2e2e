//! Environment variables through which a kernel configures its shim.

/// The real cargo.
pub(crate) const CARGO: &str = "CANDLEBOOK_CARGO";
/// The user's `CARGO_HOME`.
pub(crate) const CARGO_HOME: &str = "CANDLEBOOK_CARGO_HOME";
/// The folder of recorded answers.
pub(crate) const ANSWERS: &str = "CANDLEBOOK_ANSWERS";
/// The toolchain's folder.
pub(crate) const SYSROOT: &str = "CANDLEBOOK_SYSROOT";
/// The session's folder.
pub(crate) const SESSION: &str = "CANDLEBOOK_SESSION";
/// The kernel's token, by which its own lines differ from text that a cell prints.
pub(crate) const TOKEN: &str = "CANDLEBOOK_TOKEN";
/// `PATH` without the shim's folder.
pub(crate) const PATH: &str = "CANDLEBOOK_PATH";
/// The lock file that a stock session must keep.
pub(crate) const LOCK: &str = "CANDLEBOOK_LOCK";
/// The file for the recorded compiler command.
pub(crate) const RECORD: &str = "CANDLEBOOK_RECORD";

/// Set to 1 if the compiler is to print types with their full paths.
pub(crate) const FULL_PATHS: &str = "CANDLEBOOK_FULL_PATHS";

/// File name of the shim as the compiler's wrapper.
pub(crate) const RECORDER: &str = "candlebook-rustc";
/// File name of the shim as the compiler's wrapper for crates that the notebook has added.
pub(crate) const ADDED_COMPILER: &str = "candlebook-added-rustc";
/// File name of the shim as a build script whose result the seed has.
pub(crate) const BUILD_RESULT: &str = "candlebook-build-result";
