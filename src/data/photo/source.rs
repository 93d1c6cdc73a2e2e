//! The [`PhotoSource`] trait: photographs before they are resized.

use crate::data::photo::origin::Origin;
use image::RgbImage;
use std::path::PathBuf;

/// A numbered collection of photographs: files of a folder, records of a database.
pub(crate) trait PhotoSource: Send + Sync + std::fmt::Debug {
    /// The number of photographs.
    fn len(&self) -> usize;

    /// The name of a photograph, for messages and for the key of its packed file.
    fn name(&self, i: usize) -> PathBuf;

    /// Decodes a photograph.
    ///
    /// # Errors
    /// The reason why it is unreadable.
    fn read(&self, i: usize) -> std::result::Result<RgbImage, String>;

    /// What another process opens the photographs by; `None` if they exist in this one alone.
    fn origin(&self) -> Option<Origin>;

    /// A text that changes when the photograph does; part of the key of its packed file.
    fn version(&self, i: usize) -> String;
}
