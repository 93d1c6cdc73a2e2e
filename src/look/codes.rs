//! Codes of a split, and scatter plots of them.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::look::principal_components::principal_components;
use crate::model::{Autoencoder, micro_batch};
use crate::show::Plot;
use candle_core::{Device, Tensor};

/// Maximum points of a scatter plot. More would hide each other.
const MAX_POINTS: usize = 5000;

/// Segments of a circle.
const CIRCLE_SEGMENTS: usize = 96;

impl Autoencoder {
    /// Codes of all images of a split, in evaluation mode.
    ///
    /// # Shapes
    /// (images, code size): codes of several dimensions are flattened.
    ///
    /// # Errors
    /// The images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert_eq!(ae.codes(&data.test)?.dims(), [20, 8]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn codes(&self, split: &Split) -> Result<Tensor> {
        let positions: Vec<usize> = (0..split.len()).collect();
        self.codes_at(split, &positions)
    }

    /// Codes of the images at these positions of a split, as [`Autoencoder::codes`].
    pub(super) fn codes_at(&self, split: &Split, positions: &[usize]) -> Result<Tensor> {
        let (c, h, w) = self.image_shape();
        let codes = positions
            .chunks(micro_batch(c * h * w))
            .map(|positions| -> Result<Tensor> {
                check_stopped()?;
                let codes = self.encode(&split.images(positions)?)?.flatten_from(1)?;
                Ok(codes.to_device(&Device::Cpu)?)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Tensor::cat(&codes, 0)?)
    }

    /// Scatter plot of two values of the code, with a point per image, colored by label if there
    /// are labels. For codes close to N(0, 1), circles mark one and two standard deviations. At most
    /// 5,000 images are plotted.
    ///
    /// # Errors
    /// The code has no value `a` or `b`, or the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(2)])?;
    /// ae.code_scatter(&data.test, 0, 1)?
    /// # ; Ok::<(), candlebook::Error>(())
    /// ```
    pub fn code_scatter(&self, split: &Split, a: usize, b: usize) -> Result<Plot> {
        self.check_unit(a)?;
        self.check_unit(b)?;
        let split = split.take(MAX_POINTS);
        let codes = self.codes(&split)?;
        let axis = |unit: usize| codes.narrow(1, unit, 1);
        let plot = self.code_plot(&split, &axis(a)?, &axis(b)?, [0.0; 2]);
        Ok(plot
            .x_label(format!("code {a}"))
            .y_label(format!("code {b}")))
    }

    /// Scatter plot of the codes along their first two principal components, colored by label if
    /// there are labels. Axis labels state the explained variance. For codes close to N(0, 1),
    /// circles mark one and two standard deviations. At most 5,000 images are plotted.
    ///
    /// # Errors
    /// A code has fewer than 2 or more than 2,048 values, or contains NaN or infinity, or the images
    /// do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// ae.code_pca(&data.test)?
    /// # ; Ok::<(), candlebook::Error>(())
    /// ```
    pub fn code_pca(&self, split: &Split) -> Result<Plot> {
        let split = split.take(MAX_POINTS);
        let pca = principal_components(&self.codes(&split)?)?;
        let axis = |i: usize| -> Result<Tensor> { Ok(pca.points.narrow(1, i, 1)?) };
        let label = |i: usize| {
            let percent = pca.explained[i] * 100.0;
            format!("component {}, {percent:.0} % of the variance", i + 1)
        };
        let plot = self.code_plot(&split, &axis(0)?, &axis(1)?, pca.origin);
        Ok(plot.x_label(label(0)).y_label(label(1)))
    }

    /// A point per image, colored by label if there are labels, and the prior around `origin`.
    fn code_plot(&self, split: &Split, x: &Tensor, y: &Tensor, origin: [f64; 2]) -> Plot {
        let plot = Plot::new().size(560, 440).title("Codes");
        let labels: Option<Vec<String>> = (0..split.len()).map(|i| split.label_name(i)).collect();
        let plot = match labels {
            Some(labels) => plot.scatter_by("", x, y, &labels),
            None => plot.scatter("", x, y),
        };
        if self.has_normal_prior() {
            with_prior(plot, origin)
        } else {
            plot
        }
    }

    /// Number of values in a code.
    pub(crate) fn code_size(&self) -> usize {
        self.code_shape().iter().product()
    }

    /// Code of one image, flattened.
    pub(crate) fn code_of(&self, image: &Tensor) -> Result<Vec<f32>> {
        let code = self.encode(image)?.narrow(0, 0, 1)?;
        Ok(code.flatten_all()?.to_vec1()?)
    }

    /// Rejects the index of a value that the code does not have.
    pub(crate) fn check_unit(&self, unit: usize) -> Result<()> {
        let size = self.code_size();
        if unit < size {
            return Ok(());
        }
        Err(Error::setting(
            "index in the code",
            format!("below {size}"),
            unit,
            "Indexes count from 0",
        ))
    }
}

/// Adds the prior N(0, 1) as circles of one and two standard deviations.
fn with_prior(plot: Plot, center: [f64; 2]) -> Plot {
    let at = |radius: f64, i: usize| {
        let angle = std::f64::consts::TAU * i as f64 / CIRCLE_SEGMENTS as f64;
        [
            center[0] + radius * angle.cos(),
            center[1] + radius * angle.sin(),
        ]
    };
    let starts = |i: usize| [1.0, 2.0].map(|radius| (at(radius, i), at(radius, i + 1)));
    let segments: Vec<_> = (0..CIRCLE_SEGMENTS).flat_map(starts).collect();
    let column = |end: usize, axis: usize| -> Vec<f64> {
        let ends = segments.iter().map(|(from, to)| [from, to][end][axis]);
        ends.collect()
    };
    plot.segments(
        "N(0, 1)",
        column(0, 0),
        column(0, 1),
        column(1, 0),
        column(1, 1),
    )
    .color("gray")
    .width(1.5)
}
