//! Where photographs come from, before they are pictures of one size.

use image::RgbImage;
use std::path::PathBuf;

/// Where photographs are: files of a folder, records of a database.
pub(crate) trait PhotoSource: Send + Sync + std::fmt::Debug {
    /// How many there are.
    fn len(&self) -> usize;

    /// What people call one of them.
    fn name(&self, i: usize) -> PathBuf;

    /// Decodes one of them; or why it cannot be.
    fn read(&self, i: usize) -> std::result::Result<RgbImage, String>;

    /// What changes when a photograph does: part of the key of its packed file.
    fn version(&self, i: usize) -> String;
}
