//! Search for a learning rate.

use super::checks::check;
use super::executor::Executor;
use super::executor_state::Positions;
use super::fit::Fit;
use super::step_settings::{executor, step_settings};
use crate::cell::check_stopped;
use crate::data::{Augment, Batches, Dataset};
use crate::error::{Error, Result};
use crate::math::{Purpose, Rng};
use crate::model::Autoencoder;
use crate::optim::{Average, Gradients};
use crate::show::{Content, DENSITY, Marker, Plot, Show, evcxr_display};

/// Decay of the mean loss.
const SMOOTHING: f64 = 0.98;
/// The search ends at a mean loss of this many times the lowest one.
const DIVERGED: f64 = 4.0;
/// Losses at the end that do not count: the steps in which training diverges.
const LAST: usize = 5;

/// Range of the learning rates of
/// [`find_learning_rate_in`](crate::model::Autoencoder::find_learning_rate_in).
///
/// # Examples
/// ```
/// use candlebook::train::RateRange;
/// let range = RateRange { highest: 1.0, ..Default::default() };
/// assert_eq!((range.lowest, range.steps), (1e-7, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRange {
    /// First learning rate, positive. Defaults to 1e-7.
    pub lowest: f64,
    /// Last learning rate, larger than the first one. Defaults to 10.
    pub highest: f64,
    /// Number of steps, 20 or more. Defaults to 100.
    pub steps: usize,
}

impl Default for RateRange {
    fn default() -> Self {
        RateRange {
            lowest: 1e-7,
            highest: 10.0,
            steps: 100,
        }
    }
}

impl RateRange {
    fn check(&self) -> Result<()> {
        let RateRange {
            lowest,
            highest,
            steps,
        } = *self;
        if !(lowest > 0.0 && lowest.is_finite()) {
            let (name, hint) = ("RateRange::lowest", "The default is 1e-7");
            return Err(Error::setting(name, "a positive number", lowest, hint));
        }
        if !(highest > lowest && highest.is_finite()) {
            let expected = format!("a number above {lowest}, the lowest rate");
            let (name, hint) = ("RateRange::highest", "The default is 10");
            return Err(Error::setting(name, expected, highest, hint));
        }
        if steps < 20 {
            let (name, hint) = ("RateRange::steps", "The default is 100");
            return Err(Error::setting(name, "at least 20", steps, hint));
        }
        Ok(())
    }

    /// Rate of a step: equal steps on a logarithmic axis.
    fn rate(&self, step: usize) -> f64 {
        self.lowest * (self.highest / self.lowest).powf(step as f64 / self.steps as f64)
    }
}

/// Result of a search for a learning rate. It renders itself as a chart of the loss over the rate, with
/// the suggestion marked.
#[derive(Clone, Debug, PartialEq)]
pub struct RateSearch {
    /// Learning rates that count, in the order of the steps.
    pub rates: Vec<f64>,
    /// Mean loss at each rate: a running mean over the steps so far.
    pub losses: Vec<f64>,
    /// Suggested learning rate: half way down the longest falling part of the losses (fastai's
    /// "valley"), about where they fall most steeply.
    pub suggestion: f64,
}

impl RateSearch {
    /// Search with these mean losses, from all steps.
    fn new(mut rates: Vec<f64>, mut losses: Vec<f64>, range: &RateRange) -> Self {
        // The first steps change nothing yet. A search that diverged at once keeps them.
        let end = losses.len().saturating_sub(LAST).max(1);
        rates.truncate(end);
        losses.truncate(end);
        let first = (range.steps / 10).min(end - 1);
        let (rates, losses) = (rates.split_off(first), losses.split_off(first));
        let suggestion = rates.get(valley(&losses)).copied();
        RateSearch {
            suggestion: suggestion.unwrap_or(range.lowest),
            rates,
            losses,
        }
    }

    /// Chart of the loss over the learning rate, with the suggestion marked.
    ///
    /// # Examples
    /// See [`Autoencoder::find_learning_rate`].
    pub fn plot(&self) -> Plot {
        let plot = Plot::new()
            .title("Learning rate")
            .x_label("learning rate")
            .y_label("loss")
            .log_x()
            .line("", &self.rates, &self.losses);
        let place = self.rates.iter().position(|rate| *rate == self.suggestion);
        let Some(loss) = place.and_then(|place| self.losses.get(place)) else {
            return plot;
        };
        let name = format!("suggestion, {:.1e}", self.suggestion);
        plot.scatter(name, [self.suggestion], [*loss])
            .marker(Marker::Ring)
    }
}

impl Show for RateSearch {
    fn contents(&self) -> Result<Vec<Content>> {
        let canvas = self.plot().canvas()?;
        let density = DENSITY as usize;
        let (width, height) = (canvas.width() / density, canvas.height() / density);
        let text = format!("suggested learning rate: {:.1e}", self.suggestion);
        Ok(vec![Content::text(text).png(
            &canvas.to_png()?,
            width,
            height,
        )])
    }
}
evcxr_display!(RateSearch);

impl Autoencoder {
    /// Searches for a learning rate: trains a copy of the model for 100 steps, with rates that rise
    /// exponentially from 1e-7 to 10, until the loss diverges (Smith, "Cyclical learning rates for
    /// training neural networks", 2017; fastai: `lr_find`). The model does not change.
    ///
    /// Optimizer, loss, batch size and seed are those of `fit`. It trains on all training images, without augmentation. The
    /// other settings do not matter.
    ///
    /// # Errors
    /// As [`Autoencoder::fit`]; [`Error::Stopped`] on Stop; a loss that is not finite in the first step.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let mut ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16), Relu])?;
    /// let fit = Fit { epochs: 1, batch_size: 20, ..Default::default() };
    /// let search = ae.find_learning_rate(&data, &fit)?;
    /// show(search.plot());
    /// ae.fit(&data, &Fit { learning_rate: search.suggestion, ..fit })?;
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn find_learning_rate(&self, data: &Dataset, fit: &Fit) -> Result<RateSearch> {
        self.find_learning_rate_in(data, fit, &RateRange::default())
    }

    /// Searches as [`Autoencoder::find_learning_rate`] does, in another range or number of steps.
    ///
    /// # Errors
    /// As [`Autoencoder::find_learning_rate`]; a range outside its own.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// use candlebook::train::RateRange;
    /// let data = mnist_embedded()?.take(200, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(16), Relu])?;
    /// let fit = Fit { batch_size: 20, ..Default::default() };
    /// let range = RateRange { lowest: 1e-5, highest: 1.0, steps: 60 };
    /// let search = ae.find_learning_rate_in(&data, &fit, &range)?;
    /// assert!((1e-5..1.0).contains(&search.suggestion));
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn find_learning_rate_in(
        &self,
        data: &Dataset,
        fit: &Fit,
        range: &RateRange,
    ) -> Result<RateSearch> {
        range.check()?;
        check(self, data, fit, false)?;
        let fit = Fit {
            average: Average::None,
            gradients: Gradients {
                accumulate: 1,
                ..fit.gradients
            },
            ..fit.clone()
        };
        let model = self.copy()?;
        rayon::scope(|_| {
            let settings =
                step_settings(&model, &fit, None, data.train.len(), Positions::default())?;
            let terms = vec![0.0; model.term_names().len()];
            sweep(&mut *executor(&model, settings)?, terms, data, &fit, range)
        })
    }
}

/// Trains until the loss diverges.
fn sweep(
    executor: &mut dyn Executor,
    mut terms: Vec<f64>,
    data: &Dataset,
    fit: &Fit,
    range: &RateRange,
) -> Result<RateSearch> {
    let mut shuffle = Rng::new(fit.seed, Purpose::Shuffle);
    let (mut rates, mut losses) = (Vec::new(), Vec::new());
    let (mut mean, mut lowest) = (0.0, f64::INFINITY);
    for epoch in 1.. {
        let order = shuffle.permutation(data.train.len());
        let seed = fit.seed;
        let augment = Some(Augment { seed, epoch });
        for batch in Batches::new(&data.train, order, fit.batch_size, augment)? {
            check_stopped()?;
            let step = rates.len();
            if step == range.steps {
                return Ok(RateSearch::new(rates, losses, range));
            }
            executor.set_learning_rate(range.rate(step));
            let loss = f64::from(executor.step(&batch?, &mut terms)?);
            mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
            let smooth = mean / (1.0 - SMOOTHING.powi(step as i32 + 1));
            if step == 0 && !loss.is_finite() {
                let hint = "Check data and weights: no step was taken yet";
                let expected = "a finite loss of the first batch";
                return Err(Error::setting("find_learning_rate", expected, loss, hint));
            }
            if smooth.is_nan() || smooth > DIVERGED * lowest {
                return Ok(RateSearch::new(rates, losses, range));
            }
            lowest = lowest.min(smooth);
            rates.push(range.rate(step));
            losses.push(smooth);
        }
    }
    Ok(RateSearch::new(rates, losses, range))
}

/// Position in the middle third of the longest valley, as fastai computes it: of the longest
/// subsequence of falling losses.
fn valley(losses: &[f64]) -> usize {
    let n = losses.len();
    let mut lengths = vec![1; n];
    let (mut start, mut end) = (0, 0);
    for i in 1..n {
        for j in 0..i {
            if losses[i] < losses[j] && lengths[i] < lengths[j] + 1 {
                lengths[i] = lengths[j] + 1;
            }
            if lengths[end] < lengths[i] {
                end = i;
                start = end as i64 - lengths[end];
            }
        }
    }
    let third = (end as i64 - start) as f64 / 3.0;
    let place = start + third as i64 + (third / 2.0) as i64;
    place.max(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of fastai's function, by the script in `tests/train/rate_search.rs`.
    #[test]
    fn the_valley_is_that_of_fastai() {
        for (seed, expected) in [(0, 51), (1, 50), (2, 57), (3, 58)] {
            let loss = |i: usize| {
                let x = i as f64;
                let fall = 1.0 / (1.0 + ((x - 50.0 - 5.0 * f64::from(seed)) / 6.0).exp());
                let rise = if i < 80 {
                    0.0
                } else {
                    (x - 80.0).powi(2) / 100.0
                };
                fall + 0.02 * (7.0 * x + f64::from(seed)).sin() + rise
            };
            let losses: Vec<f64> = (0..100).map(loss).collect();
            assert_eq!(valley(&losses), expected, "{seed}");
        }
        let short = [&[3.0, 2.0, 1.0][..], &[1.0, 2.0, 3.0], &[1.0]];
        assert_eq!(short.map(valley), [0; 3]);
    }

    #[test]
    fn ranges_outside_their_own_are_rejected() {
        let error = |range: RateRange| range.check().unwrap_err().to_string();
        let range = RateRange::default();
        assert_eq!(
            error(RateRange {
                lowest: 0.0,
                ..range
            }),
            "RateRange::lowest: expected a positive number, got 0. The default is 1e-7"
        );
        assert_eq!(
            error(RateRange {
                highest: 1e-8,
                ..range
            }),
            "RateRange::highest: expected a number above 0.0000001, the lowest rate, got 0.00000001. \
             The default is 10"
        );
        assert_eq!(
            error(RateRange { steps: 19, ..range }),
            "RateRange::steps: expected at least 20, got 19. The default is 100"
        );
    }
}
