//! Images and labels from NumPy arrays: [`npy_images`] and [`npz_images`].

use crate::data::array_settings::ArraySettings;
use crate::data::dataset::Dataset;
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::{Kind, Limits, NpyArray, NpyType, listed, name_or};
use std::path::{Path, PathBuf};

/// Loads images from a NumPy array in a `.npy` file; labels and test images come from the files
/// named in the settings.
///
/// `uint8` values from 0 to 255 are kept as bytes. `float32` and `float64` values must be in
/// [0, 1]. Labels are integers of any type, at least 0.
///
/// # Shapes
/// (n, h, w) for one channel; (n, c, h, w) or (n, h, w, c) with 1 or 3 channels. If both fit, as for
/// (10, 3, 5, 3), the channels come first. Labels are (n). C and Fortran order are supported.
///
/// # Errors
/// If a file is not a complete NumPy array, has another shape or type, or has a value outside its
/// range; or if the number of labels differs from the number of images.
///
/// # Examples
/// ```no_run
/// use candlebook::data::{ArraySettings, npy_images};
/// let settings = ArraySettings { labels: Some("y_train.npy".into()), ..Default::default() };
/// let data = npy_images("x_train.npy", &settings)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn npy_images(path: impl AsRef<Path>, settings: &ArraySettings) -> Result<Dataset> {
    npy_dataset(path.as_ref(), settings, Named::split)
}

/// Loads images from a NumPy archive (`numpy.savez`, `numpy.savez_compressed`); the settings name
/// its arrays.
///
/// # Shapes
/// As [`npy_images`].
///
/// # Errors
/// As [`npy_images`]; also if the file is not a complete archive, or lacks a named array, or if a
/// compressed array is larger than [`Limits::unpacked_bytes`].
///
/// # Examples
/// ```no_run
/// use candlebook::data::{ArraySettings, npz_images};
/// let settings = ArraySettings {
///     images: Some("x_train".into()),
///     labels: Some("y_train".into()),
///     test_images: Some("x_test".into()),
///     test_labels: Some("y_test".into()),
///     ..Default::default()
/// };
/// let data = npz_images("mnist.npz", &settings)?; // Keras' file
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn npz_images(path: impl AsRef<Path>, settings: &ArraySettings) -> Result<Dataset> {
    npz_dataset(path.as_ref(), settings, Named::split)
}

/// Converts an array and labels to a split.
type ToSplit = fn(Named, Option<Vec<u32>>) -> Result<Split>;

/// The data set of a `.npy` file, whose arrays `to_split` converts.
pub(super) fn npy_dataset(
    path: &Path,
    settings: &ArraySettings,
    to_split: ToSplit,
) -> Result<Dataset> {
    if let Some(name) = &settings.images {
        let hint = "It names an array of an .npz archive; for .npy pass the path";
        return Err(Error::setting("ArraySettings::images", "None", name, hint));
    }
    let read = |name: &Path| {
        Ok(Named {
            path: name.to_owned(),
            array: NpyArray::open(name)?,
        })
    };
    dataset(path, path, settings, to_split, read)
}

/// The data set of a `.npz` archive, whose arrays `to_split` converts.
pub(super) fn npz_dataset(
    path: &Path,
    settings: &ArraySettings,
    to_split: ToSplit,
) -> Result<Dataset> {
    let images = match &settings.images {
        Some(name) => name.clone(),
        None => only_array(path, settings)?,
    };
    let read = |name: &Path| {
        let array = NpyArray::open_in_archive(path, &name.to_string_lossy())?;
        Ok(Named {
            path: path.join(name),
            array,
        })
    };
    dataset(path, Path::new(&images), settings, to_split, read)
}

/// The only array of an archive that the settings do not name.
fn only_array(path: &Path, settings: &ArraySettings) -> Result<String> {
    let mut names = NpyArray::names_in_archive(path)?;
    names.retain(|name| !settings.names(name));
    match names.as_slice() {
        [name] => Ok(name.clone()),
        _ => {
            let hint = "Set ArraySettings::images to the name of the images";
            Err(Error::file(
                path,
                "one array of images",
                listed(&names),
                hint,
            ))
        }
    }
}

/// An array and its path in error messages.
pub(super) struct Named {
    pub(super) path: PathBuf,
    pub(super) array: NpyArray,
}

/// Builds the data set from arrays that `read` returns by name.
fn dataset(
    path: &Path,
    images: &Path,
    settings: &ArraySettings,
    to_split: ToSplit,
    read: impl Fn(&Path) -> Result<Named>,
) -> Result<Dataset> {
    settings.check()?;
    let split = |images: &Path, labels: &Option<String>| -> Result<Split> {
        let labels = labels
            .as_ref()
            .map(|name| read(Path::new(name))?.labels())
            .transpose()?;
        to_split(read(images)?, labels)
    };
    let (name, source) = (name_or(path, "images"), path.display().to_string());
    let train = split(images, &settings.labels)?;
    match &settings.test_images {
        None => Dataset::hold_out(name, source, train, settings.test()),
        Some(test) => {
            let test = split(Path::new(test), &settings.test_labels)?;
            Dataset::new(name, source, train, test)
        }
    }
}

impl Named {
    /// The images as a split.
    fn split(self, labels: Option<Vec<u32>>) -> Result<Split> {
        let axes = self.axes()?;
        let [n, c, h, w] = axes.map(|axis| axis.map_or(1, |axis| self.array.dims()[axis]));
        let order = self.array.permutation(axes);
        match self.array.dtype() {
            NpyType {
                kind: Kind::Unsigned,
                bytes: 1,
                ..
            } => {
                let bytes = match order {
                    Some(order) => {
                        // The iterator does not know its length: a vector would grow by doubling.
                        let mut bytes = Vec::with_capacity(n * c * h * w);
                        bytes.extend(order.map(|at| self.array.bytes()[at]));
                        bytes
                    }
                    None => self.array.into_bytes(),
                };
                Split::from_bytes(bytes, (c, h, w), labels)
            }
            NpyType {
                kind: Kind::Float,
                bytes: 4 | 8,
                ..
            } => {
                let mut values = Vec::with_capacity(n * c * h * w);
                match order {
                    Some(order) => self.push_pixels(order, &mut values)?,
                    None => self.push_pixels(0..n * c * h * w, &mut values)?,
                }
                Split::from_floats(values, (c, h, w), labels)
            }
            dtype => {
                let expected = "images of uint8, float32 or float64";
                let hint = "Convert them in Python: x.astype('uint8') for values from 0 to 255, \
                            x.astype('float32') for values in [0, 1]";
                Err(Error::file(&self.path, expected, dtype, hint))
            }
        }
    }

    /// The file's axes of the number, channel, row and column; `None` if there is no channel axis.
    fn axes(&self) -> Result<[Option<usize>; 4]> {
        let dims = self.array.dims();
        if dims.contains(&0) {
            let expected = "at least one image of at least one pixel";
            let hint = "Check the program that wrote it";
            return Err(Error::file(
                &self.path,
                expected,
                format!("shape {dims:?}"),
                hint,
            ));
        }
        match dims {
            [_, _, _] => Ok([Some(0), None, Some(1), Some(2)]),
            [_, 1 | 3, _, _] => Ok([0, 1, 2, 3].map(Some)),
            [_, _, _, 1 | 3] => Ok([0, 3, 1, 2].map(Some)),
            _ => {
                let expected = "shape (n, h, w), (n, c, h, w) or (n, h, w, c) with 1 or 3 channels";
                let hint = "Reshape it in Python, e.g. x.reshape(n, h, w)";
                Err(Error::file(&self.path, expected, format!("{dims:?}"), hint))
            }
        }
    }

    /// Appends the floats at these offsets.
    fn push_pixels(
        &self,
        offsets: impl Iterator<Item = usize>,
        values: &mut Vec<f32>,
    ) -> Result<()> {
        for at in offsets {
            values.push(self.pixel(at)?);
        }
        Ok(())
    }

    /// A float in [0, 1].
    fn pixel(&self, at: usize) -> Result<f32> {
        let value = self.array.float(at);
        if (0.0..=1.0).contains(&value) {
            return Ok(value as f32);
        }
        let got = format!("{value} at {:?}", self.array.indices(at));
        let hint = "Scale it in Python, e.g. x / 255, or save it as uint8";
        Err(Error::file(&self.path, "floats in [0, 1]", got, hint))
    }

    fn labels(&self) -> Result<Vec<u32>> {
        let dtype = self.array.dtype();
        if dtype.kind == Kind::Float {
            let hint = "Convert them in Python: y.astype('int64')";
            return Err(Error::file(&self.path, "integer labels", dtype, hint));
        }
        let [n] = *self.array.dims() else {
            let hint = "In Python: y.ravel(), or y.argmax(1) for one-hot labels";
            let got = format!("{:?}", self.array.dims());
            return Err(Error::file(&self.path, "labels of shape (n,)", got, hint));
        };
        // A label becomes four bytes.
        if let Some(packed) = self.array.packed() {
            let fits = Limits::current().check_unpacked(4 * n as u64, packed);
            fits.map_err(|over| over.of(&self.path))?;
        }
        let label = |at: usize| {
            let value = self.array.integer(at);
            u32::try_from(value).map_err(|_| {
                let got = format!("{value} at [{at}]");
                let hint = "Remove the images without a label";
                Error::file(&self.path, "labels from 0 to 4294967295", got, hint)
            })
        };
        let mut labels = Vec::with_capacity(n);
        for at in 0..n {
            labels.push(label(at)?);
        }
        Ok(labels)
    }
}
