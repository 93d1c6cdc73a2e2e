//! [`ArraySettings`]: the conversion of NumPy arrays to a data set.

use crate::data::dataset::TestSplit;
use crate::error::{Error, Result};

/// Settings of [`npy_images`](crate::data::npy_images) and
/// [`npz_images`](crate::data::npz_images), and of [`npy_vectors`](crate::data::npy_vectors) and
/// [`npz_vectors`](crate::data::npz_vectors), whose images are vectors.
///
/// Arrays are named by their path for `.npy`, by their name in the archive for `.npz`.
///
/// # Examples
/// ```
/// use candlebook::data::ArraySettings;
/// let settings = ArraySettings { labels: Some("y_train".into()), ..Default::default() };
/// # assert_eq!(settings.test_split, 0.1);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ArraySettings {
    /// Name of the training images in an `.npz` archive. Defaults to `None`: the only array that no
    /// other setting names.
    pub images: Option<String>,
    /// Labels of the training images. Defaults to `None`: no labels.
    pub labels: Option<String>,
    /// Test images. Defaults to `None`: a share of the training images is held out.
    pub test_images: Option<String>,
    /// Labels of `test_images`. Defaults to `None`: no labels.
    pub test_labels: Option<String>,
    /// Share of the images held out for testing if there are no `test_images`, in (0, 1). Defaults
    /// to 0.1.
    pub test_split: f64,
    /// Seed of the test split. Defaults to 0.
    pub seed: u64,
}

impl Default for ArraySettings {
    fn default() -> Self {
        ArraySettings {
            images: None,
            labels: None,
            test_images: None,
            test_labels: None,
            test_split: 0.1,
            seed: 0,
        }
    }
}

impl ArraySettings {
    /// Checks the settings against each other.
    ///
    /// # Errors
    /// If `test_split` is outside its range, or there are labels for no images.
    pub(crate) fn check(&self) -> Result<()> {
        self.test().check("ArraySettings::test_split")?;
        if let (None, Some(labels)) = (&self.test_images, &self.test_labels) {
            let name = "ArraySettings::test_labels";
            return Err(Error::setting(
                name,
                "None without test_images",
                labels,
                "Set both",
            ));
        }
        Ok(())
    }

    pub(crate) fn test(&self) -> TestSplit {
        TestSplit {
            share: self.test_split,
            seed: self.seed,
        }
    }

    /// Returns true if a setting other than `images` names this array.
    pub(crate) fn names(&self, array: &str) -> bool {
        let named = [&self.labels, &self.test_images, &self.test_labels];
        named
            .into_iter()
            .flatten()
            .any(|name| name.trim_end_matches(".npy") == array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_without_images_are_rejected() {
        let labels = Some("y_test".to_owned());
        let settings = ArraySettings {
            test_labels: labels,
            ..Default::default()
        };
        assert_eq!(
            settings.check().unwrap_err().to_string(),
            "ArraySettings::test_labels: expected None without test_images, got y_test. Set both"
        );
    }
}
