//! A [`Dataset`]: a training and a test split under one name.

use crate::data::split::{ImageShape, Split, is_vector};
use crate::error::{Error, Result};
use crate::math::{Purpose, Rng};
use crate::show::{Content, Show, Table, evcxr_display};
use candle_core::Tensor;
use std::collections::BTreeSet;
use std::path::Path;

/// A training and a test split of images of one shape. As the last expression of a cell it shows a
/// table and some of its images.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let images = Tensor::rand(0f32, 1f32, (10, 1, 4, 4), &Device::Cpu)?;
/// let split = Split::from_tensor(&images, None)?;
/// let data = Dataset::new("noise", "random numbers", split.clone(), split)?.take(5, 2);
/// assert_eq!((data.train.len(), data.test.len(), data.image_shape()), (5, 2, (1, 4, 4)));
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Name of the data set.
    pub name: String,
    /// Origin of the data: a folder, a file, a mirror.
    pub source: String,
    /// Images to train on; `fit` holds some of them out for validation.
    pub train: Split,
    /// Images for the final evaluation.
    pub test: Split,
}

/// Size and seed of a randomly chosen test split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestSplit {
    /// Share of the images, in (0, 1).
    pub(crate) share: f64,
    pub(crate) seed: u64,
}

impl TestSplit {
    /// Checks the range; `name` is the setting's name in code.
    ///
    /// # Errors
    /// If the share is not in (0, 1).
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        if !(self.share > 0.0 && self.share < 1.0) {
            let hint = "0.1 holds out a tenth of the images";
            return Err(Error::setting(name, "a share in (0, 1)", self.share, hint));
        }
        Ok(())
    }
}

impl Dataset {
    /// Combines two splits under a name.
    ///
    /// # Errors
    /// If the images of the splits have different shapes.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = Tensor::zeros((4, 1, 2, 2), DType::F32, &Device::Cpu)?;
    /// let split = Split::from_tensor(&images, None)?;
    /// let data = Dataset::new("blank", "memory", split.clone(), split)?;
    /// assert_eq!(data.image_shape(), (1, 2, 2));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn new(
        name: impl Into<String>,
        source: impl Into<String>,
        train: Split,
        test: Split,
    ) -> Result<Self> {
        if train.image_shape() != test.image_shape() {
            let expected = format!("{:?}", train.image_shape());
            let got = format!("{:?}", test.image_shape());
            let hint = "Both splits need images of one shape";
            return Err(Error::shape("test images", expected, got, hint));
        }
        Ok(Dataset {
            name: name.into(),
            source: source.into(),
            train,
            test,
        })
    }

    /// Creates a data set of vectors: numbers of any range, such as measurements or embeddings. A
    /// tenth of them, drawn with seed 0, are for testing.
    ///
    /// For files see [`csv_vectors`](crate::data::csv_vectors) and
    /// [`npy_vectors`](crate::data::npy_vectors); for a custom test set, combine two
    /// [`Split::vectors`] by [`Dataset::new`].
    ///
    /// # Shapes
    /// `vectors` is (n, d), and each becomes (1, 1, d); `labels` is (n).
    ///
    /// # Errors
    /// As [`Split::vectors`]; also if there are fewer than two vectors.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let vectors = Tensor::randn(0f32, 5f32, (100, 8), &Device::Cpu)?;
    /// let data = Dataset::vectors(&vectors, None)?;
    /// assert_eq!((data.train.len(), data.test.len()), (90, 10));
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Linear(3)])?;
    /// assert_eq!(ae.reconstruct(&vectors)?.dims(), [100, 8]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn vectors(vectors: &Tensor, labels: Option<Vec<u32>>) -> Result<Dataset> {
        let split = Split::vectors(vectors, labels)?;
        let test = TestSplit {
            share: 0.1,
            seed: 0,
        };
        Dataset::hold_out("vectors".into(), "memory".into(), split, test)
    }

    /// Holds out a random share of the images for testing.
    ///
    /// # Errors
    /// If there are fewer than two images.
    pub(crate) fn hold_out(
        name: String,
        source: String,
        images: Split,
        test: TestSplit,
    ) -> Result<Dataset> {
        let n = images.len();
        if n < 2 {
            let kind = kind(images.image_shape());
            let hint = format!("Add {kind}: at least one is for training, one for testing");
            let expected = format!("at least two {kind}");
            return Err(Error::file(Path::new(&source), expected, n, hint));
        }
        let order = Rng::new(test.seed, Purpose::Split).permutation(n);
        let held_out = ((n as f64 * test.share).round() as usize).clamp(1, n - 1);
        let (test, train) = images.divide(&order, held_out);
        Dataset::new(name, source, train, test)
    }

    /// Returns channels, height and width of the images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(mnist_embedded()?.image_shape(), (1, 28, 28));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn image_shape(&self) -> ImageShape {
        self.train.image_shape()
    }

    /// Returns the first `train` training and the first `test` test images, for a quick experiment.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(500, 100);
    /// assert_eq!((data.train.len(), data.test.len()), (500, 100));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn take(&self, train: usize, test: usize) -> Dataset {
        Dataset {
            train: self.train.take(train),
            test: self.test.take(test),
            ..self.clone()
        }
    }

    fn unreadable(&self) -> usize {
        let test = if self.test.same_stream(&self.train) {
            0
        } else {
            self.test.unreadable()
        };
        self.train.unreadable() + test
    }

    fn table(&self) -> Table {
        let values = if is_vector(self.image_shape()) {
            "values"
        } else {
            "channels x height x width"
        };
        let head = [&self.name, kind(self.image_shape()), values, "labels"];
        let table = Table::new(head)
            .row(row("train", &self.train))
            .row(row("test", &self.test))
            .row([format!("from {}", self.source)]);
        match self.unreadable() {
            0 => table,
            n => table.row([format!("{n} unreadable")]),
        }
    }
}

fn kind(shape: ImageShape) -> &'static str {
    if is_vector(shape) {
        "vectors"
    } else {
        "images"
    }
}

/// A table row: name, number of images, shape, number of classes.
fn row(name: &str, split: &Split) -> [String; 4] {
    let (c, h, w) = split.image_shape();
    let labels = split.labels().map_or("none".into(), |labels| {
        format!("{} classes", labels.iter().collect::<BTreeSet<_>>().len())
    });
    [
        name.to_string(),
        split.len().to_string(),
        if is_vector((c, h, w)) {
            w.to_string()
        } else {
            format!("{c} x {h} x {w}")
        },
        labels,
    ]
}

impl Show for Dataset {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut contents = self.table().contents()?;
        let kind = kind(self.image_shape());
        let title = format!("{}: training {kind}", self.name);
        if let Some(samples) = self.train.samples(title)? {
            contents.extend(samples.contents()?);
        }
        Ok(contents)
    }
}
evcxr_display!(Dataset);
