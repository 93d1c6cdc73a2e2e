//! A [`Split`]: images of one shape, with or without labels.
//!
//! Bytes stay bytes (a quarter of the memory of `f32`) and photographs stay in their files. They
//! become `f32` in [0, 1], (b, c, h, w), when a batch is made.

use crate::data::fingerprint::Fingerprint;
use crate::data::photo::PhotoStream;
use crate::data::pixels::Pixels;
use crate::data::values::{to_finite, to_pixels};
use crate::error::{Error, Result};
use crate::math::Interval;
use candle_core::{DType, Tensor};
use std::sync::{Arc, OnceLock};

/// Channels, height and width of an image.
pub type ImageShape = (usize, usize, usize);

/// Returns true for the shape of vectors, (1, 1, d), whose values have any range.
pub(crate) fn is_vector((c, h, _): ImageShape) -> bool {
    (c, h) == (1, 1)
}

/// Images of one shape, with or without labels. Cheap to clone. As the last expression of a cell it
/// shows its first images.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let split = Split::from_bytes(vec![0, 255, 51, 102], (1, 1, 2), Some(vec![7, 8]))?;
/// assert_eq!((split.len(), split.image_shape()), (2, (1, 1, 2)));
/// assert_eq!(split.images(&[1])?.dims(), [1, 1, 1, 2]);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Split {
    pub(super) pixels: Pixels,
    labels: Option<Arc<Labels>>,
    /// Indices into `pixels` of this split's images, in order.
    pub(super) index: Arc<Vec<usize>>,
    shape: ImageShape,
    values: Interval,
    /// The identity of these images, once it has been computed.
    pub(super) known_fingerprint: Arc<OnceLock<Fingerprint>>,
}

/// One label per image of a source, and the class names, if known.
#[derive(Debug)]
struct Labels {
    numbers: Vec<u32>,
    classes: Vec<String>,
}

impl Split {
    /// Creates a split from bytes, 0 to 255.
    ///
    /// # Shapes
    /// `bytes` is (n, c, h, w), flattened; `labels` is (n).
    ///
    /// # Errors
    /// If there are no images, the bytes are not a whole number of images, or the number of labels
    /// differs from the number of images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let split = Split::from_bytes(vec![0; 2 * 28 * 28], (1, 28, 28), None)?;
    /// assert_eq!(split.len(), 2);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn from_bytes(bytes: Vec<u8>, shape: ImageShape, labels: Option<Vec<u32>>) -> Result<Self> {
        let n = count_images(bytes.len(), shape)?;
        Self::new(Pixels::Bytes(Arc::new(bytes)), n, shape, labels)
    }

    /// Creates a split from a tensor of floats in [0, 1] or of bytes, 0 to 255.
    ///
    /// # Shapes
    /// `images` is (n, c, h, w); `labels` is (n).
    ///
    /// # Errors
    /// If the tensor has another rank or no elements, if a float is NaN or outside [0, 1], or if
    /// the number of labels differs from the number of images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let images = Tensor::rand(0f32, 1f32, (10, 3, 8, 8), &Device::Cpu)?;
    /// let split = Split::from_tensor(&images, None)?;
    /// assert_eq!(split.image_shape(), (3, 8, 8));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn from_tensor(images: &Tensor, labels: Option<Vec<u32>>) -> Result<Self> {
        let (n, c, h, w) = images.dims4().map_err(|_| {
            let hint = "Add a channel dimension with .unsqueeze(1). For vectors see Split::vectors";
            let got = format!("{:?}", images.dims());
            Error::shape("Split::from_tensor", "(n, c, h, w)", got, hint)
        })?;
        let pixels = if images.dtype() == DType::U8 {
            Pixels::Bytes(Arc::new(images.flatten_all()?.to_vec1()?))
        } else {
            let images = to_pixels("Split::from_tensor", images)?;
            Pixels::Floats(Arc::new(images.flatten_all()?.to_vec1()?))
        };
        Self::new(pixels, n, (c, h, w), labels)
    }

    /// Creates a split of vectors: numbers of any range, such as measurements or embeddings.
    ///
    /// [`Autoencoder::symmetric`](crate::model::Autoencoder::symmetric) gives models of such data a
    /// decoder without a sigmoid.
    ///
    /// # Shapes
    /// `vectors` is (n, d), and each becomes (1, 1, d); `labels` is (n).
    ///
    /// # Errors
    /// If the tensor has another rank or no elements, if a value is NaN or infinite, or if the
    /// number of labels differs from the number of vectors.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let vectors = Tensor::randn(0f32, 5f32, (100, 8), &Device::Cpu)?;
    /// let split = Split::vectors(&vectors, None)?;
    /// assert_eq!(split.image_shape(), (1, 1, 8));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn vectors(vectors: &Tensor, labels: Option<Vec<u32>>) -> Result<Self> {
        let (_, d) = vectors.dims2().map_err(|_| {
            let hint = "Flatten each one with .flatten_from(1)";
            let got = format!("{:?}", vectors.dims());
            Error::shape("Split::vectors", "(n, d)", got, hint)
        })?;
        let values = to_finite("Split::vectors", vectors)?.flatten_all()?;
        Self::from_vectors(values.to_vec1()?, d, labels)
    }

    /// Creates a split of vectors of `d` finite values, (n, d), flattened.
    ///
    /// # Errors
    /// As [`Split::vectors`].
    pub(crate) fn from_vectors(
        values: Vec<f32>,
        d: usize,
        labels: Option<Vec<u32>>,
    ) -> Result<Self> {
        let n = values.len() / d.max(1);
        Self::new(Pixels::Floats(Arc::new(values)), n, (1, 1, d), labels)
    }

    /// Creates a split from floats in [0, 1], (n, c, h, w), flattened.
    ///
    /// # Errors
    /// As [`Split::from_bytes`].
    pub(crate) fn from_floats(
        values: Vec<f32>,
        shape: ImageShape,
        labels: Option<Vec<u32>>,
    ) -> Result<Self> {
        let n = count_images(values.len(), shape)?;
        Self::new(Pixels::Floats(Arc::new(values)), n, shape, labels)
    }

    /// Creates a split of photographs that are decoded on demand.
    pub(crate) fn from_stream(stream: PhotoStream, labels: Option<Vec<u32>>) -> Result<Self> {
        let (n, size) = (stream.source().len(), stream.framing().size);
        Self::new(
            Pixels::Streamed(Arc::new(stream)),
            n,
            (3, size, size),
            labels,
        )
    }

    fn new(pixels: Pixels, n: usize, shape: ImageShape, labels: Option<Vec<u32>>) -> Result<Self> {
        if n == 0 {
            let hint = "Check the source of the images";
            return Err(Error::shape("Split", "at least one image", "none", hint));
        }
        if [shape.0, shape.1, shape.2].contains(&0) {
            let got = format!("{shape:?}");
            let hint = "Check the shape";
            return Err(Error::shape("Split", "at least one pixel", got, hint));
        }
        if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != n) {
            let expected = format!("one label for each of {n} images");
            let hint = "Check that images and labels come from the same source";
            return Err(Error::shape("labels", expected, labels.len(), hint));
        }
        let labels = labels.map(|numbers| {
            Arc::new(Labels {
                numbers,
                classes: Vec::new(),
            })
        });
        Ok(Split {
            values: pixels.value_range(),
            pixels,
            labels,
            index: Arc::new((0..n).collect()),
            shape,
            known_fingerprint: Arc::default(),
        })
    }

    /// Names the classes: label 0 is called `classes[0]`.
    ///
    /// # Errors
    /// If the split has no labels, or a label has no name.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let split = Split::from_bytes(vec![0, 255], (1, 1, 1), Some(vec![0, 1]))?
    ///     .named(vec!["black".into(), "white".into()])?;
    /// assert_eq!(split.classes().map(|classes| classes.len()), Some(2));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn named(self, classes: Vec<String>) -> Result<Self> {
        let labels = self.labels.as_ref();
        let numbers = labels.map_or_else(Vec::new, |labels| labels.numbers.clone());
        let needed = numbers.iter().max().map_or(0, |max| *max as usize + 1);
        if needed == 0 || needed > classes.len() {
            let expected = format!("{} names, one per label", needed.max(1));
            let hint = "Pass a name for every label";
            return Err(Error::shape("Split::named", expected, classes.len(), hint));
        }
        Ok(Split {
            labels: Some(Arc::new(Labels { numbers, classes })),
            ..self
        })
    }

    /// Returns the number of images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(mnist_embedded()?.train.len(), 4000);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns true if the split has no images. Loaders never return such a split, `take(0)` does.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert!(mnist_embedded()?.train.take(0).is_empty());
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Returns channels, height and width of the images.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// assert_eq!(mnist_embedded()?.train.image_shape(), (1, 28, 28));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn image_shape(&self) -> ImageShape {
        self.shape
    }

    /// Returns the labels, one per image, if the split has labels.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let labels = mnist_embedded()?.test.labels().unwrap_or_default();
    /// assert_eq!(labels.len(), 1000);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn labels(&self) -> Option<Vec<u32>> {
        let all = self.labels.as_ref()?;
        Some(self.index.iter().map(|&i| all.numbers[i]).collect())
    }

    /// Returns the class names, if the labels have names.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let photographs = photographs(16)?;
    /// assert_eq!(photographs.train.classes().map(<[String]>::len), Some(8));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn classes(&self) -> Option<&[String]> {
        let classes = self.labels.as_ref()?.classes.as_slice();
        (!classes.is_empty()).then_some(classes)
    }

    /// The class name of an image, or its label as text.
    pub(crate) fn label_name(&self, position: usize) -> Option<String> {
        let label = self.label(position)?;
        let name = self
            .classes()
            .and_then(|classes| classes.get(label as usize));
        Some(name.cloned().unwrap_or_else(|| label.to_string()))
    }

    /// The label of an image, if the split has labels.
    pub(crate) fn label(&self, position: usize) -> Option<u32> {
        let labels = self.labels.as_ref()?;
        labels.numbers.get(*self.index.get(position)?).copied()
    }

    /// The values of all images of the source.
    pub(crate) fn value_range(&self) -> Interval {
        self.values
    }

    /// Returns true if images are decoded on demand.
    pub(crate) fn streamed(&self) -> bool {
        self.pixels.stream().is_some()
    }

    /// The number of unreadable photographs found so far in the source.
    pub(crate) fn unreadable(&self) -> usize {
        self.pixels.stream().map_or(0, |stream| stream.unreadable())
    }

    /// Returns true if both splits decode from the same stream.
    pub(crate) fn same_stream(&self, other: &Split) -> bool {
        self.pixels.same_stream(&other.pixels)
    }

    /// Returns the first `n` images, or all of them if there are fewer. `take(0)` is empty.
    ///
    /// # Examples
    /// ```
    /// # use candlebook::prelude::*;
    /// let few = mnist_embedded()?.train.take(100);
    /// assert_eq!(few.len(), 100);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn take(&self, n: usize) -> Split {
        self.select(self.index[..n.min(self.len())].to_vec())
    }

    /// The labels of all images of the source.
    pub(crate) fn source_labels(&self) -> Option<&[u32]> {
        self.labels.as_ref().map(|labels| &labels.numbers[..])
    }

    /// Rejects an empty split, whose mean would be NaN.
    ///
    /// # Errors
    /// If the split has no images.
    pub(crate) fn not_empty(&self, what: &str) -> Result<()> {
        if self.is_empty() {
            let hint = "Keep at least one image, e.g. .take(100)";
            return Err(Error::shape(
                what,
                "a split of at least one image",
                "an empty one",
                hint,
            ));
        }
        Ok(())
    }

    /// The images of the source with these numbers.
    pub(crate) fn select(&self, index: Vec<usize>) -> Split {
        Split {
            index: Arc::new(index),
            known_fingerprint: Arc::default(),
            ..self.clone()
        }
    }
}

fn count_images(bytes: usize, (c, h, w): ImageShape) -> Result<usize> {
    let size = c
        .checked_mul(h)
        .and_then(|size| size.checked_mul(w))
        .unwrap_or(usize::MAX);
    if size == 0 || !bytes.is_multiple_of(size) {
        let expected = format!("a whole number of images of {c} x {h} x {w} = {size} bytes");
        return Err(Error::shape(
            "Split::from_bytes",
            expected,
            bytes,
            "Check the shape",
        ));
    }
    Ok(bytes / size)
}
