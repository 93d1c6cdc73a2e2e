//! [`PhotoSettings`]: the conversion of photographs to a data set.

use crate::data::dataset::TestSplit;
use crate::data::locations::cache_folder;
use crate::data::photo::{Crop, Framing, PhotoSource, PhotoStream};
use crate::data::split::Split;
use crate::error::{Error, Result};
use std::path::Path;

/// Settings of [`image_folder`](crate::data::image_folder) and
/// [`lmdb_folder`](crate::data::lmdb_folder).
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let settings = PhotoSettings { size: 128, flip: true, ..Default::default() };
/// # assert_eq!(settings.test_split, 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotoSettings {
    /// Height and width of the images, in pixels, 1 to 4096. Defaults to 64.
    pub size: usize,
    /// The part of each photograph that becomes an image. Defaults to the center.
    pub crop: Crop,
    /// Flips each training image horizontally with probability 1/2, anew in every epoch. Defaults
    /// to false.
    pub flip: bool,
    /// Share of the images held out for testing if the source has no test set, in (0, 1). Defaults
    /// to 0.1.
    pub test_split: f64,
    /// Maximum number of unreadable files, and of those with more pixels than
    /// [`Limits::pixels`](crate::Limits::pixels); other images replace them. Defaults to 10.
    pub max_unreadable: usize,
    /// Stores resized photographs in a file in the cache (`~/.cache/candlebook/frames`), so that
    /// each is decoded once, in this run and later ones. Takes about `4 * size * size` bytes per
    /// photograph, more with [`Crop::Random`]. Other photographs or another size create another
    /// file; old files remain until you delete them. Defaults to false.
    pub packed: bool,
    /// Seed of the test split. Defaults to 0.
    pub seed: u64,
}

impl Default for PhotoSettings {
    fn default() -> Self {
        PhotoSettings {
            size: 64,
            crop: Crop::Center,
            flip: false,
            test_split: 0.1,
            max_unreadable: 10,
            packed: false,
            seed: 0,
        }
    }
}

impl PhotoSettings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// If a setting is outside its range.
    pub(crate) fn check(&self) -> Result<()> {
        self.test().check("PhotoSettings::test_split")?;
        self.framing().check()
    }

    pub(crate) fn test(&self) -> TestSplit {
        TestSplit {
            share: self.test_split,
            seed: self.seed,
        }
    }

    fn framing(&self) -> Framing {
        Framing {
            size: self.size,
            crop: self.crop,
            flip: self.flip,
        }
    }

    /// Streams the photographs of a source; `root` names it in error messages.
    ///
    /// # Errors
    /// If the frames cannot be packed.
    pub(crate) fn stream(
        &self,
        root: &Path,
        source: Box<dyn PhotoSource>,
        labels: Option<Vec<u32>>,
    ) -> Result<Split> {
        let mut stream = PhotoStream::new(root, source, self.framing(), self.max_unreadable)?;
        if self.packed {
            let cache = cache_folder().ok_or_else(|| {
                let hint = "Set CANDLEBOOK_CACHE to a folder";
                let (expected, got) = ("a cache folder", "no home folder");
                Error::setting("PhotoSettings::packed", expected, got, hint)
            })?;
            stream = stream.packed(&cache.join("frames"))?;
        }
        Split::from_stream(stream, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_rejected_by_name() {
        assert!(PhotoSettings::default().check().is_ok());
        for (settings, name) in [
            (
                PhotoSettings {
                    size: 4097,
                    ..Default::default()
                },
                "PhotoSettings::size",
            ),
            (
                PhotoSettings {
                    test_split: 0.0,
                    ..Default::default()
                },
                "PhotoSettings::test_split",
            ),
            (
                PhotoSettings {
                    crop: Crop::Random(1.5),
                    ..Default::default()
                },
                "Crop::Random",
            ),
        ] {
            let error = settings.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: expected ")), "{error}");
        }
    }
}
