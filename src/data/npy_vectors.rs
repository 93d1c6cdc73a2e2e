//! Vectors from NumPy arrays: [`npy_vectors`] and [`npz_vectors`].

use crate::data::array_settings::ArraySettings;
use crate::data::dataset::Dataset;
use crate::data::npy::{Named, npy_dataset, npz_dataset};
use crate::data::split::Split;
use crate::error::{Error, Result};
use crate::file::{Kind, Limits};
use std::path::Path;

/// Loads vectors from a NumPy array in a `.npy` file: measurements, embeddings or activations of
/// another model. Labels and test vectors come from the files named in the settings.
///
/// # Shapes
/// (n, d), with numbers of any type and range. Labels are (n). C and Fortran order are supported.
///
/// # Errors
/// If a file is not a complete NumPy array, has another shape, or has a value that is NaN or
/// infinite; or if the number of labels differs from the number of vectors.
///
/// # Examples
/// ```no_run
/// use candlebook::data::{ArraySettings, npy_vectors};
/// let data = npy_vectors("activations.npy", &ArraySettings::default())?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn npy_vectors(path: impl AsRef<Path>, settings: &ArraySettings) -> Result<Dataset> {
    npy_dataset(path.as_ref(), settings, Named::vectors)
}

/// Loads vectors from a NumPy archive (`numpy.savez`, `numpy.savez_compressed`); the settings name
/// its arrays.
///
/// # Shapes
/// As [`npy_vectors`].
///
/// # Errors
/// As [`npy_vectors`]; also if the file is not a complete archive, or lacks a named array, or if a
/// compressed array is larger than [`Limits::unpacked_bytes`].
///
/// # Examples
/// ```no_run
/// use candlebook::data::{ArraySettings, npz_vectors};
/// let settings = ArraySettings { images: Some("x".into()), ..Default::default() };
/// let data = npz_vectors("embeddings.npz", &settings)?;
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn npz_vectors(path: impl AsRef<Path>, settings: &ArraySettings) -> Result<Dataset> {
    npz_dataset(path.as_ref(), settings, Named::vectors)
}

impl Named {
    /// The vectors as a split.
    fn vectors(self, labels: Option<Vec<u32>>) -> Result<Split> {
        let [n, d] = *self.array.dims() else {
            let got = format!("{:?}", self.array.dims());
            let hint = "In Python: x.reshape(len(x), -1)";
            return Err(Error::file(
                &self.path,
                "vectors of shape (n, d)",
                got,
                hint,
            ));
        };
        if n * d == 0 {
            let expected = "at least one vector of at least one value";
            let hint = "Check the program that wrote it";
            return Err(Error::file(
                &self.path,
                expected,
                format!("shape [{n}, {d}]"),
                hint,
            ));
        }
        // A value becomes four bytes.
        if let Some(packed) = self.array.packed() {
            let fits = Limits::current().check_unpacked(4 * (n * d) as u64, packed);
            fits.map_err(|over| over.of(&self.path))?;
        }
        let mut values = Vec::with_capacity(n * d);
        match self.array.permutation([Some(0), None, None, Some(1)]) {
            Some(order) => order
                .into_iter()
                .try_for_each(|at| self.push(at, &mut values))?,
            None => (0..n * d).try_for_each(|at| self.push(at, &mut values))?,
        }
        Split::from_vectors(values, d, labels)
    }

    fn push(&self, at: usize, values: &mut Vec<f32>) -> Result<()> {
        let value = match self.array.dtype().kind {
            Kind::Float => self.array.float(at) as f32,
            Kind::Unsigned | Kind::Signed => self.array.integer(at) as f32,
        };
        if value.is_finite() {
            values.push(value);
            return Ok(());
        }
        let got = format!("{value} at {:?}", self.array.indices(at));
        let hint = "Remove or replace such values in Python, e.g. x[numpy.isfinite(x).all(1)]";
        Err(Error::file(&self.path, "finite numbers", got, hint))
    }
}
