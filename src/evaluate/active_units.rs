//! Active units of a code (Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders",
//! 2016).

use crate::data::Split;
use crate::error::Result;
use crate::model::Autoencoder;
use crate::show::{Content, Plot, Show, evcxr_display};
use candle_core::{DType, Tensor};

/// Variance above which a unit is active.
const THRESHOLD: f64 = 0.01;

/// The variance of each unit of the code over images, and the numbers of active and of constant
/// units. Renders as a chart of the variances.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(100, 20);
/// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
/// let units = ae.active_units(&data.test)?;
/// assert_eq!((units.variances.len(), units.constant), (8, 0));
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveUnits {
    /// Variance of each unit over the images.
    pub variances: Vec<f64>,
    /// Number of units with a variance above 0.01.
    pub active: usize,
    /// Number of units that are never active: they have the same value for every image.
    pub constant: usize,
}

impl ActiveUnits {
    /// Share of the units that have the same value for every image, in [0, 1].
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::ActiveUnits;
    /// let units = ActiveUnits { variances: vec![0.0, 1.5], active: 1, constant: 1 };
    /// assert_eq!(units.constant_share(), 0.5);
    /// ```
    pub fn constant_share(&self) -> f64 {
        self.constant as f64 / self.variances.len().max(1) as f64
    }

    /// Chart of the variances in descending order.
    ///
    /// # Examples
    /// ```
    /// use candlebook::evaluate::ActiveUnits;
    /// let units = ActiveUnits { variances: vec![0.0, 1.5], active: 1, constant: 1 };
    /// assert!(units.plot().to_svg()?.contains("1 of 2 units active"));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn plot(&self) -> Plot {
        let mut sorted = self.variances.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let n = sorted.len();
        let threshold = format!("active above {THRESHOLD}");
        Plot::new()
            .title(self.to_string())
            .line("variance", 1..n + 1, sorted)
            .line(threshold, [1, n], [THRESHOLD; 2])
            .x_label("units by variance")
            .y_label("variance over images")
    }

    /// True for each unit with a variance above 0.01.
    pub(super) fn flags(&self) -> Vec<bool> {
        self.variances.iter().map(|v| *v > THRESHOLD).collect()
    }

    /// # Shapes
    /// `codes` is (n, units).
    pub(super) fn of(codes: &Tensor) -> Result<Self> {
        let codes = codes.to_dtype(DType::F64)?;
        let centered = codes.broadcast_sub(&codes.mean_keepdim(0)?)?;
        let variances: Vec<f64> = centered.sqr()?.mean(0)?.to_vec1()?;
        let range = (codes.max(0)? - codes.min(0)?)?.to_vec1::<f64>()?;
        Ok(ActiveUnits {
            active: variances.iter().filter(|v| **v > THRESHOLD).count(),
            constant: range.iter().filter(|range| **range == 0.0).count(),
            variances,
        })
    }
}

impl std::fmt::Display for ActiveUnits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = self.variances.len();
        write!(
            f,
            "{} of {units} units active, {} constant",
            self.active, self.constant
        )
    }
}

impl Autoencoder {
    /// The active units of the code: those whose mean varies over the images of a split, with a
    /// variance above 0.01 (Burda, Grosse and Salakhutdinov, 2016). Values of a code of several
    /// dimensions are units too.
    ///
    /// # Errors
    /// The split is empty, or the images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!(ae.active_units(&data.test)?.active <= 8);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn active_units(&self, split: &Split) -> Result<ActiveUnits> {
        split.not_empty("active_units")?;
        ActiveUnits::of(&self.codes(split)?)
    }
}

impl Show for ActiveUnits {
    fn contents(&self) -> Result<Vec<Content>> {
        let (width, height) = (480, 280);
        let png = self.plot().size(width, height).to_png()?;
        let content = Content::text(self.to_string());
        Ok(vec![content.png(&png, width as usize, height as usize)])
    }
}
evcxr_display!(ActiveUnits);
