//! Linear probe: how well a linear classifier tells labels by the code.

use crate::data::Dataset;
use crate::error::Result;
use crate::evaluate::labels::{Labeled, labels_of};
use crate::evaluate::softmax_regression::{Problem, Scaler};
use crate::model::Autoencoder;
use candle_core::Tensor;

/// Accuracies of a linear classifier of codes.
///
/// # Examples
/// ```
/// use candlebook::prelude::*;
/// let data = mnist_embedded()?.take(400, 100);
/// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
/// let probe = ae.linear_probe(&data)?;
/// assert!(probe.converged && probe.accuracy > 0.3);
/// # Ok::<(), candlebook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearProbe {
    /// Share of the test codes whose label is predicted, in [0, 1].
    pub accuracy: f64,
    /// Share of the training codes whose label is predicted, in [0, 1].
    pub train_accuracy: f64,
    /// Steps of L-BFGS.
    pub iterations: usize,
    /// True if the gradient vanished within 500 steps.
    pub converged: bool,
}

/// Trains a linear classifier on codes and measures it on others.
///
/// Multinomial logistic regression, p(class | z) = softmax(W z + b), minimizes the mean
/// cross-entropy plus |W|² / (2 n), on codes that are scaled to mean 0 and variance 1 over the
/// training codes. scikit-learn: `make_pipeline(StandardScaler(), LogisticRegression())`. It is
/// convex and solved from zeros by L-BFGS, so the result is always the same.
///
/// # Shapes
/// Codes are (n, d), labels (n).
///
/// # Errors
/// Codes of another shape or size, or with NaN; another number of labels than of codes; training
/// labels of one class only.
///
/// # Examples
/// ```
/// use candlebook::evaluate::linear_probe;
/// use candlebook::prelude::*;
/// let codes = Tensor::new(&[[-2f32], [-1.0], [1.0], [2.0]], &Device::Cpu)?;
/// let probe = linear_probe((&codes, &[0, 0, 1, 1]), (&codes, &[0, 0, 1, 0]))?;
/// assert_eq!((probe.train_accuracy, probe.accuracy), (1.0, 0.75));
/// # Ok::<(), candlebook::Error>(())
/// ```
pub fn linear_probe(train: (&Tensor, &[u32]), test: (&Tensor, &[u32])) -> Result<LinearProbe> {
    const WHAT: &str = "linear_probe";
    let mut train = Labeled::new(WHAT, train.0, train.1)?;
    let mut test = Labeled::new(WHAT, test.0, test.1)?;
    train.check_size(WHAT, &test)?;
    let classes = train.classes(WHAT)?;
    let scaler = Scaler::new(&train.codes, train.size);
    scaler.apply(&mut train.codes);
    scaler.apply(&mut test.codes);
    let target = |label: &u32| classes.partition_point(|class| class < label);
    let targets: Vec<usize> = train.labels.iter().map(target).collect();
    let training = Problem {
        inputs: &train.codes,
        size: train.size,
        targets: &targets,
        classes: classes.len(),
    };
    let minimum = training.solve()?;
    let testing = Problem {
        inputs: &test.codes,
        ..training
    };
    let accuracy = |problem: &Problem<'_>, labels: &[u32]| {
        let predicted = problem.predict(&minimum.point);
        let right = predicted
            .iter()
            .zip(labels)
            .filter(|(class, label)| classes[**class] == **label);
        right.count() as f64 / labels.len() as f64
    };
    Ok(LinearProbe {
        accuracy: accuracy(&testing, test.labels),
        train_accuracy: accuracy(&training, train.labels),
        iterations: minimum.iterations,
        converged: minimum.converged,
    })
}

impl Autoencoder {
    /// Accuracy of a linear classifier that is trained on the codes of the training images and
    /// measured on those of the test images: see [`linear_probe`].
    ///
    /// # Errors
    /// Images without labels; training labels of one class only; images without the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(400, 100);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// assert!(ae.linear_probe(&data)?.accuracy > 0.3);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn linear_probe(&self, data: &Dataset) -> Result<LinearProbe> {
        let train = labels_of("linear_probe", &data.train)?;
        let test = labels_of("linear_probe", &data.test)?;
        let codes = (self.codes(&data.train)?, self.codes(&data.test)?);
        linear_probe((&codes.0, &train), (&codes.1, &test))
    }
}
