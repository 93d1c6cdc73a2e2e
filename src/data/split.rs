//! Pictures to learn from: a [`Dataset`] of a training and a test [`Split`].
//!
//! Pictures are kept as they came (bytes stay bytes, a quarter of the memory; files stay where they are) and become `f32`
//! in [0, 1], shape (b, c, h, w), when a batch is drawn.

use crate::cell::check_stopped;
use crate::data::photo::PhotoStream;
use crate::error::{Error, Result};
use crate::math::{Purpose, Real, Rng, widest};
use crate::show::{Content, Montage, Show, Table, evcxr_display};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use std::sync::Arc;

/// A picture's channels, height and width.
pub type ImageShape = (usize, usize, usize);

#[derive(Clone, Debug)]
enum Pixels {
    Bytes(Arc<Vec<u8>>),
    Floats(Arc<Vec<f32>>),
    Streamed(Arc<PhotoStream>),
}

/// Pictures of one shape, with or without labels. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Split {
    pixels: Pixels,
    labels: Option<Arc<Labels>>,
    /// Which pictures of `pixels` belong to this split, in order.
    index: Arc<Vec<usize>>,
    shape: ImageShape,
}

/// A number for each picture, and what people call those numbers.
#[derive(Debug)]
struct Labels {
    numbers: Vec<u32>,
    classes: Vec<String>,
}

/// What training changes about a picture: nothing, or cuts and flips drawn for this seed and epoch.
pub(crate) type Augment = Option<(u64, usize)>;

impl Split {
    /// Pictures from bytes, 0 to 255, one after the other as (c, h, w).
    ///
    /// # Errors
    /// Where the bytes are not a whole number of pictures, or the labels are not one for each.
    pub fn from_bytes(bytes: Vec<u8>, shape: ImageShape, labels: Option<Vec<u32>>) -> Result<Self> {
        let n = count(bytes.len(), shape)?;
        Self::new(Pixels::Bytes(Arc::new(bytes)), n, shape, labels)
    }

    /// Pictures from a tensor of floats in [0, 1].
    ///
    /// # Shapes
    /// `images` is (n, c, h, w).
    ///
    /// # Errors
    /// Another rank, no pictures, or labels that are not one for each picture.
    pub fn from_tensor(images: &Tensor, labels: Option<Vec<u32>>) -> Result<Self> {
        let (n, c, h, w) = images.dims4().map_err(|_| {
            let hint = "For pictures without channels use .unsqueeze(1)";
            Error::shape(
                "Split::from_tensor",
                "(n, c, h, w)",
                format!("{:?}", images.dims()),
                hint,
            )
        })?;
        let values = images
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        Self::new(Pixels::Floats(Arc::new(values)), n, (c, h, w), labels)
    }

    fn new(pixels: Pixels, n: usize, shape: ImageShape, labels: Option<Vec<u32>>) -> Result<Self> {
        if n == 0 {
            return Err(Error::shape(
                "Split",
                "at least one picture",
                "none",
                "Check where the pictures come from",
            ));
        }
        if [shape.0, shape.1, shape.2].contains(&0) {
            return Err(Error::shape(
                "Split",
                "at least one pixel",
                format!("{shape:?}"),
                "Check the shape",
            ));
        }
        if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != n) {
            let hint = "Give both from the same source";
            return Err(Error::shape(
                "labels",
                format!("one for each of {n} pictures"),
                labels.len(),
                hint,
            ));
        }
        let labels = labels.map(|numbers| {
            Arc::new(Labels {
                numbers,
                classes: Vec::new(),
            })
        });
        Ok(Split {
            pixels,
            labels,
            index: Arc::new((0..n).collect()),
            shape,
        })
    }

    /// Pictures that are decoded when they are asked for.
    pub(crate) fn from_stream(stream: PhotoStream, labels: Option<Vec<u32>>) -> Result<Self> {
        let (n, size) = (stream.source().len(), stream.framing().size);
        Self::new(
            Pixels::Streamed(Arc::new(stream)),
            n,
            (3, size, size),
            labels,
        )
    }

    /// The same with names for its labels: label 0 is called `classes[0]`.
    ///
    /// # Errors
    /// A label without a name, or no labels at all.
    pub fn named(self, classes: Vec<String>) -> Result<Self> {
        let numbers = self
            .labels
            .as_ref()
            .map(|labels| labels.numbers.clone())
            .unwrap_or_default();
        let most = numbers.iter().max().map_or(0, |most| *most as usize + 1);
        if most == 0 || most > classes.len() {
            let hint = "Give a name for each label";
            return Err(Error::shape(
                "Split::named",
                format!("{} names, one a label", most.max(1)),
                classes.len(),
                hint,
            ));
        }
        Ok(Split {
            labels: Some(Arc::new(Labels { numbers, classes })),
            ..self
        })
    }

    /// How many pictures.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none; a split made by this crate has at least one.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Channels, height and width.
    pub fn image_shape(&self) -> ImageShape {
        self.shape
    }

    /// The labels, where there are any.
    pub fn labels(&self) -> Option<Vec<u32>> {
        self.labels
            .as_ref()
            .map(|all| self.index.iter().map(|&i| all.numbers[i]).collect())
    }

    /// The names of the labels, where they have names, as those that are folders.
    pub fn classes(&self) -> Option<&[String]> {
        self.labels
            .as_ref()
            .map(|labels| labels.classes.as_slice())
            .filter(|classes| !classes.is_empty())
    }

    /// What people call the label of a position.
    pub(crate) fn label_name(&self, position: usize) -> Option<String> {
        let labels = self.labels.as_ref()?;
        let label = *labels.numbers.get(*self.index.get(position)?)?;
        Some(
            labels
                .classes
                .get(label as usize)
                .cloned()
                .unwrap_or_else(|| label.to_string()),
        )
    }

    /// Whether its pictures are decoded when they are asked for.
    pub(crate) fn streamed(&self) -> bool {
        matches!(self.pixels, Pixels::Streamed(_))
    }

    /// How many of the source's pictures could not be read so far.
    pub(crate) fn unreadable(&self) -> usize {
        match &self.pixels {
            Pixels::Streamed(stream) => stream.unreadable(),
            _ => 0,
        }
    }

    /// The first `n` pictures, or all where there are fewer.
    pub fn take(&self, n: usize) -> Split {
        self.select(&self.index[..n.min(self.len())])
    }

    /// The pictures at these positions, as a tensor.
    ///
    /// # Shapes
    /// (positions, c, h, w), f32 in [0, 1], on the CPU.
    ///
    /// # Errors
    /// A position at or past [`Split::len`]; where pictures are decoded when they are asked for, too many unreadable files,
    /// and Stop.
    pub fn images(&self, positions: &[usize]) -> Result<Tensor> {
        let (c, h, w) = self.shape;
        let mut values = vec![0f32; positions.len() * c * h * w];
        if self.streamed() {
            let pictures = positions
                .par_iter()
                .zip(values.par_chunks_exact_mut(c * h * w));
            pictures.try_for_each(|(position, values)| {
                check_stopped()?;
                self.fill(&[*position], values)
            })?;
        } else {
            self.fill(positions, &mut values)?;
        }
        Ok(Tensor::from_vec(
            values,
            (positions.len(), c, h, w),
            &Device::Cpu,
        )?)
    }

    /// Writes the pictures at these positions one after the other, as floats in [0, 1].
    ///
    /// # Errors
    /// A position at or past [`Split::len`].
    pub(crate) fn fill<T: Real>(&self, positions: &[usize], values: &mut [T]) -> Result<()> {
        let (c, h, w) = self.shape;
        let size = c * h * w;
        for (&position, values) in positions.iter().zip(values.chunks_exact_mut(size)) {
            let i = self.at(position)?;
            match &self.pixels {
                Pixels::Bytes(bytes) => to_floats(&bytes[i * size..][..size], values),
                Pixels::Floats(floats) => {
                    values
                        .iter_mut()
                        .zip(&floats[i * size..])
                        .for_each(|(value, float)| *value = (*float).into());
                }
                Pixels::Streamed(_) => to_floats(&self.decode(position, None)?, values),
            }
        }
        Ok(())
    }

    /// Whether two splits are parts of one whole.
    fn shares(&self, other: &Split) -> bool {
        matches!((&self.pixels, &other.pixels), (Pixels::Streamed(a), Pixels::Streamed(b)) if Arc::ptr_eq(a, b))
    }

    fn at(&self, position: usize) -> Result<usize> {
        self.index.get(position).copied().ok_or_else(|| {
            Error::setting(
                "position",
                format!("below {}", self.len()),
                position,
                "Positions count from 0",
            )
        })
    }

    /// The bytes of a streamed picture, or of the next one that can be read.
    ///
    /// # Errors
    /// No picture that can be read, or more unreadable ones than the stream allows.
    pub(crate) fn decode(&self, position: usize, augment: Augment) -> Result<Vec<u8>> {
        self.at(position)?;
        let Pixels::Streamed(stream) = &self.pixels else {
            return Ok(Vec::new());
        };
        let mut picture = vec![0; stream.framing().bytes()];
        for stand_in in (position..self.len()).chain(0..position) {
            let i = self.index[stand_in];
            let mut draws =
                augment.map(|(seed, epoch)| Rng::for_image(seed, Purpose::Augment, epoch, i));
            if stream.picture(i, draws.as_mut(), &mut picture)? {
                return Ok(picture);
            }
        }
        Err(Error::shape(
            "pictures",
            "at least one that can be read",
            "none",
            "Check where they come from",
        ))
    }

    /// The first `n` pictures as a tensor (n, c, h, w), or all where there are fewer.
    ///
    /// # Errors
    /// Only where pictures are decoded when they are asked for: too many unreadable files, and Stop.
    pub fn first(&self, n: usize) -> Result<Tensor> {
        self.images(&(0..n.min(self.len())).collect::<Vec<_>>())
    }

    /// The mean picture, (1, c, h, w): what a model that has learned nothing else could predict.
    ///
    /// # Errors
    /// Stop; and where pictures are decoded when they are asked for, too many unreadable files.
    pub fn mean_image(&self) -> Result<Tensor> {
        let (c, h, w) = self.shape;
        let mut sum = vec![0f64; c * h * w];
        // However large they are, pictures of a few megabytes at a time.
        let step = ((1 << 22) / (c * h * w)).clamp(1, 1024);
        for start in (0..self.len()).step_by(step) {
            check_stopped()?;
            let positions: Vec<usize> = (start..self.len().min(start + step)).collect();
            let batch = self
                .images(&positions)?
                .sum(0)?
                .to_dtype(DType::F64)?
                .flatten_all()?
                .to_vec1::<f64>()?;
            sum.iter_mut().zip(batch).for_each(|(all, new)| *all += new);
        }
        let mean: Vec<f32> = sum.iter().map(|v| (v / self.len() as f64) as f32).collect();
        Ok(Tensor::from_vec(mean, (1, c, h, w), &Device::Cpu)?)
    }

    /// Two splits of the pictures at positions `order[..at]` and `order[at..]`.
    pub(crate) fn divide(&self, order: &[usize], at: usize) -> (Split, Split) {
        let (first, second) = order.split_at(at);
        let pick = |positions: &[usize]| {
            self.select(&positions.iter().map(|&p| self.index[p]).collect::<Vec<_>>())
        };
        (pick(first), pick(second))
    }

    fn select(&self, index: &[usize]) -> Split {
        Split {
            index: Arc::new(index.to_vec()),
            ..self.clone()
        }
    }
}

pub(crate) fn to_floats<T: Real>(bytes: &[u8], values: &mut [T]) {
    let each = values.iter_mut().zip(bytes);
    widest!(|| each.for_each(|(value, &byte)| *value = (f32::from(byte) / 255.0).into()));
}

fn count(values: usize, (c, h, w): ImageShape) -> Result<usize> {
    let size = c
        .checked_mul(h)
        .and_then(|size| size.checked_mul(w))
        .unwrap_or(usize::MAX);
    if size == 0 || !values.is_multiple_of(size) {
        let expected = format!("a whole number of pictures of {c} x {h} x {w} = {size} bytes");
        return Err(Error::shape(
            "Split::from_bytes",
            expected,
            values,
            "Check the shape",
        ));
    }
    Ok(values / size)
}

/// The first pictures, as many as two rows of the page take, and at most 20.
fn strip(split: &Split) -> Result<Montage> {
    const PAGE: usize = 700;
    let columns = (PAGE / (split.shape.2 + 2)).clamp(1, 20);
    Ok(Montage::new(&split.first((2 * columns).min(20))?)?.columns(columns))
}

impl Show for Split {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.shape;
        let title = format!("{} pictures ({c}, {h}, {w}), the first", self.len());
        strip(self)?.title(title).contents()
    }
}
evcxr_display!(Split);

/// A training and a test split of the same kind of pictures. It shows itself as a table and a strip of samples.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is called.
    pub name: String,
    /// Where it came from.
    pub source: String,
    /// What models learn from; `fit` holds some of it out for validation.
    pub train: Split,
    /// What models are judged by at the end.
    pub test: Split,
}

impl Dataset {
    /// Two splits under a name.
    ///
    /// # Errors
    /// Where their pictures have different shapes.
    pub fn new(
        name: impl Into<String>,
        source: impl Into<String>,
        train: Split,
        test: Split,
    ) -> Result<Self> {
        if train.image_shape() != test.image_shape() {
            let (expected, got) = (
                format!("{:?}", train.image_shape()),
                format!("{:?}", test.image_shape()),
            );
            return Err(Error::shape(
                "test pictures",
                expected,
                got,
                "Both splits must have one shape",
            ));
        }
        Ok(Dataset {
            name: name.into(),
            source: source.into(),
            train,
            test,
        })
    }

    /// Channels, height and width of its pictures.
    pub fn image_shape(&self) -> ImageShape {
        self.train.image_shape()
    }

    /// The same with at most so many pictures in each split, for a quick try.
    pub fn take(&self, train: usize, test: usize) -> Dataset {
        Dataset {
            train: self.train.take(train),
            test: self.test.take(test),
            ..self.clone()
        }
    }
}

impl Show for Dataset {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.image_shape();
        let row = |name: &str, split: &Split| {
            let labels = split.labels().map_or("none".into(), |labels| {
                let classes = labels
                    .iter()
                    .collect::<std::collections::BTreeSet<_>>()
                    .len();
                format!("{classes} classes")
            });
            [
                name.to_string(),
                split.len().to_string(),
                format!("{c} x {h} x {w}"),
                labels,
            ]
        };
        let mut table = Table::new([
            &self.name,
            "pictures",
            "channels x height x width",
            "labels",
        ])
        .row(row("train", &self.train))
        .row(row("test", &self.test))
        .row([format!("from {}", self.source)]);
        let unreadable = self.train.unreadable()
            + if self.test.shares(&self.train) {
                0
            } else {
                self.test.unreadable()
            };
        if unreadable > 0 {
            table = table.row([format!("{unreadable} unreadable")]);
        }
        let strip = strip(&self.train)?.title(format!("{}: training pictures", self.name));
        let mut contents = table.contents()?;
        contents.extend(strip.contents()?);
        Ok(contents)
    }
}
evcxr_display!(Dataset);
